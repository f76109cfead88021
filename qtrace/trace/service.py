"""The trace of one end: loaded, named in the reader's words, and walked."""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from flask_babel import gettext as _
from flask_babel import ngettext

from qtrace.accounts.models import User
from qtrace.catalog.models import Sku
from qtrace.complaints.models import Complaint
from qtrace.core.money import Money
from qtrace.issues.models import Issue
from qtrace.orders.models import LineLot, Lot, Order, OrderLine, Parcel, Receipt
from qtrace.trace import queries
from qtrace.trace.lineage import Lineage
from qtrace.trace.lot_pass import LotPass, pass_over
from qtrace.trace.queries import End, Sums
from qtrace.trace.walk import (
    ComplaintFact,
    Facts,
    LineFact,
    Link,
    LotFact,
    LotLinkFact,
    MadeFact,
    Named,
    ReceiptFact,
    Totals,
    Trace,
    walk,
)
from qtrace.web.filters import localised, show_day, show_short_day


def find_trace(
    end: End,
    user: User | None,
    link: Link = lambda _kind, _id: "",
    opened: Collection[str] = (),
    passed: LotPass | None = None,
) -> Trace:
    """Return the trace of the end as the person may see it; without a person everything is seen."""
    if end.kind == "lot" and passed is None:
        passed = pass_over(end.lots, end.reach)
    counted, refund = queries.sums(end, user, passed), queries.refunds(end)
    complaints = queries.complaints_of(end, user)
    lines = queries.lines_of(end, (row.order_id for row in complaints if row.order_id))
    empty = queries.empty_orders_of(end)
    links = queries.links_of(row.id for row in lines)
    served = {row.lot_id for row in links} | end.lots
    lineage = end.lineage if end.kind == "lot" else queries.lineage_of(served)
    lots = queries.lots_of(served | lineage.sources(served) | lineage.products(end.lots))
    receipts = queries.receipts_of(row.id for row in lots)
    issues = queries.issues_of(end, user)
    skus = queries.skus_of(_sku_ids(end, lines, lots))
    suppliers = queries.suppliers_of(_supplier_ids(end, lines, links, lots, receipts))
    parcels = queries.parcels_of(end, [row.order_id for row in lines] + [row.id for row in empty])
    held = queries.orders_by_parcel(row.id for row in parcels)
    names = {row.id: row.external_id for row in suppliers}
    return walk(
        Facts(
            focus=(end.kind, number_of(end)),
            title=title_of(end),
            facts=_facts_line(end),
            complaints=_complaint_facts(complaints, {row.id: row.number for row in issues}),
            lines=[_line_fact(row, names) for row in lines] + [_order_fact(row) for row in empty],
            skus=[_sku_named(row, names) for row in skus],
            links=_link_facts(links, lines, lots),
            lots=_lot_facts(lots, links, names, {one.of for one in lineage.made if one.how == "part"}),
            made=_made_facts(lineage, lots),
            receipts=_receipt_facts(receipts, lots, names),
            suppliers=[Named(row.external_id, row.name or row.external_id, row.region) for row in suppliers],
            parcels=[_parcel_named(row, held.get(row.id, [])) for row in parcels],
            issues=[_issue_named(row) for row in issues],
            counts=_counts(counted),
            gaps=_gaps(end, counted, lots, receipts),
            totals=_totals(counted, refund),
            hidden_issues=counted.issues - counted.visible_issues,
            hidden_complaints=counted.complaints - counted.visible_complaints,
        ),
        link,
        opened,
    )


def trace_json(kind: str, number: str, user: User | None = None) -> dict[str, Any]:
    """Return the trace of one end as plain data, as the person may see it; nothing is hidden from the command line."""
    trace = find_trace(queries.find_end(kind, number, user), user)
    totals = trace.totals
    return {
        "nodes": [{"kind": node.kind, "id": node.id, "label": node.label} for node in trace.nodes],
        "edges": [
            {
                "from": ":".join(edge.from_),
                "to": ":".join(edge.to),
                "method": edge.method,
                "confidence": edge.confidence,
            }
            for edge in trace.edges
        ],
        "gaps": [gap_text(gap.key, gap.count) for gap in trace.gaps],
        "totals": {
            "orders": totals.orders,
            "units": totals.units,
            "customers": totals.customers,
            "issues": totals.issues,
            "refund": {currency: str(Money(minor, currency).amount) for currency, minor in totals.refund.items()},
        },
    }


def gap_text(key: str, count: int) -> str:
    """Return what a gap means, in the reader's words."""
    texts = {
        "empty_orders": ngettext("%(num)s 个订单没有商品明细", "%(num)s 个订单没有商品明细", count),
        "no_lot": ngettext("%(num)s 个订单行不知道发的是哪个批次", "%(num)s 个订单行不知道发的是哪个批次", count),
        "inferred_lots": ngettext(
            "%(num)s 个订单行的批次是推断的,没有人扫码", "%(num)s 个订单行的批次是推断的,没有人扫码", count
        ),
        "no_stock_out": _("没有这个批次的出库记录,发了多少不知道"),
        "unknown_sku": ngettext("%(num)s 个订单行的 SKU 不在商品表里", "%(num)s 个订单行的 SKU 不在商品表里", count),
        "no_receipt": ngettext("%(num)s 个批次没有入库记录", "%(num)s 个批次没有入库记录", count),
        "inferred": ngettext("这里列出的联系有 %(num)s 条是推断的", "这里列出的联系有 %(num)s 条是推断的", count),
        "shops": _("%(n)s 个店铺都有这个编号,这里合在一起看", n=count),
    }
    return texts[key]


