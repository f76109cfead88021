"""A person's own to-dos over the API, and the decision on the stage one is about."""

from collections.abc import Mapping, Sequence
from typing import Any, cast, get_args

from flask_babel import gettext as _
from sqlalchemy import Select, select

from qtrace.accounts.models import User
from qtrace.api.answers import Answer, kept
from qtrace.api.blueprint import bp
from qtrace.api.issues import ISSUE, issue_answer
from qtrace.api.listing import Column, Listing, list_parameters, page_schema, read_page
from qtrace.api.operation import Call, Operation, Parameter, operation
from qtrace.api.schema import integer, listed, maybe, moment, one_of, text, thing
from qtrace.conditions.tree import FieldKind
from qtrace.core import clock
from qtrace.core.db import db, write
from qtrace.core.errors import NotFound, Refused
from qtrace.flows.deciding import Verdict, decide
from qtrace.flows.models import FlowInstance
from qtrace.flows.operating import Given, decide_task
from qtrace.flows.state import Status
from qtrace.issues import queries
from qtrace.issues.decisions import case_of
from qtrace.issues.models import Issue
from qtrace.tasks.models import Task
from qtrace.tasks.queries import mine, my_task

OWNER = User.__table__.alias("task_owner")
STATES = ("open", "done", "cancelled")
STANDING = thing(
    {
        "subject": text(40), "url": text(300), "status": one_of(*get_args(Status)), "stage": maybe(text(60)),
        "flow_version": integer(),
    }
)  # fmt: skip


def _origin(statement: Select[Any]) -> Select[Any]:
    flow = (FlowInstance.subject_kind == Task.subject_kind) & (FlowInstance.subject_id == Task.subject_id)
    issue = (Task.subject_kind == "issue") & (Issue.id == Task.subject_id)
    return (
        statement.select_from(Task)
        .outerjoin(OWNER, OWNER.c.id == Task.owner_id)
        .outerjoin(FlowInstance, flow)
        .outerjoin(Issue, issue)
    )


TASKS = Listing(
    {
        "id": Column(Task.__table__.c.id, integer(1), FieldKind.NUMBER, sortable=True),
        "kind": Column(Task.kind, text(20), FieldKind.TEXT),
        "title": Column(Task.title, text(300), FieldKind.TEXT),
        "detail": Column(Task.detail, {"type": "string"}, FieldKind.TEXT),
        "state": Column(Task.state, one_of(*STATES), FieldKind.TEXT),
        "stage": Column(Task.node, text(60), FieldKind.TEXT),
        "subject": Column(Task.subject_kind, text(40), FieldKind.TEXT),
        "issue": Column(Issue.number, text(20), FieldKind.TEXT, may_miss=True),
        "url": Column(Task.url, text(300)),
        "owner": Column(OWNER.c.username, text(80), FieldKind.TEXT, may_miss=True),
        "created_at": Column(Task.created_at, moment(), FieldKind.DATETIME, sortable=True),
        "due_at": Column(Task.due_at, moment(), FieldKind.DATETIME, sortable=True, may_miss=True),
        "flow_version": Column(FlowInstance.moved, integer(), may_miss=True),
    },
    _origin, Task.__table__.c.id, "due_at", "id",
)  # fmt: skip


@bp.get("/tasks")
@operation(
    Operation(
        summary="List one's to-dos", scope="tasks:read", permission="", answer=page_schema(TASKS.item),
        query=(*list_parameters(TASKS.sorts), Parameter("state", one_of(*STATES), "Which ones; open unless told.")),
    )
)  # fmt: skip
def tasks_index(call: Call) -> Answer:
    """Return a page of what the person owns, helps with or may claim."""
    state = call.query.get("state", "open")
    return Answer(
        read_page(TASKS, call, lambda statement: statement.where(Task.state == state, mine(call.user))).data
    )  # fmt: skip


@bp.post("/tasks/<int:task_id>/decision")
@operation(
    Operation(
        summary="Decide on the stage a to-do is about", scope="tasks:write", permission="", answer=ISSUE,
        body=thing(
            {"verdict": one_of(*get_args(Verdict)), "flow_version": integer(0)},
            {"note": text(2000), "target": text(60, description="The stage to go back to, for a return.")},
        ),
        may_conflict=True, note="Answers the issue as it stands then. `flow_version` is the to-do's.",
    )
)  # fmt: skip
def decision_create(call: Call, task_id: int) -> Answer:
    """Submit, return, end or reopen."""
    issue = _issue_of(my_task(task_id, call.user), call.user)
    number, body = issue.number, call.body
    with write() as session:
        decide(
            case_of(issue), verdict=cast(Verdict, body["verdict"]), expected_version=body["flow_version"],
            by=session.get_one(User, call.user.id), now=clock.now(), note=body.get("note", "").strip(),
            target=body.get("target") if body["verdict"] == "return" else None,
        )  # fmt: skip
        return kept(issue_answer(number, call.user))


@bp.post("/tasks/<int:task_id>/decide")
@operation(
    Operation(
        summary="Agree or reject at a to-do of any case", scope="tasks:write", permission="", answer=STANDING,
        body=thing(
            {"verdict": one_of("approve", "reject")},
            {
                "note": text(2000), "target": text(60, description="Where a rejected case goes, if the stage lets choose."),
                "chosen": listed(
                    thing({"stage": text(60, least=1), "users": listed(text(80), 50, least=1)}), 50
                ),
            },
        ),
        may_conflict=True,
        note="""For issues, records and complaints. A stage that is handled, not judged, is done by approving. `chosen` says by
their user names who has a stage below, where the flow asks for it. A stage that wants a signature or a password is decided
on its page.""",
    )
)  # fmt: skip
def decide_create(call: Call, task_id: int) -> Answer:
    """Decide, and answer where the case stands then."""
    task, body = my_task(task_id, call.user), call.body
    subject = FlowInstance.subject_kind == task.subject_kind, FlowInstance.subject_id == task.subject_id
    given = Given(body.get("note", "").strip(), body.get("target", ""), chosen=_chosen(body.get("chosen", [])))
    with write() as session:
        by = session.get_one(User, call.user.id)
        decide_task(task_id, reject=body["verdict"] == "reject", given=given, by=by, now=clock.now())
        case = session.scalars(select(FlowInstance).where(*subject)).one()
        return kept(
            Answer(
                {
                    "subject": case.subject_kind, "url": case.url, "status": case.status, "stage": case.node,
                    "flow_version": case.moved,
                }
            )
        )  # fmt: skip


def _chosen(rows: Sequence[Mapping[str, Any]]) -> dict[str, tuple[int, ...]]:
    """Return the people chosen for stages below by their user names; refused where a name is nobody's."""
    found = {}
    for place, row in enumerate(rows):
        names = list(dict.fromkeys(row["users"]))
        rows_found = db.session.execute(select(User.username, User.id).where(User.username.in_(names)))
        ids = {row.username: row.id for row in rows_found}
        for name in names:
            if name not in ids:
                raise Refused(_("没有用户名为 %(name)s 的成员。", name=name), field=f"chosen.{place}.users")
        found[row["stage"]] = tuple(ids[name] for name in names)
    return found


def _issue_of(task: Task, user: User) -> Issue:
    if task.subject_kind != "issue" or task.kind != "stage" or task.state != "open":
        raise Refused(_("这件待办没有可以推进的流程,或已经办完。"), field="task_id")
    number = db.session.scalar(select(Issue.number).where(Issue.id == task.subject_id))
    if number is None:
        raise NotFound
    return queries.visible_issue(number, user)
