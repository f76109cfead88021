"""The paper of a to-do, as its node wants it printed; and papers that nodes filed with their cases."""

import base64

from flask import Blueprint, Response, current_app, make_response, render_template, url_for

from qtrace.accounts.access import actor, login_needed
from qtrace.core import clock
from qtrace.core.db import db
from qtrace.core.errors import Forbidden, NotFound
from qtrace.core.files import open_path
from qtrace.core.models import StoredFileRow
from qtrace.flows.case_page import instance_of
from qtrace.flows.field_rights import hidden_in, rights_in
from qtrace.flows.instances import stored_tree
from qtrace.flows.models import FlowPaper
from qtrace.flows.papers import APPROVAL, Drawn, PaperCase, may_print, paper_for
from qtrace.flows.roots import root_of
from qtrace.flows.subjects import flow_subjects, sees
from qtrace.printing.service import drawn_pdf
from qtrace.tasks.queries import my_task
from qtrace.web.assets import static_url
from qtrace.web.limits import limited
from qtrace.web.photos import send_stored

bp = Blueprint("papers", __name__)


@bp.get("/tasks/<int:task_id>/paper")
@login_needed
@limited("file")
def task_show(task_id: int) -> Response:
    """Show the paper of a to-do as a page to print, without what its node hides."""
    back, pdf = url_for("cases.decision_show", task_id=task_id), url_for("papers.task_pdf_show", task_id=task_id)
    return _page(_of_task(task_id), back, pdf)


@bp.get("/tasks/<int:task_id>/paper.pdf")
@login_needed
@limited("print")
def task_pdf_show(task_id: int) -> Response:
    """Send the paper of a to-do as PDF."""
    return _sent(_of_task(task_id))


@bp.get("/papers/<kind>/<number>")
@login_needed
@limited("file")
def case_show(kind: str, number: str) -> Response:
    """Show the approval sheet of a case to whoever sees the case."""
    drawn, url = _of_case(kind, number)
    return _page(drawn, url, url_for("papers.case_pdf_show", kind=kind, number=number))


@bp.get("/papers/<kind>/<number>.pdf")
@login_needed
@limited("print")
def case_pdf_show(kind: str, number: str) -> Response:
    """Send the approval sheet of a case as PDF."""
    return _sent(_of_case(kind, number)[0])


@bp.get("/papers/filed/<int:paper_id>")
@login_needed
@limited("file")
def filed_show(paper_id: int) -> Response:
    """Send a paper that was filed with a case to whoever sees the case."""
    paper = db.session.get(FlowPaper, paper_id)
    subject = flow_subjects().get(paper.subject_kind) if paper else None
    if paper is None or subject is None:
        raise NotFound
    subject.find(subject.number(paper.subject_id), actor())
    if rights_in(paper.subject_kind, paper.subject_id, actor()).hidden:
        raise Forbidden  # what was filed may show what is hidden from the person now
    return send_stored(db.session.get_one(StoredFileRow, paper.file_id))


def inlined(file_id: str) -> str:
    """Return a picture as it stands in a page: who may print the paper sees what is on it, and nothing else."""
    row = db.session.get_one(StoredFileRow, file_id)
    content = open_path(file_id, data_dir=current_app.config["QTRACE_DATA_DIR"]).read_bytes()
    return f"data:{row.media_type};base64,{base64.b64encode(content).decode()}"


def _of_task(task_id: int) -> Drawn:
    """Return the paper of a to-do: the one its node names where the person sees the whole case, else the approval sheet."""
    task, user = my_task(task_id, actor()), actor()
    about = root_of(task.subject_kind, task.subject_id)
    if not may_print(about[0], user):
        raise Forbidden
    instance = instance_of(task.subject_kind, task.subject_id)
    node = stored_tree(instance.definition_id).nodes.get(task.node or "") if instance else None
    case = PaperCase((task.subject_kind, task.subject_id), user.name, clock.now(), hidden_in(task))
    named = node.print_template if node and sees(*about, user) else APPROVAL
    return paper_for(named, case).draw(case)


def _of_case(kind: str, number: str) -> tuple[Drawn, str]:
    """Return the approval sheet of a case the person sees, and where the case is read."""
    subject, user = flow_subjects().get(kind), actor()
    if subject is None:
        raise NotFound
    case = subject.find(number, user)[1]
    if not may_print(kind, user):
        raise Forbidden
    asked = PaperCase(case.subject, user.name, clock.now(), rights_in(*case.subject, user).hidden)
    return paper_for(APPROVAL, asked).draw(asked), case.url


def _page(drawn: Drawn, back: str, pdf: str) -> Response:
    return make_response(
        render_template(
            "printing/page.html", piece=drawn.piece, report=drawn.report, title=drawn.title, toolbar=True,
            stylesheet=static_url("css/print.css"), back=back, pdf=pdf, source=inlined,
        )
    )  # fmt: skip


def _sent(drawn: Drawn) -> Response:
    response = make_response(drawn_pdf(drawn))
    response.headers["Content-Type"] = "application/pdf"
    response.headers["Content-Disposition"] = f'inline; filename="{drawn.title.partition(" ")[0]}.pdf"'
    return response
