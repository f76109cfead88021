"""Controls that hold numbers; no float ever does."""

# ruff: noqa: ARG002 -- every control keeps the signatures of the contract

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal, InvalidOperation
from typing import ClassVar

from flask_babel import get_locale, lazy_gettext
from flask_babel import gettext as _
from markupsafe import Markup, escape

from qtrace.conditions.tree import FieldKind
from qtrace.core.errors import Refused
from qtrace.core.money import SYMBOLS, Money, minor_digits, to_minor
from qtrace.forms.controls.text import PLACEHOLDER, Line
from qtrace.forms.registry import (
    MAX_SPELLING,
    MOST_DIGITS,
    MOST_NUMBER,
    Cell,
    Choice,
    Control,
    FieldDefinition,
    Option,
    OptionChoice,
    Samples,
    Sent,
    Storage,
    Value,
    as_decimal,
    cell_text,
)

MOST = MOST_NUMBER - 1
SHEET_DIGITS = 15
FEWEST_POINTS, MOST_POINTS = 2, 10
PROMOTER, DETRACTOR = 9, 6

UNIT = Option("unit", str, label_zh="单位", label_en="Unit")
DIGITS = Option("digits", int, label_zh="小数位数", label_en="Decimals", default=4, least=0, most=MOST_DIGITS)
LEAST = Option("min", Decimal, label_zh="最小值", label_en="Least")
MOST_OPTION = Option("max", Decimal, label_zh="最大值", label_en="Most")
STEP = Option(
    "step", Decimal, label_zh="步长", label_en="Step", help_zh="只收它的倍数,如 0.5。",
    help_en="Only its multiples are taken, like 0.5.", advanced=True,
)  # fmt: skip
END_WORDS = (
    Option("low_zh", str, label_zh="最低一端的文字", label_en="Words at the low end (Chinese)"),
    Option("low_en", str, label_zh="最低一端的文字(英文)", label_en="Words at the low end (English)", advanced=True),
    Option("high_zh", str, label_zh="最高一端的文字", label_en="Words at the high end (Chinese)"),
    Option("high_en", str, label_zh="最高一端的文字(英文)", label_en="Words at the high end (English)", advanced=True),
)


class NumberLine(Line):
    """A number typed into a line."""

    family = "number"
    storage = Storage.NUMBER
    inputmode = "decimal"

    def longest(self, field: FieldDefinition) -> int:
        """Return room for every spelling that is understood."""
        return MAX_SPELLING

    def check_options(self, options: Mapping[str, object]) -> list[str]:
        """Add that the bounds stand in order and the step is more than nothing."""
        return super().check_options(options) or check_order(options)


class Integer(NumberLine):
    """A whole number."""

    key, name_zh, name_en = "integer", "整数", "Integer"
    basic = True
    inputmode = "numeric"
    options: ClassVar[tuple[Option, ...]] = (UNIT, LEAST, MOST_OPTION, STEP, PLACEHOLDER)

    def samples(self, field: FieldDefinition) -> Samples:
        """Return numbers as people type them, and texts that are none."""
        wrong = ["3.5", "三", "1e99", str(MOST_NUMBER), "NaN"]
        right = ["1,200", "12", "0", "-7"]
        return Samples([Sent({field.id: [text]}) for text in right], [Sent({field.id: [text]}) for text in wrong])

    def parse(self, field: FieldDefinition, sent: Sent) -> Value:
        """Return the number inside the field's bounds."""
        text = sent.first(field.id)
        if not text:
            return None
        number = exact(text, 0)
        check_field(number, field)
        return int(number)

    def show(self, field: FieldDefinition, value: Value) -> str:
        """Return the number with its unit."""
        return with_unit(super().show(field, value), field)

    def to_cell(self, field: FieldDefinition, value: Value) -> Cell:
        """Return the bare number."""
        return value if isinstance(value, int) else None


