"""What buyers are told in a recall: written by one person, approved by another, then filled in order by order."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import joinedload

from qtrace.catalog.models import Sku
from qtrace.core import events
from qtrace.core.db import db, require_write
from qtrace.core.errors import Conflict, NotFound, Refused
from qtrace.orders.bulk import among
from qtrace.orders.models import LineLot, Lot, Order, OrderLine
from qtrace.recalls.events import RECALL_LETTER_DECIDED, RECALL_LETTER_WRITTEN
from qtrace.recalls.models import Recall, RecallLetter, RecallLot, RecallOrder
from qtrace.recalls.steps import RECALL
from qtrace.recalls.words_of_letters import NAMES, filled, unknown_gaps
from qtrace.trace.queries import lineage_of
from qtrace.trace.tables import parcels_of

MESSAGE, LETTER = "message", "letter"
KINDS = (MESSAGE, LETTER)
LONGEST = {MESSAGE: 500, LETTER: 4000}  # shops' chats cut longer messages
AT_ONCE = 500


@dataclass(frozen=True)
class Told:
    """One order with the words for its buyer."""

    row: RecallOrder
    words: str
    waybills: Sequence[str] = ()


def letters_of(recall_id: int) -> Sequence[RecallLetter]:
    """Return what was written, newest first."""
    rows = select(RecallLetter).where(RecallLetter.recall_id == recall_id).order_by(RecallLetter.id.desc())
    return db.session.scalars(rows).all()


def approved(recall_id: int, kind: str) -> RecallLetter | None:
    """Return the words that may go out, if there are any."""
    rows = (
        select(RecallLetter)
        .where(RecallLetter.recall_id == recall_id, RecallLetter.kind == kind, RecallLetter.state == "approved")
        .order_by(RecallLetter.id.desc())
    )
    return db.session.scalars(rows.limit(1)).first()


def first_words(kind: str) -> str:
    """Return what the box holds at first; it is the company's to change."""
    if kind == LETTER:
        return _(
            "尊敬的顾客:\n\n您在{店铺}购买的{商品}(订单 {订单号},批号 {批号},{件数} 件)属于我们正在召回的批次(召回编号 {召回编号})。"
            "请停止使用,并与店铺客服联系办理免费退货和全额退款,运费由我们承担。\n\n给您带来的不便,我们深表歉意。"
        )
    return _(
        "您好,您购买的{商品}(订单 {订单号},批号 {批号})正在召回,请先停止使用。回复本消息即可办理免费退货和全额退款,运费由我们承担,非常抱歉。"
    )


def write_letter(recall_id: int, kind: str, body: str, *, by: int, now: datetime) -> RecallLetter:
    """Put words forward for approval; words of the same kind that still wait are replaced."""
    session = require_write()
    _open_recall(recall_id)
    if kind not in KINDS:
        raise Refused(_("请选择是消息还是信件。"), field="kind")
    text = body.strip().replace("\r\n", "\n")
    if not text:
        raise Refused(_("请写要告诉买家的话。"), field="body")
    if len(text) > LONGEST[kind]:
        raise Refused(_("最多 %(n)s 个字,现在是 %(have)s 个。", n=LONGEST[kind], have=len(text)), field="body")
    if strange := unknown_gaps(text):
        known = "、".join(f"{{{name}}}" for name in NAMES)
        raise Refused(_("不认识 {%(name)s}。可以用:%(known)s", name=strange[0], known=known), field="body")
    for row in letters_of(recall_id):
        if row.kind == kind and row.state == "waiting":
            row.state, row.version = "replaced", row.version + 1
    letter = RecallLetter(recall_id=recall_id, kind=kind, body=text, written_at=now, written_by=by)
    session.add(letter)
    session.flush()  # the event names the letter
    body_of = {"letter": letter.id, "kind": kind, "body": text}
    events.record(RECALL_LETTER_WRITTEN, subject=("recall", recall_id), by=by, now=now, body=body_of)
    return letter


