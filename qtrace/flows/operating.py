"""What a person may do with a turn besides agreeing, and doing it: one operation, one locked case, one transaction."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from flask_babel import gettext as _
from sqlalchemy import select

from qtrace.accounts.models import User
from qtrace.core import events
from qtrace.core.db import db, require_write
from qtrace.core.errors import Conflict, Forbidden, NotFound, Refused
from qtrace.core.files import StoredFile
from qtrace.core.models import StoredFileRow
from qtrace.flows.case import Case
from qtrace.flows.case_models import FlowSignature
from qtrace.flows.company import KEEPER, active
from qtrace.flows.deciding import choices_at
from qtrace.flows.definition import JUDGING, Node, Tree
from qtrace.flows.instances import case_of, locked, stored_tree
from qtrace.flows.joined import joined_ahead, nodes_ahead
from qtrace.flows.mentions import page_of, tell_called
from qtrace.flows.models import FlowInstance
from qtrace.flows.rights import may_act
from qtrace.flows.service import apply
from qtrace.flows.state import (
    AddSigners,
    Decide,
    Delegate,
    Entry,
    Finish,
    Join,
    Jump,
    Operation,
    Release,
    RemoveSigner,
    Reopen,
    Return,
    State,
    TakeItBack,
    Token,
    Transfer,
    Withdraw,
)
from qtrace.flows.stored import load_state
from qtrace.flows.titles import title_at
from qtrace.tasks.models import Task
from qtrace.tasks.service import NewTask, open_task
from qtrace.web.filters import localised

# The buttons a node may name, and the operations behind each; a node that names none allows all of them.
BUTTONS: Mapping[str, tuple[str, ...]] = {
    "return": ("return",), "transfer": ("transfer",), "delegate": ("delegate",),
    "add": ("add_before", "add_after", "remove", "join"), "ask": ("ask",), "terminate": ("terminate",), "print": ("print",),
}  # fmt: skip
ALWAYS = ("release", "cc")
MOST_NOTE = 2000


@dataclass(frozen=True)
class Given:
    """What came with an operation: an opinion, a node, people, people chosen for nodes below, and a signature."""

    note: str = ""
    target: str = ""
    users: tuple[int, ...] = ()
    chosen: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    drawing: StoredFile | None = None
    with_password: bool = False


@dataclass(frozen=True)
class Acting:
    """One open turn of a case, as the person has it before them."""

    task: Task
    instance: FlowInstance
    tree: Tree
    state: State
    token: Token
    turn: Entry

    @property
    def node(self) -> Node:
        """Return the node the turn belongs to."""
        return self.tree.nodes[self.token.node]

    @property
    def case(self) -> Case:
        """Return the case."""
        return case_of(self.instance)


def acting_on(task: Task) -> Acting | None:
    """Return the turn behind an open to-do, None where it is over or belongs to no flow."""
    if task.kind != "stage" or task.entry is None or task.state != "open":
        return None
    instance = db.session.scalar(
        select(FlowInstance).where(
            FlowInstance.subject_kind == task.subject_kind, FlowInstance.subject_id == task.subject_id
        )
    )
    return None if instance is None else _turn(task, instance)


def _turn(task: Task, instance: FlowInstance) -> Acting | None:
    state = load_state(instance.state)
    for token in state.tokens:
        for seat in token.seats:
            for turn in seat.chain:
                if turn.id == task.entry and turn.state == "open":
                    return Acting(task, instance, stored_tree(instance.definition_id), state, token, turn)
    return None


def offered(acting: Acting, user: User) -> frozenset[str]:
    """Return the operations the node allows this person now, besides agreeing and rejecting."""
    node, turn = acting.node, acting.turn
    named = node.buttons or tuple(BUTTONS)
    found = {one for button in named for one in BUTTONS.get(button, ())} | set(ALWAYS)
    if node.kind not in JUDGING or turn.kind != "sign":
        found -= {"add_before", "add_after", "join"}
    elif not nodes_ahead(acting.instance):
        found.discard("join")
    if turn.kind != "sign":
        found -= {"return", "terminate"}
    if turn.user != user.id:
        found -= {"delegate", "add_before", "add_after", "join"}
    if not (turn.pool and turn.user == user.id):
        found.discard("release")
    if not removable(acting, user):
        found.discard("remove")
    if not user.can(node.permission) or node.kind == "start":
        found.discard("terminate")
    return frozenset(found)


def permitted(acting: Acting, user: User) -> bool:
    """Say whether the person, or the one stood in for, has the permission the node asks for."""
    wanted = acting.node.permission
    if not wanted or user.can(wanted):
        return True
    holder = db.session.get(User, acting.turn.user) if acting.turn.user else None
    return holder is not None and holder.can(wanted)


def removable(acting: Acting, user: User) -> list[Entry]:
    """Return the signers the person added here who have not signed yet; the flow's keeper may take out any of them."""
    keeper = user.can(KEEPER)
    return [
        one
        for seat in acting.token.seats
        for one in seat.chain
        if one.state in {"open", "waiting"} and one.user is not None and one.id != acting.turn.id
        and (one.added_by == user.id or (keeper and one.added_by is not None))
    ]  # fmt: skip


