"""The words of a recall's letters with what differs from order to order filled in; pure."""

import re
from collections.abc import Mapping

GAP = re.compile(r"\{([^{}\n]*)\}")
# What may stand in braces, in both languages; a value is never read for braces again.
NAMES = {"店铺": "shop", "订单号": "order", "商品": "goods", "批号": "lot", "件数": "pieces", "召回编号": "recall"}
KEYS = NAMES | {key: key for key in NAMES.values()}


def unknown_gaps(body: str) -> list[str]:
    """Return what stands in braces and is none of the names, in the order it is met."""
    return list(dict.fromkeys(name for name in GAP.findall(body) if name.strip() not in KEYS))


def filled(body: str, values: Mapping[str, str]) -> str:
    """Return the words with the values of one order, by key, in the place of the names.

    Raises KeyError for a name nobody knows.
    """
    return GAP.sub(lambda found: values[KEYS[found.group(1).strip()]], body)
