"""What rules may ask beyond the record: packages that own the facts register how to ask them.

`register_facts` says what the records of one kind of form know; `register_known` and `register_link` what the master data
knows. A question nobody registered an answer to is answered with None, and the rule that asked it stays silent.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Literal, Protocol

from flask import Flask, current_app
from flask_babel import gettext as _

from qtrace.calendars.engine import WorkCalendar, business_minutes
from qtrace.calendars.service import calendar_of
from qtrace.forms.definition import FormDefinition
from qtrace.forms.registry import Value, controls
from qtrace.rules.subject import columns_of
from qtrace.sdk.rules import Limits, Match

FACTS, KNOWN, LINKS, LIMITS = "qtrace_rule_facts", "qtrace_rule_known", "qtrace_rule_links", "qtrace_rule_limits"
STAGES, CLOSE = "qtrace_rule_stages", "close"
MOST_CHOICES = 500  # a list that is longer is cut where it is shown, so it can't say that a choice is retired

MOST_DIGITS = 6

Link = Literal["lot_of_sku", "sku_in_order"]


@dataclass(frozen=True)
class AskedForm:
    """The form whose records are asked about."""

    id: int
    key: str
    kind: str
    definition: FormDefinition


@dataclass(frozen=True)
class Sample:
    """A record a rule can be tried on: its number and address, and its values as a browser or an import would give them."""

    number: str
    url: str
    columns: Mapping[str, Value] = field(default_factory=dict)
    answers: Mapping[str, Value] = field(default_factory=dict)
    record_id: int | None = None


class Facts(Protocol):
    """What the records of one kind of form know. Values are given as conditions see them; `besides` is left out."""

    def twin(
        self, form: AskedForm, name: str, value: object, *, same: Mapping[str, object], since: datetime | None,
        besides: int | None,
    ) -> Match | None:  # fmt: skip
        """Return a record whose field has the value and whose `same` fields are equal."""

    def alike(
        self, form: AskedForm, values: Mapping[str, object], *, since: datetime | None, besides: int | None
    ) -> Match | None:
        """Return a record with all these values."""

    def recent_numbers(
        self, form: AskedForm, name: str, *, same: Mapping[str, object], most: int, besides: int | None
    ) -> Sequence[Decimal]:
        """Return the newest values of a numeric field."""

    def history(self, form: AskedForm, record_id: int) -> Mapping[str, Sequence[object]]:
        """Return the earlier values of each field of a record, oldest first."""

    def newest(self, form: AskedForm, most: int) -> Sequence[Sample]:
        """Return the newest records."""

    def by_number(self, form: AskedForm, number: str) -> Sample | None:
        """Return the record with this number."""


def register_facts(app: Flask, form_kind: str, facts: Facts) -> None:
    """Say what the records of forms of this kind know; "*" stands for every kind that has nothing of its own."""
    app.extensions.setdefault(FACTS, {})[form_kind] = facts


def register_known(app: Flask, kind: str, is_known: Callable[[object], bool]) -> None:
    """Say how to find out whether master data of a kind has an id (int) or a code (str)."""
    app.extensions.setdefault(KNOWN, {})[kind] = is_known


def register_link(app: Flask, name: Link, holds: Callable[[object, object], bool | None]) -> None:
    """Say how to find out whether two pieces of master data belong together; None when one of them is unknown."""
    app.extensions.setdefault(LINKS, {})[name] = holds


def register_limits(
    app: Flask, limits: Callable[[AskedForm, str, Mapping[str, object], datetime], Limits | None]
) -> None:
    """Say how to find the limits a quality standard sets for a measured name of a record with these values."""
    app.extensions[LIMITS] = limits


def register_stages(app: Flask, form_kind: str, stages: Callable[[], Sequence[tuple[str, str]]]) -> None:
    """Say which stages a record of this kind goes through, each with what people call it."""
    app.extensions.setdefault(STAGES, {})[form_kind] = stages


def stages_of(form_kind: str) -> list[tuple[str, str]]:
    """Return the stages of a kind of form; every record can at least be finished."""
    known: Mapping[str, Callable[[], Sequence[tuple[str, str]]]] = current_app.extensions.get(STAGES, {})
    stages = known.get(form_kind) or known.get("*")
    return [*(stages() if stages else ()), (CLOSE, _("结案(完成)"))]


def facts_of(form: AskedForm) -> Facts | None:
    """Return what the records of this form know, None when nobody said."""
    known: Mapping[str, Facts] = current_app.extensions.get(FACTS, {})
    return known.get(form.kind) or known.get("*")


def spellings(value: object) -> list[str]:
    """Return the ways an answer may be written in a row's JSON: numbers with their zeros, days with and without a time."""
    if isinstance(value, datetime):
        return [value.isoformat(), value.date().isoformat()]
    if isinstance(value, Decimal):
        return [
            f"{value:f}",
            *(f"{value:.{digits}f}" for digits in range(MOST_DIGITS + 1) if round(value, digits) == value),
        ]
    return [str(value)]


class Batch:
    """The records of a batch that are about to be stored, found by their values in one step however many there are."""

    def __init__(self) -> None:
        self._records: list[Mapping[str, object]] = []
        self._found: dict[tuple[str, ...], set[tuple[str, ...]]] = {}

    def add(self, values: Mapping[str, object]) -> None:
        """Remember a record."""
        self._records.append(values)
        for names, known in self._found.items():
            known.add(_spelled(values, names))

    def holds(self, wanted: Mapping[str, object]) -> bool:
        """Say whether a record has all these values."""
        names = tuple(sorted(wanted))
        if names not in self._found:
            self._found[names] = {_spelled(values, names) for values in self._records}
        return _spelled(wanted, names) in self._found[names]