class DecimalNumber(NumberLine):
    """A number with decimals and a unit, kept as its exact spelling."""

    key, name_zh, name_en = "decimal", "小数", "Decimal"
    basic = True
    options = (UNIT, DIGITS, LEAST, MOST_OPTION, STEP, PLACEHOLDER)

    def samples(self, field: FieldDefinition) -> Samples:
        """Return exact numbers, and texts that are none."""
        wrong = ["abc", "0.1234567", "1e400", "Infinity", "--1"]
        return Samples(
            [Sent({field.id: ["0.80"]}), Sent({field.id: ["12"]})], [Sent({field.id: [text]}) for text in wrong]
        )

    def parse(self, field: FieldDefinition, sent: Sent) -> Value:
        """Return the number's plain spelling."""
        text = sent.first(field.id)
        if not text:
            return None
        number = exact(text, field.number("digits", 4))
        check_field(number, field)
        return spelled(number, field)

    def show(self, field: FieldDefinition, value: Value) -> str:
        """Return the number with its unit."""
        return with_unit(super().show(field, value), field)

    def to_cell(self, field: FieldDefinition, value: Value) -> Cell:
        """Return the exact number."""
        return number_cell(value) if isinstance(value, str) else None


class Percent(NumberLine):
    """A share in percent: 12.5 means 12.5 %."""

    key, name_zh, name_en = "percent", "百分比", "Percent"
    basic = True
    icon = "percent"
    options = (replace(DIGITS, default=2), LEAST, MOST_OPTION)

    def samples(self, field: FieldDefinition) -> Samples:
        """Return shares with and without the sign, and ones beyond the whole."""
        wrong = ["101", "-1", "1/8", "12.345"]
        return Samples(
            [Sent({field.id: ["12.5%"]}), Sent({field.id: ["100"]})], [Sent({field.id: [text]}) for text in wrong]
        )

    def parse(self, field: FieldDefinition, sent: Sent) -> Value:
        """Return the share's plain spelling; 0 to 100 where the field sets no other bounds."""
        text = unicodedata.normalize("NFKC", sent.first(field.id)).rstrip("%").strip()
        if not text:
            return None
        number = exact(text, field.number("digits", 2))
        least, most = field.decimal("min"), field.decimal("max")
        check_bounds(number, Decimal(0) if least is None else least, Decimal(100) if most is None else most)
        return spelled(number, field)

    def after(self, field: FieldDefinition) -> str:
        """Return the sign behind the input."""
        return "%"

    def show(self, field: FieldDefinition, value: Value) -> str:
        """Return the share with its sign."""
        return f"{value}%" if isinstance(value, str) else "—"

    def to_cell(self, field: FieldDefinition, value: Value) -> Cell:
        """Return the number of percent."""
        return number_cell(value) if isinstance(value, str) else None


class MoneyAmount(NumberLine):
    """An amount of money in the field's currency."""

    key, name_zh, name_en = "money", "金额", "Money"
    storage = Storage.MONEY
    basic = True
    icon = "wallet"
    options = (
        Option(
            "currency", str, label_zh="货币", label_en="Currency", default="CNY",
            choices=tuple(OptionChoice(code, f"{code} {sign}", f"{code} {sign}") for code, sign in SYMBOLS.items()),
        ),
        Option("min", Decimal, label_zh="最小值", label_en="Least", default=0, help_zh="默认 0;要能填负数就写负的。",
               help_en="0 unless set; write a negative one to allow refunds."),
        MOST_OPTION,
    )  # fmt: skip

    def samples(self, field: FieldDefinition) -> Samples:
        """Return amounts as people paste them, and ones money can't have."""
        wrong = ["1.005", "-3", "免费", "1000000000000"]
        return Samples(
            [Sent({field.id: ["¥81.40"]}), Sent({field.id: ["1,299"]})], [Sent({field.id: [text]}) for text in wrong]
        )

    def parse(self, field: FieldDefinition, sent: Sent) -> Value:
        """Return minor units and currency."""
        text = sent.first(field.id).removeprefix("¥").removeprefix("¥").strip()
        if not text:
            return None
        currency = field.text("currency", "CNY")
        amount = exact(text, minor_digits(currency))
        least, most = field.decimal("min"), field.decimal("max")
        check_bounds(amount, Decimal(0) if least is None else least, Decimal(MOST) if most is None else most)
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

    def before(self, field: FieldDefinition) -> str:
        """Return the currency's sign for the input."""
        currency = field.text("currency", "CNY")
        return SYMBOLS.get(currency, currency)


