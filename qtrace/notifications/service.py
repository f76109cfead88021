"""Tell people: notices are collected while a write is open and stored all at once, last thing before it commits.

So telling costs the change that is told of next to nothing, however many people it concerns, and a notice exists exactly
when its change does. What leaves the house is made from the stored notices by a job.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from typing import Any

from flask import Flask, current_app
from sqlalchemy import ColumnElement, func, select, true, update
from sqlalchemy.orm import Session

from qtrace.accounts.models import Role, User, user_role
from qtrace.core import clock
from qtrace.core.db import affected, before_commit, db, insert_into, require_write, table_of
from qtrace.core.jobs import enqueue
from qtrace.notifications.kinds import ASKED, TO_DO
from qtrace.notifications.models import Notice
from qtrace.tasks.models import StandIn, Task, task_pool
from qtrace.tasks.standing import covering, stands_in

SPREAD = "notice-spread"  # the job that makes deliveries of what was stored
PENDING = "qtrace_notices"
STARTERS = "qtrace_notice_starters"
CASES = "qtrace_notice_cases"
MOST_IN_ONE = 500  # ids in one question to the database
TASKS, NOTICES = table_of(Task), table_of(Notice)

Subject = tuple[str, int]
FindStarters = Callable[[Collection[Subject]], Mapping[Subject, int]]
FindCases = Callable[[Sequence[int]], Mapping[int, tuple[str, str]]]


@dataclass(frozen=True, kw_only=True)
class Draft:
    """A notice before it is stored: what is not said yet is looked up for all at once.

    Its people are `users`, and of a to-do (`of_task`) its owner or its pool, and of a case (`to_starter`) who started it;
    never the person who did it. Title and address are the to-do's, or those of the case's latest to-do.
    """

    kind: str
    subject: Subject
    at: datetime
    dedupe: str
    users: tuple[int, ...] = ()
    by: int | None = None
    task_id: int | None = None
    of_task: bool = False
    to_starter: bool = False
    title: str = ""
    body: str = ""
    url: str = ""
    urgent: bool = False
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass
class _Pending:
    """What is stored with the open write: notices, and to-dos whose notices may be over."""

    drafts: list[Draft] = field(default_factory=list)
    left: set[int] = field(default_factory=set)


@dataclass(frozen=True)
class _Known:
    """What the drafts of one write need to know, each read at once for all of them."""

    tasks: Mapping[int, Any]
    deputies: Mapping[int, Sequence[Any]]  # by the to-do whose owner they stand in for
    pools: Mapping[int, Sequence[int]]
    roles: Mapping[str, Sequence[int]]
    cases: Mapping[Subject, tuple[str, str]]
    starters: Mapping[Subject, int]


def notify(
    kind: str,
    users: Iterable[int],
    title: str,
    body: str,
    url: str,
    *,
    subject: Subject,
    dedupe: str,
    now: datetime,
    urgent: bool = False,
) -> None:
    """Tell people something inside the open write; who was told with the same `dedupe` before is not told again."""
    draft(
        Draft(
            kind=kind, subject=subject, at=now, dedupe=dedupe, users=tuple(users), title=title, body=body, url=url,
            urgent=urgent,
        )
    )  # fmt: skip


def draft(new: Draft) -> None:
    """Leave a notice to be stored with the open write; a person in it is told once."""
    _pending().drafts.append(new)


def left(task_ids: Collection[int]) -> None:
    """Let what was told of to-dos count as read where they are done, claimed or handed over with the open write."""
    _pending().left.update(task_ids)


def register_starters(app: Flask, find: FindStarters) -> None:
    """Let `find` return who started these cases, all in one query."""
    app.extensions.setdefault(STARTERS, []).append(find)


def register_cases(app: Flask, kind: str, find: FindCases) -> None:
    """Let `find` return title and address of cases of a kind that has no to-dos, all in one query."""
    app.extensions.setdefault(CASES, {})[kind] = find


def is_over(notice: Notice, *, now: datetime) -> bool:
    """Say whether a notice asks for what is done, or somebody else's by now."""
    if notice.kind not in TO_DO or notice.task_id is None:
        return False
    task = db.session.get(Task, notice.task_id)
    if task is None or task.state != "open":
        return True
    mine = task.owner_id in {None, notice.user_id}
    return not mine and not stands_in(notice.user_id, task.owner_id, task.flow, now)


def mark_read(notice_id: int, user_id: int, *, now: datetime) -> None:
    """Mark one of the person's notices as read."""
    affected(_unread(user_id).where(Notice.id == notice_id).values(read_at=now))


def mark_all_read(user_id: int, newest: int, *, now: datetime) -> int:
    """Mark what the person could see as read, up to the newest notice of the page, and return how many there were."""
    return affected(_unread(user_id).where(Notice.id <= newest).values(read_at=now))


