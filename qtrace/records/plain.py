"""Answers as programs give them, the API and connectors: plain values by field, read from the same inputs a page sends.

So every door refuses the same, and says so in the same words.
"""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import select

from qtrace.classification.controls import TermRef
from qtrace.classification.models import Term
from qtrace.core.db import db
from qtrace.core.errors import Refused
from qtrace.forms.answers import read_answers
from qtrace.forms.definition import FormDefinition
from qtrace.forms.registry import Control, FieldDefinition, Sent, Storage, Value, controls
from qtrace.records.bulk import Row

SEALED = ".frozen"  # what a checklist was judged by, with its photos: who judges anew keeps both
MOST_NAME = 80  # of a name nobody knows, as it is repeated to who sent it


def sent_of(definition: FormDefinition, values: Mapping[str, Any]) -> tuple[Sent, dict[str, str]]:
    """Return the values as a page would have sent them, and by name what is wrong with those that can't be read."""
    inputs: dict[str, list[str]] = {}
    wrong: dict[str, str] = {}
    for name, value in values.items():
        asked = definition.field(name)
        if asked is None or asked.retired:
            wrong[name] = _("这个表单没有「%(name)s」这一项。", name=name[:MOST_NAME])
            continue
        try:
            inputs |= _inputs(controls()[asked.control], asked, value)
        except Refused as refused:
            wrong[name] = refused.message
    return Sent(inputs), wrong


def merged(held: Sent, given: Sent, values: Mapping[str, Any]) -> Sent:
    """Return what a record would send, with the fields that are named replaced by what it says of them."""
    kept_inputs = {
        name: texts for name, texts in held.values.items()
        if name.partition(".")[0] not in values or name.endswith(SEALED)
    }  # fmt: skip
    return Sent({**kept_inputs, **given.values}, held.files)


def row_of(definition: FormDefinition, values: Mapping[str, Any], *, key: str | None = None) -> Row:
    """Return the values as a row of a batch; a value that is empty says nothing."""
    sent, wrong = sent_of(definition, values)
    read = read_answers(definition, sent)
    filled: dict[str, Value] = {name: value for name, value in read.answers.items() if value not in (None, "", [], {})}
    return Row(filled, list((read.errors | wrong).items()), key=key)


def named_by_label(definition: FormDefinition, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values by field id, where a name may also be what people call the field, if only one is called so."""
    ids = {asked.id for asked in definition.fields}
    called: dict[str, list[str]] = {}
    for asked in definition.fields:
        for label in {asked.label_zh.strip(), asked.label_en.strip()} - {""}:
            called.setdefault(label, []).append(asked.id)
    found: dict[str, Any] = {}
    for name, value in values.items():
        known = called.get(name.strip(), [])
        found[known[0] if name not in ids and len(known) == 1 else name] = value
    return found


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
