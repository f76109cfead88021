"""Records of one kind read field by field and checked, so that what cannot be stored is refused with its reason."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import partial
from operator import attrgetter
from typing import Any

from flask_babel import gettext as _

from qtrace.core.money import minor_digits
from qtrace.orders.fields import label

Value = str | int | bool | date | datetime | None
Column = Sequence[Any]
Fields = Mapping[str, Column]

MAX_ID = 120
MAX_TEXT = 100_000
MAX_COUNT = 2_000_000_000
MAX_MINOR = 10**15
EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
AHEAD = timedelta(days=5 * 366)


class UnfitError(Exception):
    """The record cannot be stored; the message says why and what to do."""


@dataclass(frozen=True)
class Scope:
    """What a batch is checked against: the shop, its money, and the moment."""

    shop_id: int
    currency: str
    now: datetime
    order_currency: Mapping[str, str]

    def currencies(self, orders: Sequence[str]) -> list[str]:
        """Return the currency each order's amounts are in."""
        return [self.order_currency.get(order, self.currency) for order in orders]


@dataclass
class Facts:
    """Records of one kind, field by field, while they are read; one that cannot be stored keeps its first reason."""

    kind: str
    fields: Fields
    size: int
    scope: Scope
    refused: dict[int, str] = field(default_factory=dict)

    def each(self, read: Callable[..., Any], *columns: Column) -> list[Any]:
        """Read the values one by one; what is refused becomes None."""
        found = []
        for at, values in enumerate(zip(*columns, strict=True)):
            try:
                found.append(read(*values))
            except UnfitError as error:
                self.refused.setdefault(at, str(error))
                found.append(None)
        return found

    def distinct(self, read: Callable[[Any], Any], column: Column) -> list[Any]:
        """Read every different value once, or one by one as soon as any is refused."""
        try:
            known = {value: read(value) for value in set(column)}
        except (UnfitError, TypeError):  # a signalling NaN has no hash
            return self.each(read, column)
        return [known[value] for value in column]

    def all(self, value: Value) -> Column:
        """Return a column that says the same everywhere."""
        return [value] * self.size

    def text(self, name: str) -> Column:
        """Return a field as it was said; its length is checked against the table later."""
        return self.fields[name]

    def keys(self, name: str = "external_id") -> Column:
        """Return a field that must not be empty and names the row or another one."""
        column = self.fields[name]
        return column if all(column) and fits(column, MAX_ID) else self.each(partial(_key, self.kind, name), column)

    def names(self, name: str) -> Column:
        """Return a field that may name another row."""
        column = self.fields[name]
        return column if fits(column, MAX_ID) else self.each(partial(_name, self.kind, name), column)

    def others(self, name: str) -> Column:
        """Return a field that may name another row of the same kind, never the row itself."""
        self.each(partial(_another, self.kind, name), self.fields["external_id"], self.fields[name])
        return self.names(name)

    def money(self, name: str, currencies: Sequence[str]) -> Column:
        """Return amounts in minor units of their currencies."""
        column = self.fields[name]
        if len(set(currencies)) == 1:
            return self.distinct(partial(_money, self.kind, name, currencies[0]), column)
        return self.each(partial(_money, self.kind, name), currencies, column)

    def counts(self, name: str, *, least: int = 0) -> Column:
        """Return numbers of pieces."""
        return self.distinct(partial(_count, self.kind, name, least), self.fields[name])

    def times(self, name: str) -> Column:
        """Return times in UTC."""
        column = self.fields[name]
        said = [at for at in column if at is not None]
        plain = {UTC}.issuperset(map(attrgetter("tzinfo"), said))
        if plain and (not said or (min(said) >= EARLIEST and max(said) <= self.scope.now + AHEAD)):
            return column
        return self.each(partial(_time, self.kind, name, self.scope.now), column)

    def days(self, name: str, ahead: timedelta = AHEAD) -> Column:
        """Return days that can be true."""
        return self.distinct(partial(_day, self.kind, name, self.scope.now + ahead), self.fields[name])

    def choices(self, name: str, allowed: set[str]) -> Column:
        """Return one of a few words each, or nothing."""
        return self.distinct(partial(_choice, self.kind, name, allowed), self.fields[name])

    def currency_codes(self) -> Column:
        """Return the currencies said, three capital letters each, or nothing."""
        return self.distinct(partial(_currency, self.kind), self.fields["currency"])

    def numbers(self, name: str, allowed: range, message: Callable[[int], str]) -> Column:
        """Return numbers of a small range."""
        return self.distinct(partial(_within, allowed, message), self.fields[name])


