"""The tabs of the to-do centre beside one's open to-dos: what I was copied on, and what my team has to do."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, func, or_, select, update
from sqlalchemy.orm import joinedload

from qtrace.accounts.models import Department, User
from qtrace.core.db import affected, db
from qtrace.core.errors import NotFound
from qtrace.tasks.cases import Turn
from qtrace.tasks.filters import Wanted, due_span
from qtrace.tasks.models import Task
from qtrace.tasks.queries import COUNT_CAP, PAGE, Group, containing, done_tasks, grouped, late_tasks, loaded, open_tasks
from qtrace.tasks.subjects import kind_names, severities_of

TEAM = "task.team"  # whoever may, sees what everybody has to do


@dataclass(frozen=True)
class Team:
    """Whose to-dos a person looks after: those of departments, or (`departments` is None) everybody's."""

    departments: frozenset[int] | None

    def __bool__(self) -> bool:
        return self.departments is None or bool(self.departments)


def team_of(user: User) -> Team:
    """Return the departments a person heads with all below them; everybody where the roles allow that."""
    if user.can(TEAM):
        return Team(None)
    rows = db.session.execute(select(Department.id, Department.parent_id, Department.head_id)).all()
    found = {row.id for row in rows if row.head_id == user.id}
    while more := {row.id for row in rows if row.parent_id in found} - found:
        found |= more
    return Team(frozenset(found))


def members_of(team: Team, user: User) -> Sequence[User]:
    """Return the active people of a team but the person, by name."""
    statement = select(User).where(User.active, User.id != user.id).order_by(User.name)
    if team.departments is not None:
        statement = statement.where(User.department_id.in_(team.departments))
    return db.session.scalars(statement).all()


def found(user: User, team: Team, wanted: Wanted, now: datetime, zone: ZoneInfo, page: int) -> list[Task]:
    """Return a page of the tab asked for and one more where others follow."""
    only = conditions(wanted, now, zone)
    match wanted.state:
        case "done":
            return done_tasks(user, page=page, only=only)
        case "copied":
            return _paged(page, Task.owner_id == user.id, Task.state.in_(("copied", "read")), *only)
        case "late":
            return late_tasks(user, now, page=page, only=only)
        case "team":
            return _urgent_of(team, user, page, only) if team else []
        case _:
            return open_tasks(user, page=page, only=only)


def conditions(wanted: Wanted, now: datetime, zone: ZoneInfo) -> list[ColumnElement[bool]]:
    """Return what narrows a list of to-dos."""
    only: list[ColumnElement[bool]] = []
    if wanted.q:
        only.append(or_(containing(Task.title, wanted.q), containing(Task.url, wanted.q)))
    for column, value in ((Task.subject_kind, wanted.kind), (Task.node, wanted.stage), (Task.flow, wanted.flow)):
        if value:
            only.append(column == value)
    if wanted.due == "none":
        only.append(Task.due_at.is_(None))
    elif wanted.due:
        after, before = due_span(wanted.due, now, zone)
        only += [Task.due_at >= after] if after else []
        only += [Task.due_at < before] if before else []
    if wanted.person.isascii() and wanted.person.isdecimal() and wanted.state == "team":
        only.append(Task.owner_id == int(wanted.person))
    return only


def count_copied(user: User) -> int:
    """Return how many copies the person has not read, counting no further than the cap."""
    unread = select(Task.id).where(Task.state == "copied", Task.owner_id == user.id).limit(COUNT_CAP)
    return db.session.scalar(select(func.count()).select_from(unread.subquery())) or 0


def mark_read(user_id: int, ids: Sequence[int] | None, now: datetime) -> int:
    """Mark copies of the person as read, all of them without ids; return how many there were."""
    mine = (Task.state == "copied") & (Task.owner_id == user_id)
    change = update(Task).where(mine if ids is None else mine & Task.id.in_(ids))
    return affected(change.values(state="read", closed_at=now, closed_by=user_id))


def team_task(task_id: int, user: User, team: Team) -> Task:
    """Return an open to-do of the team; not found when it is none of theirs."""
    rows = [row for row in _urgent_of(team, user, 1, [Task.id == task_id]) if row.id == task_id] if team else []
    if not rows:
        raise NotFound
    return rows[0]


def in_groups(
    wanted: Wanted, tasks: Sequence[Task], turns: Mapping[int, Turn], now: datetime, zone: ZoneInfo
) -> list[tuple[str, str, Sequence[Task]]]:
    """Return the to-dos of a page under headings: (key, heading, to-dos); a heading of "due" is named by its key."""
    if wanted.group == "due":
        return [(group.key, "", group.tasks) for group in _due_groups(tasks, now, zone)]
    if wanted.group == "severity":
        ranks = severities_of(tasks)
        return _under([(ranks.get(task.id, (99, "")), task) for task in tasks])
    if wanted.group == "kind":
        names = kind_names()
        return _under([((0, names.get(task.subject_kind, "")), task) for task in tasks])
    if wanted.group == "stage":
        return _under([((0, turns[task.id].stage), task) for task in tasks])
    return [("", "", tasks)]


def _due_groups(tasks: Sequence[Task], now: datetime, zone: ZoneInfo) -> list[Group]:
    return grouped(tasks, now, zone)


def _under(rows: Sequence[tuple[tuple[int, str], Task]]) -> list[tuple[str, str, Sequence[Task]]]:
    headings: dict[tuple[int, str], list[Task]] = {}
    for heading, task in rows:
        headings.setdefault(heading, []).append(task)
    ordered = sorted(headings, key=lambda one: (one[1] == "", one[0], one[1]))
    return [(f"g{at}", name, headings[rank, name]) for at, (rank, name) in enumerate(ordered)]


def _urgent_of(team: Team, user: User, page: int, only: Sequence[ColumnElement[bool]]) -> list[Task]:
    """Return a page of what a team has to do, the most urgent first and what is due nowhere last."""
    most = page * PAGE + 1
    dated = _of_team(team, user, most, [*only, Task.due_at.is_not(None)])
    undated = [] if len(dated) == most else _of_team(team, user, most - len(dated), [*only, Task.due_at.is_(None)])
    return loaded([*dated, *undated][(page - 1) * PAGE :])


def _of_team(team: Team, user: User, most: int, only: Sequence[ColumnElement[bool]]) -> Sequence[int]:
    theirs = select(Task.id).where(Task.state == "open", *only)
    if team.departments is None:
        theirs = theirs.where(or_(Task.owner_id.is_(None), Task.owner_id != user.id))
    else:
        people = select(User.id).where(User.department_id.in_(team.departments), User.id != user.id)
        pool = Task.owner_id.is_(None) & Task.department_id.in_(team.departments)
        theirs = theirs.where(or_(Task.owner_id.in_(people), pool))
    return db.session.scalars(theirs.order_by(Task.due_at, Task.id).limit(most)).all()


def _paged(page: int, *only: ColumnElement[bool]) -> list[Task]:
    rows = select(Task).where(*only).options(joinedload(Task.owner)).order_by(Task.state != "copied", Task.id.desc())
    return list(db.session.scalars(rows.offset((page - 1) * PAGE).limit(PAGE + 1)))