def decide_letter(recall_id: int, letter_id: int, *, approve: bool, why: str, by: int, now: datetime) -> RecallLetter:
    """Let the words out or send them back; whoever wrote them cannot, and words are decided on once."""
    session = require_write()
    _open_recall(recall_id)
    letter = session.scalar(
        select(RecallLetter).where(RecallLetter.id == letter_id, RecallLetter.recall_id == recall_id).with_for_update()
    )
    if letter is None:
        raise NotFound
    if letter.state != "waiting":
        raise Conflict(_("这份通知已经有了结论,请刷新后再看。"))
    if letter.written_by == by:
        raise Refused(_("自己写的通知要请另一个人批准。"), field="letter")
    if not approve and not why.strip():
        raise Refused(_("退回要写明改什么。"), field="why")
    letter.state = "approved" if approve else "refused"
    letter.decided_at, letter.decided_by, letter.decided_why = now, by, why.strip()[:300]
    letter.version += 1
    body = {"letter": letter.id, "state": letter.state}
    events.record(
        RECALL_LETTER_DECIDED, subject=("recall", recall_id), by=by, now=now, body=body, reason=letter.decided_why
    )
    return letter


def told(recall: Recall, letter: RecallLetter, *, after: int = 0, size: int = AT_ONCE) -> list[Told]:
    """Return the next orders whose buyers are still to be told, with their words filled in."""
    order = joinedload(RecallOrder.order)
    rows = db.session.scalars(
        select(RecallOrder)
        .where(RecallOrder.recall_id == recall.id, RecallOrder.state == "pending", RecallOrder.id > after)
        .options(order.joinedload(Order.customer), order.joinedload(Order.shop))
        .order_by(RecallOrder.id)
        .limit(size)
    ).all()
    goods = _goods_in(recall.id, [row.order_id for row in rows])
    parcels = parcels_of({row.order_id for row in rows})
    return [
        Told(
            row, filled(letter.body, _values(recall, row, goods.get(row.order_id, []))),
            [parcel.external_id for parcel in parcels.get(row.order_id, [])],
        )
        for row in rows
    ]  # fmt: skip


def all_told(recall: Recall, letter: RecallLetter) -> Iterator[Told]:
    """Yield every order whose buyer is still to be told, some hundreds at a time."""
    after = 0
    while found := told(recall, letter, after=after):
        yield from found
        after = found[-1].row.id
        db.session.expunge_all()


def _open_recall(recall_id: int) -> Recall:
    recall = require_write().scalar(select(Recall).where(Recall.id == recall_id).with_for_update())
    if recall is None or recall.kind != RECALL:
        raise NotFound
    if recall.closed_at is not None:
        raise Conflict(_("%(number)s 已经结束,不能再改。", number=recall.number))
    return recall


def _goods_in(recall_id: int, orders: Collection[int]) -> dict[int, list[tuple[str, str]]]:
    """Return per order the names and lots of what is called back from it."""
    lots = list(db.session.scalars(select(RecallLot.lot_id).where(RecallLot.recall_id == recall_id)))
    reach = set(lots) | lineage_of(lots).products(lots)
    rows = db.session.execute(
        select(OrderLine.order_id, Sku.name, Lot.external_id)
        .join(LineLot, LineLot.line_id == OrderLine.id)
        .join(Lot, Lot.id == LineLot.lot_id)
        .outerjoin(Sku, Sku.id == OrderLine.sku_id)
        .where(among(OrderLine.order_id, orders), among(LineLot.lot_id, sorted(reach)))
        .order_by(OrderLine.id, LineLot.id)
    )
    found: dict[int, list[tuple[str, str]]] = {}
    for order, name, lot in rows:
        found.setdefault(order, []).append((name or "", lot))
    return found


def _values(recall: Recall, row: RecallOrder, goods: Sequence[tuple[str, str]]) -> Mapping[str, str]:
    names = dict.fromkeys(name for name, _lot in goods if name)
    lots = dict.fromkeys(lot for _name, lot in goods)
    return {
        "shop": row.order.shop.name, "order": row.order.external_id, "goods": "、".join(names) or _("商品"),
        "lot": "、".join(lots), "pieces": str(row.pieces), "recall": recall.number,
    }  # fmt: skip