def _unread(user_id: int) -> Any:
    return update(Notice).where(Notice.user_id == user_id, Notice.read_at.is_(None))


def _pending() -> _Pending:
    session = require_write()
    pending: _Pending | None = session.info.get(PENDING)
    if pending is None:
        pending = session.info[PENDING] = _Pending()
        before_commit(session, _store)
    return pending


def _store(session: Session) -> None:
    pending: _Pending = session.info.pop(PENDING)
    asked = {one.task_id for one in pending.drafts if one.kind == ASKED}
    drafts = [one for one in pending.drafts if not (one.of_task and one.task_id in asked)]  # it tells of its to-do
    if drafts:
        known = _look_up(session, drafts)
        rows = [row for one in drafts for row in (*_rows(_completed(one, known)), *_rows_of_deputies(one, known))]
        if rows:
            told = insert_into(Notice).on_conflict_do_nothing(index_elements=["user_id", "dedupe"])
            session.execute(told, rows)
            enqueue(SPREAD, {}, now=drafts[-1].at)
    if pending.left:
        _settle(session, sorted(pending.left))


def _settle(session: Session, task_ids: Sequence[int]) -> None:
    """Mark notices as read whose to-dos are done, or somebody else's by now."""
    now = clock.now()
    for start in range(0, len(task_ids), MOST_IN_ONE):
        about = Notice.task_id.in_(task_ids[start : start + MOST_IN_ONE])
        for notice in session.scalars(select(Notice).where(about, Notice.read_at.is_(None), Notice.kind.in_(TO_DO))):
            if is_over(notice, now=now):
                notice.read_at = now
    session.flush()  # nothing flushes after the hooks of a write


def _look_up(session: Session, drafts: Sequence[Draft]) -> _Known:
    task_ids = {one.task_id for one in drafts if one.task_id is not None}
    tasks = {row.id: row for row in _chunked(session, TASKS.c.id, task_ids, _task_rows)}
    pooled = {one.task_id for one in drafts if one.of_task and one.task_id in tasks} - {
        task_id for task_id, row in tasks.items() if row.owner_id is not None
    }
    pools: dict[int, list[int]] = {}
    for row in _chunked(session, task_pool.c.task_id, {task for task in pooled if task}, _pool_rows):
        pools.setdefault(row.task_id, []).append(row.user_id)
    roles = {tasks[task].role_key for task in pooled if task and tasks[task].role_key}
    untitled = {one.subject for one in drafts if not one.title and one.task_id not in tasks}
    started = {one.subject for one in drafts if one.to_starter}
    deputies: dict[int, list[Any]] = {}
    wanted = [(tasks, _deputy_rows), *((pooled, rows) for rows in (_deputies_of_named, _deputies_of_role) if pooled)]
    for ids, rows in wanted:
        for row in _chunked(session, TASKS.c.id, {one for one in ids if one}, partial(rows, drafts[0].at)):
            deputies.setdefault(row.task_id, []).append(row)  # who stands in for several of a pool is told once
    return _Known(tasks, deputies, pools, _people_of(session, roles), _cases(session, untitled), _starters(started))


def _task_rows() -> Any:
    columns = (
        TASKS.c.id,
        TASKS.c.title,
        TASKS.c.url,
        TASKS.c.owner_id,
        TASKS.c.role_key,
        TASKS.c.state,
        TASKS.c.detail,
    )
    return select(*columns)


def _pool_rows() -> Any:
    return select(task_pool.c.task_id, task_pool.c.user_id)


def _deputy_rows(at: datetime) -> Any:
    """Select who stands in at a moment for the owners of to-dos, with the owner's name."""
    return _deputies(select(Task.id.label("task_id")).join(User, User.id == Task.owner_id), at)


def _deputies_of_named(at: datetime) -> Any:
    """Select who stands in for those named in the pools of to-dos nobody has claimed."""
    free = (
        select(Task.id.label("task_id")).where(Task.owner_id.is_(None)).join(task_pool, task_pool.c.task_id == Task.id)
    )
    return _deputies(free.join(User, User.id == task_pool.c.user_id), at)


def _deputies_of_role(at: datetime) -> Any:
    """Select who stands in for those of the role that may claim a to-do."""
    free = select(Task.id.label("task_id")).where(Task.owner_id.is_(None)).join(Role, Role.key == Task.role_key)
    return _deputies(
        free.join(user_role, user_role.c.role_id == Role.id).join(User, User.id == user_role.c.user_id), at
    )


def _deputies(people: Any, at: datetime) -> Any:
    running = people.add_columns(StandIn.deputy_id, User.name).join(StandIn, StandIn.user_id == User.id)
    return running.where(StandIn.begins_at <= at, StandIn.ends_at > at, covering(), Task.state == "open")


def _chunked(session: Session, column: Any, ids: Collection[int], rows: Callable[[], Any]) -> Iterable[Any]:
    ordered = sorted(ids)
    for start in range(0, len(ordered), MOST_IN_ONE):
        yield from session.execute(rows().where(column.in_(ordered[start : start + MOST_IN_ONE])))


