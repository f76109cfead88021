"""Everything a lot's page says beyond its graph: balance, orders that wait, money, rates, and what does not add up."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from flask_babel import gettext as _
from flask_babel import ngettext
from sqlalchemy import ColumnElement

from qtrace.orders.models import Lot
from qtrace.trace import lot_queries
from qtrace.trace.balance import Balance, Entry, balance
from qtrace.trace.findings import Finding, lot_findings, order_findings, renamed
from qtrace.trace.lot_pass import LotPass, pass_over
from qtrace.trace.lot_queries import Stake, Waiting
from qtrace.trace.queries import End, lots_of
from qtrace.trace.rates import RangeRow, Rate, others_rate, range_rows, rates


@dataclass(frozen=True)
class Compared:
    """The lot's complaint rate beside other lots, on matured cohorts."""

    title: str
    rates: Sequence[Rate]
    rows: Sequence[RangeRow]
    others: float | None

    @property
    def focus(self) -> Rate | None:
        """Return the rate of the lot itself, None when nothing of it has matured."""
        return next((rate for rate in self.rates if rate.count.focus), None)


@dataclass(frozen=True)
class LotReport:
    """The lot in figures; `known` says whether any goods of it were reported as leaving."""

    balance: Balance
    known: bool
    shipped: int
    on_the_way: int
    suspected: int
    waiting: Waiting
    stake: Stake
    compared: Sequence[Compared]


def report(end: End, passed: LotPass, *, now: datetime) -> LotReport:
    """Return the figures of the lots of this end."""
    said = lot_queries.quantities(end.lots, passed)
    found = balance(said)
    return LotReport(
        balance=found,
        known=said.shipped > 0,
        shipped=said.shipped,
        on_the_way=said.on_the_way,
        suspected=passed.suspected,
        waiting=lot_queries.waiting(end.lots, end.skus),
        stake=lot_queries.stake(end.lots, passed, found.pieces("shelf")),
        compared=_compared(end, now),
    )


def findings(end: End, passed: LotPass | None = None) -> list[Finding]:
    """Return what does not add up around this end; `passed` is the walk over a lot's lines."""
    found = renamed(end.skus, end.suppliers)
    if end.kind == "lot":
        passed = passed or pass_over(end.lots, end.reach)
        cycles = [row.external_id for row in lots_of(end.lineage.cycles())]
        found += lot_findings(end.lots, passed, cycles)
    elif end.kind == "order":
        found += order_findings([end.row.id])
    elif end.kind == "parcel":
        found += order_findings(sorted(end.holds))
    return found


def finding_text(finding: Finding) -> str:
    """Return what a finding means and what to do about it, in the reader's words."""
    count, example = finding.count, finding.example
    texts = {
        "shipped_before_received": lambda: ngettext(
            "%(num)s 个订单在这个批次入库之前就发货了(例如 %(example)s)。请核对入库时间,或者扫到的批号。",
            "%(num)s 个订单在这个批次入库之前就发货了(例如 %(example)s)。请核对入库时间,或者扫到的批号。", count, example=example),
        "shipped_more": lambda: _(
            "发出的比入库的多 %(n)s 件(批次 %(example)s)。请补录入库单,或检查有没有重复扫码。", n=count, example=example),
        "shipped_expired": lambda: ngettext(
            "%(num)s 个订单发货时批次已经过期(例如 %(example)s)。请先通知买家,再核对到期日期。",
            "%(num)s 个订单发货时批次已经过期(例如 %(example)s)。请先通知买家,再核对到期日期。", count, example=example),
        "other_article": lambda: ngettext(
            "%(num)s 个订单行的 SKU 和批次的 SKU 不是同一个(例如 %(example)s)。请核对批号,或在商品里登记换码。",
            "%(num)s 个订单行的 SKU 和批次的 SKU 不是同一个(例如 %(example)s)。请核对批号,或在商品里登记换码。", count, example=example),
        "scanned_twice": lambda: ngettext(
            "%(num)s 个订单行扫到的件数比购买的多(例如 %(example)s):重复扫码,或两个来源说法不同。请核对出库明细。",
            "%(num)s 个订单行扫到的件数比购买的多(例如 %(example)s):重复扫码,或两个来源说法不同。请核对出库明细。", count, example=example),
        "serial_twice": lambda: ngettext(
            "%(num)s 个序列号出现在不同的订单里(例如 %(example)s)。请查重复扫码或调包。",
            "%(num)s 个序列号出现在不同的订单里(例如 %(example)s)。请查重复扫码或调包。", count, example=example),
        "unknown_order": lambda: ngettext(
            "%(num)s 条出库明细对不上订单(例如 %(example)s)。请导入这个店铺的订单,或在出库明细里写明店铺。",
            "%(num)s 条出库明细对不上订单(例如 %(example)s)。请导入这个店铺的订单,或在出库明细里写明店铺。", count, example=example),
        "cycle": lambda: ngettext(
            "返工或组成记录绕成了圈(%(num)s 个批次,例如 %(example)s)。请检查返工单里的「转成批号」。",
            "返工或组成记录绕成了圈(%(num)s 个批次,例如 %(example)s)。请检查返工单里的「转成批号」。", count, example=example),
        "times": lambda: ngettext(
            "%(num)s 个订单的时间前后颠倒(例如 %(example)s),多半是两个来源的时区不同。请检查店铺的时区设置。",
            "%(num)s 个订单的时间前后颠倒(例如 %(example)s),多半是两个来源的时区不同。请检查店铺的时区设置。", count, example=example),
        "header_cut": lambda: _("出库单 %(example)s 的表头订单号被截断,这里按明细里的完整订单号对应。", example=example),
        "sku_renamed": lambda: _("这个商品换过编码(%(example)s),新旧编码合在一起看。", example=example),
        "supplier_merged": lambda: _("供应商已经合并(%(example)s),两边的记录合在一起看。", example=example),
    }  # fmt: skip
    return texts[finding.key]()


def entry_name(key: str) -> str:
    """Return what staff call one entry of the balance."""
    names = {
        "received": _("采购入库"), "gain": _("盘盈"), "rework_in": _("返工入库"), "other_in": _("其他入库"),
        "with_buyers": _("在买家手里"), "shelf": _("在库良品"), "defective": _("残次仓"), "waiting": _("退货待处理"),
        "scrapped": _("已报废"), "supplier_return": _("退供应商"), "rework_out": _("返工领出"), "loss": _("盘亏"),
        "other_out": _("其他出库"), "on_the_way": _("在途"), "allocated": _("已占用"),
    }  # fmt: skip
    return names[key]


def parts_text(entry: Entry) -> str:
    """Return what an entry holds, e.g. 其中已占用 12."""
    return " · ".join(_("其中%(what)s %(n)s", what=entry_name(key), n=count) for key, count in entry.of_which)


def _compared(end: End, now: datetime) -> list[Compared]:
    groups: list[tuple[str, ColumnElement[bool]]] = [(_("同 SKU 各批次投诉率"), Lot.sku_id.in_(end.skus))]
    suppliers = {row.supplier_id for row in lots_of(end.lots) if row.supplier_id}
    if suppliers:
        other = Lot.supplier_id.in_(suppliers) & Lot.sku_id.not_in(end.skus)
        groups.append((_("同供应商其他商品的批次"), other))
    found = [(title, rates(lot_queries.rate_counts(end.lots, condition, now))) for title, condition in groups]
    return [
        Compared(title, each, range_rows(each), others_rate(each))
        for title, each in found if any(not rate.count.focus for rate in each) or title == groups[0][0]
    ]  # fmt: skip
