"""What a flow may do by itself with records: change fields of the one it is about, and fill in another form."""

from collections.abc import Mapping, Sequence
from typing import Any

from flask import Flask
from flask_babel import gettext as _
from sqlalchemy import select

from qtrace.core.db import require_write
from qtrace.core.errors import NotFound, Refused
from qtrace.flows.effects import ANY, register_effect
from qtrace.flows.standing import StepCase
from qtrace.forms.answers import sent_from
from qtrace.forms.definition import FormDefinition
from qtrace.forms.filling import note_rows
from qtrace.forms.models import Form
from qtrace.forms.queries import current_form, stored_definition
from qtrace.forms.registry import Sent
from qtrace.records.bulk import EMPTY, told_reasons
from qtrace.records.doors import checked_form
from qtrace.records.models import Record
from qtrace.records.plain import merged, named_by_label, sent_of
from qtrace.records.service import KIND, NewRecord, change_record, create_record
from qtrace.rules.doors import Door, note_warnings
from qtrace.sdk.flow_nodes import MakeRecord, SetFields

SOURCE = "flow"
MOST_TOLD = 5


def register(app: Flask) -> None:
    """Offer both to automatic nodes."""
    register_effect(app, SetFields, KIND, set_fields)
    register_effect(app, MakeRecord, ANY, make_record)


def set_fields(found: StepCase, effect: SetFields) -> str:
    """Give fields of the record new values by the rules of its form; Refused says which of them cannot be."""
    record = require_write().scalars(select(Record).where(Record.id == found.about[1]).with_for_update()).one()
    form = require_write().get_one(Form, record.form_id)
    definition = stored_definition(form.key, record.form_version_id)
    values, sent = asked_for(definition, effect.values)
    sent = merged(sent_from(definition, {}, record.answers, reveal=True), sent, values)
    checked = checked_form(form.key, definition, sent, {}, door=Door.FLOW, by=None, now=found.now, record=record)
    refuse_wrong(definition, faults_of(checked.refusals, values, record.answers))
    change_record(
        record.id, checked.answers.answers, expected_version=record.version, by=None, now=found.now,
        reason=reason_of(found), notes=checked.notes,
    )  # fmt: skip
    note_warnings(KIND, record.id, checked, now=found.now)
    return told_fields(definition, values)


def make_record(found: StepCase, effect: MakeRecord) -> str:
    """Fill in a form by its rules, in the name of who started the case."""
    try:
        form, version = current_form(effect.form)
    except NotFound:
        raise Refused(_("没有「%(form)s」这张表。请改流程里的设置。", form=effect.form)) from None
    if form.built_in or form.state != "active":
        raise Refused(_("「%(form)s」不能由流程填写。", form=form.name_zh))
    definition = stored_definition(form.key, version.id)
    _values, sent = asked_for(definition, effect.values)
    by = found.instance.initiator_id
    checked = checked_form(form.key, definition, sent, {}, door=Door.FLOW, by=by, now=found.now)
    refuse_wrong(definition, checked.refusals)
    new = NewRecord(
        form.id, version.id, checked.answers.answers, source=SOURCE, department_id=found.instance.department_id,
        notes=checked.notes,
    )  # fmt: skip
    number = create_record(new, by=by, now=found.now)
    note_rows(form.id, definition, [new.answers])
    return _("填了 %(form)s %(number)s", form=form.name_zh, number=number)


def asked_for(definition: FormDefinition, pairs: Sequence[tuple[str, str]]) -> tuple[Mapping[str, Any], Sent]:
    """Return what a node asks for by field id, and as a page would have sent it; Refused for what cannot be read."""
    values = named_by_label(definition, dict(pairs))
    sent, wrong = sent_of(definition, values)
    refuse_wrong(definition, list(wrong.items()))
    return values, sent


def refuse_wrong(definition: FormDefinition, reasons: Sequence[tuple[str, str]]) -> None:
    """Refuse with what is wrong, field by field."""
    if reasons:
        told = told_reasons(definition, reasons)
        raise Refused(";".join(f"{name}:{why}" if name else why for name, why in told[:MOST_TOLD]))


def faults_of(
    refusals: Sequence[tuple[str, str]], values: Mapping[str, Any], held: Mapping[str, Any]
) -> list[tuple[str, str]]:
    """Return what speaks against a change: a field that was left empty before, and is not set now, does not."""
    return [
        (path, why)
        for path, why in refusals
        if (name := path.partition(".")[0]) in values or held.get(name) not in EMPTY
    ]


def told_fields(definition: FormDefinition, values: Mapping[str, Any]) -> str:
    """Return in words which fields were set."""
    asked = (definition.field(name) for name in values)
    return _("改了 %(fields)s", fields="、".join(one.label_zh for one in asked if one is not None))


def reason_of(found: StepCase) -> str:
    """Return why a field changed: the node that did it."""
    return _("流程「%(node)s」自动修改", node=found.node.name_zh)
