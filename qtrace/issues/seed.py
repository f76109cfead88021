"""The opening rules and the targets of clocks a new company starts with."""

from sqlalchemy import select

from qtrace.core.db import require_write
from qtrace.issues.clock_policy import seed_targets
from qtrace.issues.models import OpeningRule

RULES = (
    ("safety", "涉及安全,立即立案", "Safety: at once", "safety", 1, 30),
    ("lot", "同一批次", "One lot", "lot", 3, 30),
    ("sku", "同一 SKU", "One SKU", "sku", 3, 30),
    ("supplier", "同一供应商", "One supplier", "supplier", 3, 30),
    ("courier_line", "同一快递线路", "One courier line", "courier_line", 3, 30),
)
NOT_COUNTED = {"not_types": ["buyer_reason"]}


def seed() -> None:
    """Add the shipped opening rules and targets of clocks that are missing."""
    seed_targets()
    session = require_write()
    known = set(session.scalars(select(OpeningRule.key)))
    for position, (key, name_zh, name_en, scope, threshold, days) in enumerate(RULES):
        if key not in known:
            session.add(
                OpeningRule(
                    key=key,
                    name_zh=name_zh,
                    name_en=name_en,
                    scope=scope,
                    condition={} if scope == "safety" else NOT_COUNTED,
                    threshold=threshold,
                    days=days,
                    position=position,
                )
            )
