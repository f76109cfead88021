"""What the codes of one photo may be looked up as: one line for each meaning, what we know first."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from flask_babel import LazyString
from flask_babel import lazy_gettext as _

from qtrace.core.codes import GROUP_SEPARATOR, Code
from qtrace.gs1.elements import article_numbers, elements, printed
from qtrace.orders.queries import find_anything

MOST = 12
# In the order of how closely they lead to one thing.
MEANINGS: dict[str, LazyString] = {
    "21": _("序列号"),
    "10": _("批号"),
    "00": _("箱码"),
    "01": _("商品条码"),
    "02": _("箱内商品条码"),
}
ARTICLES = frozenset({"01", "02"})
ARTICLE_SYMBOLS = ("EAN-", "UPC-", "ITF-14")


@dataclass(frozen=True)
class Choice:
    """One text to look up, what it is, and whether a record of ours carries it."""

    text: str
    meaning: str
    known: bool


def choices(codes: Iterable[Code]) -> list[Choice]:
    """Return what the codes may be looked up as, each text once, those with a record first."""
    found: dict[str, Choice] = {}
    for meaning, ways in (reading for code in codes for reading in _readings(code)):
        known = next((way for way in ways if find_anything(way)), "")
        found.setdefault(known or ways[0], Choice(known or ways[0], meaning, bool(known)))
        if len(found) == MOST:
            break
    return sorted(found.values(), key=lambda choice: not choice.known)


def _readings(code: Code) -> Iterator[tuple[str, list[str]]]:
    """Yield what each part of a GS1 code is, or the whole of any other code, and the ways it may be written."""
    parts = elements(code.text, gs1=code.gs1)
    named = [key for key in MEANINGS if parts.get(key)]
    for key in named:
        yield str(MEANINGS[key]), article_numbers(parts[key]) if key in ARTICLES else [parts[key]]
    if not named:
        text = printed(parts) or code.text.replace(GROUP_SEPARATOR, " ")
        yield code.symbology, article_numbers(text) if code.symbology.startswith(ARTICLE_SYMBOLS) else [text]