def storable(text: str) -> bool:
    """Say whether both databases can keep this text."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return "\x00" not in text


def fits(column: Column, longest: int) -> bool:
    """Say whether these are all texts that can be stored; looking at them as one is fastest."""
    try:
        whole = "".join(column)
    except TypeError:  # a value that was refused before
        return False
    return max(map(len, column), default=0) <= longest and storable(whole)


def _key(kind: str, name: str, value: str) -> str:
    if not value:
        raise UnfitError(_("「%(field)s」是空的。", field=label(kind, name)))
    return _name(kind, name, value)


def _name(kind: str, name: str, value: str) -> str:
    if len(value) > MAX_ID:
        raise UnfitError(
            _("「%(field)s」有 %(n)s 个字符,最多 %(max)s 个。", field=label(kind, name), n=len(value), max=MAX_ID)
        )
    if not storable(value):
        raise UnfitError(_("「%(field)s」里有无法保存的字符,请清理后重新导入。", field=label(kind, name)))
    return value


def _another(kind: str, name: str, key: str, value: str) -> None:
    if value and value == key:
        raise UnfitError(_("「%(field)s」不能是它自己:%(value)s。", field=label(kind, name), value=value))


def _money(kind: str, name: str, currency: str | None, amount: Decimal | None) -> int | None:
    if amount is None or currency is None:  # no currency: the record is refused for that already
        return None
    digits = minor_digits(currency)
    if not amount.is_finite() or abs(amount) >= MAX_MINOR:
        raise UnfitError(_("「%(field)s」不是合理的金额:%(value)s。", field=label(kind, name), value=amount))
    minor = amount.scaleb(digits)
    if minor != int(minor):
        raise UnfitError(
            _(
                "「%(field)s」%(value)s 超过 %(digits)s 位小数,%(currency)s 存不下,不会自动四舍五入。",
                field=label(kind, name), value=amount, digits=digits, currency=currency,
            )
        )  # fmt: skip
    return int(minor)


def _count(kind: str, name: str, least: int, number: int | None) -> int | None:
    if number is not None and not least <= number <= MAX_COUNT:
        raise UnfitError(
            _(
                "「%(field)s」必须在 %(least)s 以上,不能是 %(value)s。",
                field=label(kind, name),
                least=least,
                value=number,
            )
        )
    return number


def _time(kind: str, name: str, now: datetime, at: datetime | None) -> datetime | None:
    if at is None:
        return None
    if at.tzinfo is None:
        raise UnfitError(_("「%(field)s」没有时区。", field=label(kind, name)))
    if not EARLIEST <= at <= now + AHEAD:
        raise UnfitError(
            _("「%(field)s」%(value)s 不合理:早于 2000 年或晚于五年后。", field=label(kind, name), value=at.date())
        )
    return at.astimezone(UTC)


def _day(kind: str, name: str, last: datetime, day: date | None) -> date | None:
    if day is not None and not EARLIEST.date() <= day <= last.date():
        raise UnfitError(_("「%(field)s」%(value)s 不合理,请检查年份。", field=label(kind, name), value=day))
    return day


def _choice(kind: str, name: str, allowed: set[str], value: str) -> str:
    if value and value not in allowed:
        raise UnfitError(
            _(
                "「%(field)s」不认识「%(value)s」,可用的有:%(allowed)s。",
                field=label(kind, name), value=value, allowed="、".join(sorted(allowed)),
            )
        )  # fmt: skip
    return value


def _within(allowed: range, message: Callable[[int], str], value: int) -> int:
    if value not in allowed:
        raise UnfitError(message(value))
    return value


def _currency(kind: str, value: str) -> str:
    if value and not (len(value) == 3 and value.isascii() and value.isalpha() and value.isupper()):
        raise UnfitError(
            _(
                "「%(field)s」要写成三个大写字母,例如 CNY,不能是「%(value)s」。",
                field=label(kind, "currency"),
                value=value,
            )
        )
    return value
