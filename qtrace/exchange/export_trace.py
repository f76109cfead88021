"""What an end reaches as a file: one row an order line, with its lots, how they are known, and whom it went to."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

from flask_babel import gettext as _

from qtrace.exchange.exporting import Asking, ExportColumn, ExportView
from qtrace.exchange.writing import Value
from qtrace.trace.queries import find_end
from qtrace.trace.service import method_name
from qtrace.trace.tables import LineRow, all_lines
from qtrace.web.filters import site_zone


def trace_export() -> Sequence[ExportView]:
    """Return the one export of this file."""
    return [TraceExport()]


class TraceExport:
    """The order lines an end reaches; `kind` and `number` say which end. Buyers are kept masked from the start."""

    name, permission = "trace", "trace.read"

    @property
    def label(self) -> str:
        """Return what staff call the list."""
        return _("追溯明细")

    def columns(self) -> Sequence[ExportColumn]:
        """Return the columns of the list."""
        return [ExportColumn(name, label) for name, label in (
            ("shop", _("店铺")), ("order", _("订单号")), ("line", _("行号")), ("sku", _("SKU 编码")), ("name", _("商品名称")),
            ("kind", _("行类别")), ("quantity", _("数量")), ("lots", _("批次")), ("methods", _("批号来源")),
            ("confidence", _("批号可信度")), ("buyer", _("买家")), ("region", _("地区")), ("courier", _("快递公司")),
            ("waybills", _("运单号")), ("placed_at", _("下单时间")), ("shipped_at", _("发货时间")),
            ("delivered_at", _("签收时间")),
        )]  # fmt: skip

    def rows(self, asking: Asking, *, unmasked: bool) -> Iterator[Mapping[str, Value]]:  # noqa: ARG002 - nothing is masked
        """Yield the lines, newest first; not found when the end is missing or the person may not see it."""
        end = find_end(asking.args.get("kind", ""), asking.args.get("number", ""), asking.user)
        for row in all_lines(end):
            yield _told(row)


def _told(row: LineRow) -> Mapping[str, Value]:
    line, order = row.line, row.line.order
    buyer = order.customer
    return {
        "shop": order.shop.name, "order": order.external_id, "line": line.external_id,
        "sku": line.sku.external_id if line.sku else "", "name": line.sku.name if line.sku else "",
        "kind": _kinds().get(line.kind, line.kind), "quantity": line.quantity,
        "lots": "、".join(link.lot for link in row.lots),
        "methods": "、".join(method_name(link.method) for link in row.lots),
        "confidence": "、".join(f"{link.confidence}%" for link in row.lots),
        "buyer": buyer.masked_name if buyer else "", "region": buyer.region if buyer else "",
        "courier": "、".join(dict.fromkeys(parcel.courier for parcel in row.parcels if parcel.courier)),
        "waybills": "、".join(parcel.external_id for parcel in row.parcels),
        "placed_at": _local(order.placed_at), "shipped_at": _local(order.shipped_at),
        "delivered_at": _local(order.delivered_at),
    }  # fmt: skip


def _kinds() -> Mapping[str, str]:
    return {"item": _("单品"), "kit": _("套装"), "component": _("套装内"), "gift": _("赠品")}


def _local(at: datetime | None) -> Value:
    return at.astimezone(site_zone()).replace(tzinfo=None) if at else None
