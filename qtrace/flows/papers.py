"""Papers of a case: the kinds there are, registered by who prints them, and those that nodes printed and filed."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from flask import Flask, current_app
from flask_babel import LazyString
from sqlalchemy import select

from qtrace.accounts.models import User
from qtrace.core.db import db
from qtrace.core.models import StoredFileRow
from qtrace.flows.models import FlowPaper

EXTENSION = "qtrace_flow_papers"
APPROVAL = "approval"  # the paper of a node that names none
PERMISSIONS = {"issue": "print.issue", "complaint": "complaint.read"}  # a complaint's sheet shows what its page shows
ELSE = "print.record"


@dataclass(frozen=True)
class PaperCase:
    """What is to be printed: the subject, without the fields a node hides, for whom and when."""

    subject: tuple[str, int]
    by: str
    now: datetime
    hidden: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Drawn:
    """A paper ready to be laid out: its template with what it shows, its title, and its pictures by file id."""

    piece: str
    title: str
    report: object
    pictures: Sequence[str] = ()


@dataclass(frozen=True)
class Paper:
    """One kind of paper; without `kinds` it fits every subject. One that `leaves_out` shows nothing a node hides."""

    label: LazyString
    draw: Callable[[PaperCase], Drawn]
    kinds: frozenset[str] = field(default_factory=frozenset)
    leaves_out: bool = False


def register_paper(app: Flask, key: str, paper: Paper) -> None:
    """Offer a kind of paper."""
    app.extensions.setdefault(EXTENSION, {})[key] = paper


def papers() -> Mapping[str, Paper]:
    """Return the kinds of papers by key."""
    found: Mapping[str, Paper] = current_app.extensions.get(EXTENSION, {})
    return found


def paper_for(key: str, case: PaperCase) -> Paper:
    """Return the paper to print a case on: the one named, unless it does not fit or would show what is hidden."""
    named, usual = papers().get(key), papers()[APPROVAL]
    if named is None or (named.kinds and case.subject[0] not in named.kinds):
        return usual
    return named if named.leaves_out or not case.hidden else usual


def may_print(kind: str, user: User) -> bool:
    """Say whether a person may print this kind of subject."""
    return user.can(PERMISSIONS.get(kind, ELSE))


def filed_with(kind: str, subject_id: int) -> Sequence[tuple[FlowPaper, StoredFileRow]]:
    """Return the papers nodes filed with a subject, the newest first."""
    statement = (
        select(FlowPaper, StoredFileRow)
        .join(StoredFileRow, StoredFileRow.id == FlowPaper.file_id)
        .where(FlowPaper.subject_kind == kind, FlowPaper.subject_id == subject_id)
        .order_by(FlowPaper.id.desc())
    )
    return [(paper, file) for paper, file in db.session.execute(statement)]
