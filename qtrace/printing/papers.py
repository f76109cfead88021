"""The papers the product prints a case on, and filing one with its case."""

import io
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass

from flask import Flask, current_app, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from qtrace.accounts.access import actor
from qtrace.core import events
from qtrace.core.db import db, require_write
from qtrace.core.errors import NotFound, Refused
from qtrace.core.files import StoredFile, store
from qtrace.core.models import StoredFileRow
from qtrace.flows.effects import ANY, register_effect, register_preparing
from qtrace.flows.field_rights import rights_in
from qtrace.flows.models import FlowPaper
from qtrace.flows.papers import (
    APPROVAL,
    Drawn,
    Paper,
    PaperCase,
    filed_with,
    may_print,
    paper_for,
    papers,
    register_paper,
)
from qtrace.flows.standing import StepCase
from qtrace.forms.models import Form
from qtrace.issues.models import Issue
from qtrace.printing.approval import approval_sheet
from qtrace.printing.contexts import issue_report
from qtrace.printing.records import record_report
from qtrace.printing.service import drawn_pdf, issue_drawn, record_drawn
from qtrace.records.models import Record
from qtrace.sdk.flow_nodes import FilePaper

REPORT = "report"


@dataclass(frozen=True)
class Filed:
    """A paper that was printed and lies in the store, to be filed in the write."""

    label: str
    file: StoredFile


def register(app: Flask) -> None:
    """Offer the papers, and let nodes file them."""
    register_paper(app, APPROVAL, Paper(_l("审批单"), approval_sheet, leaves_out=True))
    register_paper(app, REPORT, Paper(_l("完整报告"), full_report, kinds=frozenset(FULL)))
    register_preparing(app, FilePaper, printed)
    register_effect(app, Filed, ANY, file_paper)


def printed(found: StepCase, effect: FilePaper) -> Filed:
    """Print a case on a paper and put the file into the store; outside any transaction, for it takes seconds."""
    if effect.paper not in papers():
        raise Refused(_("没有「%(paper)s」这张单据。请改流程里的设置。", paper=effect.paper))
    case = PaperCase(found.about, _("系统"), found.now)
    paper = paper_for(effect.paper, case)
    drawn, label = paper.draw(case), str(paper.label)
    number = drawn.title.partition(" ")[0]
    content = io.BytesIO(drawn_pdf(drawn))
    name = f"{number}-{label}.pdf"
    return Filed(label, store(content, display_name=name, data_dir=current_app.config["QTRACE_DATA_DIR"]))


def file_paper(found: StepCase, effect: Filed) -> str:
    """File the paper with its case."""
    session = require_write()
    session.add(StoredFileRow(**asdict(effect.file), created_at=found.now, created_by=None))
    session.flush()  # the paper refers to the file
    kind, subject_id = found.about
    session.add(
        FlowPaper(subject_kind=kind, subject_id=subject_id, node=found.node.id, file_id=effect.file.id, at=found.now)
    )
    body = {"node": found.node.id, "paper": effect.label, "file": effect.file.id}
    events.record("flow_paper_filed", subject=found.about, by=None, now=found.now, body=body)
    return _("存了 %(paper)s", paper=effect.label)


@dataclass(frozen=True)
class CasePapers:
    """What is printed of a case: where its approval sheet is, empty where the reader may not print, and what was filed."""

    sheet: str
    filed: Sequence[tuple[FlowPaper, StoredFileRow]]


def case_papers(kind: str, subject_id: int, number: str) -> CasePapers:
    """Return the papers of a case for the page of its subject, which the reader sees."""
    sheet = url_for("papers.case_show", kind=kind, number=number) if may_print(kind, actor()) else ""
    hidden = rights_in(kind, subject_id, actor()).hidden  # what was filed may show it
    return CasePapers(sheet, () if hidden else filed_with(kind, subject_id))


def full_report(case: PaperCase) -> Drawn:
    """Return everything there is of an issue or a record."""
    return FULL[case.subject[0]](case)


def _issue(case: PaperCase) -> Drawn:
    issue = db.session.get(Issue, case.subject[1])
    if issue is None:
        raise NotFound
    report = issue_report(issue, now=case.now, by=case.by, chain_head=events.head()[1])
    return issue_drawn(report)


def _record(case: PaperCase) -> Drawn:
    record = db.session.get(Record, case.subject[1])
    if record is None:
        raise NotFound
    form = db.session.get_one(Form, record.form_id)
    report = record_report(form, record, now=case.now, by=case.by, chain_head=events.head()[1])
    return record_drawn(report)


FULL: dict[str, Callable[[PaperCase], Drawn]] = {"issue": _issue, "record": _record}