class Measurement(NumberLine):
    """A measured value judged against its limits; the limits of that day are kept with it."""

    key, name_zh, name_en = "measurement", "测量值", "Measurement"
    storage = Storage.JSON_LIST
    compared_as = FieldKind.NUMBER
    icon = "target"
    options = (
        UNIT, DIGITS,
        Option("low", Decimal, label_zh="规格下限", label_en="Lower limit"),
        Option("high", Decimal, label_zh="规格上限", label_en="Upper limit"),
    )  # fmt: skip

    def starter(self) -> dict[str, object]:
        """Return a torque between its limits."""
        return {"unit": "N·m", "digits": 2, "low": "0.6", "high": "0.9"}

    def samples(self, field: FieldDefinition) -> Samples:
        """Return values inside and beyond the limits, and texts that measure nothing."""
        right = ["0.72", "1.05", "0.5"]
        return Samples(
            [Sent({field.id: [text]}) for text in right], [Sent({field.id: [text]}) for text in ("合格", "0.723")]
        )

    def check_options(self, options: Mapping[str, object]) -> list[str]:
        """Add that the limits stand in order."""
        return super().check_options(options) or check_order(options, "low", "high")

    def parse(self, field: FieldDefinition, sent: Sent) -> Value:
        """Return the value with the limits it was judged by and the verdict."""
        text = sent.first(field.id)
        if not text:
            return None
        number = exact(text, field.number("digits", 4))
        low, high = field.decimal("low"), field.decimal("high")
        passed = None if low is None and high is None else not is_beyond(number, low, high)
        limits = {name: f"{limit:f}" for name, limit in (("low", low), ("high", high)) if limit is not None}
        return {"value": spelled(number, field), "pass": passed, **limits}

    def send(self, field: FieldDefinition, value: Value) -> dict[str, list[str]]:
        """Return the measured number."""
        return {field.id: [str(value["value"])]} if isinstance(value, dict) else {}

    def show(self, field: FieldDefinition, value: Value) -> str:
        """Return the number with its unit, verdict and limits."""
        if not isinstance(value, dict):
            return "—"
        number = with_unit(str(value["value"]), field)
        verdict, limits = self.verdict(value), limits_text(value.get("low"), value.get("high"))
        return f"{number} {verdict} ({limits})" if verdict else number

    def to_html(self, field: FieldDefinition, value: Value) -> Markup:
        """Return the number with its verdict as a chip."""
        if not isinstance(value, dict) or not self.verdict(value):
            return escape(self.show(field, value))
        kind, limits = "ok" if value.get("pass") else "bad", limits_text(value.get("low"), value.get("high"))
        number = with_unit(str(value["value"]), field)
        return Markup('{} <span class="chip {}">{}</span> <small>{}</small>').format(
            number, kind, self.verdict(value), limits
        )

    def verdict(self, value: Value) -> str:
        """Return the verdict in a word; nothing where there was no limit."""
        if not isinstance(value, dict) or value.get("pass") is None:
            return ""
        if value["pass"]:
            return _("合格")
        low = value.get("low")
        return _("偏低") if isinstance(low, str) and Decimal(str(value["value"])) < Decimal(low) else _("偏高")

    def to_condition(self, field: FieldDefinition, value: Value) -> object:
        """Return the measured number."""
        return Decimal(str(value["value"])) if isinstance(value, dict) else None

    def to_cell(self, field: FieldDefinition, value: Value) -> Cell:
        """Return the measured number; the limits are the field's."""
        return number_cell(str(value["value"])) if isinstance(value, dict) else None


