"""What flows may ask of an issue, and whom it leads to."""

from collections.abc import Mapping, Sequence
from typing import Any

from flask import Flask
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from qtrace.conditions.builder import BuilderField
from qtrace.conditions.tree import FieldKind
from qtrace.core.db import db
from qtrace.flows.subjects import FlowSubject, register_flow_subject
from qtrace.forms.queries import current_definition, stored_definition
from qtrace.forms.seed import ISSUE_FORM
from qtrace.issues.models import Issue
from qtrace.issues.rule_facts import issue_columns
from qtrace.rules.editor import fields_to_ask
from qtrace.rules.reading import FormWords
from qtrace.rules.subject import Sight


def register(app: Flask) -> None:
    """Let flows be about issues."""
    register_flow_subject(app, FlowSubject("issue", _l("质量问题"), fields, values_of, links_of))


def fields(_form: str) -> Sequence[BuilderField]:
    """Return the fields of the issue form, and what is counted beside it."""
    asked = fields_to_ask(FormWords(current_definition(ISSUE_FORM)[1]))
    own = (
        BuilderField("safety", _("涉及安全"), FieldKind.BOOL),
        BuilderField("complaint_count", _("客诉数"), FieldKind.NUMBER),
    )
    known = {field.id for field in asked}
    return (*asked, *(field for field in own if field.id not in known))


def values_of(issue_id: int) -> Mapping[str, object]:
    """Return the answers of an issue as conditions see them."""
    return seen(db.session.get_one(Issue, issue_id))


def seen(issue: Any) -> Mapping[str, object]:
    """Return the answers of an issue, stored or about to be, as conditions see them."""
    version = issue.form_version_id
    definition = stored_definition(ISSUE_FORM, version) if version else current_definition(ISSUE_FORM)[1]
    counted = {"complaint_count": issue.complaint_count or 0, "safety": bool(issue.safety)}
    return Sight(definition).of(issue_columns(issue), issue.answers or {}) | counted


def links_of(issue_id: int) -> Mapping[str, int]:
    """Return the rows an issue is about."""
    issue = db.session.get_one(Issue, issue_id)
    found = {
        "sku": issue.sku_id, "shop": issue.shop_id, "supplier": issue.supplier_id,
        "responsible_party": issue.responsible_party_id,
    }  # fmt: skip
    return {kind: row for kind, row in found.items() if row is not None}
