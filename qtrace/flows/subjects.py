"""What may go through flows: the packages that own it register how it is found by its number."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from flask import Flask, current_app
from flask_babel import LazyString
from sqlalchemy import Select

from qtrace.accounts.access import Viewer
from qtrace.accounts.models import User
from qtrace.core.errors import NotFound
from qtrace.flows.case import Case

EXTENSION = "qtrace_flow_subjects"
DUTIES = ("sku", "shop", "supplier", "responsible_party")  # each a column `…_id` of issues and complaints


@dataclass(frozen=True)
class CaseFile:
    """A file of a case: `shown` says that it is a picture the page draws."""

    name: str
    url: str
    shown: bool


@dataclass(frozen=True)
class CaseSummary:
    """A case in a few facts, for whoever has to decide: (label, value) each, what was written, and its files."""

    title: str
    facts: Sequence[tuple[str, str]] = ()
    text: str = ""
    files: Sequence[CaseFile] = ()
    edit_url: str = ""
    fill_url: str = ""  # where a turn's fields are filled in


@dataclass(frozen=True)
class Change:
    """One thing that happened to a case."""

    at: datetime
    who: str
    words: str
    reason: str = ""


class FlowSubject(Protocol):
    """One kind of thing that goes through flows; for one that `begins`, flows may begin by themselves as it comes in."""

    label: LazyString
    begins: bool
    permission: str  # to open its page

    def number(self, subject_id: int) -> str:
        """Return the number people call it by."""

    def find(self, number: str, user: User) -> tuple[str, Case]:
        """Return the one with this number, as far as the person may see it; NotFound otherwise."""

    def seen_by(self, subject_id: int, user: Viewer) -> Select[int]:
        """Select its id where it is in the person's reach; who has the permission opens its page then."""

    def newest(self, user: User, most: int) -> Sequence[tuple[str, str]]:
        """Return (number, title) of the newest the person sees."""

    def visible(self, subject_ids: Collection[int], user: User) -> Collection[int]:
        """Return which of these the person may see."""

    def title(self, subject_id: int, hidden: frozenset[str], called: str) -> str:
        """Return what it is called where these fields are hidden: `called`, unless a hidden one stands in that."""

    def fillable(self, subject_id: int, user: User) -> Mapping[str, str]:
        """Return what the fields are called a turn may let the person fill in, where its edit page is the person's to open."""

    def missing(self, subject_id: int, fields: Collection[str]) -> Sequence[str]:
        """Return what those of the fields are called that its form requires and nobody has filled in yet."""

    def summary(self, subject_id: int, hidden: frozenset[str]) -> CaseSummary:
        """Return the subject in a few facts, without the fields the node hides."""

    def changes(self, subject_id: int, since: datetime) -> Sequence[Change]:
        """Return what happened to it after a moment, the newest first."""

    def links(self, subject_id: int) -> Mapping[str, int]:
        """Return the rows it is about that people are responsible for (`classification.duties`), by kind."""


def rows_responsible(found: object) -> dict[str, int]:
    """Return the rows an issue or a complaint is about, by kind of duty: what its columns name."""
    rows = {kind: getattr(found, f"{kind}_id") for kind in DUTIES}
    return {kind: row for kind, row in rows.items() if row is not None}


def register_flow_subject(app: Flask, kind: str, subject: FlowSubject) -> None:
    """Say how to find what goes through flows as this kind."""
    app.extensions.setdefault(EXTENSION, {})[kind] = subject


def flow_subjects() -> Mapping[str, FlowSubject]:
    """Return what may go through flows, by kind."""
    known: Mapping[str, FlowSubject] = current_app.extensions.get(EXTENSION, {})
    return known


def sees(kind: str, subject_id: int, user: User) -> bool:
    """Say whether the person sees the whole of a subject, not only a turn at it."""
    subject = flow_subjects().get(kind)
    try:
        return subject is not None and bool(subject.find(subject.number(subject_id), user))
    except NotFound:
        return False


def find_case(number: str, user: User) -> tuple[str, Case]:
    """Return (number, case) of whatever has this number; NotFound where the person sees nothing of the kind."""
    for subject in flow_subjects().values():
        try:
            return subject.find(number, user)
        except NotFound:
            continue
    raise NotFound
