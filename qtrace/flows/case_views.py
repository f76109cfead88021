"""The decision page: one turn, what is to be known of its case, and everything the person may do with it."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from flask import Blueprint, Response, current_app, g, request, url_for
from flask_babel import gettext as _

from qtrace.accounts.access import actor, login_needed
from qtrace.accounts.models import User, UserSession
from qtrace.accounts.passwords import verify_password
from qtrace.accounts.queries import people
from qtrace.core import clock
from qtrace.core.db import db, write
from qtrace.core.errors import Conflict, Forbidden, NotFound, Refused
from qtrace.core.files import StoredFile
from qtrace.core.ids import as_id
from qtrace.core.models import StoredFileRow
from qtrace.flows.asking import answer, ask, finish_help, questions_of
from qtrace.flows.called import go_on_telling
from qtrace.flows.case_models import FlowQuestion, FlowSignature
from qtrace.flows.case_page import (
    history_of,
    instance_of,
    jump_targets,
    open_question,
    page_of,
    summary_of,
    takes_part,
)
from qtrace.flows.company import KEEPER
from qtrace.flows.instances import locked, stored_tree
from qtrace.flows.joined import joined_ahead, nodes_ahead
from qtrace.flows.mentions import Audience, Subject
from qtrace.flows.mentions import page_of as page_of_case
from qtrace.flows.models import FlowInstance
from qtrace.flows.naming import flow_name
from qtrace.flows.operating import (
    Acting,
    Given,
    acting_on,
    case_operations,
    decide_task,
    operate,
    operate_case,
    permitted,
)
from qtrace.flows.opinions import add_opinion, drop_opinion, opinions_for
from qtrace.flows.rights import may_act
from qtrace.flows.waiting import waiting_for
from qtrace.tasks.looks import look_at
from qtrace.tasks.models import Task
from qtrace.tasks.queries import my_task
from qtrace.tasks.standing import stands_in
from qtrace.web.csrf import answer_at
from qtrace.web.htmx import go, render
from qtrace.web.limits import hit, limited
from qtrace.web.photos import send_stored, store_signature

bp = Blueprint("cases", __name__)


@bp.get("/tasks/<int:task_id>/decision")
@login_needed
def decision_show(task_id: int) -> Response:
    """Show the turn behind a to-do, and note that it was seen; one that is over shows what became of its case."""
    task = my_task(task_id, actor())
    seen = look_at(task, actor().id, now=clock.now())
    return _page(_still(task_id) if seen else task)  # what was just written is on the page


@bp.post("/tasks/<int:task_id>/decision")
@login_needed
def decision_create(task_id: int) -> Response:
    """Agree, reject, or hand in what was to be done."""
    task = my_task(task_id, actor())
    reject, now, problem = request.form.get("verdict") == "reject", clock.now(), ""
    try:
        given = _given(drawing=_drawing(), with_password=_password_fits(task, now))
        with write() as session:
            decide_task(task_id, reject=reject, given=given, by=session.get_one(User, actor().id), now=now)
            answer_at(url_for("tasks.home"))
    except (Refused, Conflict, Forbidden) as error:
        problem, status = error.message, error.status
    if problem:
        return _page(_still(task_id), problem, status=status)
    return _done(url_for("tasks.home"), _("已驳回") if reject else _("已处理"), _subject(task))


@bp.post("/tasks/<int:task_id>/operations/<name>")
@login_needed
def operation_create(task_id: int, name: str) -> Response:
    """Do something else with the turn: return, transfer, delegate, add or remove signers, release, copy, ask, end."""
    task, now = my_task(task_id, actor()), clock.now()
    acting = acting_on(task)
    if acting is None:
        return _page(task, _("这一步已经结束,请刷新后查看最新状态。"), status=409)

    def act(by: User) -> None:
        if name == "ask":
            users = _users()
            ask(
                locked(acting.case.subject),
                users[0] if users else 0,
                request.form.get("note", ""),
                node=acting.node.id,
                by=by,
                now=now,
            )
        else:
            operate(task_id, name, given=_given(), by=by, now=now)

    back = url_for("cases.decision_show", task_id=task_id) if name in ("cc", "ask", "remove") else url_for("tasks.home")
    return _acted(
        act, back, _("已处理"), acting.case.subject, lambda told, status: _page(_still(task_id), told, status=status)
    )


@bp.post("/cases/<kind>/<int:subject_id>/operations/<name>")
@login_needed
def case_operation_create(kind: str, subject_id: int, name: str) -> Response:
    """Withdraw a case, take back one's last decision; jump and reopen for who keeps the flows."""
    instance, now = instance_of(kind, subject_id), clock.now()
    if instance is None or name not in case_operations(instance, actor()):
        raise NotFound
    subject, url = (kind, subject_id), instance.url
    if name in ("join", "unjoin") and Audience(subject).sees(actor()):
        url = page_of_case(subject)

    def act(by: User) -> None:
        operate_case(subject, name, given=_given(), by=by, now=now)

    return _acted(
        act, url, _("已处理"), subject,
        lambda told, status: render("flows/case_refused.html", told=told, url=url, status=status),
    )  # fmt: skip


