"""Verbs on holds and recalls; each is one write with its event, and says what to do when it refuses."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import case, func, insert, literal, select, update

from qtrace.catalog.models import Warehouse
from qtrace.core import events
from qtrace.core.db import existing, require_write
from qtrace.core.errors import Conflict, NotFound, Refused
from qtrace.core.numbering import next_number
from qtrace.orders.models import LineLot, Lot, OrderLine
from qtrace.recalls.events import (
    HOLD_COUNTED,
    HOLD_PLACED,
    HOLD_RELEASED,
    RECALL_CLOSED,
    RECALL_OPENED,
    RECALL_ORDERS_CHANGED,
    RECALL_STEP_DONE,
)
from qtrace.recalls.models import Hold, HoldCount, Recall, RecallLot, RecallOrder, RecallStep
from qtrace.recalls.steps import DRILL, RECALL, STATES, STEPS
from qtrace.trace.lot_pass import IS_SURE

PREFIXES = {RECALL: "RC", DRILL: "DR"}
MOST_LOTS = 50
LONGEST = 300


@dataclass(frozen=True, kw_only=True)
class NewRecall:
    """What is called back, or what the drill pretends to."""

    kind: str
    title: str
    lots: Collection[int]
    reach: Collection[int]  # the lots and everything made of them
    reason: str = ""
    issue_id: int | None = None
    target_minutes: int = 240


def place_hold(
    lot_id: int, *, reason: str, by: int, now: datetime, warehouse_id: int | None = None, recall_id: int | None = None
) -> int:
    """Hold a lot back in one warehouse or in all of them; refuse a second hold over the same goods."""
    session = require_write()
    lot = existing(Lot, lot_id)
    if not reason.strip():
        raise Refused(_("请写明为什么冻结。"), field="reason")
    same = Hold.warehouse_id.is_(None) if warehouse_id is None else Hold.warehouse_id == warehouse_id
    if session.scalar(select(Hold.id).where(Hold.lot_id == lot_id, Hold.released_at.is_(None), same)):
        raise Refused(_("批次 %(lot)s 已经冻结了。", lot=lot.external_id), field="lot")
    hold = Hold(
        lot_id=lot_id, warehouse_id=warehouse_id, recall_id=recall_id, reason=reason.strip()[:LONGEST], placed_at=now,
        placed_by=by,
    )  # fmt: skip
    session.add(hold)
    session.flush()  # the event names the hold
    body = {"hold": hold.id, "lot": lot.external_id, "warehouse": warehouse_id}
    events.record(HOLD_PLACED, subject=("lot", lot_id), by=by, now=now, body=body, reason=hold.reason)
    return hold.id


def count_hold(hold_id: int, *, pieces: int, by: int, now: datetime, warehouse_id: int | None = None) -> None:
    """Note how many pieces a warehouse has put aside."""
    hold = _open_hold(hold_id)
    if hold.warehouse_id is not None and warehouse_id != hold.warehouse_id:
        raise Refused(_("这次冻结不包括这个仓库。"), field="warehouse")
    if warehouse_id is not None:
        existing(Warehouse, warehouse_id)
    if not 0 <= pieces <= 10_000_000:
        raise Refused(_("件数要在 0 到 10,000,000 之间。"), field="pieces")
    session = require_write()
    session.add(HoldCount(hold_id=hold_id, warehouse_id=warehouse_id, pieces=pieces, counted_at=now, counted_by=by))
    body = {"hold": hold_id, "pieces": pieces, "warehouse": warehouse_id}
    events.record(HOLD_COUNTED, subject=("lot", hold.lot_id), by=by, now=now, body=body)


def release_hold(hold_id: int, *, why: str, by: int, now: datetime) -> None:
    """Let the goods go again; the reason is kept."""
    hold = _open_hold(hold_id)
    if not why.strip():
        raise Refused(_("请写明为什么放行。"), field="why")
    hold.released_at, hold.released_by, hold.released_why = now, by, why.strip()[:LONGEST]
    hold.version += 1
    body = {"hold": hold_id}
    events.record(HOLD_RELEASED, subject=("lot", hold.lot_id), by=by, now=now, body=body, reason=hold.released_why)


def open_recall(new: NewRecall, *, by: int, now: datetime) -> Recall:
    """Open a recall or a drill; a recall holds its lots at once and lists every order that got a piece of them."""
    _check(new)
    session = require_write()
    recall = Recall(
        number=next_number(PREFIXES[new.kind], now), kind=new.kind, title=new.title.strip()[:200], reason=new.reason.strip(),
        issue_id=new.issue_id, target_minutes=new.target_minutes, opened_at=now, opened_by=by,
    )  # fmt: skip
    session.add(recall)
    session.flush()  # its id is in every row below
    session.execute(insert(RecallLot), [{"recall_id": recall.id, "lot_id": lot} for lot in sorted(new.lots)])
    if new.kind == RECALL:
        _list_orders(recall.id, new.reach)
        _hold_all(recall, new.lots, by=by, now=now)
    body = {"number": recall.number, "kind": new.kind, "lots": sorted(new.lots)}
    events.record(RECALL_OPENED, subject=("recall", recall.id), by=by, now=now, body=body)
    return recall


def finish_step(
    recall_id: int, key: str, *, figures: Mapping[str, Any], note: str, by: int, now: datetime
) -> RecallStep:
    """Put a step on record with what was found; the second tap of a double tap changes nothing."""
    recall = _open(recall_id)
    if key not in STEPS[recall.kind]:
        raise NotFound
    session = require_write()
    known = session.scalar(select(RecallStep).where(RecallStep.recall_id == recall_id, RecallStep.key == key))
    if known is not None:
        raise Conflict(_("这一步已经完成了。"))
    step = RecallStep(
        recall_id=recall_id, key=key, note=note.strip()[:2000], figures=dict(figures), done_at=now, done_by=by
    )
    session.add(step)
    recall.version += 1
    body = {"step": key, "figures": dict(figures)}
    events.record(RECALL_STEP_DONE, subject=("recall", recall_id), by=by, now=now, body=body)
    return step


def set_states(recall_id: int, ids: Sequence[int], state: str, *, by: int, now: datetime) -> int:
    """Say how far the buyers of these orders have been dealt with; return how many changed."""
    _open(recall_id)
    if state not in STATES:
        raise Refused(_("请选择一种状态。"), field="state")
    changed = (
        update(RecallOrder)
        .where(RecallOrder.recall_id == recall_id, RecallOrder.id.in_(ids), RecallOrder.state != state)
        .values(state=state, changed_at=now, changed_by=by)
        .returning(RecallOrder.id)
    )
    found = sorted(require_write().scalars(changed))
    if found:
        body = {"ids": found, "state": state}
        events.record(RECALL_ORDERS_CHANGED, subject=("recall", recall_id), by=by, now=now, body=body)
    return len(found)


def close_recall(recall_id: int, *, conclusion: str, by: int, now: datetime) -> None:
    """End it once every step is done and every buyer has been told, or could not be reached."""
    recall = _open(recall_id)
    session = require_write()
    done = set(session.scalars(select(RecallStep.key).where(RecallStep.recall_id == recall_id)))
    left = [key for key in STEPS[recall.kind] if key not in done]
    if left:
        raise Refused(_("还有 %(n)s 步没有完成,做完再结束。", n=len(left)))
    pending = session.scalar(
        select(func.count()).where(RecallOrder.recall_id == recall_id, RecallOrder.state == "pending")
    )
    if pending:
        raise Refused(_("还有 %(n)s 个订单的买家没有通知。通知不到的请标成「联系不上」。", n=pending))
    if not conclusion.strip():
        raise Refused(_("请写一句结论。"), field="conclusion")
    recall.closed_at, recall.closed_by, recall.conclusion = now, by, conclusion.strip()[:2000]
    recall.version += 1
    events.record(RECALL_CLOSED, subject=("recall", recall_id), by=by, now=now, body={"number": recall.number})


def _check(new: NewRecall) -> None:
    if new.kind not in STEPS:
        raise Refused(_("请选择是召回还是演练。"), field="kind")
    if not new.title.strip():
        raise Refused(_("请写标题。"), field="title")
    if not new.lots:
        raise Refused(_("没有找到这些批号。请检查后再填,一行一个。"), field="lots")
    if len(new.lots) > MOST_LOTS:
        raise Refused(_("一次最多 %(n)s 个批次。", n=MOST_LOTS), field="lots")
    if not 1 <= new.target_minutes <= 60 * 24 * 30:
        raise Refused(_("目标时间要在 1 分钟到 30 天之间。"), field="target_minutes")


def _list_orders(recall_id: int, reach: Collection[int]) -> None:
    """Write one row an order, counted by the database: a best seller has twenty thousand."""
    sure = func.max(case((IS_SURE, 1), else_=0)) == 1
    orders = (
        select(literal(recall_id), OrderLine.order_id, func.sum(LineLot.quantity), sure, literal("pending"))
        .join(OrderLine, OrderLine.id == LineLot.line_id)
        .where(LineLot.lot_id.in_(reach))
        .group_by(OrderLine.order_id)
    )
    columns = ["recall_id", "order_id", "pieces", "sure", "state"]
    require_write().execute(insert(RecallOrder).from_select(columns, orders, include_defaults=False))


def _hold_all(recall: Recall, lots: Collection[int], *, by: int, now: datetime) -> None:
    held = select(Hold.lot_id).where(Hold.lot_id.in_(lots), Hold.warehouse_id.is_(None), Hold.released_at.is_(None))
    known = set(require_write().scalars(held))
    for lot in sorted(set(lots) - known):
        place_hold(lot, reason=_("召回 %(number)s", number=recall.number), by=by, now=now, recall_id=recall.id)


def _open(recall_id: int) -> Recall:
    recall = require_write().scalar(select(Recall).where(Recall.id == recall_id).with_for_update())
    if recall is None:
        raise NotFound
    if recall.closed_at is not None:
        raise Conflict(_("%(number)s 已经结束,不能再改。", number=recall.number))
    return recall


def _open_hold(hold_id: int) -> Hold:
    hold = require_write().scalar(select(Hold).where(Hold.id == hold_id).with_for_update())
    if hold is None:
        raise NotFound
    if hold.released_at is not None:
        raise Conflict(_("这批货已经放行了。"))
    return hold
