"""The issue report as a page to print and as a PDF."""

from flask import Blueprint, Response, make_response, render_template, url_for

from qtrace.accounts.access import actor, needs
from qtrace.core import clock, events
from qtrace.issues.queries import visible_issue
from qtrace.printing.contexts import IssueReport, issue_report
from qtrace.printing.service import render_pdf
from qtrace.web.assets import static_url
from qtrace.web.limits import limited

bp = Blueprint("printing", __name__)


@bp.get("/issues/<number>/report")
@needs("print.issue")
def report(number: str) -> Response:
    """Show the report as a page the browser can print."""
    html = render_template(
        "printing/issue_report.html",
        report=_report(number),
        toolbar=True,
        stylesheet=static_url("css/print.css"),
        back=url_for("issues.show", number=number),
        pdf=url_for("printing.pdf", number=number),
    )
    return make_response(html)


@bp.get("/issues/<number>/report.pdf")
@needs("print.issue")
@limited("print")
def pdf(number: str) -> Response:
    """Render the report as PDF in the limited child."""
    context = _report(number)
    content = render_pdf(context)
    response = make_response(content)
    response.headers["Content-Type"] = "application/pdf"
    response.headers["Content-Disposition"] = f'inline; filename="{context.number}.pdf"'
    return response


def _report(number: str) -> IssueReport:
    issue = visible_issue(number, actor())
    return issue_report(issue, now=clock.now(), by=actor().name, chain_head=events.head()[1])
