"""Controls that hold numbers; no float ever does."""

# ruff: noqa: ARG002 -- every control keeps the signatures of the contract

import unicodedata
from decimal import Decimal, InvalidOperation

from flask_babel import gettext as _
from flask_babel import lazy_gettext

from qtrace.core.errors import Refused
from qtrace.core.money import SYMBOLS, Money, minor_digits, to_minor
from qtrace.forms.registry import (
    MAX_SPELLING,
    MOST_NUMBER,
    Cell,
    Control,
    FieldDefinition,
    Option,
    Sent,
    Storage,
    Value,
    cell_text,
)

MOST = MOST_NUMBER - 1


class Integer(Control):
    """A whole number."""

    key, name_zh, name_en = "integer", "整数", "Integer"
    storage = Storage.NUMBER
    options = (Option("min", int), Option("max", int), Option("unit", str))

    def parse(self, field: FieldDefinition, sent: Sent) -> Value:
        """Return the number inside the field's bounds."""
        text = sent.first(field.id)
        return whole(text, field.number("min", -MOST), field.number("max", MOST)) if text else None

    def show(self, field: FieldDefinition, value: Value) -> str:
        """Return the number with its unit."""
        return with_unit(super().show(field, value), field)

    def to_cell(self, field: FieldDefinition, value: Value) -> Cell:
        """Return the bare number."""
        return value if isinstance(value, int) else None


class DecimalNumber(Control):
    """A number with decimals and a unit, kept as its exact spelling."""

    key, name_zh, name_en = "decimal", "小数", "Decimal"
    storage = Storage.NUMBER
    options = (Option("digits", int), Option("min", int), Option("max", int), Option("unit", str))

    def parse(self, field: FieldDefinition, sent: Sent) -> Value:
        """Return the number's plain spelling."""
        text = sent.first(field.id)
        if not text:
            return None
        number = exact(text, field.number("digits", 4))
        check_bounds(number, field.number("min", -MOST), field.number("max", MOST))
        return f"{number:f}"

    def show(self, field: FieldDefinition, value: Value) -> str:
        """Return the number with its unit."""
        return with_unit(super().show(field, value), field)

    def to_cell(self, field: FieldDefinition, value: Value) -> Cell:
        """Return the exact number."""
        return Decimal(value) if isinstance(value, str) else None


class MoneyAmount(Control):
    """An amount of money in the field's currency."""

    key, name_zh, name_en = "money", "金额", "Money"
    storage = Storage.MONEY
    options = (Option("currency", str), Option("min", int))

    def parse(self, field: FieldDefinition, sent: Sent) -> Value:
        """Return minor units and currency."""
        text = sent.first(field.id).removeprefix("¥").removeprefix("¥").strip()
        if not text:
            return None
        currency = field.text("currency", "CNY")
        amount = exact(text, minor_digits(currency))
        check_bounds(amount, field.number("min", 0), MOST)
        return {"minor": to_minor(amount, currency), "currency": currency}

    def send(self, field: FieldDefinition, value: Value) -> dict[str, list[str]]:
        """Return the amount in major units."""
        money = as_money(value)
        return {field.id: [f"{money.amount:f}"]} if money else {}

    def show(self, field: FieldDefinition, value: Value) -> str:
        """Return the amount with its sign."""
        return str(as_money(value) or "—")

    def to_cell(self, field: FieldDefinition, value: Value) -> Cell:
        """Return the amount as a number."""
        money = as_money(value)
        return money.amount if money else None

    def symbol(self, field: FieldDefinition) -> str:
        """Return the currency's sign for the input."""
        currency = field.text("currency", "CNY")
        return SYMBOLS.get(currency, currency)


