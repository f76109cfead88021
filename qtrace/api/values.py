"""Values of forms as JSON: how each control's values are described, read and told.

A value is read by the control itself, from the same inputs a page would send, so that both doors refuse the same.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from qtrace.api.problems import Wrong
from qtrace.api.schema import Problem, Schema, flag, listed, maybe, text
from qtrace.core.errors import Refused
from qtrace.forms.definition import FormDefinition
from qtrace.forms.registry import FieldDefinition, Sent, Storage, Value, controls
from qtrace.records import plain
from qtrace.rules.doors import Checked
from qtrace.rules.pieces import REASON

SCALAR: Schema = {"type": ["string", "integer", "number", "boolean", "null"], "maxLength": 20_000}
ANYTHING: Schema = {"description": "As the page of the form reads it."}
SCHEMAS: Mapping[Storage, Schema] = {
    Storage.TEXT: text(20_000),
    Storage.NUMBER: {"type": ["string", "integer", "number"], "description": "A number; as text every digit is kept."},
    Storage.MONEY: {"type": ["string", "integer", "number"], "description": "An amount in major units, as text best."},
    Storage.BOOL: flag(),
    Storage.DATE: {"type": "string", "description": "A day like 2026-11-22."},
    Storage.DATETIME: {"type": "string", "description": "A moment like 2026-11-22T08:00."},
    Storage.JSON_LIST: {"type": ["array", "object", "string"], "items": SCALAR},
    Storage.REF: {"type": ["string", "integer"], "description": "A number, code or name the page understands, or an id."},
    Storage.REFS: {"type": ["array", "string"], "items": SCALAR},
    Storage.ROWS: listed({"type": "object"}),
    Storage.COMPUTED: ANYTHING,
    Storage.FILE_REFS: listed(text()),
}  # fmt: skip
VALUES: Schema = {
    "type": "object",
    "description": "Values by field id; see GET /forms/{key}.",
    "additionalProperties": True,
}
REASONS: Schema = {
    "type": "object", "additionalProperties": text(500),
    "description": "Reasons for going on in spite of warnings, by the rule's id; \"\" answers all.",
}  # fmt: skip


def values_schema(definition: FormDefinition) -> Schema:
    """Return the schema of the values a form takes."""
    known = controls()
    fields = {asked.id: field_schema(asked) for asked in definition.fields if not known[asked.control].layout}
    return {"type": "object", "properties": fields, "additionalProperties": False}


def field_schema(asked: FieldDefinition) -> Schema:
    """Return the schema of one field's value, with its name and what can be chosen."""
    control = controls()[asked.control]
    schema = dict(maybe(SCHEMAS[control.storage]))
    schema["title"] = asked.label_en or asked.label_zh
    if control.assigned or control.storage in (Storage.FILE_REFS, Storage.COMPUTED):
        schema["readOnly"] = True
    return schema


def sent_of(
    definition: FormDefinition, values: Mapping[str, Any], reasons: Mapping[str, str]
) -> tuple[Sent, list[Problem]]:
    """Return the values as a page would have sent them, and which cannot be read."""
    sent, wrong = plain.sent_of(definition, values)
    given = {(f"{REASON}.{rule}" if rule else REASON): [reason] for rule, reason in reasons.items()}
    return Sent({**sent.values, **given}), [Problem(f"values.{name}", why) for name, why in wrong.items()]


def told_values(definition: FormDefinition, answers: Mapping[str, Value]) -> dict[str, Value]:
    """Return what a record says by field id; sensitive values as people without the right to see them read them."""
    known = controls()
    told: dict[str, Value] = {}
    for asked in definition.all_fields:
        value = answers.get(asked.id)
        if asked.id in answers:
            control = known[asked.control]
            told[asked.id] = control.masked(asked, value) if control.sensitive and value is not None else value
    return told


def stopped(checked: Checked, problems: list[Problem]) -> list[Problem]:
    """Return everything that keeps answers from being stored, by the path of the request."""
    unread = {one.path for one in problems}
    told = [Problem(f"values.{path}" if path else "values", message) for path, message in checked.refusals]
    return [*problems, *(one for one in told if one.path not in unread)]


@contextmanager
def field_paths() -> Iterator[None]:
    """Name what is refused while answers are stored by its path in the request."""
    try:
        yield
    except Refused as refused:
        path = f"values.{refused.field}" if refused.field else "values"
        raise Wrong([Problem(path, refused.message)]) from refused
