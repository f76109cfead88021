"""Lists of the API: columns that are shown, asked by conditions and sorted by, read page by page behind a cursor."""

import base64
import binascii
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, cast

from flask_babel import gettext as _
from sqlalchemy import ColumnElement, Select, and_, or_, select
from sqlalchemy.orm import QueryableAttribute

from qtrace.api.operation import Call, Parameter
from qtrace.api.problems import Wrong
from qtrace.api.schema import BIGGEST, Problem, Schema, integer, is_storable, listed, maybe, text, thing
from qtrace.conditions.compile import FieldColumn, to_sql
from qtrace.conditions.tree import Condition, ConditionError, FieldKind, parse
from qtrace.core.db import db

MOST = 200
USUAL = 50
MAX_FILTER = 8000

Restrict = Callable[[Select[Any]], Select[Any]]


@dataclass(frozen=True)
class Column:
    """One property of the things in a list: where it lives, what conditions may ask of it, how it is described."""

    source: ColumnElement[Any] | QueryableAttribute[Any]
    schema: Schema
    kind: FieldKind | None = None
    sortable: bool = False
    may_miss: bool = False

    @property
    def expression(self) -> ColumnElement[Any]:
        """Return the column as statements take it; an attribute of a model is one in all but its type."""
        return cast(ColumnElement[Any], self.source)


@dataclass(frozen=True)
class Listing:
    """A list: its columns, the tables they come from, and the order when none is asked for."""

    columns: Mapping[str, Column]
    origin: Restrict
    id: ColumnElement[Any]
    usual_sort: str
    unique: str = ""  # the property that names one thing

    @property
    def kinds(self) -> dict[str, FieldKind]:
        """Return what conditions may ask."""
        return {name: column.kind for name, column in self.columns.items() if column.kind is not None}

    @property
    def sorts(self) -> list[str]:
        """Return what a list can be sorted by."""
        names = [name for name, column in self.columns.items() if column.sortable]
        return [*names, *(f"-{name}" for name in names)]

    @property
    def item(self) -> Schema:
        """Return the schema of one thing of the list."""
        return thing({
            name: maybe(column.schema) if column.may_miss else column.schema for name, column in self.columns.items()
        })  # fmt: skip


@dataclass(frozen=True)
class Page:
    """Things of a list and the cursor where the next ones begin, empty at the end."""

    items: Sequence[dict[str, Any]]
    next: str

    @property
    def data(self) -> dict[str, Any]:
        """Return the page as it is sent."""
        return {"items": self.items, "next_cursor": self.next or None}


def list_parameters(sorts: Sequence[str]) -> tuple[Parameter, ...]:
    """Return the parameters every list has."""
    return (
        Parameter("filter", text(MAX_FILTER), "A condition tree as JSON, for example {\"field\": …, \"op\": \"eq\", \"value\": …}."),
        Parameter("sort", text(80) if not sorts else {"type": "string", "enum": list(sorts)}, "What to sort by; a minus before it puts the largest first."),
        Parameter("cursor", text(600), "Where the page before ended: its next_cursor."),
        Parameter("limit", integer(1, MOST), f"How many to return, {USUAL} unless told."),
    )  # fmt: skip


def page_schema(item: Schema) -> Schema:
    """Return the schema of a page of these things."""
    return thing({"items": listed(item), "next_cursor": maybe(text())})


def read_page(listing: Listing, call: Call, restrict: Restrict, *, size: int | None = None) -> Page:
    """Return the asked page of what `restrict` lets the reader see."""
    size = size or int(call.query.get("limit", USUAL))
    sort = call.query.get("sort") or listing.usual_sort
    statement = restrict(listing.origin(select(listing.id.label("_id"), *_labelled(listing))))
    condition = read_filter(call.query.get("filter", ""), listing.kinds)
    if condition is not None:
        statement = statement.where(to_sql(condition, _asked(listing)))
    column = listing.columns[sort.removeprefix("-")]
    falling = sort.startswith("-")
    if "cursor" in call.query:
        statement = statement.where(_behind(listing, column, _read_cursor(call.query["cursor"], sort), falling=falling))
    found = db.session.execute(_ordered(statement, listing, column, falling=falling).limit(size + 1)).mappings().all()
    items = [shown(listing, row) for row in found[:size]]
    return Page(items, _cursor(sort, found[size - 1]) if len(found) > size else "")