def decide_task(task_id: int, *, reject: bool, given: Given, by: User, now: datetime) -> str:
    """Agree at one's turn, reject it, or hand in what was to be done; return the address of the case."""
    acting = _locked(task_id, by, now)
    signed = given.drawing is not None
    chosen = {node: tuple(active(users)) for node, users in sorted(given.chosen.items())}
    operation = Decide(
        acting.turn.id, by.id, "reject" if reject else "approve", given.note[:MOST_NOTE], given.target,
        tuple((node, users) for node, users in chosen.items() if users), signed,
    )  # fmt: skip
    if not reject and acting.turn.kind == "sign":
        _require_choices(acting, chosen)
    if acting.node.demands.level and not given.with_password:
        raise Refused(_("这一步要输入密码确认。"), field="password")
    _do(acting, operation, by, now)
    if signed or given.with_password:
        _keep_signature(acting, given, "reject" if reject else "approve", by, now)
    return acting.case.url


def operate(task_id: int, name: str, *, given: Given, by: User, now: datetime) -> str:
    """Do one of the offered operations with one's turn and return the address of the case."""
    acting = _locked(task_id, by, now)
    if name not in offered(acting, by):
        raise Refused(_("这一步现在不能这样处理,请刷新后再看。"))
    if name == "cc":
        _copy(acting, given, by, now)
    else:
        _do(acting, _operation(acting, name, given, by), by, now)
    return acting.case.url


def operate_case(subject: tuple[str, int], name: str, *, given: Given, by: User, now: datetime) -> str:
    """Do what concerns the whole case: withdraw, take back, reopen, jump, let people join or leave; return its address.

    Withdrawing is the initiator's, taking back whoever decided last, jumping and reopening the keeper's of the flows;
    letting people join the initiator's and the keeper's, and taking them out whose who let them join.
    """
    instance = locked(subject)
    state = load_state(instance.state)
    note = given.note.strip()[:MOST_NOTE]
    if name in ("jump", "reopen") and not by.can(KEEPER):
        raise Forbidden
    if name == "join" and not (by.can(KEEPER) or by.id == instance.initiator_id):
        raise Forbidden
    operation: Operation
    if name == "withdraw":
        operation = Withdraw(by.id, note)
    elif name == "take_back":
        if state.last is None:
            raise Refused(_("后面已经有人处理,不能再取回。"))
        operation = TakeItBack(state.last.entry, by.id)
    elif name == "join":
        operation = _join(given, by, note)
    elif name == "unjoin":
        if not {(given.target, user) for user in given.users} <= _removable(instance, by):
            raise Refused(_("只能去掉自己追加的、还没有开始的人。"), field="users")
        operation = Join(by.id, given.target, given.users, note, leave=True)
    elif name == "jump":
        operation = Jump(by.id, given.target, note)
    elif name == "reopen":
        operation = Reopen(by.id, note, given.target)
    else:
        raise NotFound
    apply(instance, case_of(instance), operation, by=by.id, now=now)
    return case_of(instance).url


def case_operations(instance: FlowInstance, user: User) -> frozenset[str]:
    """Return what the person may do with the whole case now."""
    state, tree = load_state(instance.state), stored_tree(instance.definition_id)
    found = set()
    if instance.status == "running":
        rule = tree.definition.withdrawal
        if user.id == instance.initiator_id and rule != "never" and not (rule == "untouched" and state.touched):
            found.add("withdraw")
        if state.last is not None and state.last.by == user.id:
            found.add("take_back")
        if user.can(KEEPER):
            found.add("jump")
        if (user.can(KEEPER) or user.id == instance.initiator_id) and nodes_ahead(instance):
            found.add("join")
        if _removable(instance, user):
            found.add("unjoin")
    elif user.can(KEEPER):
        found.add("reopen")
    return frozenset(found)