def kind_name(kind: str) -> str:
    """Return what staff call this kind of end."""
    names = {
        "complaint": _("投诉"), "issue": _("质量问题"), "order": _("订单"), "line": _("订单行"), "sku": _("SKU"),
        "lot": _("批次"), "part": _("部件批次"), "receipt": _("采购入库"), "supplier": _("供应商"), "parcel": _("包裹"),
    }  # fmt: skip
    return names[kind]


def method_name(method: str) -> str:
    """Return how a link is known, in the reader's words."""
    names = {
        "scanned": _("扫码"), "serial": _("序列号"), "manual": _("人工登记"), "recorded": _("单据记录"),
        "fifo": _("先进先出推断"), "window": _("时间窗推断"), "unknown": _("不确定"),
    }  # fmt: skip
    return names.get(method, method)


def number_of(end: End) -> str:
    """Return the number people use for the end."""
    number: str = end.row.number if end.kind in {"complaint", "issue"} else end.row.external_id
    return number


def title_of(end: End) -> str:
    """Return what the end is called on its pages."""
    row = end.row
    name = {"issue": "title", "sku": "name", "supplier": "name"}.get(end.kind)
    label = getattr(row, name) if name else ""
    if end.kind == "lot" and row.sku:
        label = row.sku.label
    number, kind = number_of(end), kind_name(end.kind)
    if label and label != number:
        return _("%(kind)s %(number)s · %(name)s", kind=kind, number=number, name=label)
    return _("%(kind)s %(number)s", kind=kind, number=number)


def _facts_line(end: End) -> str:
    row = end.row
    parts: list[str] = []
    if end.kind == "lot":
        parts = [row.supplier.name if row.supplier else "", str(row.made_on or "")]
    elif end.kind == "order":
        parts = [_status(row.status), _placed(row.placed_at), _shipped(row.shipped_at)]
    elif end.kind == "parcel":
        parts = [row.courier, row.line, _shipped(row.shipped_at)]
    elif end.kind == "supplier":
        parts = [row.external_id, row.region]
    elif end.kind == "sku":
        parts = [row.category, row.barcode]
    elif end.kind == "complaint":
        parts = [row.raw_reason, show_day(row.occurred_at)]
    return " · ".join(part for part in parts if part)


def _status(code: str) -> str:
    """Return the words of a status a platform gives as a code; anything else is already words."""
    words = {
        "created": _("已下单"), "approved": _("已付款"), "paid": _("已付款"), "invoiced": _("已开票"), "processing": _("备货中"),
        "shipped": _("已发货"), "delivered": _("已签收"), "completed": _("已完成"), "canceled": _("已取消"), "cancelled": _("已取消"),
        "unavailable": _("缺货"), "refunded": _("已退款"), "returned": _("已退货"),
    }  # fmt: skip
    return words.get(code.lower(), code)


def _placed(at: datetime | None, show: Callable[[datetime], str] = show_day) -> str:
    return _("%(day)s 下单", day=show(at)) if at else ""


def _shipped(at: datetime | None, show: Callable[[datetime], str] = show_day) -> str:
    return _("%(day)s 发货", day=show(at)) if at else ""


def _complaint_facts(rows: Sequence[Complaint], issues: Mapping[int, str]) -> list[ComplaintFact]:
    return [
        ComplaintFact(
            row.number, _complaint_note(row),
            order=row.order.external_id if row.order else "", line=row.line.external_id if row.line else "",
            sku=row.sku.external_id if row.sku else "", lot=row.lot.external_id if row.lot else "",
            supplier=row.supplier.external_id if row.supplier else "",
            parcel=row.parcel.external_id if row.parcel else "", issue=issues.get(row.issue_id or 0, ""),
        )
        for row in rows
    ]  # fmt: skip


def _complaint_note(row: Complaint) -> str:
    stars = ngettext("%(num)s 星", "%(num)s 星", row.stars) if row.stars else ""
    kind = localised(row.type) if row.type else row.raw_reason
    return " · ".join(part for part in (kind, stars) if part)


def _line_fact(row: OrderLine, suppliers: Mapping[int, str]) -> LineFact:
    order = row.order
    day = _shipped(order.shipped_at, show_short_day) or _placed(order.placed_at, show_short_day)
    note = " · ".join(part for part in (ngettext("%(num)s 件", "%(num)s 件", row.quantity), day) if part)
    supplier = suppliers.get(row.supplier_id or 0, "")
    return LineFact(order.external_id, row.external_id, note, row.sku.external_id if row.sku else "", supplier)


