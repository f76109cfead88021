"""The words in which files say what a record's closed fields hold: what staff read, and what exports write instead."""

from flask_babel import LazyString
from flask_babel import lazy_gettext as _

from qtrace.exchange.kinds import Choice

# (kind, field) → value → what staff read and other words for it
CHOICES: dict[tuple[str, str], dict[str, tuple[LazyString, str]]] = {
    ("lots", "quality_status"): {
        "good": (_("合格"), "良品 正常 放行 released ok"),
        "hold": (_("冻结"), "暂扣 待检 待定 on_hold"),
        "blocked": (_("不合格"), "禁用 拒收"),
        "recalled": (_("已召回"), "召回"),
    },
    ("lots", "level"): {"finished": (_("成品"), "整机"), "component": (_("部件"), "组件 包材 配件 半成品")},
    ("kit_parts", "kind"): {"component": (_("组成"), "子件 单品"), "gift": (_("赠品"), "礼品")},
    ("stock_moves", "kind"): {
        "transfer": (_("调拨"), "移库 调仓"),
        "to_defective": (_("良品转残次"), "转残 良转残"),
        "to_good": (_("残次转良品"), "转良 残转良"),
        "gain": (_("盘盈"), ""),
        "loss": (_("盘亏"), ""),
        "scrap": (_("报废"), "销毁"),
        "supplier_return": (_("退供应商"), "采购退货 退供"),
        "rework_out": (_("返工领出"), "返工出库"),
        "rework_in": (_("返工入库"), "返工完成"),
        "other_in": (_("其他入库"), ""),
        "other_out": (_("其他出库"), ""),
    },
    ("stock_balances", "condition"): {"good": (_("良品"), "正品 可用"), "defective": (_("残次"), "次品 残品 不良品")},
    ("parcel_scans", "status"): {
        "collected": (_("已揽收"), "揽收 揽件"),
        "in_transit": (_("运输中"), "在途"),
        "delivering": (_("派送中"), "派件"),
        "delivered": (_("已签收"), "签收 妥投"),
        "exception": (_("异常"), "疑难 问题件"),
        "returned": (_("退回"), "拒收 退件"),
    },
    ("returns", "condition"): {
        "good": (_("完好"), "良品"),
        "used": (_("已用"), "使用过"),
        "damaged": (_("破损"), "损坏"),
        "missing": (_("少件"), "缺件"),
        "swapped": (_("调包"), "假货 非我司"),
    },
    ("returns", "outcome"): {
        "restocked": (_("重新上架"), "入良品"),
        "defective": (_("入残次仓"), "残次"),
        "scrapped": (_("报废"), "销毁"),
        "waiting": (_("待处理"), ""),
    },
}


def choices_of(kind: str, field: str) -> tuple[Choice, ...]:
    """Return what a field may hold, in the reader's words; empty for a field that may hold anything."""
    found = CHOICES.get((kind, field), {})
    return tuple(Choice(value, str(label), tuple(words.split())) for value, (label, words) in found.items())
