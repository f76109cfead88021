"""What a kind of rule is: its settings, the values it judges and the faults it finds.

A kind is data with one function. `judge` gets a `RuleCase` and returns the faults it finds, none when all is well; it
sees values only as conditions see them (text is str, numbers int or Decimal, moments aware UTC datetimes, a day the
start of it in UTC, a reference its int id, a list a tuple of str, a sub-table a tuple of mappings) and reads nothing
else than the case and its `world`.
"""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, tzinfo
from decimal import Decimal
from typing import Literal, Protocol

from qtrace.sdk.text import Text

# What a field holds, which decides the kinds of rules that may stand on it.
Holds = Literal["text", "number", "money", "yes", "day", "moment", "list", "ref", "refs", "files", "rows", "other"]
# How a setting of a rule is asked for, and what the kind's function gets: a pattern of re2 stays text, a number is a
# Decimal, whole an int, a day a date; fields, choices and values are tuples of str; a column is one of the sub-table's.
OptionKind = Literal[
    "text", "pattern", "number", "whole", "yes", "choice", "choices", "day", "field", "fields", "column", "values",
    "value", "condition", "formula", "stage",
]  # fmt: skip
Level = Literal["block", "warn", "info"]
# What a kind does to the form besides judging.
Effect = Literal["", "show", "hide", "readonly", "require", "set", "clear", "filter"]


@dataclass(frozen=True, kw_only=True)
class RuleOption:
    """A setting of a kind of rule, described so fully that its input is drawn from this alone.

    `fits` narrows what the fields that may be named hold; `least` and `most` bound a number.
    """

    name: str
    label: Text
    kind: OptionKind = "text"
    hint: Text | None = None
    required: bool = False
    default: object = None
    choices: tuple[tuple[str, Text], ...] = ()
    fits: frozenset[Holds] = frozenset()
    least: int | None = None
    most: int | None = None


@dataclass(frozen=True)
class FileFact:
    """What is known of a file; width and height are 0 when it is no picture."""

    name: str
    size: int
    media_type: str
    width: int = 0
    height: int = 0


@dataclass(frozen=True)
class Match:
    """A record that was found: its number and where it is read."""

    number: str
    url: str = ""


@dataclass(frozen=True)
class Limits:
    """What a value may be at least and at most, and in which unit it is measured."""

    low: Decimal | None = None
    high: Decimal | None = None
    unit: str = ""


class World(Protocol):
    """What a rule may ask beyond the record it judges; None where nobody knows."""

    def exists(self, kind: str, value: object) -> bool | None:
        """Say whether master data of this kind (sku, supplier, order, lot, …) has this id or code."""

    def lot_of_sku(self, lot: object, sku: object) -> bool | None:
        """Say whether the lot is one of the article."""

    def sku_in_order(self, order: object, sku: object) -> bool | None:
        """Say whether the order contains the article."""

    def option_active(self, name: str, value: object) -> bool | None:
        """Say whether a value can still be chosen in a field."""

    def twin(self, name: str, value: object, same: Mapping[str, object], days: int | None) -> Match | None:
        """Return another record whose field has this value and whose `same` fields are equal, of the last days."""

    def alike(self, values: Mapping[str, object], days: int | None) -> Match | None:
        """Return another record with these values, of the last days."""

    def recent_numbers(self, name: str, same: Mapping[str, object], most: int) -> Sequence[Decimal]:
        """Return the newest values other records have in a numeric field."""

    def is_working_day(self, day: date) -> bool:
        """Say whether people work on this day of the site."""

    def is_working(self, moment: datetime) -> bool:
        """Say whether the moment lies within working hours."""

    def limits(self, name: str, values: Mapping[str, object]) -> Limits | None:
        """Return the limits the quality standard in force sets for a measured field of this record."""


@dataclass(frozen=True)
class Fault:
    """What is wrong and what to do; `path` names a place below the rule's field, as `2.qty` in a sub-table.

    A `level` makes this fault quieter or louder than the rule is.
    """

    text: Text
    path: str = ""
    level: Level | None = None


@dataclass(frozen=True)
class RuleCase:
    """One value a rule judges, with what stands around it."""

    field: str
    value: object
    label: Text
    options: Mapping[str, object]
    values: Mapping[str, object]  # of every field by id; inside a sub-table also `rows.column` of the same row
    labels: Mapping[str, Text]
    now: datetime
    zone: tzinfo
    world: World
    holds: Holds = "other"
    earlier: Mapping[str, Sequence[object]] = dataclasses.field(default_factory=dict)
    files: Sequence[FileFact] = ()
    limits: Limits = Limits()  # what the field's own definition says is right
    leaving: str = ""  # the stage that is about to be left, "close" at the end; empty when nothing is left

    @property
    def missing(self) -> bool:
        """Say whether nothing was given."""
        return self.value is None or self.value in ("", (), [])

    @property
    def rows(self) -> Sequence[Mapping[str, object]]:
        """Return the rows of a sub-table."""
        return [row for row in self.value if isinstance(row, Mapping)] if isinstance(self.value, tuple) else ()

    def text(self, name: str) -> str:
        """Return a setting as text, empty when it is not set."""
        value = self.options.get(name)
        return "" if value is None else str(value)

    def number(self, name: str) -> Decimal | None:
        """Return a setting that is a number."""
        value = self.options.get(name)
        return Decimal(value) if isinstance(value, int | Decimal) and not isinstance(value, bool) else None

    def names(self, name: str) -> tuple[str, ...]:
        """Return a setting that lists several."""
        value = self.options.get(name)
        return tuple(str(one) for one in value) if isinstance(value, tuple) else ()

    def is_set(self, name: str) -> bool:
        """Say whether a yes-or-no setting is on."""
        return self.options.get(name) is True

    def label_of(self, name: str) -> Text:
        """Return what people call a field."""
        return self.labels.get(name, Text(name, name))


Judge = Callable[[RuleCase], Sequence[Fault]]


@dataclass(frozen=True, kw_only=True)
class RuleKind:
    """A kind of rule: where it may stand, what it asks for, and the function that judges.

    `fits` names what its field may hold; empty means that it stands on the whole form. `judges_missing` is for kinds
    that have a say on an empty value too; all others are asked only when there is one. `needs` are settings of which at
    least one must be given. An `effect` changes the form while the rule's condition holds, `show` while it does not.
    """

    key: str
    name: Text
    hint: Text
    judge: Judge
    family: str
    fits: frozenset[Holds] = frozenset()
    options: tuple[RuleOption, ...] = ()
    needs: tuple[str, ...] = ()
    judges_missing: bool = False
    effect: Effect = ""
    level: Level = "block"  # what a new rule of this kind begins with
    words: str = ""  # further words the picker finds it by
