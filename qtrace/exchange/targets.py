"""What the rows of a table can become: facts of a shop, quality problems, and whatever other packages register.

A package whose records can be imported registers a provider; its targets are asked for anew each time, because people
make and change forms while the program runs.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Protocol

from flask import Flask, current_app
from flask_babel import gettext as _

from qtrace.classification.queries import terms_of
from qtrace.core.errors import Refused
from qtrace.exchange.fact_choices import choices_of
from qtrace.exchange.kinds import KINDS, Choice, Field, Kind
from qtrace.issues.intake import TERMS, rehearse, store
from qtrace.orders.batch import Outcome, Rehearsal
from qtrace.orders.frames import framed
from qtrace.sdk.records import RECORD_TYPES

EXTENSION = "qtrace_import_targets"
ISSUES = "issues"


@dataclass(frozen=True)
class RowOutcome:
    """What became of one row, or would; a refused one says why."""

    outcome: Outcome
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True)
class Kept:
    """A record an undo left as it is, and why."""

    label: str
    why: str


@dataclass(frozen=True)
class Undone:
    """What an undo did: records taken back, records given their earlier values, and those left alone."""

    removed: int = 0
    restored: int = 0
    kept: tuple[Kept, ...] = ()

    def __add__(self, other: "Undone") -> "Undone":
        """Return both together."""
        return Undone(self.removed + other.removed, self.restored + other.restored, self.kept + other.kept)


class Target(Protocol):
    """One kind of record the rows of a table can become.

    `kind` names it and describes its fields; a name with a colon ("form:inspection") never clashes with a built-in one.
    `batch` is how many rows one write may store.
    """

    @property
    def kind(self) -> Kind:
        """Return the name, label, fields and possible keys."""

    @property
    def batch(self) -> int:
        """Return how many rows are stored in one write."""

    def store(
        self,
        rows: Sequence[Mapping[str, Any]],
        *,
        key: str,
        now: datetime,
        by: int | None,
        source: tuple[str, int],
        dry: bool,
    ) -> Sequence[RowOutcome]:
        """Store the rows inside the open write and say what became of each; when dry, write nothing.

        `key` is the field by which a record is known when it comes in again, or "" when every row is new.
        """

    def undo(self, run_id: int, *, by: int, now: datetime) -> Undone:
        """Take back, inside the open write, what an import stored and nobody has touched since."""


Provider = Callable[[], Sequence[Target]]


def register_targets(app: Flask, provider: Provider) -> None:
    """Let tables become the records of these targets too."""
    app.extensions.setdefault(EXTENSION, []).append(provider)


def other_targets() -> dict[str, Target]:
    """Return the registered targets by name."""
    found = [target for provider in current_app.extensions.get(EXTENSION, ()) for target in provider()]
    return {target.kind.name: target for target in found}


def kinds() -> dict[str, Kind]:
    """Return every kind a table can be imported as, the shop's facts first."""
    return {name: described(name) for name in KINDS} | {name: one.kind for name, one in other_targets().items()}


def kind_labels() -> dict[str, str]:
    """Return what staff call each kind."""
    return {name: str(kind.label) for name, kind in KINDS.items()} | {
        name: str(one.kind.label) for name, one in other_targets().items()
    }


def described(name: str) -> Kind:
    """Return a kind with its choices as they are today; refuse an unknown name."""
    if name in KINDS:
        return _with_terms(KINDS[name]) if name == ISSUES else _with_choices(KINDS[name])
    target = other_targets().get(name)
    if target is None:
        known = "、".join([*KINDS, *other_targets()])
        raise Refused(_("没有「%(kind)s」这种数据,可用的有:%(known)s。", kind=name, known=known), field="kind")
    return target.kind


class FactsTarget:
    """The shop's facts and its quality problems, one kind at a time, for who has rows and no file."""

    batch = 500

    def __init__(self, name: str, shop: tuple[int, str]) -> None:
        self.kind = described(name)
        self.shop = shop
        self.memory = Rehearsal()

    def store(
        self,
        rows: Sequence[Mapping[str, Any]],
        *,
        key: str,  # noqa: ARG002 - facts are known by their number
        now: datetime,
        by: int | None,
        source: tuple[str, int],
        dry: bool,
    ) -> Sequence[RowOutcome]:
        """Store the rows as records of this kind."""
        make = RECORD_TYPES[self.kind.name]
        records = framed([make(**row) for row in rows])
        if dry:
            counts = rehearse(self.shop, records, now=now, memory=self.memory)
        else:
            counts = store(self.shop[0], records, now=now, by=by, source=source)
        why = dict(counts.refused)
        return [RowOutcome(one, (why[at],) if at in why else ()) for at, one in enumerate(counts.outcomes)]


def _with_choices(kind: Kind) -> Kind:
    fields = tuple(replace(one, choices=choices_of(kind.name, one.name)) for one in kind.fields)
    return replace(kind, fields=fields) if any(one.choices for one in fields) else kind


def _with_terms(kind: Kind) -> Kind:
    return replace(kind, fields=tuple(_of_terms(one) if one.name in TERMS else one for one in kind.fields))


def _of_terms(one: Field) -> Field:
    choices = tuple(Choice(term.code, term.name_zh, (term.name_en,)) for term in terms_of(one.name))
    return replace(one, choices=choices)
