"""The messages of a recall as a file: one row an order whose buyer is still to be told, with the approved words."""

from collections.abc import Iterator, Mapping, Sequence

from flask_babel import gettext as _

from qtrace.core.errors import Refused
from qtrace.exchange.exporting import Asking, ExportColumn, ExportView
from qtrace.exchange.writing import Value
from qtrace.recalls.letters import KINDS, MESSAGE, all_told, approved
from qtrace.recalls.queries import recall_by_number


def recall_export() -> Sequence[ExportView]:
    """Return the one export of this file."""
    return [RecallExport()]


class RecallExport:
    """What buyers are told; `number` says of which recall and `kind` by message or by letter. Buyers stay masked."""

    name, permission = "recall_messages", "recall.manage"

    @property
    def label(self) -> str:
        """Return what staff call the list."""
        return _("召回通知")

    def columns(self) -> Sequence[ExportColumn]:
        """Return the columns of the list."""
        return [ExportColumn(name, label) for name, label in (
            ("shop", _("店铺")), ("order", _("订单号")), ("buyer", _("买家")), ("region", _("地区")),
            ("waybills", _("运单号")), ("pieces", _("件数")), ("sure", _("批次有记录")), ("words", _("通知内容")),
        )]  # fmt: skip

    def rows(self, asking: Asking, *, unmasked: bool) -> Iterator[Mapping[str, Value]]:  # noqa: ARG002 - nothing is masked
        """Yield the orders; refused while nobody has approved the words."""
        recall = recall_by_number(asking.args.get("number", ""))
        kind = asking.args.get("kind", MESSAGE)
        letter = approved(recall.id, kind if kind in KINDS else MESSAGE)
        if letter is None:
            raise Refused(_("通知还没有批准,先请另一个人批准再导出。"))
        for told in all_told(recall, letter):
            order = told.row.order
            yield {
                "shop": order.shop.name, "order": order.external_id,
                "buyer": order.customer.masked_name if order.customer else "",
                "region": order.customer.region if order.customer else "",
                "waybills": "、".join(told.waybills), "pieces": told.row.pieces,
                "sure": _("是") if told.row.sure else _("推断"), "words": told.words,
            }  # fmt: skip