@bp.post("/questions/<int:question_id>/answer")
@login_needed
def answer_create(question_id: int) -> Response:
    """Answer what one was asked."""
    now, question = clock.now(), db.session.get(FlowQuestion, question_id)
    task_id = as_id(request.form.get("task")) or 0
    instance = db.session.get(FlowInstance, question.instance_id) if question else None
    if instance is None:
        raise NotFound
    subject = (instance.subject_kind, instance.subject_id)

    def act(by: User) -> None:
        answer(question_id, request.form.get("answer", ""), by=by, now=now)

    return _acted(
        act, url_for("tasks.home"), _("已答复"), subject,
        lambda told, status: _page(_still(task_id), told, status=status),
    )  # fmt: skip


@bp.post("/tasks/<int:task_id>/help")
@login_needed
def help_create(task_id: int) -> Response:
    """Hand in what one's department did beside a node."""
    subject, now = _subject(my_task(task_id, actor())), clock.now()

    def act(by: User) -> None:
        finish_help(task_id, request.form.get("answer", ""), by=by, now=now)

    return _acted(
        act, url_for("tasks.home"), _("已处理"), subject,
        lambda told, status: _page(_still(task_id), told, status=status),
    )  # fmt: skip


@bp.get("/signatures/<int:signature_id>")
@login_needed
@limited("file")
def signature_show(signature_id: int) -> Response:
    """Send a drawn signature to whoever takes part in its case, or keeps the flows."""
    found = db.session.get(FlowSignature, signature_id)
    if found is None or found.file_id is None or not takes_part(found.instance_id, actor()):
        raise NotFound
    return send_stored(db.session.get_one(StoredFileRow, found.file_id))


@bp.get("/me/opinions")
@login_needed
def opinions_show() -> Response:
    """Show the opinions the person may insert."""
    return _opinions()


@bp.post("/me/opinions")
@login_needed
def opinion_create() -> Response:
    """Keep an opinion, for oneself or, by who keeps the flows, for everybody."""
    for_all = request.form.get("for_all") == "1" and actor().can(KEEPER)
    url = url_for("cases.opinions_show")
    try:
        with write():
            add_opinion(request.form.get("text", ""), user_id=None if for_all else actor().id)
            answer_at(url)
    except Refused as error:
        return _opinions(error.message)
    return go(url, trigger={"toast": _("已保存")})


@bp.post("/me/opinions/<int:opinion_id>/removal")
@login_needed
def opinion_delete(opinion_id: int) -> Response:
    """Forget an opinion."""
    url = url_for("cases.opinions_show")
    with write():
        drop_opinion(opinion_id, user_id=actor().id, keeper=actor().can(KEEPER))
        answer_at(url)
    return go(url, trigger={"toast": _("已删除")})


def _acted(
    act: Callable[[User], None], url: str, toast: str, subject: Subject, refused: Callable[[str, int], Response]
) -> Response:
    """Do it in one write; what is refused is said on the page it came from."""
    try:
        with write() as session:
            act(session.get_one(User, actor().id))
            answer_at(url)
    except (Refused, Conflict, Forbidden) as error:
        told, status = error.message, error.status
    else:
        return _done(url, toast, subject)
    return refused(told, status)


def _done(url: str, done: str, subject: Subject) -> Response:
    """Lead on, and say whom the text sent with the operation called."""
    return go_on_telling(url, done, subject, request.form.get("note") or request.form.get("answer", ""))


