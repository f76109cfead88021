"""What a GS1 code says: article, lot, serial and box number, from a symbol, its printed form or a Digital Link."""

import re
from collections.abc import Iterator
from urllib.parse import unquote, urlsplit

from qtrace.core.codes import GROUP_SEPARATOR

# Application identifiers whose length is fixed by the standard, by their first two digits: the whole element's length.
FIXED = {
    "00": 20, "01": 16, "02": 16, "03": 16, "04": 18, "11": 8, "12": 8, "13": 8, "14": 8, "15": 8, "16": 8, "17": 8,
    "18": 8, "19": 8, "20": 4, "31": 10, "32": 10, "33": 10, "34": 10, "35": 10, "36": 10, "41": 16,
}  # fmt: skip
FOUR_DIGITS = re.compile(r"3[1-69]|43|7[02]|8[0-2]")  # 31-36, 39, 43, 70, 72, 80-82 begin one of four digits
THREE_DIGITS = re.compile(r"2[345]|4[0-2]|71")  # 23-25, 40-42 and 71 begin one of three
PRINTED = re.compile(r"\((\d{2,4})\)([^()]+)")
PRIMARY = frozenset({"00", "01", "414", "8006"})
ARTICLE_LENGTHS = (8, 12, 13, 14)
LINK_KEYS = frozenset({"10", "21", "22", "235", "254"}) | PRIMARY


def elements(text: str, *, gs1: bool = False) -> dict[str, str]:
    """Return {application identifier: value} of a GS1 text; empty when the text does not follow GS1."""
    if text.startswith(("http://", "https://")):
        return _of_link(text)
    if PRINTED.match(text):
        return _of_printed(text)
    return dict(_of_symbol(text)) if gs1 or GROUP_SEPARATOR in text else {}


def printed(found: dict[str, str]) -> str:
    """Return the elements as they are printed below a symbol: (01)…(10)…"""
    return "".join(f"({key}){value}" for key, value in found.items())


def article_numbers(number: str) -> list[str]:
    """Return the ways one article number is written, the one below the bars first: leading zeros add no meaning."""
    if not number.isdecimal() or len(number) not in ARTICLE_LENGTHS:
        return [number]
    digits = number.lstrip("0")
    return [digits.zfill(length) for length in ARTICLE_LENGTHS if len(digits) <= length]


def _of_printed(text: str) -> dict[str, str]:
    found = dict(PRINTED.findall(text))
    return found if printed(found) == text else {}


def _of_link(text: str) -> dict[str, str]:
    try:
        parts = [unquote(part) for part in urlsplit(text).path.split("/") if part]
    except ValueError:
        return {}
    start = next((at for at, part in enumerate(parts) if part in PRIMARY), len(parts))
    pairs = dict(zip(parts[start::2], parts[start + 1 :: 2], strict=False))
    if not _holds_article(pairs) or len(parts[start:]) % 2 or not set(pairs) <= LINK_KEYS:
        return {}
    return pairs


def _holds_article(pairs: dict[str, str]) -> bool:
    """Say whether the pairs name an article or a box; other addresses also have numbers in them."""
    lengths = {"00": (18,), "01": (8, 12, 13, 14), "414": (13,), "8006": (18,)}
    return any(value.isdecimal() and len(value) in lengths[key] for key, value in pairs.items() if key in lengths)


def _of_symbol(text: str) -> Iterator[tuple[str, str]]:
    for part in text.split(GROUP_SEPARATOR):
        rest = part
        while len(rest) > 2 and rest[:2].isdecimal():
            key = rest[: 4 if FOUR_DIGITS.match(rest) else 3 if THREE_DIGITS.match(rest) else 2]
            whole = FIXED.get(rest[:2], len(rest))
            yield key, rest[len(key) : whole]
            rest = rest[whole:]
