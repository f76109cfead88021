"""The intake rules a new company starts with."""

from typing import Any

from sqlalchemy import select

from qtrace.complaints.models import IntakeRule
from qtrace.core.db import require_write

QUALITY_WORDS = [
    "质量", "瑕疵", "破损", "少件", "漏发", "发错", "描述不符", "与描述", "色差", "尺码", "异味", "变质", "过敏", "异物", "漏液",
    "假货", "过期", "临期", "做工", "起球", "掉色", "开线", "拉链", "坏", "不能用", "故障", "压扁", "变形", "渗漏",
]  # fmt: skip
BUYER_WORDS = ["不想要", "拍错", "多拍", "七天无理由", "7天无理由", "买错", "不喜欢", "地址填错"]
RULES: tuple[dict[str, Any], ...] = (
    {
        "key": "low_stars",
        "name_zh": "两星及以下的评价",
        "name_en": "Reviews with two stars or fewer",
        "source_kind": "review",
        "condition": {"field": "stars", "op": "le", "value": 2},
        "sets": {"type": "unclassified", "severity": "minor", "responsible_party": "undecided"},
    },
    {
        "key": "late_delivery",
        "name_zh": "晚于承诺时间送达",
        "name_en": "Delivered later than promised",
        "source_kind": "order",
        "condition": {"field": "delivered_at", "op": "gt", "other": "promised_at"},
        "sets": {"type": "late_delivery", "severity": "minor", "responsible_party": "carrier"},
    },
    {
        "key": "quality_after_sale",
        "name_zh": "质量原因的售后",
        "name_en": "After-sales with a quality reason",
        "source_kind": "after_sale",
        "condition": {
            "all": [
                {"field": "reason", "op": "contains_any", "value": QUALITY_WORDS},
                {"not": {"field": "reason", "op": "contains_any", "value": BUYER_WORDS}},
            ]
        },
        "sets": {"type": "product_defect", "severity": "major", "responsible_party": "undecided"},
    },
)


def seed() -> None:
    """Add the shipped intake rules that are missing."""
    session = require_write()
    known = set(session.scalars(select(IntakeRule.key)))
    for position, rule in enumerate(RULES):
        if rule["key"] not in known:
            session.add(IntakeRule(**rule, position=position))