class AffectedQty(Control):
    """How many were bad of how many checked; the rate follows."""

    key, name_zh, name_en = "affected_qty", "不良数量", "Affected quantity"
    storage = Storage.JSON_LIST
    grouped = True
    not_in_rows = lazy_gettext("一行里放不下两个数。子表中请用两个整数字段。")

    def parse(self, field: FieldDefinition, sent: Sent) -> Value:
        """Return both counts; more bad than checked is refused."""
        texts = [sent.first(f"{field.id}.bad"), sent.first(f"{field.id}.checked")]
        if not any(texts):
            return None
        bad, checked = (whole(text, 0, MOST) if text else None for text in texts)
        if bad is None:
            raise Refused(_("请填写不良数量,或把两个数都清空。"))
        if checked is not None and bad > checked:
            raise Refused(_("不良 %(bad)d 件多于检查 %(checked)d 件。请核对两个数。", bad=bad, checked=checked))
        return {"bad": bad, "checked": checked}

    def send(self, field: FieldDefinition, value: Value) -> dict[str, list[str]]:
        """Return both counts under their input names."""
        counts = value if isinstance(value, dict) else {}
        return {f"{field.id}.{name}": [str(count)] for name, count in counts.items() if count is not None}

    def show(self, field: FieldDefinition, value: Value) -> str:
        """Return the counts and the rate."""
        if not isinstance(value, dict):
            return "—"
        bad, checked = value.get("bad"), value.get("checked")
        if not isinstance(checked, int) or not isinstance(bad, int) or not checked:
            return f"{bad} / —"
        return f"{bad} / {checked} ({Decimal(bad * 100) / checked:.1f}%)"

    def to_cell(self, field: FieldDefinition, value: Value) -> Cell:
        """Return 3/20."""
        if not isinstance(value, dict):
            return None
        checked = value.get("checked")
        return f"{value.get('bad')}/{'' if checked is None else checked}"

    def from_cell(self, field: FieldDefinition, cell: Cell) -> Value:
        """Read 3/20 or 3."""
        bad, _slash, checked = ("" if cell is None else cell_text(cell)).partition("/")
        return self.parse(field, Sent({f"{field.id}.bad": [bad], f"{field.id}.checked": [checked]}))


def whole(text: str, least: int, most: int) -> int:
    """Read a whole number between two bounds; full-width digits and thousands commas count."""
    number = exact(text, 0)
    check_bounds(number, least, most)
    return int(number)


def exact(text: str, digits: int) -> Decimal:
    """Read a number with at most this many decimals."""
    plain = unicodedata.normalize("NFKC", text).replace(",", "").strip()
    try:
        number = Decimal(plain) if len(plain) <= MAX_SPELLING else Decimal("NaN")
    except InvalidOperation:
        number = Decimal("NaN")
    exponent = number.as_tuple().exponent
    if not isinstance(exponent, int) or abs(number) > MOST or exponent < -MAX_SPELLING:
        raise Refused(_("「%(text)s」不是数字。请只填数字。", text=text[:MAX_SPELLING]))
    if -exponent > digits and number != number.quantize(Decimal(1).scaleb(-digits)):
        if digits == 0:
            raise Refused(_("请填整数。"))
        raise Refused(_("最多 %(digits)d 位小数。", digits=digits))
    return number.quantize(Decimal(1).scaleb(-digits)) if -exponent > digits else number


def check_bounds(number: Decimal, least: int, most: int) -> None:
    """Refuse a number outside its bounds."""
    if number < least:
        raise Refused(_("不能小于 %(least)d。", least=least))
    if number > most:
        raise Refused(_("不能大于 %(most)d。", most=most))


def with_unit(text: str, field: FieldDefinition) -> str:
    """Return the shown number followed by the field's unit."""
    unit = field.text("unit")
    return f"{text} {unit}" if unit and text != "—" else text


def as_money(value: Value) -> Money | None:
    """Return a stored amount as money."""
    if not isinstance(value, dict) or not isinstance(value.get("minor"), int):
        return None
    return Money(int(value["minor"] or 0), str(value.get("currency") or "CNY"))
