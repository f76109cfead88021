"""What steps and states are called, and what is counted when a step is done."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from flask_babel import gettext as _
from flask_babel import ngettext

from qtrace.core.errors import NotFound
from qtrace.recalls.queries import Goods
from qtrace.recalls.steps import DRILL, STEPS
from qtrace.trace.lot_report import entry_name, parts_text

__all__ = [
    "entry_name",
    "figures_of",
    "figures_text",
    "kind_name",
    "parts_text",
    "spent",
    "state_name",
    "step_help",
    "step_name",
]


def kind_name(kind: str) -> str:
    """Return what staff call it."""
    return _("演练") if kind == DRILL else _("召回")


def step_name(key: str) -> str:
    """Return what staff call a step."""
    names = {
        "hold": _("冻结在库"), "scope": _("找全订单和买家"), "notify": _("通知买家"), "collect": _("收回商品"),
        "dispose": _("退货、报废或返工"), "reconcile": _("核对数量"), "source": _("找到供应商和入库"), "stock": _("清点在库"),
    }  # fmt: skip
    return names[key]


def step_help(key: str) -> str:
    """Return what has to be done in a step."""
    texts = {
        "hold": _("让每个仓库把这些批次放到一边,填实际放到一边的件数。"),
        "scope": _("往前追:这些批次发给了哪些订单、哪些买家,有没有还没发货的。"),
        "notify": _("逐个通知买家;联系不上的也要标出来。"),
        "collect": _("跟进退回的商品,退货入库里登记的会自动算进来。"),
        "dispose": _("收回和冻结的商品退供应商、报废或返工,在库存移动里登记。"),
        "reconcile": _("入库 = 在买家手里 + 在库 + 残次 + 报废 + 退供应商 ± 去向不明。"),
        "source": _("往回追:这些批次从哪个供应商、哪几张入库单来。"),
        "stock": _("到货架上数一数,填实际的件数。"),
    }  # fmt: skip
    return texts[key]


def state_name(state: str) -> str:
    """Return what staff call the state of an order in a recall."""
    names = {
        "pending": _("待通知"), "notified": _("已通知"), "returned": _("已退回"), "refused": _("不愿退"),
        "unreachable": _("联系不上"),
    }  # fmt: skip
    return names[state]


def spent(took: timedelta) -> str:
    """Return a duration like 1:05:09."""
    seconds = int(took.total_seconds())
    return f"{seconds // 3600}:{seconds // 60 % 60:02}:{seconds % 60:02}"


def figures_of(key: str, goods: Goods, counted: int | None) -> dict[str, Any]:
    """Return what is on record when a step is done: the figures of this moment, and what was counted by hand."""
    if key not in {one for steps in STEPS.values() for one in steps}:
        raise NotFound
    found = goods.with_shelf(counted)
    figures: dict[str, Any] = {} if counted is None else {"counted": counted}
    if key == "source":
        return figures | {"suppliers": len(goods.suppliers), "receipts": goods.receipts}
    if key == "scope":
        return figures | {"orders": goods.passed.orders, "buyers": goods.passed.customers, "pieces": goods.passed.units}
    if key in {"reconcile", "stock", "hold"}:
        figures |= {"shelf": found.pieces("shelf"), "unknown": found.unknown}
    if key == "reconcile" and found.share_found is not None:
        figures["found_permille"] = round(found.share_found * 1000)
    return figures


def figures_text(figures: dict[str, Any]) -> str:
    """Return the figures of a step in words."""
    known: dict[str, Callable[[int], str]] = {  # in the order they are read; a database may keep another
        "suppliers": lambda n: ngettext("%(num)s 个供应商", "%(num)s 个供应商", n),
        "receipts": lambda n: ngettext("%(num)s 张入库单", "%(num)s 张入库单", n),
        "orders": lambda n: ngettext("%(num)s 个订单", "%(num)s 个订单", n),
        "buyers": lambda n: ngettext("%(num)s 位买家", "%(num)s 位买家", n),
        "pieces": lambda n: ngettext("%(num)s 件", "%(num)s 件", n),
        "counted": lambda n: _("实际清点 %(n)s 件", n=n),
        "shelf": lambda n: _("在库 %(n)s 件", n=n),
        "unknown": lambda n: _("去向不明 %(n)s 件", n=n),
        "found_permille": lambda n: _("找到 %(share)s%%", share=n / 10),
    }
    return " · ".join(told(value) for name, told in known.items() if (value := figures.get(name)) is not None)
