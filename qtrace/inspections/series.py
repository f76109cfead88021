"""Series of lots as they are stored: read, moved on by a lot or by a person's word, and replayed from their steps."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from flask_babel import gettext as _
from sqlalchemy import select

from qtrace.catalog.models import Sku, Supplier
from qtrace.core import events
from qtrace.core.db import db, insert_into, require_write
from qtrace.core.errors import Conflict, NotFound, Refused
from qtrace.inspections.events import SWITCHED as SWITCHED_EVENT
from qtrace.inspections.events import SwitchingChanged
from qtrace.inspections.models import Inspection, InspectionClass, SwitchingSeries, SwitchingStep
from qtrace.inspections.sampling import NONE_ALLOWED, State, cell, tighter
from qtrace.inspections.switching import LotResult, Series, after, agree, resume, unsettle

SWITCHED = ("incoming", "outgoing")  # kinds whose lots come one after another from the same process
LONGEST_REASON = 500


@dataclass(frozen=True)
class Goods:
    """What is inspected, as far as it is known."""

    shop_id: int | None = None
    sku_id: int | None = None
    supplier_id: int | None = None
    lot_id: int | None = None
    receipt_id: int | None = None


def state_of(goods: Goods, kind: str, key: str) -> State:
    """Return how closely the next lot is looked at; normally where there is no series yet."""
    row = _row(goods, kind, key)
    return State(row.state) if row else State.NORMAL


def as_series(row: SwitchingSeries) -> Series:
    """Return the stored series as the rules read it."""
    return Series(State(row.state), row.score, tuple(row.recent), row.refused, row.steady, row.agreed)


def count_lot(inspection: Inspection, one: InspectionClass, *, by: int, now: datetime) -> None:
    """Move the series of a class on by a judged lot; one shown again, or begun before the series moved, changes nothing."""
    goods = Goods(inspection.shop_id, inspection.sku_id, inspection.supplier_id)
    if inspection.kind not in SWITCHED or one.aql == NONE_ALLOWED or not (goods.sku_id and goods.supplier_id):
        return
    row = _locked_row(goods, inspection.kind, one.key, now)
    counted = inspection.previous_id is None and row.state == one.state
    lot = LotResult(accepted=one.accepted, ac=one.ac, tighter=_passes_tighter(one), original=counted)
    step = SwitchingStep(
        what="lot",
        reason="",
        inspection_id=inspection.id,
        accepted=lot.accepted,
        ac=lot.ac,
        tighter=lot.tighter,
        counted=counted,
    )
    _move(row, after(as_series(row), lot), step, by=by, now=now)


def decide_series(
    series_id: int, what: str, *, reason: str, seen: int, by: int, now: datetime, steady: bool = False
) -> SwitchingSeries:
    """Agree to reduced inspection, end it, or begin again after a stop; each is somebody's word with a reason."""
    row = require_write().scalar(select(SwitchingSeries).where(SwitchingSeries.id == series_id).with_for_update())
    if row is None:
        raise NotFound
    if row.version != seen:
        raise Conflict(_("这条转移记录刚刚变了。请看过再操作。"))
    reason = reason.strip()[:LONGEST_REASON]
    if not reason:
        raise Refused(_("请写一句依据。"), field="reason")
    series = as_series(row)
    _refuse_unfit(series, what, steady=steady)
    step = SwitchingStep(what=what, reason=reason, steady=steady)
    _move(row, _said(series, what, steady=steady), step, by=by, now=now)
    return row


def replay(steps: Iterable[SwitchingStep]) -> Series:
    """Return where a series stands by its steps alone."""
    series = Series()
    for step in steps:
        if step.what == "lot":
            lot = LotResult(accepted=step.accepted, ac=step.ac, tighter=step.tighter, original=step.counted)
            series = after(series, lot)
        else:
            series = _said(series, step.what, steady=step.steady)
    return series


