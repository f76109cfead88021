"""Print a record to a PDF without a reader: for the command line and jobs."""

from datetime import datetime
from pathlib import Path

from flask import current_app, render_template
from flask_babel import gettext as _
from sqlalchemy import select

from qtrace.core import events
from qtrace.core.db import db
from qtrace.core.errors import NotFound
from qtrace.core.files import open_path
from qtrace.flows.papers import Drawn
from qtrace.forms.models import Form
from qtrace.issues.models import Issue
from qtrace.printing.contexts import IssueReport, issue_report
from qtrace.printing.decisions import files_of
from qtrace.printing.pdf import html_to_pdf
from qtrace.printing.records import BlankForm, RecordReport, record_report
from qtrace.records.models import Record

OPERATOR = "qtrace"


def pdf_of(template: str, number: str, *, now: datetime) -> bytes:
    """Return the PDF of an issue or a record by its number; the operator may print every one."""
    if template == "issue":
        issue = db.session.scalar(select(Issue).where(Issue.number == number))
        if issue is None:
            raise NotFound(_("没有编号为 %(number)s 的质量问题。", number=number))
        return render_pdf(issue_report(issue, now=now, by=OPERATOR, chain_head=events.head()[1]))
    statement = select(Form, Record).join(Record, Record.form_id == Form.id).where(Record.number == number)
    found = db.session.execute(statement).one_or_none()
    if template != "record" or found is None:
        raise NotFound(_("没有编号为 %(number)s 的记录。", number=number))
    return record_pdf(record_report(found[0], found[1], now=now, by=OPERATOR, chain_head=events.head()[1]))


def render_pdf(context: IssueReport) -> bytes:
    """Return the report's PDF with the bundled Chinese font embedded."""
    return drawn_pdf(issue_drawn(context))


def record_pdf(context: RecordReport) -> bytes:
    """Return the PDF of a record with its photos."""
    return drawn_pdf(record_drawn(context))


def blank_pdf(context: BlankForm) -> bytes:
    """Return the PDF of an empty form."""
    return drawn_pdf(Drawn("printing/_blank.html", context.form, context))


def issue_drawn(context: IssueReport) -> Drawn:
    """Return the report ready to be laid out, with the drawn signatures."""
    return Drawn("printing/_report.html", f"{context.number} {context.title}", context, files_of(context.decisions))


def record_drawn(context: RecordReport) -> Drawn:
    """Return a record ready to be laid out, with its photos."""
    pictures = [picture.id for section in context.sections for one in section.answers for picture in one.pictures]
    return Drawn("printing/_record.html", f"{context.number} {context.title}".strip(), context, pictures)


def drawn_pdf(drawn: Drawn) -> bytes:
    """Return the PDF of a paper with its pictures."""
    data_dir = current_app.config["QTRACE_DATA_DIR"]
    assets = {file_id: open_path(file_id, data_dir=data_dir).read_bytes() for file_id in dict.fromkeys(drawn.pictures)}
    html = render_template(
        "printing/page.html", piece=drawn.piece, report=drawn.report, title=drawn.title, toolbar=False, stylesheet="",
        source=lambda file_id: f"qt-asset:{file_id}",
    )  # fmt: skip
    css = (Path(current_app.static_folder or "") / "css" / "print.css").read_text(encoding="utf-8")
    return html_to_pdf(html, assets=assets, css=css)
