"""Who will be asked later in a case: signers who wait, turns that come back, people chosen or added for nodes ahead.

Kept in a table beside the case's state, so that whoever leaves is found in all cases without reading them.
"""

from sqlalchemy import delete, func, insert, select

from qtrace.core.db import db, require_write
from qtrace.flows.models import FlowInstance, flow_later
from qtrace.flows.state import State


def later_of(state: State) -> frozenset[int]:
    """Return who will be asked later; nobody where the case has ended."""
    if state.status != "running":
        return frozenset()
    waiting = [
        entry for token in state.tokens for seat in token.seats for entry in seat.chain if entry.state == "waiting"
    ]
    picked = {user for _node, users in (*state.chosen, *state.joined) for user in users}
    return frozenset(picked | {one for entry in waiting for one in (entry.user, *entry.pool) if one is not None})


def keep_later(instance_id: int, before: State | None, after: State) -> None:
    """Note who will be asked later, where that changed with the open write."""
    old, new = later_of(before) if before else frozenset(), later_of(after)
    if old - new:
        gone = (flow_later.c.instance_id == instance_id) & flow_later.c.user_id.in_(sorted(old - new))
        require_write().execute(delete(flow_later).where(gone))
    if new - old:
        rows = [{"instance_id": instance_id, "user_id": user} for user in sorted(new - old)]
        require_write().execute(insert(flow_later), rows)


def cases_later(user_id: int) -> int:
    """Return in how many running cases a person will be asked later."""
    found = select(func.count()).select_from(flow_later).join(FlowInstance, FlowInstance.id == flow_later.c.instance_id)
    return db.session.scalar(found.where(flow_later.c.user_id == user_id, FlowInstance.status == "running")) or 0
