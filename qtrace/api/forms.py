"""The forms there are, over the API: what their fields are called, hold and offer."""

from typing import Any

from qtrace.api.answers import Answer
from qtrace.api.blueprint import bp
from qtrace.api.operation import Call, Operation, operation
from qtrace.api.schema import Schema, flag, integer, listed, text, thing
from qtrace.api.values import field_schema
from qtrace.forms.models import Form
from qtrace.forms.queries import current_form, forms, stored_definition
from qtrace.forms.registry import FieldDefinition, controls

MOST_CHOICES = 500
SHORT: dict[str, Schema] = {
    "key": text(60), "name_zh": text(120), "name_en": text(120), "kind": text(20), "version": integer(1),
}  # fmt: skip
CHOICE = thing({"value": text(), "label": text()})
FIELD = thing({
    "id": text(60), "control": text(60), "storage": text(20), "label_zh": text(), "label_en": text(),
    "required": flag(), "filterable": flag(), "choices": listed(CHOICE),
    "more_choices": flag(description="There are more choices than are listed."),
    "schema": {"type": "object", "description": "JSON Schema of the value."},
})  # fmt: skip
SECTION = thing({"id": text(), "title_zh": text(), "title_en": text(), "fields": listed(FIELD)})
FORM = thing({**SHORT, "sections": listed(SECTION)})


@bp.get("/forms")
@operation(
    Operation(
        summary="List forms", scope="records:read", permission="record.read",
        answer=thing({"items": listed(thing(SHORT))}),
        note="The form `issue` is the one issues are opened with; the others make records.",
    )
)  # fmt: skip
def forms_index(_call: Call) -> Answer:
    """Return every form in use."""
    return Answer({"items": [_short(form, version.version) for form, version in forms() if form.state == "active"]})


@bp.get("/forms/<key>")
@operation(Operation(summary="Read a form", scope="records:read", permission="record.read", answer=FORM))
def form_show(_call: Call, key: str) -> Answer:
    """Return a form's current definition."""
    form, version = current_form(key)
    definition = stored_definition(form.key, version.id)
    sections = [
        {
            "id": section.id, "title_zh": section.title_zh, "title_en": section.title_en,
            "fields": [_field(asked) for asked in section.fields if _is_asked(asked)],
        }
        for section in definition.sections
    ]  # fmt: skip
    return Answer({**_short(form, version.version), "sections": sections})


def _short(form: Form, version: int) -> dict[str, Any]:
    return {
        "key": form.key, "name_zh": form.name_zh, "name_en": form.name_en, "kind": form.kind, "version": version
    }  # fmt: skip


def _is_asked(asked: FieldDefinition) -> bool:
    return not asked.retired and not controls()[asked.control].layout


def _field(asked: FieldDefinition) -> dict[str, Any]:
    control = controls()[asked.control]
    choices = control.choices(asked)
    return {
        "id": asked.id, "control": asked.control, "storage": control.storage.value, "label_zh": asked.label_zh,
        "label_en": asked.label_en, "required": asked.required, "filterable": asked.filterable,
        "choices": [{"value": one.value, "label": str(one.label)} for one in choices[:MOST_CHOICES]],
        "more_choices": len(choices) > MOST_CHOICES, "schema": dict(field_schema(asked)),
    }  # fmt: skip
