"""Which flows decide by a field of a form."""

from collections.abc import Mapping, Sequence

from flask_babel import gettext as _
from sqlalchemy import select

from qtrace.core.db import db
from qtrace.flows.models import FlowDefinition
from qtrace.forms.impact import Touched, mentions
from qtrace.forms.models import Form


def flows_touching(_form: Form, fields: Mapping[str, str]) -> Sequence[Touched]:
    """Return the active flows with a condition on one of these fields, or on the built-in column it fills."""
    flows = db.session.scalars(select(FlowDefinition).where(FlowDefinition.active).order_by(FlowDefinition.key))
    return [
        Touched(_("流程"), f"{flow.key} {flow.version}", "", field)
        for flow in flows
        for field, column in fields.items()
        if mentions(flow.definition.get("nodes", []), field)
        or (column and mentions(flow.definition.get("nodes", []), column))
    ]
