"""What flows tell the to-do centre: stages by name, what may be decided together, cases one started, whole hand-overs."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from flask import Flask, url_for
from flask_babel import gettext as _
from sqlalchemy import or_, select, update
from sqlalchemy.orm import joinedload

from qtrace.accounts.models import User
from qtrace.core.db import db, require_write
from qtrace.core.errors import Refused
from qtrace.flows.case_models import FlowQuestion
from qtrace.flows.definition import JUDGING, Node, Tree
from qtrace.flows.history import word_at
from qtrace.flows.instances import stored_tree
from qtrace.flows.later import cases_later
from qtrace.flows.models import FlowDecision, FlowDefinition, FlowInstance
from qtrace.flows.naming import flow_name
from qtrace.flows.operating import Given, decide_task
from qtrace.flows.performing import HELP, QUESTION
from qtrace.flows.signing import names_of_deciders
from qtrace.flows.subscribers import hand_over_all
from qtrace.flows.waiting import holders_by_case
from qtrace.tasks.cases import Bulk, Cases, Search, Started, Told, Turn, Verdict, register_bulk, register_cases
from qtrace.tasks.models import Task
from qtrace.tasks.queries import containing
from qtrace.web.filters import localised

STAGE, COPY = "stage", "copy"
OWN_PAGE = frozenset({"issue", "record"})  # what is to be done there is done on their own pages


def register(app: Flask) -> None:
    """Let the to-do centre decide turns together and know the cases behind its to-dos."""
    register_bulk(app, STAGE, Bulk(turns_of, decide_one))
    register_bulk(app, COPY, Bulk(turns_of, decide_one))
    register_bulk(app, QUESTION, Bulk(questions_of, decide_one))
    register_bulk(app, HELP, Bulk(helps_of, decide_one))
    register_cases(
        app,
        Cases(
            flows=flow_names, stages=stage_labels, history=history_of, started=started_by, starter=starter_of,
            hand_over=hand_over, later=cases_later,
        ),
    )  # fmt: skip


def turns_of(tasks: Sequence[Task], user: User) -> dict[int, Turn]:
    """Return what is asked at each to-do of a page, with one question per kind of case."""
    flows = _instances({(task.subject_kind, task.subject_id) for task in tasks})
    found = {}
    for task in tasks:
        at = flows.get((task.subject_kind, task.subject_id))
        tree = stored_tree(at[0]) if at else None
        if at is not None and tree is not None and task.node in tree.nodes:
            found[task.id] = _turn(task, tree, at[1], user, submitted=at[2])
    return found


def helps_of(tasks: Sequence[Task], _user: User) -> dict[int, Turn]:
    """Return what is asked of departments that work beside a node: they hand it in on the page of decisions."""
    return {task.id: Turn(_("协助"), page=_page_of(task)) for task in tasks}


def questions_of(tasks: Sequence[Task], _user: User) -> dict[int, Turn]:
    """Return what is asked at to-dos that are questions: they are answered on the page of decisions."""
    return {task.id: Turn(_("征询"), page=_page_of(task)) for task in tasks}


def decide_one(task: Task, verdict: Verdict, by: User, note: str, now: datetime) -> None:
    """Agree or reject at one to-do among many; refused where the node wants more than a tap."""
    turn = turns_of([task], by).get(task.id, Turn())
    if not turn.together or task.entry is None:
        raise Refused(turn.why_not or _("这一步需要打开后单独处理。"))
    decide_task(task.id, reject=verdict == "reject", given=Given(note), by=by, now=now)


def hand_over(user_id: int, to: int, by: int, now: datetime) -> int:
    """Give every turn of a person and every question that waits for an answer to another; return how many cases changed."""
    asked = update(FlowQuestion).where(FlowQuestion.asked_id == user_id, FlowQuestion.answered_at.is_(None))
    require_write().execute(asked.values(asked_id=to))
    return hand_over_all(user_id, to, by=by, now=now)


def flow_names() -> dict[str, str]:
    """Return the flows in use by key."""
    return {tree.definition.key: flow_name(tree.definition) for tree in _active()}


def stage_labels() -> dict[str, str]:
    """Return the stages of all flows in use by id; one that several flows call differently has all its names."""
    found: dict[str, list[str]] = {}
    for tree in _active():
        for node in tree.walk():
            if not node.branches and localised(node) not in found.setdefault(node.id, []):
                found[node.id].append(localised(node))
    return {node: " / ".join(labels) for node, labels in found.items()}


def history_of(task: Task, most: int) -> list[Told]:
    """Return what was last done to the case of a to-do, the newest first."""
    subject = (FlowInstance.subject_kind == task.subject_kind) & (FlowInstance.subject_id == task.subject_id)
    found = select(FlowDecision, FlowInstance.definition_id).join(FlowInstance).where(subject)
    rows = db.session.execute(found.order_by(FlowDecision.version.desc()).limit(most)).all()
    names = names_of_deciders([row for row, _definition in rows])
    return [_told(row, stored_tree(definition), names[row.id]) for row, definition in rows]


def started_by(search: Search) -> list[Started]:
    """Return cases a person started, the newest first."""
    cases = select(FlowInstance).where(FlowInstance.initiator_id == search.user.id)
    if search.running is not None:
        cases = cases.where((FlowInstance.status == "running") == search.running)
    if search.text:
        cases = cases.where(or_(containing(FlowInstance.title, search.text), containing(FlowInstance.url, search.text)))
    rows = db.session.scalars(cases.order_by(FlowInstance.id.desc()).offset(search.skip).limit(search.most)).all()
    held = _held([(row.subject_kind, row.subject_id) for row in rows])
    told = holders_by_case(held)
    return [
        _started(row, held.get(of, []), told.get(of, [])) for row in rows for of in [(row.subject_kind, row.subject_id)]
    ]


def starter_of(subject: tuple[str, int]) -> int | None:
    """Return who started the case of a subject."""
    kind, subject_id = subject
    return db.session.scalar(
        select(FlowInstance.initiator_id).where(
            FlowInstance.subject_kind == kind, FlowInstance.subject_id == subject_id
        )
    )


def _turn(task: Task, tree: Tree, initiator: int | None, user: User, *, submitted: bool) -> Turn:
    node = tree.nodes[task.node]
    # what is handed in as it is made comes to its first node only when it was returned
    stage = _("退回补正") if submitted and node.kind == "start" else localised(node)
    why = _why_not(task, node, tree, initiator, user)
    return Turn(
        stage, tree.definition.key, node.kind in JUDGING, not why and task.kind == STAGE,
        node.demands.opinion, why, _page_of(task) if task.kind == STAGE and (node.kind in JUDGING or task.subject_kind not in OWN_PAGE) else "",
    )  # fmt: skip


def _page_of(task: Task) -> str:
    return url_for("cases.decision_show", task_id=task.id)


def _why_not(task: Task, node: Node, tree: Tree, initiator: int | None, user: User) -> str:
    if node.kind not in JUDGING:
        return _("这一步要办理,不是审批。")
    if node.demands.signature:
        return _("这一步要手写签名。")
    if node.demands.level:
        return _("这一步要输入密码确认。")
    below = (one for one in tree.walk() if tree.order[one.id] > tree.order[node.id] and one.who)
    following = next(below, None)
    if following is not None and any(who.kind == "previous_choice" for who in following.who):
        return _("这一步要选择下一步由谁处理。")
    if task.owner_id not in (None, user.id) and initiator == user.id and node.policies.self_approval != "self":
        return _("这是您自己发起的,这一步不能由您代为审批。")
    return ""


def _instances(subjects: set[tuple[str, int]]) -> dict[tuple[str, int], tuple[int, int | None, bool]]:
    """Return (definition, initiator, whether it was handed in as it was made) of each subject's case."""
    found: dict[tuple[str, int], tuple[int, int | None, bool]] = {}
    for kind in sorted({kind for kind, _id in subjects}):
        ids = [subject_id for of, subject_id in subjects if of == kind]
        case = FlowInstance
        rows = db.session.execute(
            select(case.subject_id, case.definition_id, case.initiator_id, case.submitted).where(
                case.subject_kind == kind, case.subject_id.in_(ids)
            )
        )
        found |= {(kind, row.subject_id): (row.definition_id, row.initiator_id, row.submitted) for row in rows}
    return found


