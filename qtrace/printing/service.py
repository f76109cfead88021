"""Print a record to a PDF without a reader: for the command line and jobs."""

from datetime import datetime
from pathlib import Path

from flask import current_app, render_template
from flask_babel import gettext as _
from sqlalchemy import select

from qtrace.core import events
from qtrace.core.db import db
from qtrace.core.errors import NotFound
from qtrace.issues.models import Issue
from qtrace.printing.contexts import IssueReport, issue_report
from qtrace.printing.pdf import html_to_pdf


def pdf_of(template: str, number: str, *, now: datetime) -> bytes:
    """Return the PDF of a record by its number; the operator may print every record."""
    issue = db.session.scalar(select(Issue).where(Issue.number == number))
    if template != "issue" or issue is None:
        raise NotFound(_("没有编号为 %(number)s 的质量问题。", number=number))
    return render_pdf(issue_report(issue, now=now, by="qtrace", chain_head=events.head()[1]))


def render_pdf(context: IssueReport) -> bytes:
    """Return the report's PDF with the bundled Chinese font embedded."""
    html = render_template("printing/issue_report.html", report=context, toolbar=False, stylesheet="")
    css = (Path(current_app.static_folder or "") / "css" / "print.css").read_text(encoding="utf-8")
    return html_to_pdf(html, assets={}, css=css)
