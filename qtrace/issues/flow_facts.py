"""Whom the flows of an issue may ask by what it is about."""

from collections.abc import Mapping

from flask import Flask
from flask_babel import lazy_gettext as _

from qtrace.core.db import db
from qtrace.flows.subjects import FlowSubject, register_flow_subject
from qtrace.issues.models import Issue


def register(app: Flask) -> None:
    """Let flows be about issues."""
    register_flow_subject(app, FlowSubject("issue", _("质量问题"), links_of))


def links_of(issue_id: int) -> Mapping[str, int]:
    """Return the rows an issue is about."""
    issue = db.session.get_one(Issue, issue_id)
    found = {
        "sku": issue.sku_id, "shop": issue.shop_id, "supplier": issue.supplier_id,
        "responsible_party": issue.responsible_party_id,
    }  # fmt: skip
    return {kind: row for kind, row in found.items() if row is not None}
