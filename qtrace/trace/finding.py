"""What a typed or scanned text means: an address of ours, a GS1 code, or a number of ours."""

import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from urllib.parse import urlsplit

from flask_babel import gettext as _
from sqlalchemy import or_, select
from sqlalchemy.orm import joinedload

from qtrace.accounts.models import User
from qtrace.core.codes import GROUP_SEPARATOR, clean_code
from qtrace.core.db import db
from qtrace.gs1.dates import day_of
from qtrace.gs1.digits import check_digit, fault_in, is_digits
from qtrace.gs1.elements import article_numbers, elements, is_symbol
from qtrace.orders.models import AfterSale, Lot, Order
from qtrace.orders.queries import MOST, clean_number, find_anything
from qtrace.orders.scanning import ARTICLES, MEANINGS
from qtrace.orders.stock_models import ReturnReceipt, Serial
from qtrace.trace import queries
from qtrace.trace.cartons import cartons_named

LONGEST = 400
# Of one scanned label the first of these that is known is meant: the piece, the lot, the box, the article.
ORDER = ("21", "10", "00", "01", "02")
DATES = ("11", "13", "15", "17")
OUR_PAGES = ("trace", "cartons", "issues", "complaints", "records", "todos")
ARTICLE_LENGTHS = (8, 12, 13, 14)


@dataclass(frozen=True)
class Hit:
    """One thing a text may mean."""

    kind: str
    number: str
    note: str = ""


def folded(text: str) -> str:
    """Return a scanned text as the label has it: a Chinese input method widens characters and turns a dot to 。."""
    parts = (unicodedata.normalize("NFKC", part) for part in clean_code(text[:LONGEST]).split(GROUP_SEPARATOR))
    return GROUP_SEPARATOR.join(parts).replace("。", ".").strip()


def own_page(text: str, *, site: str) -> str:
    """Return the path of the page of this site that a label's address names, empty for every other text."""
    try:
        address, ours = urlsplit(text), urlsplit(site)
    except ValueError:
        return ""
    first = address.path.removeprefix(ours.path.rstrip("/")).split("/")[1:2]
    named = bool(address.netloc) and address.netloc.lower() == ours.netloc.lower()
    return address.path if named and first and first[0] in OUR_PAGES and not address.path.startswith("//") else ""


def find_hits(text: str, user: User) -> list[Hit]:
    """Return everything the text may mean, each thing once; of a GS1 label only what it says most exactly."""
    for number in article_numbers(text):
        if hits := _named(number, user):
            return hits
    parts = read_label(text)
    for key in ORDER:
        numbers = article_numbers(parts[key]) if key in ARTICLES and key in parts else [parts.get(key, "")]
        if hits := _once(hit for number in numbers if number for hit in _named(number, user, named=False)):
            return [hit for hit in hits if key != "10" or hit.kind == "lot"] or hits
    return []


def read_label(text: str) -> dict[str, str]:
    """Return the elements of a GS1 label, empty for a text that is none."""
    return elements(text, gs1=is_symbol(text))


def said(text: str, *, today: date) -> list[tuple[str, str]]:
    """Return what was read, part by part, with the words for each."""
    parts = read_label(text)
    names = {key: str(words) for key, words in MEANINGS.items()} | {
        "11": _("生产日期"), "13": _("包装日期"), "15": _("最佳食用日期"), "17": _("有效期至"), "30": _("件数"),
        "37": _("箱内件数"), "240": _("货号"), "400": _("客户订单号"),
    }  # fmt: skip
    days = {key: day_of(parts[key], today=today) for key in DATES if key in parts}
    told = [(names.get(key, f"({key})"), str(days.get(key) or value)) for key, value in parts.items()]
    return told or [(_("读到的内容"), text)]


def doubt(text: str) -> str:
    """Return why a number that was found nowhere may be misread; empty when nothing speaks for it."""
    if fault := fault_in(read_label(text)):
        return fault
    number = clean_number(text)
    if is_digits(number) and len(number) in ARTICLE_LENGTHS and (right := check_digit(number[:-1])) != number[-1]:
        return _("如果这是商品条码,它的最后一位应当是 %(right)s,请再核对一遍。", right=right)
    return ""


def _named(text: str, user: User, *, named: bool = True) -> list[Hit]:
    """Return what carries this number; `named` also looks among names of suppliers."""
    return _once(_hits(clean_number(text), user, named=named))


def _hits(number: str, user: User, *, named: bool) -> Iterator[Hit]:
    if not number:
        return
    found = find_anything(number)
    yield from (Hit(*row) for row in queries.numbers_named(number, user))
    yield from (Hit("order", row.external_id, row.status) for row in found.orders)
    yield from (Hit("parcel", row.external_id, row.courier) for row in found.parcels)
    yield from (Hit("sku", row.external_id, row.name) for row in found.skus)
    yield from (Hit("lot", row.external_id, row.sku.label if row.sku else "") for row in found.lots)
    yield from (
        Hit("lot", row.lot.external_id, _("箱号 %(number)s", number=row.number)) for row in cartons_named(number)
    )
    yield from (_piece(row) for row in _pieces(number))
    yield from (Hit("order", row.external_id, _("退回运单 %(number)s", number=number)) for row in _sent_back(number))
    if named:
        yield from (Hit("supplier", row.external_id, row.name) for row in queries.suppliers_named(number))


def _pieces(number: str) -> Sequence[Serial]:
    """Return the pieces with this serial number of which more is known: whom they went to, or their lot."""
    known = or_(Serial.order_id.is_not(None), Serial.lot_id.is_not(None))
    statement = select(Serial).where(Serial.external_id == number, known).order_by(Serial.id).limit(MOST)
    return db.session.scalars(statement.options(joinedload(Serial.order), joinedload(Serial.lot))).all()


def _piece(row: Serial) -> Hit:
    note = _("序列号 %(number)s", number=row.external_id)
    kind, end = ("order", row.order) if row.order else ("lot", row.lot)
    return Hit(kind, end.external_id if isinstance(end, Order | Lot) else "", note)


def _sent_back(number: str) -> Sequence[Order]:
    """Return the orders whose goods come back under this waybill."""
    told = select(AfterSale.order_id).where(AfterSale.return_waybill == number)
    came = select(ReturnReceipt.order_id).where(ReturnReceipt.waybill == number)
    statement = select(Order).where(Order.id.in_(told.union(came))).order_by(Order.id).limit(MOST)
    return db.session.scalars(statement).all()


def _once(hits: Iterable[Hit]) -> list[Hit]:
    return list({(hit.kind, hit.number): hit for hit in reversed(list(hits))}.values())[::-1]