def _active() -> list[Tree]:
    """Return the newest active version of every flow."""
    rows = db.session.execute(
        select(FlowDefinition.key, FlowDefinition.id).where(FlowDefinition.active).order_by(FlowDefinition.version)
    )
    return [stored_tree(number) for number in dict(rows.all()).values()]


def _told(row: FlowDecision, tree: Tree, who: str) -> Told:
    node = tree.nodes.get(row.node or "")
    word = word_at(row.verdict, node)
    what = _("%(what)s「%(stage)s」", what=word, stage=localised(node)) if node else word
    return Told(who, what, row.at, row.note)


def _held(subjects: Sequence[tuple[str, int]]) -> Mapping[tuple[str, int], list[Task]]:
    held: dict[tuple[str, int], list[Task]] = {}
    for kind in sorted({kind for kind, _id in subjects}):
        ids = [subject_id for of, subject_id in subjects if of == kind]
        rows = select(Task).where(
            Task.subject_kind == kind, Task.subject_id.in_(ids), Task.state == "open", Task.kind == STAGE
        )
        for task in db.session.scalars(rows.options(joinedload(Task.owner)).order_by(Task.id)):
            held.setdefault((task.subject_kind, task.subject_id), []).append(task)
    return held


def _started(row: FlowInstance, tasks: Sequence[Task], holders: Sequence[str]) -> Started:
    tree = stored_tree(row.definition_id)
    node = tree.nodes.get(row.node or "")
    due, urged = [task.due_at for task in tasks if task.due_at], [task.urged_at for task in tasks if task.urged_at]
    return Started(
        (row.subject_kind, row.subject_id), row.title, row.url, flow_name(tree.definition),
        localised(node) if node and row.status == "running" else "", row.status,
        tuple(holders), min(due, default=None), max(urged, default=None),
    )  # fmt: skip
