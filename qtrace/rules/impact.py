"""Which rules of a form refer to a field."""

from collections.abc import Mapping, Sequence

from flask_babel import gettext as _
from sqlalchemy import select

from qtrace.core.db import db
from qtrace.forms.impact import Touched, mentions
from qtrace.forms.models import Form
from qtrace.rules.models import Rule


def rules_touching(form: Form, fields: Mapping[str, str]) -> Sequence[Touched]:
    """Return the rules that check one of these fields, or apply depending on it."""
    rules = db.session.scalars(select(Rule).where(Rule.form_id == form.id).order_by(Rule.position, Rule.id))
    return [
        Touched(_("规则"), rule.name or rule.message_zh or rule.kind, "", field)
        for rule in rules
        for field in fields
        if rule.field.partition(".")[0] == field or mentions([rule.condition, rule.options], field)
    ]