def _spelled(values: Mapping[str, object], names: tuple[str, ...]) -> tuple[str, ...]:
    """Return the values in a spelling that is equal exactly when they are: 1 and 1.0 are one number."""
    return tuple(repr(_plain(values.get(name))) for name in names)


def _plain(value: object) -> object:
    return (
        value.normalize() if isinstance(value, Decimal) else Decimal(value).normalize() if type(value) is int else value
    )


class SiteWorld:
    """The answers of this site to what rules ask; remembers what can't change while a batch is checked."""

    def __init__(self, form: AskedForm, now: datetime, *, besides: int | None = None) -> None:
        self.form, self.now, self.besides = form, now, besides
        self._facts = facts_of(form)
        self._known: dict[object, object] = {}
        self._calendar: WorkCalendar | None = None
        self._taken = Batch()

    def take(self, values: Mapping[str, object]) -> None:
        """Remember a record that is about to be stored: the next of the same batch must not repeat it."""
        self._taken.add(values)

    def beside(self, record_id: int | None) -> "SiteWorld":
        """Return the same world seen from another record; what is remembered is shared."""
        other = SiteWorld(self.form, self.now, besides=record_id)
        other._known, other._calendar, other._taken = self._known, self._calendar, self._taken
        return other

    def exists(self, kind: str, value: object) -> bool | None:
        """Ask the owner of the master data."""
        asked: Mapping[str, Callable[[object], bool]] = current_app.extensions.get(KNOWN, {})
        if kind not in asked:
            return None
        found = self._once(("exists", kind, value), lambda: asked[kind](value))
        return found if isinstance(found, bool) else None

    def lot_of_sku(self, lot: object, sku: object) -> bool | None:
        """Ask the owner of the lots."""
        return self._link("lot_of_sku", lot, sku)

    def sku_in_order(self, order: object, sku: object) -> bool | None:
        """Ask the owner of the orders."""
        return self._link("sku_in_order", order, sku)

    def option_active(self, name: str, value: object) -> bool | None:
        """Ask the field's control what can be chosen now."""
        choices = self._once(("choices", name), lambda: self._choices(name))
        if not isinstance(choices, frozenset) or not choices or len(choices) >= MOST_CHOICES:
            return None
        return str(value) in choices

    def twin(self, name: str, value: object, same: Mapping[str, object], days: int | None) -> Match | None:
        """Ask the owner of the records; never remembered, because the batch itself adds records."""
        if self._facts is None:
            return None
        if self._taken.holds({name: value, **same}):
            return Match(_("同一批的另一行"))
        return self._facts.twin(self.form, name, value, same=same, since=self._since(days), besides=self.besides)

    def alike(self, values: Mapping[str, object], days: int | None) -> Match | None:
        """Ask the owner of the records."""
        if self._facts is None:
            return None
        if self._taken.holds(values):
            return Match(_("同一批的另一行"))
        return self._facts.alike(self.form, values, since=self._since(days), besides=self.besides)

    def recent_numbers(self, name: str, same: Mapping[str, object], most: int) -> Sequence[Decimal]:
        """Ask the owner of the records once per batch."""
        facts = self._facts
        if facts is None:
            return ()
        key = (
            "recent",
            name,
            tuple(sorted((field_id, str(value)) for field_id, value in same.items())),
            most,
            self.besides,
        )
        found = self._once(
            key, lambda: tuple(facts.recent_numbers(self.form, name, same=same, most=most, besides=self.besides))
        )
        return found if isinstance(found, tuple) else ()

    def is_working_day(self, day: date) -> bool:
        """Ask the site's calendar."""
        return bool(self._hours().hours_on(day))

    def is_working(self, moment: datetime) -> bool:
        """Ask the site's calendar."""
        return business_minutes(self._hours(), moment, moment + timedelta(minutes=1)) > 0

    def limits(self, name: str, values: Mapping[str, object]) -> Limits | None:
        """Ask the owner of the quality standards."""
        asked = current_app.extensions.get(LIMITS)
        found = asked(self.form, name, values, self.now) if asked else None
        return found if isinstance(found, Limits) else None

    def _hours(self) -> WorkCalendar:
        if self._calendar is None:
            self._calendar = calendar_of(None)
        return self._calendar

    def _link(self, name: Link, left: object, right: object) -> bool | None:
        asked: Mapping[str, Callable[[object, object], bool | None]] = current_app.extensions.get(LINKS, {})
        if name not in asked:
            return None
        found = self._once((name, left, right), lambda: asked[name](left, right))
        return found if isinstance(found, bool) else None

    def _choices(self, name: str) -> frozenset[str]:
        table, _dot, column = name.partition(".")
        asked = self.form.definition.field(table)
        if asked is not None and column:
            asked = next((one for one in columns_of(asked) if one.id == column), None)
        if asked is None:
            return frozenset()
        return frozenset(choice.value for choice in controls()[asked.control].choices(asked))

    def _since(self, days: int | None) -> datetime | None:
        return self.now - timedelta(days=days) if days else None

    def _once(self, key: object, ask: Callable[[], object]) -> object:
        if key not in self._known:
            self._known[key] = ask()
        return self._known[key]
