"""What a flow may do by itself with a complaint: classify it."""

from flask import Flask
from flask_babel import gettext as _
from sqlalchemy import select

from qtrace.classification.models import Term
from qtrace.complaints.flow_fields import LABELS, TERMS
from qtrace.complaints.models import Complaint
from qtrace.complaints.service import classify
from qtrace.core.db import require_write
from qtrace.core.errors import Refused
from qtrace.core.ids import as_id
from qtrace.flows.effects import register_effect
from qtrace.flows.standing import StepCase
from qtrace.sdk.flow_nodes import SetFields

KIND = "complaint"


def register(app: Flask) -> None:
    """Offer it to automatic nodes."""
    register_effect(app, SetFields, KIND, set_fields)


def set_fields(found: StepCase, effect: SetFields) -> str:
    """Give a complaint another type, severity or party; terms are named by code, number or name."""
    complaint = require_write().get_one(Complaint, found.about[1])
    ids = {str(LABELS[name]): name for name in TERMS}
    terms = {}
    for label, text in effect.values:
        name = label if label in TERMS else ids.get(label, "")
        if name not in TERMS:
            raise Refused(_("客诉的「%(name)s」不能由流程修改。", name=str(LABELS.get(label, label))))
        terms[name] = _term(name, text)
    classify(complaint.id, terms=terms, by=None, now=found.now, version=complaint.version)
    return _("改了 %(fields)s", fields="、".join(str(LABELS[name]) for name in terms))


def _term(kind: str, text: str) -> int:
    named = (Term.code == text) | (Term.name_zh == text) | (Term.name_en == text) | (Term.id == (as_id(text) or 0))
    found = require_write().scalar(select(Term.id).where(Term.kind == kind, Term.active, named).order_by(Term.id))
    if found is None:
        raise Refused(_("「%(name)s」里没有「%(value)s」这一项。", name=str(LABELS[kind]), value=text[:40]))
    return found
