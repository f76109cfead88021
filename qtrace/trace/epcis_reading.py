"""EPCIS 2.0 documents of other companies read into records: every event becomes records, or says why it does not."""

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from urllib.parse import unquote

from flask_babel import gettext as _

from qtrace.core.errors import Refused
from qtrace.gs1.elements import article_numbers
from qtrace.gs1.epc import read_epc
from qtrace.sdk import records as r

MAX_BYTES = 5 * 1024 * 1024
MAX_EVENTS = 10_000
MAX_DEPTH = 50
MAX_GOODS = 1_000  # names of goods in one event
MAX_COUNT = 10**9
LONGEST = 120
FIRST_YEAR, LAST_YEAR = 1990, 2199
PIECES = {"", "EA", "C62", "H87", "PCE", "PCS"}
Event = dict[str, Any]
LISTS = {
    "ObjectEvent": ("epcList", "quantityList"),
    "TransactionEvent": ("epcList", "quantityList"),
    "AggregationEvent": ("childEPCs", "childQuantityList"),
}
EXPIRY = ("itemExpirationDate", "sellByDate", "bestBeforeDate")
HELD = {"recalled": "recalled", "non_conformant": "blocked", "non_sellable_other": "hold"}


@dataclass(frozen=True)
class Reading:
    """What became of one event: its records, and a sentence where something of it was left out."""

    index: int
    kind: str
    step: str
    records: tuple[r.Record, ...] = ()
    note: str = ""


@dataclass(frozen=True)
class Known:
    """What the company knows already: article codes by GTIN, articles by lot number, and its own address."""

    skus: Mapping[str, str] = field(default_factory=dict)
    lots: Mapping[str, str] = field(default_factory=dict)
    site: str = ""


@dataclass(frozen=True)
class _Goods:
    gtin: str
    lot: str
    quantity: int | None
    serials: tuple[str, ...] = ()


class _UnfitError(Exception):
    """The event cannot become records; the message says why."""


