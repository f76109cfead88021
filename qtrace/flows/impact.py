"""Which flows decide by a field of a form, and what goes through a flow."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from flask import url_for
from flask_babel import gettext as _
from sqlalchemy import select

from qtrace.core.db import db
from qtrace.flows.beginning import DEFAULT_FLOW
from qtrace.flows.instances import active_definition, stored_tree
from qtrace.flows.models import FlowDefinition, FlowStart
from qtrace.flows.naming import flow_name
from qtrace.flows.subjects import flow_subjects
from qtrace.forms.impact import Touched, mentions
from qtrace.forms.models import Form
from qtrace.web.filters import localised


@dataclass(frozen=True)
class Use:
    """Something that goes through a flow: the records of a form, every issue, or a step of another flow."""

    kind: str
    name: str
    url: str


def flows_touching(_form: Form, fields: Mapping[str, str]) -> Sequence[Touched]:
    """Return the active flows with a condition on one of these fields, or on the built-in column it fills."""
    flows = db.session.scalars(select(FlowDefinition).where(FlowDefinition.active).order_by(FlowDefinition.key))
    return [
        Touched(_("流程"), f"{flow.key} {flow.version}", url_for("flows.show", key=flow.key), field)
        for flow in flows
        for field, column in fields.items()
        if mentions(flow.definition.get("nodes", []), field)
        or (column and mentions(flow.definition.get("nodes", []), column))
    ]


def flows_for(subject_kind: str) -> dict[str, str]:
    """Return the names by key of the flows a kind of subject may be sent through: those its own people may begin."""
    keys = db.session.scalars(select(FlowDefinition.key).where(FlowDefinition.active).distinct()).all()
    found = {key: active_definition(key) for key in sorted(keys) if key != DEFAULT_FLOW}
    begun = {key: one[1].first.permission for key, one in found.items() if one is not None}
    fitting = [key for key, permission in begun.items() if not permission or permission.startswith(f"{subject_kind}.")]
    return {key: flow_name(one[1]) for key in fitting if (one := found[key]) is not None}


def used_by() -> dict[str, list[str]]:
    """Return by the key of a flow the keys of the forms whose records go through it."""
    found: dict[str, list[str]] = {}
    for row in db.session.execute(select(Form.key, Form.flow).where(Form.flow != "").order_by(Form.key)):
        found.setdefault(row.flow, []).append(row.key)
    return found


def uses() -> Mapping[str, Sequence[Use]]:
    """Return by the key of a flow what goes through it."""
    found: dict[str, list[Use]] = {DEFAULT_FLOW: [Use(_("质量问题"), _("全部质量问题"), "")]}
    for form in db.session.scalars(select(Form).where(Form.flow != "").order_by(Form.key)):
        found.setdefault(form.flow, []).append(
            Use(_("表单"), localised(form), url_for("forms.form_show", key=form.key))
        )
    for start in db.session.scalars(select(FlowStart).order_by(FlowStart.subject_kind, FlowStart.position)):
        subject = flow_subjects().get(start.subject_kind)
        name = str(subject.label) if subject else start.subject_kind
        url = url_for("flows.start_list", key=start.flow, kind=start.subject_kind)
        found.setdefault(start.flow, []).append(Use(_("自动开始"), name, url))
    active = select(FlowDefinition.id, FlowDefinition.key).where(FlowDefinition.active).order_by(FlowDefinition.key)
    for row in db.session.execute(active):
        tree = stored_tree(row.id)
        steps = [node for node in tree.walk() if node.kind == "subflow"]
        for key in dict.fromkeys(str(node.options.get("flow", "")) for node in steps):
            use = Use(_("流程"), flow_name(tree.definition), url_for("flows.show", key=row.key))
            found.setdefault(key, []).append(use)
    return found
