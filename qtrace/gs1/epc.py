"""Names of goods and boxes in events of EPCIS: EPC URNs and Digital Links, both ways."""

import re
from dataclasses import dataclass
from typing import Literal
from urllib.parse import quote, unquote

from qtrace.gs1.digits import check_digit, is_checked, is_own_use
from qtrace.gs1.elements import elements, link

Kind = Literal["lot", "piece", "article", "box", "other"]
ARTICLE = 13  # digits of a GTIN-14 before its check digit, which URNs leave out
SERIAL_BODY = 17
SAFE = "-._!'()*+,:;="  # what a URN may hold as it is; everything else is percent-encoded
LOT = re.compile(r"urn:epc:class:lgtin:(\d{6,12})\.(\d{1,7})\.(.+)")
PIECE = re.compile(r"urn:epc:id:sgtin:(\d{6,12})\.(\d{1,7})\.(.+)")
CLASS = re.compile(r"urn:epc:idpat:sgtin:(\d{6,12})\.(\d{1,7})\.\*")
BOX = re.compile(r"urn:epc:id:sscc:(\d{6,12})\.(\d{5,11})")


@dataclass(frozen=True)
class Epc:
    """What a name means: the article with its lot or serial, a box, or something else."""

    kind: Kind
    gtin: str = ""
    lot: str = ""
    serial: str = ""
    sscc: str = ""


def lot_uri(gtin: str, lot: str, *, prefix: str = "") -> str:
    """Return the name of a lot: a URN where the company prefix is known, else a Digital Link.

    Empty without an article number, and for the numbers a shop gives for itself, which name nothing elsewhere.
    """
    number = gtin.zfill(14)
    if not (gtin and lot and is_checked(number, (14,))) or is_own_use(number):
        return ""
    if prefix and number[1:].startswith(prefix):
        return f"urn:epc:class:lgtin:{prefix}.{number[0]}{number[1 + len(prefix) : -1]}.{quote(lot, safe=SAFE)}"
    return link({"01": number, "10": lot})


def sscc_of(prefix: str, serial: int, *, extension: int = 0) -> str:
    """Return the number of a box of this company: extension digit, prefix, serial, check digit."""
    body = f"{extension}{prefix}{serial:0{SERIAL_BODY - 1 - len(prefix)}d}"
    if len(body) != SERIAL_BODY:
        raise ValueError("the prefix has no room left for this serial")
    return body + check_digit(body)


def read_epc(uri: str) -> Epc:
    """Return what a name in an event means."""
    if found := LOT.fullmatch(uri):
        return _article("lot", found[1], found[2], lot=unquote(found[3]))
    if found := PIECE.fullmatch(uri):
        return _article("piece", found[1], found[2], serial=unquote(found[3]))
    if found := CLASS.fullmatch(uri):
        return _article("article", found[1], found[2])
    if found := BOX.fullmatch(uri):
        body = found[2][0] + found[1] + found[2][1:]
        return Epc("box", sscc=body + check_digit(body)) if len(body) == SERIAL_BODY else Epc("other")
    return _of_link(uri)


def _article(kind: Kind, prefix: str, item: str, *, lot: str = "", serial: str = "") -> Epc:
    body = item[0] + prefix + item[1:]
    return Epc(kind, body + check_digit(body), lot, serial) if len(body) == ARTICLE else Epc("other")


def _of_link(uri: str) -> Epc:
    parts = elements(uri) if uri.startswith("http") else {}
    gtin = parts.get("01", "").zfill(14) if "01" in parts else ""
    if gtin and "21" in parts:
        return Epc("piece", gtin, parts.get("10", ""), parts["21"])
    if gtin:
        return Epc("lot" if "10" in parts else "article", gtin, parts.get("10", ""))
    return Epc("box", sscc=parts["00"]) if "00" in parts else Epc("other")