def chosen_below(acting: Acting) -> list[Node]:
    """Return the nodes whose people are chosen at this turn."""
    return choices_at(acting.tree, acting.node)


def _operation(acting: Acting, name: str, given: Given, by: User) -> Operation:
    note, turn = given.note.strip()[:MOST_NOTE], acting.turn.id
    one = given.users[0] if given.users else 0
    if name == "join":
        return _join(given, by, note)
    if name in ("transfer", "delegate", "add_before", "add_after"):
        _require_active(given.users)
    match name:
        case "return":
            return Return(turn, by.id, note, given.target)
        case "transfer":
            return Transfer(turn, by.id, one, note)
        case "delegate":
            return Delegate(turn, by.id, one, note)
        case "add_before" | "add_after":
            return AddSigners(turn, by.id, given.users, "before" if name == "add_before" else "after", note)
        case "remove":
            wanted = next((entry for entry in removable(acting, by) if str(entry.id) == given.target), None)
            if wanted is None:
                raise Refused(_("请选择要减掉的人。"), field="target")
            return RemoveSigner(wanted.id, by.id, by.can(KEEPER), note)
        case "release":
            return Release(turn, by.id)
        case "terminate":
            return Finish(by.id, "terminated", note)
        case _:
            raise NotFound


def _join(given: Given, by: User, note: str) -> Join:
    _require_active(given.users)
    return Join(by.id, given.target, given.users, note)


def _removable(instance: FlowInstance, by: User) -> set[tuple[str, int]]:
    return {(one.node, one.user) for one in joined_ahead(instance, by) if one.removable}


def _require_choices(acting: Acting, chosen: Mapping[str, tuple[int, ...]]) -> None:
    """Refuse to go on without the people the nodes below wait for; who was chosen before need not be chosen again."""
    known = dict(acting.state.chosen)
    for node in chosen_below(acting):
        if not (chosen.get(node.id) or known.get(node.id)):
            raise Refused(_("请选择「%(stage)s」由谁处理。", stage=localised(node)), field=f"chosen.{node.id}")


def _require_active(users: Sequence[int]) -> None:
    if not users or set(active(users)) != set(users):
        raise Refused(_("请选择一位在职的同事。"), field="users")


def _locked(task_id: int, by: User, now: datetime) -> Acting:
    """Return the turn of a to-do with its case locked; refused when it is over, or not this person's."""
    task = require_write().get(Task, task_id)
    if task is None:
        raise NotFound
    instance = locked((task.subject_kind, task.subject_id))
    require_write().refresh(task)
    acting = _turn(task, instance)
    if acting is None:
        raise Conflict(_("这一步已经结束,请刷新后查看最新状态。"))
    if not may_act(acting.tree, instance, (acting.token, acting.turn), by, now) or not permitted(acting, by):
        raise Forbidden
    return acting


def _do(acting: Acting, operation: Operation, by: User, now: datetime) -> None:
    apply(acting.instance, acting.case, operation, by=by.id, now=now)


def _copy(acting: Acting, given: Given, by: User, now: datetime) -> None:
    _require_active(given.users)
    for user in given.users:
        new = NewTask(
            kind="copy", subject=acting.case.subject, title=title_at(acting.node, acting.case), url=acting.case.url,
            node=acting.node.id, detail=given.note.strip()[:500], owner_id=user, state="copied",
        )  # fmt: skip
        open_task(new, by=by.id, now=now)
    body = {"users": list(given.users), "node": acting.node.id}
    events.record("flow_copied", subject=acting.case.subject, by=by.id, now=now, body=body, reason=given.note[:500])
    tell_called(
        acting.case.subject, given.note, page_of(acting.case.subject), by=by.id, now=now,
        about={"copied": acting.task.id}, besides=given.users,
    )  # fmt: skip


def _keep_signature(acting: Acting, given: Given, meaning: str, by: User, now: datetime) -> None:
    session, drawing = require_write(), given.drawing
    if drawing is not None:
        session.add(
            StoredFileRow(
                id=drawing.id, name=drawing.name, media_type=drawing.media_type, size=drawing.size,
                sha256=drawing.sha256, created_at=now, created_by=by.id,
            )
        )  # fmt: skip
        session.flush()  # the signature refers to it
    session.add(
        FlowSignature(
            instance_id=acting.instance.id, version=acting.state.version + 1, user_id=by.id, name=by.name,
            meaning=meaning, with_password=given.with_password, file_id=drawing.id if drawing else None, at=now,
        )
    )  # fmt: skip
