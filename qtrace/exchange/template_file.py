"""The empty table of a kind, whose headers need no mapping when it comes back filled in."""

from collections.abc import Iterable, Sequence
from typing import Any

from qtrace.exchange.cells import NOTHING
from qtrace.exchange.headers import tidy_title
from qtrace.exchange.kinds import KINDS, Kind


def template_file(kind: Kind) -> bytes:
    """Return the workbook; it comes back filled in without a mapping."""
    from qtrace.exchange.template_book import draw_template  # 10 MB and 0.2 s, needed by who asks for a template

    return draw_template(kind, sheet_title(kind), titles_of(kind))


def sheet_title(kind: Kind) -> str:
    """Return what the sheet is called, by which the file is recognised when it comes back."""
    return "".join(" " if mark in "[]:*?/\\" else mark for mark in str(kind.label))[:31].strip("' ") or "LISTS"


def filled_template(sheet: str, headers: Sequence[str], known: Iterable[Kind]) -> dict[str, Any] | None:
    """Return the mapping of a file that was made from a template; columns may have been taken out or moved."""
    for kind in known:
        titles = dict(zip(map(tidy_title, titles_of(kind)), (one.name for one in kind.fields), strict=True))
        given = [header for header in headers if header]
        needed = {title for title, name in titles.items() if (one := kind.field(name)) and one.required}
        if sheet == sheet_title(kind) and given and set(given) <= titles.keys() and needed <= set(given):
            columns = {titles[header]: {"header": header} for header in given}
            return {"kind": kind.name, "columns": columns, "empty": list(NOTHING)} | _key(kind, columns)
    return None


def _key(kind: Kind, columns: dict[str, dict[str, str]]) -> dict[str, str]:
    """Return the field by which an own form's records are known again: its first required one that can be."""
    fitting = [name for name in kind.keys if name in columns and (one := kind.field(name)) and one.required]
    return {"key": fitting[0]} if fitting and kind.name not in KINDS else {}


def titles_of(kind: Kind) -> list[str]:
    """Return the headers: what staff call the fields, or their names where two are called alike."""
    labels = [str(one.label) for one in kind.fields]
    return [one.name if labels.count(label) > 1 else label for one, label in zip(kind.fields, labels, strict=True)]
