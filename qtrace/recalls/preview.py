"""What a recall of a lot would reach, as plain data for the command line."""

from typing import Any

from flask_babel import gettext as _

from qtrace.core.errors import NotFound
from qtrace.core.money import Money
from qtrace.recalls.queries import goods_of, lots_by_number


def recall_json(number: str) -> dict[str, Any]:
    """Return where the pieces of a lot are, who has them and what they cost; not found when nobody knows the lot."""
    lots = lots_by_number([number])
    if not lots:
        raise NotFound(_("没有找到批号:%(lots)s", lots=number))
    goods = goods_of(lots)
    found, passed = goods.balance, goods.passed
    return {
        "lot": number,
        "suppliers": list(goods.suppliers),
        "receipts": goods.receipts,
        "orders": passed.orders,
        "buyers": passed.customers,
        "pieces": {"sure": passed.shipped, "inferred": passed.suspected, "on_the_way": passed.on_the_way},
        "balance": {
            "in": {entry.key: entry.pieces for entry in found.came},
            "out": {entry.key: entry.pieces for entry in found.went},
            "unknown": found.unknown,
            "counted": found.counted,
        },
        "sold": {currency: str(Money(minor, currency).amount) for currency, minor in (passed.sold or {}).items()},
    }
