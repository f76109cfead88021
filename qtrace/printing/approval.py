"""The approval sheet: a case of any kind in its facts, and who decided what, with signatures."""

from collections.abc import Sequence
from dataclasses import dataclass

from flask import current_app
from flask_babel import gettext as _
from markupsafe import Markup
from sqlalchemy import select

from qtrace.core import events
from qtrace.core.db import db
from qtrace.core.errors import NotFound
from qtrace.flows.instances import stored_tree
from qtrace.flows.models import FlowInstance
from qtrace.flows.naming import flow_name
from qtrace.flows.papers import Drawn, PaperCase
from qtrace.flows.subjects import flow_subjects
from qtrace.forms.controls.identity import qr_svg
from qtrace.printing.contexts import Fact
from qtrace.printing.decisions import StageLine, decisions_of, files_of
from qtrace.web.filters import show_time

MOST_FILES = 50


@dataclass(frozen=True)
class ApprovalSheet:
    """Everything the sheet shows."""

    company: str
    flow: str
    state: str
    number: str
    title: str
    address: str
    code: Markup  # the address as a QR code
    facts: Sequence[Fact]
    text: str
    files: Sequence[str]
    more_files: int  # how many attachments are not named
    decisions: Sequence[StageLine]
    printed_at: str
    printed_by: str
    chain_head: str


def approval_sheet(case: PaperCase) -> Drawn:
    """Return the sheet of a case without the fields that are hidden; NotFound where it goes through no flow."""
    kind, subject_id = case.subject
    instance = db.session.scalar(
        select(FlowInstance).where(FlowInstance.subject_kind == kind, FlowInstance.subject_id == subject_id)
    )
    subject = flow_subjects().get(kind)
    if instance is None or subject is None:
        raise NotFound
    summary, number = subject.summary(subject_id, case.hidden), subject.number(subject_id)
    lines = decisions_of(kind, subject_id)
    address = f"{current_app.config['QTRACE_BASE_URL']}{instance.url}"
    sheet = ApprovalSheet(
        company=current_app.config["QTRACE_COMPANY"], flow=flow_name(stored_tree(instance.definition_id).definition),
        state=_state(instance.status), number=number, title=summary.title, address=address,
        code=qr_svg(address, title=_("二维码")), facts=[Fact(label, value) for label, value in summary.facts],
        text=summary.text, files=[file.name for file in summary.files[:MOST_FILES]],
        more_files=max(0, len(summary.files) - MOST_FILES), decisions=lines,
        printed_at=show_time(case.now), printed_by=case.by, chain_head=events.head()[1][:16],
    )  # fmt: skip
    return Drawn("printing/_approval.html", f"{number} {summary.title}".strip(), sheet, files_of(lines))


def _state(status: str) -> str:
    words = {
        "running": _("处理中"), "closed": _("已结案"), "rejected": _("已驳回"), "withdrawn": _("已撤回"),
        "terminated": _("已终止"),
    }  # fmt: skip
    return words.get(status, status)