def load_events(content: bytes) -> list[Event]:
    """Return the events of a document; refuse what is none, what is too large and what is built to do harm."""
    if len(content) > MAX_BYTES:
        raise Refused(_("文件超过 %(n)s MB。请分成几份再导入。", n=MAX_BYTES // 1024 // 1024))
    try:
        found = json.loads(content.decode("utf-8-sig"), parse_float=Decimal, parse_constant=_no_number)
    except (ValueError, ArithmeticError, RecursionError):
        raise Refused(_("这不是完整的 JSON 文件。请让对方重新导出 EPCIS 2.0 的 JSON-LD 文件。")) from None
    if _is_deep(found):
        raise Refused(_("文件的层次太深,不像 EPCIS 文件。"))
    events = _event_list(found)
    if not events:
        raise Refused(_("文件里没有 EPCIS 事件。需要 EPCIS 2.0 的 EPCISDocument 或 EPCISQueryDocument。"))
    if len(events) > MAX_EVENTS:
        raise Refused(_("文件里有 %(n)s 条事件,一次最多 %(most)s 条。请分成几份。", n=len(events), most=MAX_EVENTS))
    return events


def gtins_of(events: Sequence[Event]) -> set[str]:
    """Return the article numbers the events name."""
    return {read_epc(uri).gtin for event in events for uri in _uris(event)} - {""}


def lots_of(events: Sequence[Event], *, site: str = "") -> set[str]:
    """Return the lot numbers the events name."""
    return {_lot_of(uri, site) for event in events for uri in _uris(event)} - {""}


def read_events(events: Sequence[Event], known: Known) -> list[Reading]:
    """Return what each event becomes."""
    lots = dict(known.lots)
    return [_read(index, event, known, lots) for index, event in enumerate(events)]


def _no_number(_text: str) -> None:
    raise ValueError("no number")


def _is_deep(found: object) -> bool:
    level = [found] if isinstance(found, dict | list) else []
    for _depth in range(MAX_DEPTH):
        inside = (inner for one in level for inner in (one.values() if isinstance(one, dict) else one))
        level = [inner for inner in inside if isinstance(inner, dict | list)]
    return bool(level)


def _event_list(found: object) -> list[Event]:
    if not isinstance(found, dict):
        return []
    body = found.get("epcisBody")
    if isinstance(body, dict):
        results = body.get("queryResults")
        inner = results.get("resultsBody") if isinstance(results, dict) else body
        inner = inner if isinstance(inner, dict) else {}
        listed = inner.get("eventList", [inner["event"]] if "event" in inner else [])
    else:
        listed = [found] if str(found.get("type", "")).endswith("Event") else []
    return [event if isinstance(event, dict) else {} for event in listed] if isinstance(listed, list) else []


def _read(index: int, event: Event, known: Known, lots: dict[str, str]) -> Reading:
    kind, step = _text(event.get("type")), _text(event.get("bizStep")).rsplit("/", 1)[-1].rsplit(":", 1)[-1]
    try:
        if "errorDeclaration" in event:
            raise _UnfitError(_("对方声明这条事件有误,没有保存。更正后的事件会单独列出。"))
        if kind == "AssociationEvent":
            raise _UnfitError(_("装配关系(AssociationEvent)说的是资产和部件,不是商品批次。"))
        at = _time(event)
        if kind == "TransformationEvent":
            records, note = _made(event, at, known, lots)
        elif kind in LISTS:
            records, note = _happened(event, kind, step, at, known, lots)
        else:
            raise _UnfitError(_("不认识的事件类型「%(kind)s」。", kind=kind[:40]))
    except _UnfitError as unfit:
        return Reading(index, kind, step, note=str(unfit))
    return Reading(index, kind, step, tuple(records), note)


def _happened(
    event: Event, kind: str, step: str, at: datetime, known: Known, lots: dict[str, str]
) -> tuple[list[r.Record], str]:
    """Return the records of goods that were seen somewhere."""
    goods, note = _goods(event, *LISTS[kind], known)
    if not goods:
        raise _UnfitError(_why_none(event))
    records = _named(goods, known, lots)
    make = STEPS.get(step)
    records += make(event, goods, at, known) if make else _states(event, goods, at, step)
    if "sensorElementList" in event:
        note = note or _("传感器读数没有保存。")
    return records, note


def _why_none(event: Event) -> str:
    uris = list(_uris(event))
    if any(read_epc(uri).kind == "box" for uri in uris):
        return _("只写了箱码(SSCC),没有写箱里是什么商品。")
    if "sensorElementList" in event:
        return _("传感器读数没有对应的商品,系统不保存。")
    return _("没有写商品(GTIN):%(what)s", what=(uris[0][:60] if uris else "—"))


def _named(goods: Sequence[_Goods], known: Known, lots: dict[str, str]) -> list[r.Record]:
    """Return the articles and lots that the goods name; one lot number can't be of two articles."""
    records: list[r.Record] = []
    for one in goods:
        sku = _sku(one, known)
        before = lots.get(one.lot, "") if one.lot else ""
        if before and sku and before != sku:
            raise _UnfitError(
                _("批号 %(lot)s 已经属于商品 %(sku)s,这条事件写的是另一种商品。", lot=one.lot, sku=before)
            )
        lots[one.lot] = sku or before
        if sku and one.gtin not in known.skus:
            records.append(r.Product(external_id=sku, barcode=sku))
        if one.lot:
            records.append(r.Lot(external_id=one.lot, sku=sku))
        records += [r.Serial(external_id=serial, sku=sku, lot=one.lot) for serial in one.serials]
    return list(dict.fromkeys(records))


def _received(event: Event, goods: Sequence[_Goods], at: datetime, known: Known) -> list[r.Record]:
    if _state(event) in {"returned", "damaged"}:
        condition = "damaged" if _state(event) == "damaged" else ""
        return [
            r.ReturnReceipt(
                external_id=number, sku=_sku(one, known), lot=one.lot, warehouse=_place(event, known),
                quantity=one.quantity or 1, condition=condition, received_at=at,
            )
            for number, one in _numbered(event, goods)
        ]  # fmt: skip
    return [
        r.PurchaseReceipt(
            external_id=number, purchase=_paper(event, "po", known), lot=one.lot, sku=_sku(one, known),
            supplier=_party(event, known), warehouse=_place(event, known), quantity=one.quantity or 0, received_at=at,
        )
        for number, one in _numbered(event, goods)
    ]  # fmt: skip


def _shipped(event: Event, goods: Sequence[_Goods], at: datetime, known: Known) -> list[r.Record]:
    if _state(event) == "returned":
        return _moves("supplier_return", event, goods, at, known)
    out = _id(event)
    lines: list[r.Record] = [
        r.StockOutLine(stock_out=out, external_id=str(at_), sku=_sku(one, known), lot=one.lot, quantity=one.quantity)
        for at_, one in enumerate(goods, 1)
        if one.quantity
    ]
    return lines and [r.StockOut(external_id=out, warehouse=_place(event, known), shipped_at=at), *lines]


def _destroyed(event: Event, goods: Sequence[_Goods], at: datetime, known: Known) -> list[r.Record]:
    return _moves("scrap", event, goods, at, known)


def _stored(event: Event, goods: Sequence[_Goods], at: datetime, known: Known) -> list[r.Record]:
    return _moves("to_good", event, goods, at, known) if _state(event) == "sellable_accessible" else []


def _held(event: Event, goods: Sequence[_Goods], at: datetime, known: Known) -> list[r.Record]:
    counted = [one for one in goods if one.quantity]
    if _state(event) == "non_sellable_other" and counted:
        return _moves("to_defective", event, counted, at, known)
    return _states(event, goods, at, "holding")


def _moves(kind: str, event: Event, goods: Sequence[_Goods], at: datetime, known: Known) -> list[r.Record]:
    return [
        r.StockMove(
            external_id=number, kind=kind, sku=_sku(one, known), lot=one.lot, warehouse=_place(event, known),
            quantity=one.quantity or 0, moved_at=at,
        )
        for number, one in _numbered(event, goods)
    ]  # fmt: skip


STEPS: Mapping[str, Callable[[Event, Sequence[_Goods], datetime, Known], list[r.Record]]] = {
    "receiving": _received,
    "shipping": _shipped,
    "destroying": _destroyed,
    "storing": _stored,
    "holding": _held,
}


def _states(event: Event, goods: Sequence[_Goods], at: datetime, step: str) -> list[r.Record]:
    """Return what the event says of the lots themselves: when they were made, how long they last, that they are held."""
    state = HELD.get(_state(event), "") if step in {"holding", "inspecting"} else ""
    made = at.date() if step == "commissioning" else None
    expires = _expiry(event)
    if not (state or made or expires):
        return []
    return [
        r.Lot(external_id=one.lot, made_on=made, expires_on=expires, quality_status=state) for one in goods if one.lot
    ]


def _made(event: Event, at: datetime, known: Known, lots: dict[str, str]) -> tuple[list[r.Record], str]:
    """Return what lots were made of which."""
    outputs, note = _goods(event, "outputEPCList", "outputQuantityList", known)
    inputs, more = _goods(event, "inputEPCList", "inputQuantityList", known)
    if not outputs:
        raise _UnfitError(_why_none(event))
    records = _named([*outputs, *inputs], known, lots)
    finished = [one for one in outputs if one.lot]
    records += _states(event, finished, at, "commissioning")
    records += [
        r.LotPart(lot=one.lot, part=part.lot, quantity=part.quantity or 0)
        for one in finished for part in inputs if part.lot and part.lot != one.lot
    ]  # fmt: skip
    if not finished:
        note = _("成品没有写批号,用料关系没有保存。")
    return records, note or more


def _goods(event: Event, pieces: str, counted: str, known: Known) -> tuple[list[_Goods], str]:
    """Return the goods an event names, put together by article and lot, and what was left out."""
    names, amounts = _listed(event, pieces), _listed(event, counted)
    if len(names) + len(amounts) > MAX_GOODS:
        raise _UnfitError(_("一条事件里有超过 %(n)s 种货物。", n=MAX_GOODS))
    serials: dict[tuple[str, str], list[str]] = {}
    for uri in names:
        epc = read_epc(_text(uri))
        if epc.kind == "piece":
            serials.setdefault((epc.gtin, _fit(epc.lot)), []).append(_fit(epc.serial))
    found = [_Goods(gtin, lot, len(them), tuple(them)) for (gtin, lot), them in serials.items()]
    note = ""
    for amount in amounts:
        one, unit = _amount(amount if isinstance(amount, dict) else {}, known)
        found += [one] if one else []
        note = note or (_("数量单位是 %(unit)s,不是件,只登记了商品和批次。", unit=unit[:10]) if one and unit else "")
    return found, note


def _amount(amount: Mapping[str, Any], known: Known) -> tuple[_Goods | None, str]:
    uri, unit = _text(amount.get("epcClass")), _text(amount.get("uom")).upper()
    epc, lot = read_epc(uri), _lot_of(uri, known.site)
    if not (epc.gtin or lot):
        return None, ""
    count = amount.get("quantity")
    odd = "" if unit in PIECES else unit
    if not isinstance(count, int | Decimal) or isinstance(count, bool):
        return _Goods(epc.gtin, _fit(lot), None), odd
    if not 0 <= count <= MAX_COUNT:  # before it is made a whole number: 1e999999 would fill the memory
        raise _UnfitError(_("数量 %(count)s 不可能。", count=str(count)[:30]))
    odd = odd or ("" if count == int(count) else _("小数"))
    return _Goods(epc.gtin, _fit(lot), None if odd else int(count)), odd


def _lot_of(uri: str, site: str) -> str:
    own = f"{site}/trace/lot/"
    return unquote(uri.removeprefix(own)) if site and uri.startswith(own) else read_epc(uri).lot


def _sku(one: _Goods, known: Known) -> str:
    return known.skus.get(one.gtin, article_numbers(one.gtin)[0]) if one.gtin else known.lots.get(one.lot, "")


def _numbered(event: Event, goods: Sequence[_Goods]) -> Iterator[tuple[str, _Goods]]:
    """Yield the goods of which a number of pieces is known, each with the number of its record."""
    own = _id(event)
    for at, one in enumerate(goods, 1):
        if one.quantity:
            yield (own if len(goods) == 1 else f"{own}#{at}"), one


def _id(event: Event) -> str:
    """Return the number of an event: its own, or one made of what it says, so that a second import changes nothing."""
    given = _text(event.get("eventID"))
    if given and given.isprintable() and len(given) <= LONGEST - 5:
        return given
    said = given or json.dumps(event, sort_keys=True, default=str)
    return "epcis:" + hashlib.sha256(said.encode("utf-8", "backslashreplace")).hexdigest()[:40]


def _time(event: Event) -> datetime:
    text = _text(event.get("eventTime"))
    try:
        at: datetime | None = datetime.fromisoformat(text)
    except ValueError:
        at = None
    if at is None or at.tzinfo is None or not FIRST_YEAR <= at.year <= LAST_YEAR:
        raise _UnfitError(_("事件时间「%(text)s」不完整或不可能,要有日期、时间和时区。", text=text[:40]))
    return at


def _expiry(event: Event) -> date | None:
    told = event.get("ilmd")
    texts = [_text(value) for key, value in told.items() if key.endswith(EXPIRY)] if isinstance(told, dict) else []
    try:
        return date.fromisoformat(texts[0][:10]) if texts else None
    except ValueError:
        return None


def _state(event: Event) -> str:
    return _text(event.get("disposition")).rsplit("/", 1)[-1].rsplit(":", 1)[-1]


def _place(event: Event, known: Known) -> str:
    for name in ("readPoint", "bizLocation"):
        place = event.get(name)
        if isinstance(place, dict) and (uri := _text(place.get("id"))):
            return _own("places", uri, known)
    return ""


def _party(event: Event, known: Known) -> str:
    sources = [one for one in _listed(event, "sourceList") if isinstance(one, dict)]
    kinds = ("possessing_party", "owning_party")
    named = [_text(one.get("source")) for kind in kinds for one in sources if _text(one.get("type")).endswith(kind)]
    return _own("parties", named[0], known) if named else ""


def _paper(event: Event, kind: str, known: Known) -> str:
    papers = [one for one in _listed(event, "bizTransactionList") if isinstance(one, dict)]
    named = [_text(one.get("bizTransaction")) for one in papers if _text(one.get("type")).endswith(kind)]
    return _own(f"documents/{kind}", named[0], known) if named else ""


def _own(kind: str, uri: str, known: Known) -> str:
    start = f"{known.site}/{kind}/"
    return _fit(unquote(uri.removeprefix(start)) if known.site and uri.startswith(start) else uri)


def _uris(event: Event) -> Iterator[str]:
    for names, amounts in (
        *LISTS.values(),
        ("inputEPCList", "inputQuantityList"),
        ("outputEPCList", "outputQuantityList"),
    ):
        yield from (_text(uri) for uri in _listed(event, names))
        yield from (_text(one.get("epcClass")) for one in _listed(event, amounts) if isinstance(one, dict))


def _listed(event: Event, name: str) -> list[Any]:
    found = event.get(name)
    return found if isinstance(found, list) else []


def _fit(text: str) -> str:
    """Return a number as it can be kept: short and printable."""
    if len(text) > LONGEST or not text.isprintable():
        raise _UnfitError(_("编号「%(text)s」太长或含有看不见的字符。", text=ascii(text[:30])[1:-1]))
    return text


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
