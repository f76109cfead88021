"""The life of a lot as an EPCIS 2.0 document: facts in, JSON-LD out; no clock, no database."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any
from urllib.parse import quote
from uuid import NAMESPACE_URL, uuid5
from zoneinfo import ZoneInfo

from qtrace.gs1.epc import lot_uri

CONTEXT = "https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld"
VERSION = "2.0"
Json = dict[str, Any]


@dataclass(frozen=True)
class Step:
    """What a fact is called in the core business vocabulary; DELETE says that the goods are gone for good."""

    business: str
    state: str = ""
    action: str = "OBSERVE"


STEPS: Mapping[str, Step] = {
    "made": Step("commissioning", "active", "ADD"),
    "received": Step("receiving", "in_progress"),
    "shipped": Step("shipping", "in_transit"),
    "counted_good": Step("cycle_counting", "sellable_accessible"),
    "counted_defective": Step("cycle_counting", "non_sellable_other"),
    "returned": Step("receiving", "returned"),
    "returned_damaged": Step("receiving", "damaged"),
    "transfer": Step("storing", "in_progress"),
    "to_defective": Step("holding", "non_sellable_other"),
    "to_good": Step("storing", "sellable_accessible"),
    "gain": Step("stock_taking", "mismatch_quantity"),
    "loss": Step("stock_taking", "mismatch_quantity"),
    "scrap": Step("destroying", "destroyed", "DELETE"),
    "supplier_return": Step("shipping", "returned"),
    "rework_out": Step("removing", "in_progress"),
    "rework_in": Step("storing", "in_progress"),
    "other_in": Step("other"),
    "other_out": Step("other"),
    "hold": Step("holding", "non_sellable_other"),
    "blocked": Step("holding", "non_conformant"),
    "recalled": Step("holding", "recalled"),
}


@dataclass(frozen=True)
class Goods:
    """A lot as an event names it; without an article number it goes by its page on this site."""

    lot: str
    gtin: str = ""
    expires_on: date | None = None


@dataclass(frozen=True)
class Fact:
    """One thing that happened to a lot; `key` never changes, so the same fact is the same event in every export."""

    key: str
    kind: str
    at: datetime
    goods: Goods
    quantity: int | None = None
    place: str = ""
    to_place: str = ""
    party: str = ""  # the supplier the goods come from or go back to
    documents: tuple[tuple[str, str], ...] = ()  # (kind in the vocabulary, number)
    inputs: tuple[tuple[Goods, int | None], ...] = ()  # what the lot was made of


@dataclass(frozen=True)
class Naming:
    """How this site names its things in a document."""

    site: str
    prefix: str = ""
    zone: ZoneInfo = field(default_factory=lambda: ZoneInfo("Asia/Shanghai"))

    def goods(self, goods: Goods) -> str:
        """Return the name of a lot."""
        return lot_uri(goods.gtin, goods.lot, prefix=self.prefix) or self.own("trace/lot", goods.lot)

    def own(self, kind: str, number: str) -> str:
        """Return a name under the site's own address."""
        return f"{self.site}/{kind}/{quote(number, safe='')}"


def document(facts: Iterable[Fact], *, naming: Naming, now: datetime) -> Json:
    """Return the document of the facts in the order in which they happened."""
    events = [_event(fact, naming) for fact in sorted(facts, key=lambda fact: (fact.at, fact.key))]
    return {
        "@context": [CONTEXT],
        "type": "EPCISDocument",
        "schemaVersion": VERSION,
        "creationDate": now.astimezone(naming.zone).isoformat(timespec="seconds"),
        "epcisBody": {"eventList": events},
    }


def _event(fact: Fact, naming: Naming) -> Json:
    step = STEPS[fact.kind]
    at = fact.at.astimezone(naming.zone)
    event: Json = {
        "type": "TransformationEvent" if fact.inputs else "ObjectEvent",
        "eventID": f"urn:uuid:{uuid5(NAMESPACE_URL, f'{naming.site}/{fact.key}')}",
        "eventTime": at.isoformat(timespec="milliseconds"),
        "eventTimeZoneOffset": at.isoformat()[-6:],
        "bizStep": step.business,
    }
    if step.state:
        event["disposition"] = step.state
    return event | _what(fact, step, naming) | _where(fact, naming) | _why(fact, naming)


def _what(fact: Fact, step: Step, naming: Naming) -> Json:
    if fact.inputs:
        inputs = [_quantity(goods, count, naming) for goods, count in fact.inputs]
        return {"inputQuantityList": inputs, "outputQuantityList": [_quantity(fact.goods, fact.quantity, naming)]}
    what: Json = {"action": step.action, "quantityList": [_quantity(fact.goods, fact.quantity, naming)]}
    if step.action == "ADD":
        what["ilmd"] = {"cbvmda:lotNumber": fact.goods.lot}
        if fact.goods.expires_on:
            what["ilmd"]["cbvmda:itemExpirationDate"] = fact.goods.expires_on.isoformat()
    return what


def _quantity(goods: Goods, count: int | None, naming: Naming) -> Json:
    named = {"epcClass": naming.goods(goods)}
    return named if count is None else named | {"quantity": count}


def _where(fact: Fact, naming: Naming) -> Json:
    where: Json = {}
    if fact.place:
        where["readPoint"] = {"id": naming.own("places", fact.place)}
    if lies := fact.to_place or (fact.place if fact.kind != "shipped" else ""):
        where["bizLocation"] = {"id": naming.own("places", lies)}
    return where


def _why(fact: Fact, naming: Naming) -> Json:
    why: Json = {}
    if fact.documents:
        why["bizTransactionList"] = [
            {"type": kind, "bizTransaction": naming.own(f"documents/{kind}", number)} for kind, number in fact.documents
        ]
    if fact.party:
        party = naming.own("parties", fact.party)
        if fact.kind == "supplier_return":
            why["destinationList"] = [{"type": "possessing_party", "destination": party}]
        else:
            why["sourceList"] = [{"type": "possessing_party", "source": party}]
    return why
