"""What is looked at beside counting: items judged pass or fail, and values measured against limits."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from decimal import Decimal
from typing import Any

from flask_babel import gettext as _

from qtrace.catalog.checklist import LONGEST_NOTE, MOST_ITEMS, RESULTS, Item, needs_photo, read_item
from qtrace.catalog.models import StandardVersion
from qtrace.core.errors import Refused
from qtrace.forms.controls.number import exact, is_beyond
from qtrace.forms.registry import MOST_DIGITS, as_decimal, refuse_long

BETWEEN = re.compile(r"[\s,;,;、]+")
MOST_VALUES = 200
Row = dict[str, Any]


@dataclass(frozen=True)
class Said:
    """What somebody says of an item: a result, the values read off, a remark."""

    result: str = ""
    measured: str = ""
    note: str = ""


@dataclass(frozen=True)
class Measured:
    """Values held against limits."""

    values: Sequence[Decimal]
    beyond: Sequence[Decimal]

    @property
    def result(self) -> str:
        """Return what they say of the item; nothing where nothing was measured."""
        return "" if not self.values else "fail" if self.beyond else "pass"

    @property
    def text(self) -> str:
        """Return the values as they are kept."""
        return " ".join(f"{value:f}" for value in self.values)


def items_from(lines: Iterable[str], standard: StandardVersion | None) -> list[Item]:
    """Return the items of a plan and of the standard in force, each name once; the standard's limits win."""
    found = {item.name: item for item in (read_item(line) for line in lines if line.strip())}
    for limit in standard.limits if standard is not None else ():
        photo = found[limit["name"]].photo if limit["name"] in found else ""
        found[limit["name"]] = Item(limit["name"], limit["low"], limit["high"], limit["unit"], photo)
    return list(found.values())[:MOST_ITEMS]


def fresh_rows(items: Sequence[Item]) -> list[Row]:
    """Return the items as an inspection keeps them, with nothing said yet."""
    return [asdict(item) | {"result": "", "measured": "", "note": ""} for item in items]


def item_of(row: Mapping[str, Any]) -> Item:
    """Return the item of a kept row."""
    return Item(*(str(row.get(name) or "") for name in ("name", "low", "high", "unit", "photo")))


def measure(item: Item, text: str) -> Measured:
    """Hold typed values against the limits of an item; refuse what is no number."""
    words = [word for word in BETWEEN.split(text.strip()) if word]
    if len(words) > MOST_VALUES:
        raise Refused(_("最多 %(most)d 个实测值。", most=MOST_VALUES))
    values = [exact(word, MOST_DIGITS) for word in words]
    low, high = (as_decimal(end) if end else None for end in (item.low, item.high))
    return Measured(values, [value for value in values if is_beyond(value, low, high)])


def said_row(row: Row, said: Said) -> Row:
    """Return a row with what was said of it; values beyond the limits fail the item, whatever was ticked."""
    item, result = item_of(row), said.result
    if result and result not in RESULTS:
        raise Refused(_("请选择合格、不合格或不适用。"))
    note, measured = refuse_long(said.note.strip(), LONGEST_NOTE), said.measured
    if item.measured:
        found = measure(item, said.measured)
        if found.beyond and result == "pass":
            beyond = "、".join(f"{value:f}" for value in found.beyond[:3])
            raise Refused(
                _("「%(item)s」实测 %(n)s 超出 %(limits)s,不能判合格。", item=item.name, n=beyond, limits=item.limits)
            )
        result, measured = ("fail" if found.beyond else result or found.result), found.text
    return row | {"result": result, "measured": measured, "note": note}


def failed(rows: Sequence[Row]) -> list[str]:
    """Return the names of the items that failed."""
    return [str(row["name"]) for row in rows if row.get("result") == "fail"]


def refuse_unfinished(rows: Sequence[Row], *, photos: int) -> None:
    """Refuse a verdict while an item has no result, or no photo where it needs one."""
    open_ones = [str(row["name"]) for row in rows if not row.get("result")]
    if open_ones:
        raise Refused(
            _("还没有结果:%(items)s。请填实测值或选择结果。", items="、".join(open_ones[:5])), field="checklist"
        )
    bare = [str(row["name"]) for row in rows if needs_photo(item_of(row), str(row["result"]))]
    if bare and not photos:
        raise Refused(_("「%(items)s」要有照片。", items="、".join(bare[:5])), field="photos")
