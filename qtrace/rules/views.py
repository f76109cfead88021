"""Checking what is typed into a form, before it is sent."""

from flask import Blueprint, Response, request

from qtrace.accounts.access import actor, needs
from qtrace.core import clock
from qtrace.core.errors import NotFound
from qtrace.core.ids import as_id
from qtrace.forms.answers import read_answers
from qtrace.forms.definition import FormDefinition
from qtrace.forms.queries import current_form, form_version, stored_definition
from qtrace.forms.registry import Sent
from qtrace.rules.doors import Door, Held, check_answers
from qtrace.rules.facts import facts_of
from qtrace.rules.pieces import checked_piece, reasons_in
from qtrace.rules.queries import FormRules, load_rules

bp = Blueprint("form_rules", __name__)


@bp.post("/forms/<form_key>/check")
@needs("record.create")
def check_create(form_key: str) -> Response:
    """Say what the rules make of a form that is being filled in; stores nothing."""
    sent = Sent(request.form.to_dict(flat=False))
    definition = _definition(form_key, sent)
    rules = load_rules(form_key, definition)
    held = _held(rules, sent.first("checked_record"))
    checked = check_answers(
        rules, definition, read_answers(definition, sent, held.answers if held else None), door=Door.INLINE,
        by=actor().id, now=clock.now(), record=held, reasons=reasons_in(sent.values),
    )  # fmt: skip
    return checked_piece(checked, definition, sent)


def _definition(form_key: str, sent: Sent) -> FormDefinition:
    """Return the version the form was shown in, else the current one; files are not sent while typing."""
    form, current = current_form(form_key)
    wanted = as_id(sent.first("checked_version"))
    if wanted is None or wanted == current.id:
        return stored_definition(form.key, current.id)
    version = form_version(wanted)
    if version.form_id != form.id:
        raise NotFound
    return stored_definition(form.key, version.id)


def _held(rules: FormRules, number: str) -> Held | None:
    facts = facts_of(rules.form)
    sample = facts.by_number(rules.form, number) if facts and number else None
    if sample is None or sample.record_id is None:
        return None
    return Held(sample.record_id, sample.columns, sample.answers)