class Points(Control):
    """One of a few whole numbers, each a tap away."""

    family = "number"
    storage = Storage.NUMBER
    grouped = True
    lowest: ClassVar[int] = 1

    @property
    def template(self) -> str:
        """Return the piece all rows of points share."""
        return "forms/controls/points.html"

    def highest(self, field: FieldDefinition) -> int:
        """Return the largest number."""
        return field.number("points", 5)

    def choices(self, field: FieldDefinition) -> Sequence[Choice]:
        """Return the numbers in order."""
        return [Choice(str(n), str(n)) for n in range(self.lowest, self.highest(field) + 1)]

    def ends(self, field: FieldDefinition) -> tuple[str, str]:
        """Return the words at both ends in the reader's language."""
        low, high = _local(field, "low"), _local(field, "high")
        return low, high

    def samples(self, field: FieldDefinition) -> Samples:
        """Return both ends, and numbers beyond them."""
        right, wrong = [self.lowest, self.highest(field)], [self.lowest - 1, self.highest(field) + 1, "很好"]
        return Samples([Sent({field.id: [str(n)]}) for n in right], [Sent({field.id: [str(n)]}) for n in wrong])

    def parse(self, field: FieldDefinition, sent: Sent) -> Value:
        """Return the number; refuse one that can't be tapped."""
        text = sent.first(field.id)
        return whole(text, self.lowest, self.highest(field)) if text else None

    def show(self, field: FieldDefinition, value: Value) -> str:
        """Return the number of how many."""
        return f"{value} / {self.highest(field)}" if isinstance(value, int) else "—"

    def to_cell(self, field: FieldDefinition, value: Value) -> Cell:
        """Return the bare number."""
        return value if isinstance(value, int) else None


class Scale(Points):
    """Agreement or degree on a few points with words at the ends."""

    key, name_zh, name_en = "scale", "量表", "Scale"
    icon = "sliders"
    options = (
        Option("points", int, label_zh="几级", label_en="Points", default=5, least=FEWEST_POINTS, most=MOST_POINTS),
        *END_WORDS,
    )

    def starter(self) -> dict[str, object]:
        """Return five points of agreement."""
        return {"points": 5, "low_zh": "非常不同意", "low_en": "Disagree", "high_zh": "非常同意", "high_en": "Agree"}


class Rating(Points):
    """Stars."""

    key, name_zh, name_en = "rating", "星级", "Rating"
    icon = "star"
    options = (Option("points", int, label_zh="几颗星", label_en="Stars", default=5, least=3, most=MOST_POINTS),)

    @property
    def template(self) -> str:
        """Return the row of stars."""
        return "forms/controls/rating.html"

    def to_html(self, field: FieldDefinition, value: Value) -> Markup:
        """Return the stars, with the number for those who can't see them."""
        if not isinstance(value, int):
            return escape("—")
        most = self.highest(field)
        stars = "★" * min(value, most) + "☆" * max(0, most - value)
        return Markup('<span class="stars" role="img" aria-label="{}">{}</span>').format(self.show(field, value), stars)


class Nps(Points):
    """How likely somebody is to recommend us, 0 to 10."""

    key, name_zh, name_en = "nps", "推荐值 NPS", "NPS"
    icon = "smile"
    options = END_WORDS
    lowest = 0

    def highest(self, field: FieldDefinition) -> int:
        """Return ten, as everybody counts it."""
        return 10

    def ends(self, field: FieldDefinition) -> tuple[str, str]:
        """Return the usual words where the field has none of its own."""
        low, high = super().ends(field)
        return low or _("完全不会推荐"), high or _("一定会推荐")

    def show(self, field: FieldDefinition, value: Value) -> str:
        """Return the number and the group it falls into."""
        if not isinstance(value, int):
            return "—"
        group = _("推荐者") if value >= PROMOTER else _("贬损者") if value <= DETRACTOR else _("中立者")
        return f"{value} {group}"


