"""How kinds say what they found: always what is wrong and what to do, in both languages."""

from datetime import datetime, tzinfo
from decimal import Decimal

from qtrace.sdk.rules import Fault, Holds
from qtrace.sdk.text import Text

NUMBERS: frozenset[Holds] = frozenset({"number", "money"})
TEXTS: frozenset[Holds] = frozenset({"text"})
TIMES: frozenset[Holds] = frozenset({"day", "moment"})
LISTS: frozenset[Holds] = frozenset({"list", "refs"})
ANY: frozenset[Holds] = frozenset({
    "text", "number", "money", "yes", "day", "moment", "list", "ref", "refs", "files", "rows", "other",
})  # fmt: skip
SHORTEST = 40


def fault(zh: str, en: str, path: str = "", /, **values: object) -> list[Fault]:
    """Return one fault; both texts are filled with the same values."""
    return [Fault(Text(zh % values, en % values), path)]


def plain(value: object) -> str:
    """Write a value as people read it: a number without idle zeros, a long text shortened."""
    if isinstance(value, Decimal):
        text = f"{value:f}"
        return text.rstrip("0").rstrip(".") if "." in text else text
    text = str(value)
    return text if len(text) <= SHORTEST else f"{text[:SHORTEST]}…"


def as_number(value: object) -> Decimal | None:
    """Return a value as an exact number, None when it is none."""
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        return None
    return Decimal(value)


def told(moment: datetime, holds: Holds, zone: tzinfo) -> str:
    """Write a day or a moment; a day is kept as the start of it in UTC."""
    return f"{moment:%Y-%m-%d}" if holds == "day" else f"{moment.astimezone(zone):%Y-%m-%d %H:%M}"
