"""Whom a text about a case calls by name: whoever may see the case is told, the others are named to who wrote it."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import islice

from flask_babel import gettext as _
from sqlalchemy import Select, func, select

from qtrace.accounts.access import BoundViewer, viewer_values
from qtrace.accounts.models import User
from qtrace.accounts.queries import people
from qtrace.core import events
from qtrace.core.db import db
from qtrace.core.errors import NotFound
from qtrace.flows.field_rights import rights_in
from qtrace.flows.models import FlowInstance
from qtrace.flows.roots import root_of
from qtrace.flows.subjects import flow_subjects
from qtrace.tasks.models import Task

SIGNS = ("@", "＠")
MOST_OFFERED = 8
MOST_TOLD = 500  # characters of the text that go with the notice
SHOWN = ("open", "copied", "read")  # the states of a to-do that shows its case to whoever has it
Subject = tuple[str, int]


@dataclass(frozen=True)
class Mentions:
    """The people a text calls: those who may see the case, and those who may not."""

    told: tuple[User, ...] = ()
    blind: tuple[User, ...] = ()


class Audience:
    """Who may see one case: on its own page or, with `to_dos`, by a to-do about it; NotFound for what is no case."""

    def __init__(self, subject: Subject, *, to_dos: bool = True) -> None:
        kind, subject_id = root_of(*subject)
        pages = flow_subjects().get(kind)
        if pages is None:
            raise NotFound
        self._pages, self._id = pages, subject_id
        self._seen_by: dict[str, Select[int]] = {}  # by scope: built once, asked for each person
        if db.session.scalar(pages.seen_by(subject_id, BoundViewer("all"))) is None:
            raise NotFound
        self._tasks = _tasks_about(subject) if to_dos else {}

    def sees(self, person: User) -> bool:
        """Say whether the person may see the case."""
        return person.id in self._tasks or self.reads(person)

    def reads(self, person: User) -> bool:
        """Say whether the person may open the page of what the case is about."""
        if not person.can(self._pages.permission):
            return False
        if person.scope not in self._seen_by:
            self._seen_by[person.scope] = self._pages.seen_by(self._id, BoundViewer(person.scope))
        return db.session.scalar(self._seen_by[person.scope], viewer_values(person)) is not None

    def task_of(self, person: User) -> int | None:
        """Return the person's newest to-do about the case, which shows it."""
        return self._tasks.get(person.id)


def mentions_in(text: str, subject: Subject, *, by: int, to_dos: bool = True) -> Mentions:
    """Return whom a text calls with an @ and the name as it is written; who wrote it is left out."""
    if not any(sign in text for sign in SIGNS):
        return Mentions()
    called = [person for person in _called(text) if person.id != by]
    audience = Audience(subject, to_dos=to_dos) if called else None
    told = tuple(person for person in called if audience and audience.sees(person))
    return Mentions(told, tuple(person for person in called if person not in told))


def tell_called(
    subject: Subject, text: str, url: str, *, by: int, now: datetime, about: Mapping[str, int],
    besides: Collection[int] = (), to_dos: bool = True,
) -> None:  # fmt: skip
    """Tell whom a text calls where it stands; `about` names the text in the event, `besides` hear of it anyway."""
    found = mentions_in(text, subject, by=by, to_dos=to_dos)
    users: dict[str, list[int]] = {}  # by what the case is called to them
    for person in found.told:
        if person.id not in besides:
            users.setdefault(_title_for(subject, person), []).append(person.id)
    for title, called in users.items():
        body = {**about, "users": called, "url": url} | ({"title": title} if title else {})
        events.record("comment_mentioned", subject=subject, by=by, now=now, body=body, reason=text[:MOST_TOLD])


def with_called(done: str, subject: Subject, text: str, *, by: int, to_dos: bool = True) -> str:
    """Return what is said after something was done: also whom its text called in vain, else whom it reached."""
    found = mentions_in(text, subject, by=by, to_dos=to_dos)
    if found.blind:
        names = "、".join(dict.fromkeys(one.name for one in found.blind))
        return _("%(done)s。%(names)s 看不到这件事,没有提醒到。", done=done, names=names)
    names = "、".join(dict.fromkeys(one.name for one in found.told))
    return _("%(done)s,已提醒 %(names)s", done=done, names=names) if names else done


def page_of(subject: Subject, place: str = "history") -> str:
    """Return the address at which everybody who may see a case reads what was said in it."""
    return f"/cases/{subject[0]}/{subject[1]}#{place}"


def people_to_call(audience: Audience, subject: Subject, typed: str, *, by: int) -> list[User]:
    """Return whom the name begun may mean of those who may see the case: first who has to do with it, a few only."""
    typed = typed.strip().casefold()
    involved = _involved(subject)
    found = [person for person in people(active_only=True) if person.id != by and _fits(person, typed)]
    found.sort(key=lambda one: (one.id not in involved, not one.name.casefold().startswith(typed), one.name))
    return list(islice((person for person in found if audience.sees(person)), MOST_OFFERED))


def _called(text: str) -> list[User]:
    """Return the people by the longest names first, so that a short name inside a longer one calls nobody."""
    left, found = text.replace(SIGNS[1], SIGNS[0]), []
    active = people(active_only=True)
    for name in sorted({person.name for person in active if person.name}, key=lambda one: (-len(one), one)):
        if f"@{name}" in left:
            left = left.replace(f"@{name}", "\n")
            found += [person for person in active if person.name == name]
    return found


def _title_for(subject: Subject, person: User) -> str:
    """Return what the case is called to somebody whose turn hides a part of it; empty where it has its usual title."""
    kind, subject_id = root_of(*subject)
    hidden = rights_in(kind, subject_id, person).hidden
    return flow_subjects()[kind].title(subject_id, hidden, "") if hidden else ""


def _fits(person: User, typed: str) -> bool:
    return bool(person.name) and (typed in person.name.casefold() or person.username.casefold().startswith(typed))


def _tasks_about(subject: Subject) -> dict[int, int]:
    """Return the newest to-do of each person that shows the case."""
    statement = select(Task.owner_id, func.max(Task.id)).where(
        Task.subject_kind == subject[0],
        Task.subject_id == subject[1],
        Task.state.in_(SHOWN),
        Task.owner_id.is_not(None),
    )
    return {owner: task for owner, task in db.session.execute(statement.group_by(Task.owner_id)) if owner is not None}


def _involved(subject: Subject) -> set[int]:
    """Return who started the case, has or had a to-do about it."""
    about = select(Task.owner_id).where(
        Task.subject_kind == subject[0], Task.subject_id == subject[1], Task.owner_id.is_not(None)
    )
    begun = select(FlowInstance.initiator_id).where(
        FlowInstance.subject_kind == subject[0], FlowInstance.subject_id == subject[1]
    )
    return {user for user in db.session.scalars(about.union(begun)) if user is not None}
