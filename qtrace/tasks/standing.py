"""Stand-ins: while one runs, its deputy sees and decides the to-dos that are the person's, and those of its pools.

They are never followed on: whoever stands in for a deputy has only the deputy's own to-dos. What a deputy claims out of a
pool is the person's, as if the person had claimed it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from flask_babel import gettext as _
from sqlalchemy import ColumnElement, Select, bindparam, insert, or_, select
from sqlalchemy.orm import joinedload

from qtrace.accounts.access import Viewer
from qtrace.accounts.models import Role, User, user_role
from qtrace.core import clock, events
from qtrace.core.db import UtcDateTime, db, existing, require_write
from qtrace.core.errors import Refused
from qtrace.tasks.models import StandIn, Task, stand_in_flow, task_pool

LONGEST = timedelta(days=366)
ENDED_SHOWN = 20
# read when the statement runs: lists that are built once ask it too
MOMENT = bindparam("standing_at", callable_=clock.now, type_=UtcDateTime())
BEHIND = select(StandIn.id, StandIn.user_id, StandIn.every_flow).where(
    StandIn.deputy_id == bindparam("deputy"), StandIn.begins_at <= bindparam("at", type_=UtcDateTime()),
    StandIn.ends_at > bindparam("at", type_=UtcDateTime()),
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class NewStandIn:
    """Who stands in for whom from one day to another, for these flows or (none named) for everything."""

    user_id: int
    deputy_id: int
    begins: date
    ends: date  # the last day
    flows: tuple[str, ...] = ()
    note: str = ""


@dataclass(frozen=True)
class Behind:
    """A person somebody stands in for now; `flows` is empty where that is for everything."""

    user_id: int
    flows: tuple[str, ...]
    role_keys: tuple[str, ...]  # whose pools the person may claim from

    def covers(self, flow: str | None) -> bool:
        """Say whether a to-do of this flow is among what the deputy decides."""
        return not self.flows or flow in self.flows


def persons_behind(deputy_id: int, now: datetime) -> list[Behind]:
    """Return the people somebody stands in for now."""
    rows = db.session.execute(BEHIND, {"deputy": deputy_id, "at": now}).all()
    flows = _flows_of([row.id for row in rows if not row.every_flow])
    roles = _roles_of([row.user_id for row in rows])
    return [
        Behind(row.user_id, tuple(flows.get(row.id, ())), tuple(roles.get(row.user_id, ())))
        for row in rows
        if row.every_flow or row.id in flows
    ]


def stands_in(deputy_id: int, user_id: int | None, flow: str | None, now: datetime) -> bool:
    """Say whether a person decides now what is another's in this flow."""
    if user_id is None or user_id == deputy_id:
        return False
    return any(one.user_id == user_id and one.covers(flow) for one in persons_behind(deputy_id, now))


def claims_for(task: Task, deputy_id: int, now: datetime) -> int | None:
    """Return for whom a deputy may claim a to-do out of its pool; None where nobody of the pool is stood in for."""
    pool = select(task_pool.c.user_id).where(task_pool.c.task_id == task.id)
    named = set() if task.role_key else set(db.session.scalars(pool))
    behind = [one for one in persons_behind(deputy_id, now) if one.covers(task.flow)]
    fits = (one.user_id for one in behind if one.user_id in named or (task.role_key and task.role_key in one.role_keys))
    return next(fits, None)


def stood_for(user: Viewer) -> ColumnElement[bool]:
    """Return the condition that the to-do's owner, or somebody of its pool, has the person as a deputy now."""
    return or_(owner_stood_for(user), pool_stood_for(user))


def owner_stood_for(user: Viewer) -> ColumnElement[bool]:
    """Return the condition that the to-do's owner has the person as a deputy now."""
    return _running(user).where(StandIn.user_id == Task.owner_id, covering()).exists()


def pool_stood_for(user: Viewer) -> ColumnElement[bool]:
    """Return the condition that somebody who may claim the to-do has the person as a deputy now."""
    named = (task_pool.c.task_id == Task.id) & (task_pool.c.user_id == StandIn.user_id)
    role = select(user_role.c.user_id).join(Role, Role.id == user_role.c.role_id).where(
        user_role.c.user_id == StandIn.user_id, Role.key == Task.role_key
    )  # fmt: skip
    someone = or_(
        select(task_pool.c.task_id).where(named).correlate(Task, StandIn).exists(),
        role.correlate(Task, StandIn).exists(),
    )
    return Task.owner_id.is_(None) & _running(user).where(covering(), someone).exists()


def roles_stood_for(user: Viewer) -> Select[str]:
    """Select the keys of the roles of those the person stands in for now."""
    return (
        select(Role.key).join(user_role, user_role.c.role_id == Role.id)
        .join(StandIn, StandIn.user_id == user_role.c.user_id).where(*_running_now(user))
    )  # fmt: skip


def pools_stood_for(user: Viewer) -> Select[int]:
    """Select the to-dos of whose pool somebody is the person stands in for now."""
    return select(task_pool.c.task_id).join(StandIn, StandIn.user_id == task_pool.c.user_id).where(*_running_now(user))


def _running(user: Viewer) -> Select[int]:
    return select(StandIn.id).where(*_running_now(user)).correlate(Task)


def _running_now(user: Viewer) -> tuple[ColumnElement[bool], ...]:
    return StandIn.deputy_id == user.id, StandIn.begins_at <= MOMENT, StandIn.ends_at > MOMENT


def covering() -> ColumnElement[bool]:
    """Return the condition that a stand-in covers the flow of a to-do."""
    named = select(stand_in_flow.c.flow).where(
        stand_in_flow.c.stand_in_id == StandIn.id, stand_in_flow.c.flow == Task.flow
    )
    return or_(StandIn.every_flow, named.correlate(StandIn, Task).exists())


