"""Columns of a sub-table: fields inside the settings of a field, named by a path like `lines.qty`."""

from collections.abc import Callable, Sequence
from dataclasses import replace

from flask_babel import gettext as _

from qtrace.core.errors import NotFound, Refused
from qtrace.forms.definition import FormDefinition, Vocabulary, dump_field, parse_field
from qtrace.forms.drafting import FIELD_ID, change_field, find_field, next_id
from qtrace.forms.registry import FieldDefinition, Option, Shape, controls


def is_column(path: str) -> bool:
    """Say whether a path names a column of a sub-table."""
    return "." in path


def columns_of(field: FieldDefinition) -> list[FieldDefinition]:
    """Return the columns of a sub-table, finished or not."""
    listed = field.options.get(_option(field).name)
    words = Vocabulary(controls(), {})
    return [parse_field(row, field.id, words, draft=True) for row in listed] if isinstance(listed, list) else []


def column_of(definition: FormDefinition, path: str) -> FieldDefinition:
    """Return the column a path names; NotFound without it."""
    _field, columns, index = _found(definition, path)
    return columns[index]


def add_column(definition: FormDefinition, field_id: str, control_key: str) -> tuple[FormDefinition, str]:
    """Return the definition with one more column in the sub-table, and the column's path."""
    field, _section = find_field(definition, field_id)
    control = controls().get(control_key)
    if control is None or control.not_in_rows or control.layout:
        raise Refused(_("这个控件不能放在子表里。"), "control")
    columns = columns_of(field)
    column = FieldDefinition(
        id=next_id(FIELD_ID, (known.id for known in columns)), control=control.key, label_zh=control.name_zh,
        label_en=control.name_en, options=control.starter(),
    )  # fmt: skip
    return _with(definition, field, [*columns, column]), f"{field_id}.{column.id}"


def change_column(
    definition: FormDefinition, path: str, change: Callable[[FieldDefinition], FieldDefinition]
) -> FormDefinition:
    """Return the definition with the column changed."""
    field, columns, index = _found(definition, path)
    columns[index] = change(columns[index])
    if len({column.id for column in columns}) < len(columns):
        raise Refused(_("字段编号 %(id)s 重复。", id=columns[index].id), "id")
    return _with(definition, field, columns)


def shift_column(definition: FormDefinition, path: str, *, up: bool) -> FormDefinition:
    """Return the definition with the column one place further."""
    field, columns, index = _found(definition, path)
    to = min(max(index + (-1 if up else 1), 0), len(columns) - 1)
    columns.insert(to, columns.pop(index))
    return _with(definition, field, columns)


def remove_column(definition: FormDefinition, path: str) -> FormDefinition:
    """Return the definition without the column."""
    field, columns, index = _found(definition, path)
    del columns[index]
    return _with(definition, field, columns)


def _found(definition: FormDefinition, path: str) -> tuple[FieldDefinition, list[FieldDefinition], int]:
    field_id, _dot, column_id = path.partition(".")
    field, _section = find_field(definition, field_id)
    columns = columns_of(field)
    for index, column in enumerate(columns):
        if column.id == column_id:
            return field, columns, index
    raise NotFound


def _with(definition: FormDefinition, field: FieldDefinition, columns: Sequence[FieldDefinition]) -> FormDefinition:
    options = dict(field.options) | {_option(field).name: [dump_field(column) for column in columns]}
    return change_field(definition, field.id, replace(field, options=options))


def _option(field: FieldDefinition) -> Option:
    option = next((known for known in controls()[field.control].options if known.shape == Shape.FIELDS), None)
    if option is None:
        raise NotFound
    return option