def _people_of(session: Session, roles: Collection[str]) -> dict[str, list[int]]:
    if not roles:
        return {}
    statement = (
        select(Role.key, User.id).join(user_role, user_role.c.role_id == Role.id)
        .join(User, User.id == user_role.c.user_id).where(Role.key.in_(roles), User.active).order_by(User.id)
    )  # fmt: skip
    found: dict[str, list[int]] = {}
    for key, user in session.execute(statement):
        found.setdefault(key, []).append(user)
    return found


def _cases(session: Session, subjects: Set[Subject]) -> dict[Subject, tuple[str, str]]:
    """Return title and address of cases: as their package tells, or as the latest to-do of their flow, or of any kind."""
    found = _told(subjects)
    for which in (TASKS.c.kind == "stage", true()):
        if others := subjects - found.keys():
            found |= _titles(session, others, which)
    return found


def _told(subjects: Set[Subject]) -> dict[Subject, tuple[str, str]]:
    finders: Mapping[str, FindCases] = current_app.extensions.get(CASES, {})
    found: dict[Subject, tuple[str, str]] = {}
    for kind in sorted({kind for kind, _id in subjects} & finders.keys()):
        ids = sorted(number for one, number in subjects if one == kind)
        found |= {(kind, number): told for number, told in finders[kind](ids).items()}
    return found


def _titles(
    session: Session, subjects: Collection[Subject], which: ColumnElement[bool]
) -> dict[Subject, tuple[str, str]]:
    found: dict[Subject, tuple[str, str]] = {}
    for kind in sorted({kind for kind, _id in subjects}):
        ids = sorted(number for one, number in subjects if one == kind)
        for start in range(0, len(ids), MOST_IN_ONE):
            wanted = TASKS.c.subject_id.in_(ids[start : start + MOST_IN_ONE])
            latest = select(func.max(TASKS.c.id)).where(TASKS.c.subject_kind == kind, wanted, which)
            rows = select(TASKS.c.subject_id, TASKS.c.title, TASKS.c.url).where(
                TASKS.c.id.in_(latest.group_by(TASKS.c.subject_id))
            )
            found |= {(kind, row.subject_id): (row.title, row.url) for row in session.execute(rows)}
    return found


def _starters(subjects: Collection[Subject]) -> dict[Subject, int]:
    found: dict[Subject, int] = {}
    if subjects:
        for find in current_app.extensions.get(STARTERS, ()):
            found |= find(subjects)
    return found


def _completed(one: Draft, known: _Known) -> Draft:
    """Return the draft with its people, its title and its address."""
    task = known.tasks.get(one.task_id or 0)
    users, kind = set(one.users), one.kind
    if one.of_task and task is not None and task.owner_id is not None:
        users.add(task.owner_id)
        kind = "task_copied" if task.state == "copied" else kind
    elif one.of_task and task is not None:
        users |= {*known.roles.get(task.role_key, ()), *known.pools.get(task.id, ())}
        kind = "task_pooled"
    if one.to_starter and one.subject in known.starters:
        users.add(known.starters[one.subject])
    title, url = (task.title, task.url) if task is not None else known.cases.get(one.subject, ("", "/"))
    body = task.detail if task is not None and (kind == ASKED or not one.body) else one.body  # a question is its title
    return replace(
        one, kind=kind, users=tuple(sorted(users - {one.by})), title=one.title or title, url=one.url or url, body=body
    )  # fmt: skip


def _rows_of_deputies(one: Draft, known: _Known) -> list[dict[str, Any]]:
    """Return what is told, besides a to-do's owner or those of its pool, to those who stand in."""
    task = known.tasks.get(one.task_id or 0)
    if task is None or one.kind not in TO_DO:
        return []
    kind = "task_pooled" if one.of_task and task.owner_id is None else one.kind
    named = replace(one, kind=kind, title=one.title or task.title, url=one.url or task.url)
    return [
        row
        for deputy in known.deputies.get(task.id, ())
        if deputy.deputy_id != one.by
        for row in _rows(
            replace(named, users=(deputy.deputy_id,), facts={**one.facts, "behind": deputy.name})
        )
    ]  # fmt: skip


def _rows(one: Draft) -> list[dict[str, Any]]:
    if not one.title:  # nobody could tell what it is about
        return []
    row = {
        "kind": one.kind, "subject_kind": one.subject[0], "subject_id": one.subject[1], "task_id": one.task_id,
        "title": one.title[:300], "body": one.body, "facts": dict(one.facts), "url": one.url[:300],
        "urgent": one.urgent, "dedupe": one.dedupe[:160], "at": one.at, "read_at": None, "spread": False,
    }  # fmt: skip
    return [row | {"user_id": user} for user in one.users]
