"""Values of forms as JSON: how each control's values are described, read and told.

A value is read by the control itself, from the same inputs a page would send, so that both doors refuse the same.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from decimal import Decimal
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import select

from qtrace.api.problems import Wrong
from qtrace.api.schema import Problem, Schema, flag, listed, maybe, text
from qtrace.classification.controls import TermRef
from qtrace.classification.models import Term
from qtrace.core.db import db
from qtrace.core.errors import Refused
from qtrace.forms.definition import FormDefinition
from qtrace.forms.registry import Control, FieldDefinition, Sent, Storage, Value, controls
from qtrace.rules.doors import Checked
from qtrace.rules.pieces import REASON

SCALAR: Schema = {"type": ["string", "integer", "number", "boolean", "null"], "maxLength": 20_000}
SEALED = ".frozen"  # what a checklist was judged by, with its photos: a request that judges anew keeps both
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
    inputs: dict[str, list[str]] = {}
    problems: list[Problem] = []
    for name, value in values.items():
        path, asked = f"values.{name}", definition.field(name)
        if asked is None or asked.retired:
            problems.append(Problem(path, _("这个表单没有「%(name)s」这一项。", name=name[:80])))
            continue
        try:
            inputs |= _inputs(controls()[asked.control], asked, value)
        except Refused as refused:
            problems.append(Problem(path, refused.message))
    inputs |= {(f"{REASON}.{rule}" if rule else REASON): [reason] for rule, reason in reasons.items()}
    return Sent(inputs), problems


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


def merged(held: Sent, given: Sent, values: Mapping[str, Any]) -> Sent:
    """Return what a record would send, with the fields a request names replaced by what it says of them."""
    kept_inputs = {
        name: texts for name, texts in held.values.items()
        if name.partition(".")[0] not in values or name.endswith(SEALED)
    }  # fmt: skip
    return Sent({**kept_inputs, **given.values}, held.files)


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


def _inputs(control: Control, asked: FieldDefinition, value: Any) -> dict[str, list[str]]:
    if value is None:
        return {asked.id: []}
    if control.layout or control.assigned or control.storage in (Storage.FILE_REFS, Storage.COMPUTED):
        raise Refused(_("这一项不能通过接口填写。"))
    if isinstance(value, Mapping | list):
        return dict(_flat(asked.id, value))
    if isinstance(value, bool):
        if control.storage is not Storage.BOOL:
            raise Refused(_("这里不能是“是”或“否”。"))
        return {asked.id: ["1"] if value else []}
    return control.send(asked, control.from_cell(asked, _spelled(control, asked, value)))


def _spelled(control: Control, asked: FieldDefinition, value: object) -> str:
    """Return a scalar as people type it; a term may also be named by its code."""
    spelling = f"{value:f}" if isinstance(value, Decimal) else str(value)
    if isinstance(control, TermRef):
        code = select(Term.id).where(Term.kind == control.kind_of(asked), Term.code == spelling)
        found = db.session.scalar(code)
        return str(found) if found is not None else spelling
    return spelling


def _flat(name: str, value: Any) -> Iterator[tuple[str, list[str]]]:
    """Yield the inputs of a value with parts: `field.part`, and `field.0.part` for rows."""
    if isinstance(value, Mapping):
        for part, item in value.items():
            yield from _flat(f"{name}.{part}", item)
    elif isinstance(value, list) and any(isinstance(item, Mapping | list) for item in value):
        for at, item in enumerate(value):
            yield from _flat(f"{name}.{at}", item)
    elif isinstance(value, list):
        yield name, [_text(item) for item in value if item is not None]
    elif value is not None:
        yield name, [_text(value)]


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "1" if value else ""
    return f"{value:f}" if isinstance(value, Decimal) else str(value)
