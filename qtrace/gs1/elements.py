"""What a GS1 code says: article, lot, serial and box number, from a symbol, its printed form or a Digital Link."""

import re
from collections.abc import Iterator
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit

from qtrace.core.codes import GROUP_SEPARATOR
from qtrace.gs1.digits import ARTICLE_LENGTHS, SSCC_LENGTH, is_checked

# Application identifiers whose length is fixed by the standard, by their first two digits: the whole element's length.
FIXED = {
    "00": 20, "01": 16, "02": 16, "03": 16, "04": 18, "11": 8, "12": 8, "13": 8, "14": 8, "15": 8, "16": 8, "17": 8,
    "18": 8, "19": 8, "20": 4, "31": 10, "32": 10, "33": 10, "34": 10, "35": 10, "36": 10, "41": 16,
}  # fmt: skip
FOUR_DIGITS = re.compile(r"3[1-69]|43|7[02]|8[0-2]")  # 31-36, 39, 43, 70, 72, 80-82 begin one of four digits
THREE_DIGITS = re.compile(r"2[345]|4[0-2]|71")  # 23-25, 40-42 and 71 begin one of three
PRINTED = re.compile(r"\((\d{2,4})\)([^()]+)")
ASKED = re.compile(r"[0-9]{2,4}")
MOST_ASKED = 30
MARK = re.compile(r"\](?:C1|d2|Q3|e0|J1)")
PRIMARY = frozenset({"00", "01", "414", "8006"})
QUALIFIERS = ("22", "10", "21", "235", "254")  # in the order a Digital Link names them
LINK_KEYS = frozenset(QUALIFIERS) | PRIMARY
ID_SITE = "https://id.gs1.org"


def elements(text: str, *, gs1: bool = False) -> dict[str, str]:
    """Return {application identifier: value} of a GS1 text; empty when the text does not follow GS1."""
    if mark := MARK.match(text):  # what a scanner may put before a GS1 symbol
        text, gs1 = text[mark.end() :], True
    if text.startswith(("http://", "https://")):
        return _of_link(text)
    if PRINTED.match(text):
        return _of_printed(text)
    return dict(_of_symbol(text.strip(GROUP_SEPARATOR))) if gs1 or GROUP_SEPARATOR in text else {}


def is_symbol(text: str) -> bool:
    """Say whether a text without separators begins as a GS1 symbol does: a whole article or box number."""
    article, box = is_checked(text[2:16], (14,)), is_checked(text[2:20], (SSCC_LENGTH,))
    return (text.startswith(("01", "02")) and article) or (text.startswith("00") and box)


def printed(found: dict[str, str]) -> str:
    """Return the elements as they are printed below a symbol: (01)…(10)…"""
    return "".join(f"({key}){value}" for key, value in found.items())


def joined(found: dict[str, str]) -> str:
    """Return the elements as a symbol carries them; a separator ends what has no fixed length."""
    texts = [(key + value, key[:2] in FIXED) for key, value in found.items()]
    ends = ["" if fixed or at == len(texts) - 1 else GROUP_SEPARATOR for at, (_text, fixed) in enumerate(texts)]
    return "".join(text + end for (text, _fixed), end in zip(texts, ends, strict=True))


def link(found: dict[str, str], *, site: str = ID_SITE) -> str:
    """Return the Digital Link of an article or a box: its parts as a path, everything else after the question mark."""
    primary = next(key for key in found if key in PRIMARY)
    path = [primary, *(key for key in QUALIFIERS if key in found)]
    rest = {key: value for key, value in found.items() if key not in path}
    address = site.rstrip("/") + "".join(f"/{key}/{quote(found[key], safe='')}" for key in path)
    return f"{address}?{urlencode(rest)}" if rest else address


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
        address = urlsplit(text)
        parts = [unquote(part) for part in address.path.split("/") if part]
        asked = parse_qsl(address.query, max_num_fields=MOST_ASKED)
    except ValueError:
        return {}
    start = next((at for at, part in enumerate(parts) if part in PRIMARY), len(parts))
    pairs = dict(zip(parts[start::2], parts[start + 1 :: 2], strict=False))
    if not _holds_article(pairs) or len(parts[start:]) % 2 or not set(pairs) <= LINK_KEYS:
        return {}
    return pairs | {key: value for key, value in asked if ASKED.fullmatch(key) and key not in pairs}


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
