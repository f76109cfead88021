"""Definitions as plain data, as they are stored, exported and sent: written whole, read strictly."""

import re
from collections.abc import Mapping
from dataclasses import MISSING, asdict, fields, is_dataclass
from functools import cache
from types import UnionType
from typing import Any, Final, Literal, cast, get_args, get_origin, get_type_hints

from qtrace.flows.definition import Definition
from qtrace.flows.errors import DefinitionError

_ = str  # marks messages for extraction; they are translated where they are shown

IDENTIFIER: Final = re.compile(r"[a-z][a-z0-9_]{0,59}")
IDENTIFIERS: Final = frozenset({"id", "key"})
DEEPEST: Final = 60  # containers in one another; far over any tree that can still be read


def dump_definition(definition: Definition) -> dict[str, Any]:
    """Return the definition as plain data that `parse_definition` reads back the same; what says nothing is left out."""
    return cast(dict[str, Any], _plain(asdict(definition), Definition))


def parse_definition(data: object) -> Definition:
    """Return the definition held by plain data; refuse what is not of its shape and point at the place.

    The shape alone is read here; whether such a flow can run is said by `checking.faults`.
    """
    return cast(Definition, _read(Definition, data, "", 0))


def _plain(value: Any, shape: Any) -> Any:
    """Leave out what is as it would be made anyway."""
    if is_dataclass(shape):
        hints, kept = _hints(cast(Any, shape)), {}
        for one in fields(shape):
            given = value[one.name]
            plain = _plain(given, hints[one.name])
            if one.default is not MISSING and plain == _plain_default(one.default, hints[one.name]):
                continue
            if one.default_factory is not MISSING and not plain:
                continue
            kept[one.name] = plain
        return kept
    if get_origin(shape) is tuple:
        return [_plain(item, get_args(shape)[0]) for item in value]
    return dict(value) if isinstance(value, Mapping) else value


def _plain_default(default: Any, shape: Any) -> Any:
    return _plain(asdict(default) if is_dataclass(default) and not isinstance(default, type) else default, shape)


def _read(shape: Any, value: object, place: str, depth: int) -> Any:
    if depth > DEEPEST:
        raise DefinitionError(place, "too_deep", _("分支套得太深,请拆成子流程。"))
    if is_dataclass(shape):
        return _read_object(cast(type, shape), value, place, depth)
    origin = get_origin(shape)
    if origin is tuple:
        if not isinstance(value, list | tuple):
            raise DefinitionError(place, "not_a_list", _("这里应为一个列表。"))
        return tuple(_read(get_args(shape)[0], item, f"{place}[{here}]", depth + 1) for here, item in enumerate(value))
    if origin is Literal:
        return _read_choice(get_args(shape), value, place)
    if origin is not None and issubclass(origin, Mapping):
        return _read_mapping(get_args(shape)[1], value, place)
    return value if shape is Any or isinstance(shape, UnionType) else _read_value(shape, value, place)


def _read_object(shape: type, value: object, place: str, depth: int) -> Any:
    if not isinstance(value, Mapping):
        raise DefinitionError(place, "not_an_object", _("这里应为一组带名称的值。"))
    hints, given = _hints(shape), {}
    for key in value:
        if key not in hints:
            raise DefinitionError(_at(place, str(key)), "unknown_key", _("不认识的设置项 %(key)s。"), key=key)
    for one in fields(cast(Any, shape)):
        at = _at(place, one.name)
        if one.name in value:
            given[one.name] = _read(hints[one.name], value[one.name], at, depth + 1)
            if one.name in IDENTIFIERS and not IDENTIFIER.fullmatch(str(value[one.name])):
                message = _("编号只能用小写字母、数字和下划线，并以字母开头，最多 60 个字符。")
                raise DefinitionError(at, "bad_identifier", message)
        elif one.default is MISSING and one.default_factory is MISSING:
            raise DefinitionError(at, "missing", _("这里需要填写。"))
    return shape(**given)


def _read_choice(choices: tuple[Any, ...], value: object, place: str) -> object:
    if value not in choices:
        names = ", ".join(map(str, choices))
        raise DefinitionError(place, "unknown_choice", _("只能是其中之一：%(choices)s。"), choices=names)
    return value


def _read_mapping(shape: Any, value: object, place: str) -> dict[str, Any]:
    if not isinstance(value, Mapping) or not all(isinstance(key, str) for key in value):
        raise DefinitionError(place, "not_an_object", _("这里应为一组带名称的值。"))
    return {key: item if shape is Any else _read_value(shape, item, _at(place, key)) for key, item in value.items()}


def _read_value(shape: Any, value: object, place: str) -> object:
    if shape is bool:
        if not isinstance(value, bool):
            raise DefinitionError(place, "not_a_flag", _("这里应为是或否。"))
    elif shape is int:
        if not isinstance(value, int) or isinstance(value, bool) or abs(value) > 10**9:
            raise DefinitionError(place, "not_a_number", _("这里应为整数。"))
    elif not isinstance(value, str):
        raise DefinitionError(place, "not_a_text", _("这里需要填写文字。"))
    return value


@cache
def _hints(shape: Any) -> dict[str, Any]:
    return get_type_hints(shape)


def _at(place: str, key: str) -> str:
    return f"{place}.{key}" if place else key