def steps_of(series_id: int) -> Sequence[SwitchingStep]:
    """Return the steps of a series in their order."""
    statement = select(SwitchingStep).where(SwitchingStep.series_id == series_id)
    return db.session.scalars(statement.order_by(SwitchingStep.id)).all()


def _refuse_unfit(series: Series, what: str, *, steady: bool) -> None:
    if what == "agree" and not series.may_relax:
        raise Refused(_("转移得分到 30 分、处于正常检验时才能放宽。"))
    if what == "agree" and not steady:
        raise Refused(_("生产稳定时才能放宽。请确认后勾选。"), field="steady")
    if what == "unsettle" and series.state != State.REDUCED:
        raise Refused(_("现在没有放宽检验。"))
    if what == "resume" and series.state != State.DISCONTINUED:
        raise Refused(_("现在没有暂停检验。"))
    if what not in {"agree", "unsettle", "resume"}:
        raise Refused(_("请选择一种操作。"))


def _said(series: Series, what: str, *, steady: bool) -> Series:
    match what:
        case "agree":
            return agree(series, steady=steady)
        case "unsettle":
            return unsettle(series)
        case _:
            return resume(series)


def _passes_tighter(one: InspectionClass) -> bool:
    step = tighter(one.aql)
    return step is not None and cell(one.letter, step, State.NORMAL).accepts(one.found)


def _move(row: SwitchingSeries, series: Series, step: SwitchingStep, *, by: int, now: datetime) -> None:
    before = row.state
    step.series_id, step.before, step.after, step.score = row.id, before, series.state.value, series.score
    step.at, step.by = now, by
    require_write().add(step)
    row.state, row.score, row.recent, row.refused = (
        series.state.value,
        series.score,
        list(series.recent),
        series.refused,
    )
    row.steady, row.agreed, row.version = series.steady, series.agreed, row.version + 1
    if before == row.state:
        return
    row.changed_at = now
    body = SwitchingChanged(what=step.what, before=before, after=row.state, inspection_id=step.inspection_id).body()
    events.record(SWITCHED_EVENT, subject=("switching_series", row.id), by=by, now=now, body=body, reason=step.reason)


def _row(goods: Goods, kind: str, key: str, *, lock: bool = False) -> SwitchingSeries | None:
    if not goods.sku_id or not goods.supplier_id:
        return None
    sku_id, supplier_id = _standing_for(goods.sku_id, goods.supplier_id)
    statement = select(SwitchingSeries).where(
        SwitchingSeries.supplier_id == supplier_id, SwitchingSeries.sku_id == sku_id, SwitchingSeries.kind == kind,
        SwitchingSeries.key == key,
    )  # fmt: skip
    return db.session.scalar(statement.with_for_update() if lock else statement)


def _locked_row(goods: Goods, kind: str, key: str, now: datetime) -> SwitchingSeries:
    """Return the series for this write alone, begun where there is none; two first lots at once begin one."""
    assert goods.sku_id and goods.supplier_id
    sku_id, supplier_id = _standing_for(goods.sku_id, goods.supplier_id)
    values = {
        "supplier_id": supplier_id, "sku_id": sku_id, "kind": kind, "key": key, "state": State.NORMAL.value, "score": 0,
        "recent": [], "refused": 0, "steady": False, "agreed": False, "changed_at": now, "version": 1,
    }  # fmt: skip
    require_write().execute(insert_into(SwitchingSeries).values(values).on_conflict_do_nothing())
    row = _row(goods, kind, key, lock=True)
    assert row is not None
    return row


def _standing_for(sku_id: int, supplier_id: int) -> tuple[int, int]:
    """Return the rows that stand for an article and a supplier today, where a number was replaced by another."""
    sku, supplier = db.session.get(Sku, sku_id), db.session.get(Supplier, supplier_id)
    return (sku and sku.replaced_by_id) or sku_id, (supplier and supplier.merged_into_id) or supplier_id