class Tally(Integer):
    """A count kept by tapping: plus one for each piece seen."""

    key, name_zh, name_en = "tally", "计数", "Tally"
    basic = False
    icon = "plus"
    options: ClassVar[tuple[Option, ...]] = (UNIT, MOST_OPTION)

    @property
    def template(self) -> str:
        """Return the counter with its two buttons."""
        return "forms/controls/tally.html"

    def samples(self, field: FieldDefinition) -> Samples:
        """Return counts, and what can't be one."""
        return Samples(
            [Sent({field.id: ["0"]}), Sent({field.id: ["17"]})], [Sent({field.id: [t]}) for t in ("-1", "2.5")]
        )

    def parse(self, field: FieldDefinition, sent: Sent) -> Value:
        """Return the count; nothing is less than none."""
        text = sent.first(field.id)
        most = field.decimal("max")
        return whole(text, 0, MOST if most is None else most) if text else None


class AffectedQty(Control):
    """How many were bad of how many checked; the rate follows."""

    key, name_zh, name_en = "affected_qty", "不良数量", "Affected quantity"
    family = "quality"
    basic = True
    icon = "percent"
    storage = Storage.JSON_LIST
    compared_as = FieldKind.NUMBER
    grouped = True
    not_in_rows = lazy_gettext("一行里放不下两个数。子表中请用两个整数字段。")
    options = (
        Option("compares", str, label_zh="筛选时比较", label_en="Filters compare", default="bad", advanced=True,
               choices=(OptionChoice("bad", "不良数量", "How many were bad"), OptionChoice("rate", "不良率(%)", "The rate in %"))),
        Option("need_checked", bool, label_zh="必须填检查数量", label_en="The number checked is needed", default=False),
    )  # fmt: skip

    def samples(self, field: FieldDefinition) -> Samples:
        """Return counts as people type them, and pairs that can't be."""
        right = [("3", "20"), ("1,200", ""), ("0", "５０")]
        wrong = [("21", "20"), ("", "20"), ("-1", "5"), ("两", "5"), ("1.5", "5")]
        return Samples([_counts(field, *pair) for pair in right], [_counts(field, *pair) for pair in wrong])

    def to_condition(self, field: FieldDefinition, value: Value) -> object:
        """Return how many were bad, or the rate in percent where the field compares by that."""
        bad = value.get("bad") if isinstance(value, Mapping) else None
        checked = value.get("checked") if isinstance(value, Mapping) else None
        if field.text("compares") != "rate" or not isinstance(bad, int):
            return bad
        return round(Decimal(bad * 100) / checked, MOST_DIGITS) if isinstance(checked, int) and checked else None

    def parse(self, field: FieldDefinition, sent: Sent) -> Value:
        """Return both counts; more bad than checked is refused."""
        texts = [sent.first(f"{field.id}.bad"), sent.first(f"{field.id}.checked")]
        if not any(texts):
            return None
        bad, checked = (whole(text, 0, MOST) if text else None for text in texts)
        if bad is None:
            raise Refused(_("请填写不良数量,或把两个数都清空。"))
        if checked is None and field.flag("need_checked"):
            raise Refused(_("请填写检查数量。"))
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


def _counts(field: FieldDefinition, bad: str, checked: str) -> Sent:
    return Sent({f"{field.id}.bad": [bad], f"{field.id}.checked": [checked]})


def whole(text: str, least: int | Decimal, most: int | Decimal) -> int:
    """Read a whole number between two bounds; full-width digits and thousands commas count."""
    number = exact(text, 0)
    check_bounds(number, least, most)
    return int(number)