def _order_fact(row: Order) -> LineFact:
    return LineFact(row.external_id, "", _("没有商品明细"), order_only=True)


def _sku_named(row: Sku, suppliers: Mapping[int, str]) -> Named:
    return Named(row.external_id, row.label, row.external_id, of=suppliers.get(row.supplier_id or 0, ""))


def _link_facts(links: Sequence[LineLot], lines: Sequence[OrderLine], lots: Sequence[Lot]) -> list[LotLinkFact]:
    by_id = {row.id: row for row in lines}
    names = {row.id: row.external_id for row in lots}
    found = []
    for link in links:
        line = by_id[link.line_id]
        key = ("line", f"{line.order.external_id}/{line.external_id}")
        sku = line.sku.external_id if line.sku else ""
        found.append(LotLinkFact(key, sku, names[link.lot_id], link.method, link.confidence))
    return found


def _lot_facts(
    lots: Sequence[Lot], links: Sequence[LineLot], suppliers: Mapping[int, str], components: Collection[int]
) -> list[LotFact]:
    methods: dict[int, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for link in links:
        methods[link.lot_id][link.method] += 1
    return [
        LotFact(
            row.external_id, _shares(methods[row.id]), row.sku.external_id if row.sku else "",
            suppliers.get(row.supplier_id or 0, ""), row.id in components,
        )
        for row in lots
    ]  # fmt: skip


def _made_facts(lineage: Lineage, lots: Sequence[Lot]) -> list[MadeFact]:
    names = {row.id: row.external_id for row in lots}
    made = sorted((names.get(one.into, ""), names.get(one.of, "")) for one in lineage.made)
    return [MadeFact(into, of) for into, of in made if into and of and into != of]


def _shares(methods: Mapping[str, int]) -> str:
    """Return how the lot's links are known, e.g. 扫码 71% · 先进先出推断 29%."""
    total = sum(methods.values())
    ranked = sorted(methods.items(), key=lambda item: -item[1])
    return " · ".join(f"{method_name(method)} {round(count / total * 100)}%" for method, count in ranked)


def _receipt_facts(rows: Sequence[Receipt], lots: Sequence[Lot], suppliers: Mapping[int, str]) -> list[ReceiptFact]:
    names = {row.id: row.external_id for row in lots}
    return [
        ReceiptFact(
            row.external_id, names[row.lot_id or 0],
            " · ".join([ngettext("%(num)s 件", "%(num)s 件", row.quantity), *([show_day(row.received_at)] if row.received_at else [])]),
            suppliers.get(row.supplier_id or 0, ""),
        )
        for row in rows
    ]  # fmt: skip


def _parcel_named(row: Parcel, orders: Sequence[str]) -> Named:
    courier = "" if row.courier and row.line.startswith(row.courier) else row.courier
    note = " · ".join(part for part in (courier, row.line) if part)
    return Named(row.external_id, row.external_id, note, orders=tuple(orders))


def _issue_named(row: Issue) -> Named:
    return Named(row.number, row.number, row.title)


def _sku_ids(end: End, lines: Iterable[OrderLine], lots: Iterable[Lot]) -> set[int]:
    return {sku for sku in (*(row.sku_id for row in lines), *(row.sku_id for row in lots)) if sku} | end.skus


def _supplier_ids(
    end: End,
    lines: Sequence[OrderLine],
    links: Sequence[LineLot],
    lots: Sequence[Lot],
    receipts: Sequence[Receipt],
) -> set[int]:
    """Return who supplied it: the lots' suppliers, and the lines' own where no lot is known."""
    served = {row.line_id for row in links}
    loose = [row for row in lines if row.id not in served]
    usual = {row.sku.supplier_id for row in loose if row.supplier_id is None and row.sku and row.sku.supplier_id}
    rows: list[OrderLine | Lot | Receipt] = [*loose, *lots, *receipts]
    return {row.supplier_id for row in rows if row.supplier_id} | usual | end.suppliers


def _counts(counted: Sums) -> dict[str, int]:
    return {
        "complaint": counted.visible_complaints,
        "line": counted.lines + counted.empty_orders,
        "sku": counted.skus,
        "lot": counted.lots,
        "receipt": counted.receipts,
        "parcel": counted.parcels,
        "issue": counted.visible_issues,
    }


def _gaps(end: End, counted: Sums, lots: Sequence[Lot], receipts: Sequence[Receipt]) -> dict[str, int]:
    received = {row.lot_id for row in receipts}
    return {
        "empty_orders": counted.empty_orders,
        "no_lot": counted.no_lot,
        "inferred_lots": counted.inferred_lots,
        "no_stock_out": int(end.kind == "lot" and not counted.lines),
        "unknown_sku": counted.unknown_sku,
        "shops": end.shops if end.shops > 1 else 0,
        "no_receipt": sum(row.id not in received for row in lots),
    }


def _totals(counted: Sums, refund: dict[str, int]) -> Totals:
    return Totals(counted.orders, counted.units, counted.customers, counted.issues, counted.complaints, refund)
