"""Master data and sales over the API: many rows at once, stored as imports store them, each with its outcome."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, Field, fields
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from types import UnionType
from typing import Any, get_args, get_type_hints

from flask import g
from flask_babel import gettext as _
from sqlalchemy import Select, select

from qtrace.api.answers import Answer, kept
from qtrace.api.blueprint import bp
from qtrace.api.listing import Column, Listing, list_parameters, page_schema, read_page
from qtrace.api.operation import Call, Operation, operation
from qtrace.api.schema import Schema, as_moment, integer, listed, maybe, moment, one_of, text, thing
from qtrace.catalog.models import Shop
from qtrace.conditions.tree import FieldKind
from qtrace.core import clock
from qtrace.core.db import db, write
from qtrace.issues.intake import store
from qtrace.orders.facts import MAX_COUNT
from qtrace.sdk.records import RECORD_TYPES, Record

KINDS = (
    "orders", "lines", "products", "suppliers", "lots", "receipts", "reviews", "aftersales", "shipments", "payments",
    "categories", "warehouses", "purchases", "purchase_lines", "kit_parts", "lot_parts", "stock_moves", "stock_balances",
    "stock_outs", "stock_out_lines", "parcel_items", "parcel_scans", "serials", "returns", "listings",
)  # fmt: skip
MOST_ROWS = 1000
LONGEST_AMOUNT = 30
LONGEST_TEXT = 20_000
AMOUNT: Schema = {
    "type": ["string", "integer", "number"],
    "maxLength": LONGEST_AMOUNT,
    "description": "An amount in major units, as text best.",
}
DAY: Schema = {"type": "string", "format": "date"}
SCHEMAS: Mapping[type, Schema] = {
    str: text(LONGEST_TEXT), int: integer(-MAX_COUNT, MAX_COUNT), Decimal: AMOUNT, date: DAY,
}  # fmt: skip
OUTCOME = thing(
    {"row": integer(0), "outcome": one_of("stored", "updated", "unchanged", "refused")}, {"reason": text()}
)  # fmt: skip
OUTCOMES = thing({
    "stored": integer(0), "updated": integer(0), "unchanged": integer(0), "refused": integer(0), "rows": listed(OUTCOME),
})  # fmt: skip
SHOPS = Listing(
    {
        "key": Column(Shop.key, text(60), FieldKind.TEXT, sortable=True),
        "name": Column(Shop.name, text(120), FieldKind.TEXT),
        "platform": Column(Shop.platform, text(40), FieldKind.TEXT),
        "currency": Column(Shop.currency, text(3), FieldKind.TEXT),
    },
    lambda statement: statement.select_from(Shop), Shop.__table__.c.id, "key", "key",
)  # fmt: skip


def record_schema(kind: str) -> Schema:
    """Return the schema of a row, made from the record it becomes."""
    types = get_type_hints(RECORD_TYPES[kind])
    known = {one.name: _schema(types[one.name]) for one in fields(RECORD_TYPES[kind])}
    needed = {one.name for one in fields(RECORD_TYPES[kind]) if _is_needed(one)}
    return thing(
        {name: schema for name, schema in known.items() if name in needed},
        {name: maybe(schema) for name, schema in known.items() if name not in needed},
    )


@bp.get("/shops")
@operation(
    Operation(
        summary="List shops", scope="data:write", permission="import.run", answer=page_schema(SHOPS.item),
        query=list_parameters(SHOPS.sorts), note="Rows of master data and sales belong to a shop, named by its key.",
    )
)  # fmt: skip
def shops_index(call: Call) -> Answer:
    """Return a page of the shops."""
    return Answer(read_page(SHOPS, call, _everything).data)


def _everything(statement: Select[Any]) -> Select[Any]:
    return statement


def _register(kind: str) -> None:
    """Give one kind of record its address."""

    def rows_create(call: Call) -> Answer:
        return take(kind, call)

    rows_create.__name__ = f"{kind}_create"
    rows_create.__doc__ = f"Store {kind}, new ones and changed ones."
    described = Operation(
        summary=f"Store {kind}", scope="data:write", permission="import.run", answer=OUTCOMES,
        body=thing({"shop": text(60, least=1), "rows": listed(record_schema(kind), MOST_ROWS, least=1)}),
        note="What is left out, null or empty never overwrites what is known. Each row has its own outcome; 200 also when rows are refused.",
    )  # fmt: skip
    bp.post(f"/{kind}")(operation(described)(rows_create))


def take(kind: str, call: Call) -> Answer:
    """Store the rows that are in order and say of each what became of it."""
    shop_id = db.session.scalar(select(Shop.id).where(Shop.key == call.body["shop"]))
    if shop_id is None:
        call.refuse("shop", _("没有这个店铺。请用 GET /api/v1/shops 里的 key。"))
    read = [_record(kind, row) for row in call.body["rows"]]
    good = [(at, one) for at, one in enumerate(read) if not isinstance(one, str)]
    reasons = {at: one for at, one in enumerate(read) if isinstance(one, str)}
    source = ("api_token", g.api_token.id)
    with write():
        counts = store(shop_id, [one for _at, one in good], now=clock.now(), by=call.user.id, source=source)
        outcomes: dict[int, str] = dict.fromkeys(reasons, "refused")
        outcomes |= {at: outcome for (at, _one), outcome in zip(good, counts.outcomes, strict=True)}
        reasons |= {good[index][0]: reason for index, reason in counts.refused}
        return kept(Answer(told_outcomes([outcomes[at] for at in range(len(read))], reasons)))


def told_outcomes(outcomes: Sequence[str], reasons: Mapping[int, str]) -> dict[str, Any]:
    """Return the counts and each row's outcome."""
    counts = {name: outcomes.count(name) for name in ("stored", "updated", "unchanged", "refused")}
    rows = [
        {"row": at, "outcome": outcome} | ({"reason": reasons[at]} if at in reasons else {})
        for at, outcome in enumerate(outcomes)
    ]
    return {**counts, "rows": rows}


def _record(kind: str, row: Mapping[str, Any]) -> Record | str:
    """Return the record a row is, or why it is none."""
    make = RECORD_TYPES[kind]
    types = get_type_hints(make)
    values: dict[str, Any] = {}
    for name, value in row.items():
        if value is None:
            continue
        read = READERS.get(_kind(types[name]), _as_it_is)(value)
        if read is None:
            return _("「%(name)s」不是一个可以保存的数:%(value)s", name=name, value=str(value)[:40])
        values[name] = read
    return make(**values)


def _amount(value: object) -> Decimal | None:
    try:
        amount = Decimal(str(value))
    except InvalidOperation:
        return None
    exponent = amount.as_tuple().exponent
    fits = isinstance(exponent, int) and -exponent < LONGEST_AMOUNT and amount.adjusted() < LONGEST_AMOUNT
    return amount if fits else None


def _as_it_is(value: object) -> object:
    return value


def _schema(hint: Any) -> Schema:
    kind = _kind(hint)
    return SCHEMAS[kind] if kind in SCHEMAS else moment()


def _kind(hint: Any) -> type:
    kinds = [one for one in get_args(hint) if one is not type(None)] if isinstance(hint, UnionType) else [hint]
    kind: type = kinds[0]
    return kind


def _is_needed(one: Field[Any]) -> bool:
    return one.default is MISSING and one.default_factory is MISSING


READERS: Mapping[type, Callable[[Any], object]] = {Decimal: _amount, date: date.fromisoformat, datetime: as_moment}
for _kind_of_rows in KINDS:
    _register(_kind_of_rows)
