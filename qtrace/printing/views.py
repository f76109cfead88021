"""Reports of issues and records, and empty forms, as pages to print and as PDF."""

from flask import Blueprint, Response, make_response, render_template, url_for
from flask_babel import gettext as _

from qtrace.accounts.access import actor, needs
from qtrace.core import clock, events
from qtrace.core.errors import Forbidden, NotFound
from qtrace.forms.models import Form
from qtrace.forms.queries import current_form, stored_definition
from qtrace.issues.queries import visible_issue
from qtrace.printing.contexts import IssueReport, issue_report
from qtrace.printing.paper_views import inlined
from qtrace.printing.records import BlankForm, RecordReport, blank_form, record_report
from qtrace.printing.service import blank_pdf, record_pdf, render_pdf
from qtrace.records.in_turn import allowed
from qtrace.records.queries import visible_record
from qtrace.web.assets import static_url
from qtrace.web.limits import limited

bp = Blueprint("printing", __name__)


@bp.get("/issues/<number>/report")
@needs("print.issue")
def report(number: str) -> Response:
    """Show the report as a page the browser can print."""
    context = _report(number)
    title = f"{context.number} {context.title}"
    back, pdf_url = url_for("issues.show", number=number), url_for("printing.pdf", number=number)
    return printed_page("printing/_report.html", title, back, pdf_url, report=context, source=inlined)


@bp.get("/issues/<number>/report.pdf")
@needs("print.issue")
@limited("print")
def pdf(number: str) -> Response:
    """Render the report as PDF in the limited child."""
    context = _report(number)
    return pdf_sent(render_pdf(context), context.number)


@bp.get("/records/<form_key>/<number>/report")
@needs("print.record")
def record_show(form_key: str, number: str) -> Response:
    """Show a record as a page the browser can print."""
    context = _record_report(form_key, number)
    back = url_for("records.show", form_key=form_key, number=number)
    pdf_url = url_for("printing.record_pdf_show", form_key=form_key, number=number)

    def source(file_id: str) -> str:
        return url_for("records.file_show", form_key=form_key, number=number, file_id=file_id)

    title = f"{number} {context.title}".strip()
    return printed_page("printing/_record.html", title, back, pdf_url, report=context, source=source)


@bp.get("/records/<form_key>/<number>/report.pdf")
@needs("print.record")
@limited("print")
def record_pdf_show(form_key: str, number: str) -> Response:
    """Render a record as PDF in the limited child."""
    context = _record_report(form_key, number)
    return pdf_sent(record_pdf(context), context.number)


@bp.get("/records/<form_key>/blank")
@needs("print.record")
def blank_show(form_key: str) -> Response:
    """Show the empty form as a page to print and fill in by hand."""
    context = _blank(form_key)
    back, pdf_url = (
        url_for("records.list_show", form_key=form_key),
        url_for("printing.blank_pdf_show", form_key=form_key),
    )
    return printed_page("printing/_blank.html", context.form, back, pdf_url, report=context)


@bp.get("/records/<form_key>/blank.pdf")
@needs("print.record")
@limited("print")
def blank_pdf_show(form_key: str) -> Response:
    """Render the empty form as PDF in the limited child."""
    return pdf_sent(blank_pdf(_blank(form_key)), form_key)


def _report(number: str) -> IssueReport:
    issue = visible_issue(number, actor())
    return issue_report(issue, now=clock.now(), by=actor().name, chain_head=events.head()[1])


def _record_report(form_key: str, number: str) -> RecordReport:
    form, _version = _form(form_key)
    record = visible_record(form.id, number, actor())
    if allowed(record, actor()).hidden:
        raise Forbidden(_("这一步有对您隐藏的内容,不能打印整张记录。请在待办里打印审批单。"))
    return record_report(form, record, now=clock.now(), by=actor().name, chain_head=events.head()[1])


def _blank(form_key: str) -> BlankForm:
    form, version = _form(form_key)
    definition = stored_definition(form.key, version)
    return blank_form(form, definition, form.current_version, now=clock.now(), by=actor().name)


def _form(form_key: str) -> tuple[Form, int]:
    form, version = current_form(form_key)
    if form.built_in:
        raise NotFound
    return form, version.id


def printed_page(piece: str, title: str, back: str, pdf_url: str, **shown: object) -> Response:
    """Show a paper as a page the browser can print."""
    return make_response(
        render_template(
            "printing/page.html", piece=piece, title=title, toolbar=True, stylesheet=static_url("css/print.css"),
            back=back, pdf=pdf_url, **shown,
        )
    )  # fmt: skip


def pdf_sent(content: bytes, name: str) -> Response:
    """Answer a PDF to be looked at."""
    response = make_response(content)
    response.headers["Content-Type"] = "application/pdf"
    response.headers["Content-Disposition"] = f'inline; filename="{name}.pdf"'
    return response
