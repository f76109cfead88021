"""JSON Schemas of the API: short ways to write them, and the check of a body against one.

What is described is what is checked: a body is read against the very schema that the description shows.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from flask_babel import gettext as _

Schema = Mapping[str, Any]

BIGGEST = 2**53 - 1  # the largest whole number every JSON reader keeps
MOST_PROBLEMS = 50
FIRST_YEAR, LAST_YEAR = 1900, 9000
REF = "#/components/schemas/"
NULL = {"type": "null"}


@dataclass(frozen=True)
class Problem:
    """What is wrong at one place of a request."""

    path: str
    message: str


def text(most: int = 2000, *, least: int = 0, **more: Any) -> Schema:
    """Return the schema of a text."""
    return {"type": "string", "maxLength": most} | ({"minLength": least} if least else {}) | more


def integer(least: int = -BIGGEST, most: int = BIGGEST, **more: Any) -> Schema:
    """Return the schema of a whole number."""
    return {"type": "integer", "minimum": least, "maximum": most, **more}


def flag(**more: Any) -> Schema:
    """Return the schema of yes or no."""
    return {"type": "boolean", **more}


def moment(**more: Any) -> Schema:
    """Return the schema of a point in time with its zone."""
    return {"type": "string", "format": "date-time", **more}


def one_of(*values: str, **more: Any) -> Schema:
    """Return the schema of one of these words."""
    return {"type": "string", "enum": list(values), **more}


def listed(items: Schema, most: int | None = None, *, least: int = 0) -> Schema:
    """Return the schema of a list."""
    bounds = ({} if most is None else {"maxItems": most}) | ({"minItems": least} if least else {})
    return {"type": "array", "items": items, **bounds}


def thing(needed: Mapping[str, Schema], also: Mapping[str, Schema] | None = None, **more: Any) -> Schema:
    """Return the schema of an object with these properties and no others."""
    properties = {**needed, **(also or {})}
    return {
        "type": "object", "properties": properties, "required": list(needed), "additionalProperties": False, **more
    }  # fmt: skip


def maybe(schema: Schema) -> Schema:
    """Return the schema with null allowed as well."""
    if "type" not in schema:
        return {"anyOf": [schema, NULL]} if schema.keys() & {"$ref", "anyOf"} else schema
    kinds = [schema["type"]] if isinstance(schema["type"], str) else list(schema["type"])
    words = {"enum": [*schema["enum"], None]} if "enum" in schema else {}
    return {**schema, "type": list(dict.fromkeys([*kinds, "null"])), **words}


def ref(name: str) -> Schema:
    """Return a reference to a named schema."""
    return {"$ref": REF + name}


def check(value: object, schema: Schema, path: str = "") -> list[Problem]:
    """Return what is wrong with a value, the first problems of it when there are very many."""
    found = []
    for problem in _problems(value, schema, path):
        found.append(problem)
        if len(found) == MOST_PROBLEMS:
            break
    return found


def as_moment(text: str) -> datetime | None:
    """Return a point in time with its zone, in UTC; None when the text is none that can be kept."""
    try:
        found = datetime.fromisoformat(text.upper()) if len(text) <= 40 and "T" in text.upper() else None
        found = found.astimezone(UTC) if found is not None and found.tzinfo is not None else None
    except (ValueError, OverflowError):
        return None
    return found if found is not None and FIRST_YEAR <= found.year <= LAST_YEAR else None


def is_storable(text: str) -> bool:
    """Say whether both databases can keep the text: no NUL and no half of a surrogate pair."""
    return "\x00" not in text and not any("\ud800" <= char <= "\udfff" for char in text)


def _problems(value: object, schema: Schema | bool, path: str) -> Iterator[Problem]:
    schema = schema if isinstance(schema, Mapping) else {}  # true: anything may stand here
    kinds = schema.get("type")
    if kinds is not None and not any(_is(value, kind) for kind in ([kinds] if isinstance(kinds, str) else kinds)):
        yield Problem(path, _("这里应该是 %(kind)s。", kind=_told(kinds)))
    elif "enum" in schema and value not in schema["enum"]:
        yield Problem(path, _("请用 %(values)s 之一。", values=_told(schema["enum"])))
    elif isinstance(value, str):
        yield from _text_problems(value, schema, path)
    elif isinstance(value, int) and not isinstance(value, bool):
        yield from _number_problems(value, schema, path)
    elif isinstance(value, Mapping):
        yield from _thing_problems(value, schema, path)
    elif isinstance(value, Sequence):
        yield from _list_problems(value, schema, path)


def _is(value: object, kind: str) -> bool:
    if isinstance(value, bool):
        return kind == "boolean"
    kinds: Mapping[str, tuple[type, ...]] = {
        "string": (str,), "integer": (int,), "number": (int, Decimal), "boolean": (), "object": (dict,),
        "array": (list,), "null": (type(None),),
    }  # fmt: skip
    return isinstance(value, kinds[kind])


def _text_problems(value: str, schema: Schema, path: str) -> Iterator[Problem]:
    if not is_storable(value):
        yield Problem(path, _("里面有无法保存的字符。"))
    elif len(value) > schema.get("maxLength", len(value)):
        yield Problem(path, _("最多 %(limit)d 个字,现在有 %(n)d 个。请缩短。", limit=schema["maxLength"], n=len(value)))
    elif len(value) < schema.get("minLength", 0):
        yield Problem(path, _("请填写这一项。"))
    elif schema.get("format") == "date-time" and not _is_moment(value):
        yield Problem(path, _("请写带时区的时间,例如 2026-11-22T08:00:00+08:00。"))
    elif schema.get("format") == "date" and not _is_day(value):
        yield Problem(path, _("请写日期,例如 2026-11-22。"))


def _number_problems(value: int, schema: Schema, path: str) -> Iterator[Problem]:
    least, most = schema.get("minimum", -BIGGEST), schema.get("maximum", BIGGEST)
    if not least <= value <= most:
        yield Problem(path, _("应该在 %(least)s 到 %(most)s 之间。", least=least, most=most))


def _thing_problems(value: Mapping[str, object], schema: Schema, path: str) -> Iterator[Problem]:
    properties: Mapping[str, Schema] = schema.get("properties", {})
    for name in schema.get("required", ()):
        if name not in value:
            yield Problem(_join(path, name), _("请填写这一项。"))
    others = schema.get("additionalProperties", {})
    for name, item in value.items():
        if not is_storable(name):
            yield Problem(path, _("里面有无法保存的字符。"))
        elif name in properties:
            yield from _problems(item, properties[name], _join(path, name))
        elif others is False:
            yield Problem(_join(path, name[:80]), _("不认识的名称 %(name)s。", name=name[:80]))
        else:
            yield from _problems(item, others, _join(path, name))


def _list_problems(value: Sequence[object], schema: Schema, path: str) -> Iterator[Problem]:
    least, most = schema.get("minItems", 0), schema.get("maxItems", len(value))
    if not least <= len(value) <= most:
        yield Problem(
            path, _("这里要有 %(least)d 到 %(most)d 项,现在有 %(n)d 项。", least=least, most=most, n=len(value))
        )
        return
    items = schema.get("items", {})
    for at, item in enumerate(value):
        yield from _problems(item, items, _join(path, str(at)))


def _is_moment(text: str) -> bool:
    return as_moment(text) is not None


def _is_day(text: str) -> bool:
    try:
        return len(text) == len("2026-11-22") and bool(date.fromisoformat(text))
    except ValueError:
        return False


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _told(values: object) -> str:
    return " / ".join(str(value) for value in ([values] if isinstance(values, str) else list(values)))  # type: ignore[call-overload]  # a list of a schema