def read_one(listing: Listing, restrict: Restrict) -> dict[str, Any] | None:
    """Return the one thing `restrict` leaves, None when there is none."""
    statement = restrict(listing.origin(select(listing.id.label("_id"), *_labelled(listing))))
    row = db.session.execute(statement).mappings().one_or_none()
    return shown(listing, row) if row is not None else None


def read_filter(asked: str, kinds: Mapping[str, FieldKind]) -> Condition | None:
    """Return the condition a request asks; refuse one that can't be read, naming the place."""
    if not asked:
        return None
    try:
        return parse(json.loads(asked), kinds)
    except ConditionError as error:
        path = f"filter.{error.path}" if error.path else "filter"
        raise Wrong([Problem(path, error.translated(_))]) from error
    except (ValueError, RecursionError) as error:
        raise Wrong([Problem("filter", _("筛选条件不是有效的 JSON。"))]) from error


def shown(listing: Listing, row: Mapping[Any, Any]) -> dict[str, Any]:
    """Return a row as it is sent: moments with their zone, a missing reference as null."""
    return {name: told(row[name]) for name in listing.columns}


def told(value: object) -> object:
    """Return a value as JSON has it."""
    return value.astimezone(UTC).isoformat() if isinstance(value, datetime) else value


def _labelled(listing: Listing) -> list[Any]:
    return [column.expression.label(name) for name, column in listing.columns.items()]


def _asked(listing: Listing) -> dict[str, FieldColumn]:
    return {name: FieldColumn(listing.columns[name].expression) for name in listing.kinds}


def _ordered(statement: Select[Any], listing: Listing, column: Column, *, falling: bool) -> Select[Any]:
    last = [column.expression.is_(None)] if column.may_miss else []
    order = [column.expression.desc(), listing.id.desc()] if falling else [column.expression, listing.id]
    return statement.order_by(*last, *order)


def _behind(listing: Listing, column: Column, cursor: tuple[Any, int], *, falling: bool) -> ColumnElement[bool]:
    value, row_id = cursor
    key, further = column.expression, (listing.id < row_id if falling else listing.id > row_id)
    if value is None:
        return and_(key.is_(None), further)
    if column.kind is FieldKind.DATETIME:
        value = _moment(value)
    elif not isinstance(value, int if column.kind is FieldKind.NUMBER else str):
        raise _bad_cursor()
    beyond = or_(key < value if falling else key > value, and_(key == value, further))
    return or_(beyond, key.is_(None)) if column.may_miss else beyond


def _moment(value: object) -> datetime:
    try:
        return datetime.fromisoformat(str(value)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise _bad_cursor() from None


def _cursor(sort: str, row: Mapping[Any, Any]) -> str:
    told_value = told(row[sort.removeprefix("-")])
    return base64.urlsafe_b64encode(json.dumps([sort, told_value, row["_id"]]).encode()).decode().rstrip("=")


def _read_cursor(given: str, sort: str) -> tuple[Any, int]:
    try:
        of, value, row_id = json.loads(base64.urlsafe_b64decode(given.encode("ascii") + b"=" * (-len(given) % 4)))
    except (ValueError, TypeError, binascii.Error, RecursionError):
        raise _bad_cursor() from None
    if of != sort or isinstance(row_id, bool) or not isinstance(row_id, int) or not 0 <= row_id <= BIGGEST:
        raise _bad_cursor()
    if not isinstance(value, str | int | None) or (isinstance(value, int) and abs(value) > BIGGEST):
        raise _bad_cursor()
    if isinstance(value, str) and not is_storable(value):
        raise _bad_cursor()
    return value, row_id


def _bad_cursor() -> Wrong:
    return Wrong([Problem("cursor", _("这个 cursor 不属于这次查询。请原样使用上一页的 next_cursor,排序也不要改。"))])