def stand_ins_of(user_id: int) -> Sequence[StandIn]:
    """Return those a person has set and those the person is a deputy in, the newest first; of what is over the last few."""
    mine = or_(StandIn.user_id == user_id, StandIn.deputy_id == user_id)
    return _listed(mine)


def all_stand_ins() -> Sequence[StandIn]:
    """Return everybody's, the newest first; of what is over the last few."""
    return _listed(StandIn.id.is_not(None))


def flows_of(stand_ins: Sequence[StandIn]) -> dict[int, list[str]]:
    """Return the keys of the flows each is for; those for everything have none."""
    return _flows_of([one.id for one in stand_ins])


def set_stand_in(new: NewStandIn, *, zone: ZoneInfo, by: int, now: datetime) -> int:
    """Let a colleague stand in from the first day to the last, and tell both."""
    begins = datetime.combine(new.begins, time(), zone)
    ends = datetime.combine(new.ends + timedelta(days=1), time(), zone)
    _check(new, begins, ends, now)
    row = StandIn(
        user_id=new.user_id, deputy_id=new.deputy_id, begins_at=begins, ends_at=ends, every_flow=not new.flows,
        note=new.note[:200], created_by=by, created_at=now,
    )  # fmt: skip
    session = require_write()
    session.add(row)
    session.flush()  # the id is what the event names
    if new.flows:
        session.execute(insert(stand_in_flow), [{"stand_in_id": row.id, "flow": flow} for flow in new.flows])
    _tell("stand_in_set", row, by, now)
    return row.id


def end_stand_in(stand_in_id: int, *, by: int, now: datetime) -> None:
    """End it now: one that has not begun is over before it begins."""
    row = existing(StandIn, stand_in_id, fresh=True)
    if row.ends_at <= now:
        raise Refused(_("这次代理已经结束。"))
    row.ends_at = max(now, row.begins_at) if row.begins_at <= now else row.begins_at
    row.closed_at = now
    _tell("stand_in_ended", row, by, now)


def tell_ended(now: datetime) -> int:
    """Tell both sides of what ran out since the last time; return how many there were."""
    over = select(StandIn).where(StandIn.closed_at.is_(None), StandIn.ends_at <= now).with_for_update()
    rows = require_write().scalars(over).all()
    for row in rows:
        row.closed_at = now
        _tell("stand_in_ended", row, None, now)
    return len(rows)


def _flows_of(ids: Sequence[int]) -> dict[int, list[str]]:
    found: dict[int, list[str]] = {}
    if ids:
        for stand_in, flow in db.session.execute(select(stand_in_flow).where(stand_in_flow.c.stand_in_id.in_(ids))):
            found.setdefault(stand_in, []).append(flow)
    return found


def _roles_of(ids: Sequence[int]) -> dict[int, list[str]]:
    found: dict[int, list[str]] = {}
    if ids:
        held = select(user_role.c.user_id, Role.key).join(Role, Role.id == user_role.c.role_id)
        for user_id, role in db.session.execute(held.where(user_role.c.user_id.in_(ids)).order_by(Role.id)):
            found.setdefault(user_id, []).append(role)
    return found


def _check(new: NewStandIn, begins: datetime, ends: datetime, now: datetime) -> None:
    session = require_write()
    person, deputy = session.get(User, new.user_id), session.get(User, new.deputy_id)
    if person is None or not person.active:
        raise Refused(_("请选择一位在职的同事。"), field="user_id")
    if deputy is None or not deputy.active:
        raise Refused(_("请选择一位在职的同事。"), field="deputy_id")
    if new.deputy_id == new.user_id:
        raise Refused(_("不能由本人代理自己。请选择另一位同事。"), field="deputy_id")
    if new.ends < new.begins:
        raise Refused(_("结束日期不能早于开始日期。"), field="ends")
    if ends <= now:
        raise Refused(_("结束日期已经过去。请选择今天或以后的日期。"), field="ends")
    if ends - begins > LONGEST:
        raise Refused(_("一次代理最长一年。长期不在请用「全部交接」。"), field="ends")
    same_days = select(StandIn).where(
        StandIn.user_id == new.user_id, StandIn.begins_at < ends, StandIn.ends_at > begins, StandIn.ends_at > now
    )
    for other in session.scalars(same_days.options(joinedload(StandIn.deputy)).with_for_update(of=StandIn)):
        named = set(session.scalars(select(stand_in_flow.c.flow).where(stand_in_flow.c.stand_in_id == other.id)))
        if not new.flows or other.every_flow or named & set(new.flows):
            raise Refused(
                _("这段时间已经由 %(name)s 代理。请先提前结束那一次,或换一段日期。", name=other.deputy.name),
                field="begins",
            )


def _listed(condition: ColumnElement[bool]) -> Sequence[StandIn]:
    now = clock.now()
    rows = select(StandIn).where(condition).options(joinedload(StandIn.user), joinedload(StandIn.deputy))
    running = db.session.scalars(rows.where(StandIn.ends_at > now).order_by(StandIn.begins_at, StandIn.id)).all()
    over = rows.where(StandIn.ends_at <= now).order_by(StandIn.ends_at.desc(), StandIn.id.desc()).limit(ENDED_SHOWN)
    return [*running, *db.session.scalars(over)]


def _tell(name: str, row: StandIn, by: int | None, now: datetime) -> None:
    body = {
        "stand_in": row.id, "user": row.user_id, "deputy": row.deputy_id, "users": [row.user_id, row.deputy_id],
        "begins_at": row.begins_at.isoformat(), "ends_at": row.ends_at.isoformat(),
    }  # fmt: skip
    events.record(name, subject=("user", row.user_id), by=by, now=now, body=body, reason=row.note)