def _subject(task: Task) -> Subject:
    return task.subject_kind, task.subject_id


def _page(task: Task, problem: str = "", *, status: int = 200) -> Response:
    user, now = actor(), clock.now()
    instance = instance_of(*_subject(task))
    acting = acting_on(task)
    may = acting is not None and _may(acting, user, now)
    asked = open_question(task.id) if task.kind == "question" else None
    whole = case_operations(instance, user) if instance else frozenset()
    colleagues = [one for one in people(active_only=True) if one.id != user.id] if may or "join" in whole else []
    shared: dict[str, Any] = {
        "task": task, "instance": instance, "question": asked, "may_answer": asked is not None and _answers(asked, user, now), "problem": problem, "now": now, "form": request.form,
        "questions": questions_of(instance.id) if instance else [],
        "waiting": waiting_for(instance) if instance and instance.status == "running" else [],
        "case_operations": whole,
        "jumps": jump_targets(instance) if instance and user.can(KEEPER) else [],
        "ahead": nodes_ahead(instance) if instance else [], "joined": joined_ahead(instance, user) if instance else [],
        "people": colleagues,
        "flow": flow_name(stored_tree(instance.definition_id).definition) if instance else "",
    }  # fmt: skip
    if acting is None or not may:
        lines = history_of(instance) if instance else []
        return render("flows/case_over.html", status=status, lines=lines, summary=summary_of(task), **shared)
    page = page_of(acting, user, signed_since=_login_began())
    return render("flows/decision.html", status=status, view=page, opinions=opinions_for(user.id), **shared)


def _may(acting: Acting, user: User, now: datetime) -> bool:
    try:
        return may_act(acting.tree, acting.instance, (acting.token, acting.turn), user, now) and permitted(acting, user)
    except Refused:
        return False


def _answers(asked: FlowQuestion, user: User, now: datetime) -> bool:
    """Say whether the question waits for this person, or for somebody this person stands in for."""
    theirs = asked.asked_id == user.id or bool(stands_in(user.id, asked.asked_id, None, now))
    return asked.answered_at is None and theirs


def _still(task_id: int) -> Task:
    """Return the to-do as it stands after a refused operation; it may be over, or somebody else's by now."""
    db.session.remove()
    return my_task(task_id, actor())


def _given(*, drawing: StoredFile | None = None, with_password: bool = False) -> Given:
    form = request.form
    chosen = {
        name.removeprefix("chosen."): tuple(number for text in form.getlist(name) if (number := as_id(text)))
        for name in form
        if name.startswith("chosen.")
    }
    note = form.get("note", "").replace("\x00", "").strip()
    return Given(
        note, form.get("target", "")[:60], _users(), {k: v for k, v in chosen.items() if v}, drawing, with_password
    )


def _users() -> tuple[int, ...]:
    return tuple(dict.fromkeys(number for text in request.form.getlist("users") if (number := as_id(text))))


def _drawing() -> StoredFile | None:
    upload = request.files.get("signature")
    if upload is None or not upload.filename:
        return None
    return store_signature(upload, data_dir=current_app.config["QTRACE_DATA_DIR"])


def _password_fits(task: Task, now: datetime) -> bool:
    """Say whether the password was typed as often as the node asks; refused, and counted, where it is wrong."""
    acting = acting_on(task)
    times = page_of(acting, actor(), signed_since=_login_began()).password_times if acting else 0
    if not times:
        return False
    hit("login-account", actor().username, now=now)
    typed = [request.form.get(name, "")[:200] for name in ("password", "password_again")[:times]]
    if not all(typed) or len(set(typed)) > 1 or not verify_password(actor().password_hash, typed[0]):
        raise Refused(_("密码不对,没有签署。请再输入一次。"), field="password")
    return True


def _login_began() -> datetime | None:
    login = db.session.get(UserSession, getattr(g, "session_id", "") or "")
    return login.created_at if login else None


def _opinions(problem: str = "") -> Response:
    return render(
        "flows/opinions.html", status=422 if problem else 200, rows=opinions_for(actor().id), problem=problem,
        keeper=actor().can(KEEPER), text=request.form.get("text", ""),
    )  # fmt: skip