def exact(text: str, digits: int) -> Decimal:
    """Read a number with at most this many decimals, small enough that any column can hold it."""
    plain = unicodedata.normalize("NFKC", text).replace(",", "").strip()
    try:
        number = Decimal(plain) if len(plain) <= MAX_SPELLING else Decimal("NaN")
    except InvalidOperation:
        number = Decimal("NaN")
    exponent = number.as_tuple().exponent
    if not isinstance(exponent, int) or exponent < -MAX_SPELLING:
        raise Refused(_("「%(text)s」不是数字。请只填数字。", text=text[:MAX_SPELLING]))
    if abs(number) >= MOST_NUMBER:
        raise Refused(_("数字太大了。最多 12 位整数。"))
    kept = Decimal(1).scaleb(-min(digits, MOST_DIGITS))
    if number != number.quantize(kept):
        raise Refused(_("请填整数。") if digits == 0 else _("最多 %(digits)d 位小数。", digits=digits))
    return 0 + (number.quantize(kept) if -exponent > MOST_DIGITS or -exponent > digits else number)  # never minus zero


def spelled(number: Decimal, field: FieldDefinition) -> str:
    """Return the one way a number is kept: with the field's decimals where it fixes them, else without idle zeros."""
    digits = field.options.get("digits")
    if isinstance(digits, int):
        return f"{number.quantize(Decimal(1).scaleb(-min(digits, MOST_DIGITS))):f}"
    return f"{number.normalize():f}"


def number_cell(spelling: str) -> Cell:
    """Return a number as a cell; one with more digits than a sheet keeps goes as text."""
    number = Decimal(spelling)
    return number if len(number.as_tuple().digits) <= SHEET_DIGITS else spelling


def check_bounds(number: Decimal, least: int | Decimal, most: int | Decimal) -> None:
    """Refuse a number outside its bounds."""
    if number < least:
        raise Refused(_("不能小于 %(least)s。", least=f"{Decimal(least):f}"))
    if number > most:
        raise Refused(_("不能大于 %(most)s。", most=f"{Decimal(most):f}"))


def check_field(number: Decimal, field: FieldDefinition) -> None:
    """Refuse a number outside the field's own bounds or between its steps."""
    least, most, step = field.decimal("min"), field.decimal("max"), field.decimal("step")
    check_bounds(number, -MOST if least is None else least, MOST if most is None else most)
    if step and (number - (least or 0)) % step:
        raise Refused(_("请按 %(step)s 的步长填写。", step=f"{step:f}"))


def check_order(options: Mapping[str, object], low: str = "min", high: str = "max") -> list[str]:
    """Return what is wrong with two bounds and the step."""
    least, most, step = (
        as_decimal(value) if isinstance(value := options.get(name), int | str) else None for name in (low, high, "step")
    )
    wrong = [_("最小值不能大于最大值。")] if least is not None and most is not None and least > most else []
    return wrong + ([_("步长要大于 0。")] if step is not None and step <= 0 else [])


def is_beyond(number: Decimal, low: Decimal | None, high: Decimal | None) -> bool:
    """Say whether a number lies outside its limits; a limit itself is inside."""
    return (low is not None and number < low) or (high is not None and number > high)


def limits_text(low: object, high: object) -> str:
    """Return limits as people write them: 0.6–0.9, ≥ 0.6, ≤ 0.9."""
    if low is not None and high is not None:
        return f"{low}–{high}"
    return f"≥ {low}" if low is not None else f"≤ {high}" if high is not None else ""


def with_unit(text: str, field: FieldDefinition) -> str:
    """Return the shown number followed by the field's unit."""
    unit = field.text("unit")
    return f"{text} {unit}" if unit and text != "—" else text


def as_money(value: Value) -> Money | None:
    """Return a stored amount as money."""
    if not isinstance(value, dict) or not isinstance(value.get("minor"), int):
        return None
    return Money(int(value["minor"] or 0), str(value.get("currency") or "CNY"))


def _local(field: FieldDefinition, name: str) -> str:
    english = str(get_locale() or "zh").startswith("en")
    return (field.text(f"{name}_en") if english else "") or field.text(f"{name}_zh")
