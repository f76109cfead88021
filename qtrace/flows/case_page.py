"""What a decision page shows: the case in a few facts, what changed, what was decided before, and what comes next."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from flask_babel import gettext as _
from sqlalchemy import or_, select

from qtrace.accounts.models import User
from qtrace.core.db import db
from qtrace.core.models import StoredFileRow
from qtrace.flows.case_models import FlowQuestion, FlowSignature
from qtrace.flows.company import KEEPER
from qtrace.flows.definition import ASKING, JUDGING, Node
from qtrace.flows.engine import return_targets
from qtrace.flows.field_rights import WRITE, hidden_in
from qtrace.flows.history import word_at
from qtrace.flows.instances import stored_tree
from qtrace.flows.joined import words_of_joining
from qtrace.flows.models import FlowDecision, FlowInstance, FlowPaper
from qtrace.flows.naming import wording_now
from qtrace.flows.operating import Acting, chosen_below, offered, removable
from qtrace.flows.papers import filed_with, may_print
from qtrace.flows.roots import root_of
from qtrace.flows.signing import names_of_deciders
from qtrace.flows.state import Entry
from qtrace.flows.subjects import CaseSummary, Change, flow_subjects, sees
from qtrace.flows.titles import hidden_at
from qtrace.tasks.looks import looked_before
from qtrace.tasks.models import Task
from qtrace.web.filters import localised


@dataclass(frozen=True)
class Line:
    """One line of what was decided: who, where, what, and with which opinion and signature."""

    who: str
    stage: str
    word: str
    verdict: str
    note: str
    at: datetime
    signature: FlowSignature | None


@dataclass(frozen=True)
class Choice:
    """People to be chosen for a node below."""

    node: str
    label: str


@dataclass(frozen=True)
class Page:
    """Everything the decision page of one turn needs."""

    stage: str
    judging: bool
    filling: bool
    to_fill: Sequence[str]  # what the fields are called that the turn lets fill in
    opinion_only: bool
    summary: CaseSummary
    changes: Sequence[Change]
    since: datetime | None
    history: Sequence[Line]
    following: str
    targets: Sequence[tuple[str, str]]
    reject_targets: Sequence[tuple[str, str]]
    operations: frozenset[str]
    removable: Sequence[tuple[int, str]]
    choices: Sequence[Choice]
    asks_opinion: bool
    asks_signature: bool
    password_times: int
    notice: str
    may_print: bool
    filed: Sequence[tuple[FlowPaper, StoredFileRow]]


def page_of(acting: Acting, user: User, *, signed_since: datetime | None) -> Page:
    """Return the page of a turn; `signed_since` is when this login began, for passwords that are asked twice at first."""
    node, kind = acting.node, acting.instance.subject_kind
    subject = flow_subjects().get(kind)
    hidden = hidden_at(node)
    lines, last = history_of(acting.instance), _last_of(acting, user.id)
    targets = [
        (one, localised(acting.tree.nodes[one])) for one in return_targets(acting.tree, acting.state, acting.turn.id)
    ]
    signs, about = acting.turn.kind == "sign", root_of(kind, acting.instance.subject_id)
    return Page(
        stage=localised(node), judging=node.kind in JUDGING and signs, filling=node.kind in ("start", "fill"),
        to_fill=_to_fill(acting, user), opinion_only=not signs,
        summary=subject.summary(acting.instance.subject_id, hidden) if subject else CaseSummary(acting.case.title),
        changes=subject.changes(acting.instance.subject_id, last) if subject and last else (), since=last,
        history=lines, following=_following(acting), targets=targets,
        reject_targets=targets if node.policies.reject_to == "chosen" and signs else [],
        operations=offered(acting, user), removable=_named(removable(acting, user)),
        choices=[Choice(one.id, localised(one)) for one in chosen_below(acting)] if signs else [],
        asks_opinion=node.demands.opinion, asks_signature=node.demands.signature and signs,
        password_times=_password_times(node, user, signed_since) if signs else 0, notice=node.notice,
        may_print=may_print(about[0], user), filed=filed_with(*about) if sees(*about, user) and not hidden else (),
    )  # fmt: skip


def history_of(instance: FlowInstance) -> list[Line]:
    """Return what was decided in a case, the newest first; what the clock did by itself is told by its events."""
    rows = db.session.scalars(
        select(FlowDecision).where(FlowDecision.instance_id == instance.id, FlowDecision.verdict != "timeout")
        .order_by(FlowDecision.version.desc())
    ).all()  # fmt: skip
    signed = db.session.scalars(select(FlowSignature).where(FlowSignature.instance_id == instance.id))
    signatures = {row.version: row for row in signed}
    names, nodes = names_of_deciders(rows), stored_tree(instance.definition_id).nodes
    joined = words_of_joining(rows)
    return [
        Line(
            names[row.id], localised(nodes[row.node]) if row.node in nodes else "",
            joined.get(row.id) or word_at(row.verdict, nodes.get(row.node or "")), row.verdict,
            row.note, row.at, signatures.get(row.version),
        )
        for row in rows
    ]  # fmt: skip


def instance_of(kind: str, subject_id: int) -> FlowInstance | None:
    """Return the case of a subject."""
    return db.session.scalar(
        select(FlowInstance).where(FlowInstance.subject_kind == kind, FlowInstance.subject_id == subject_id)
    )


def summary_of(task: Task) -> CaseSummary:
    """Return what a to-do is about, where nothing can be decided any more."""
    subject = flow_subjects().get(task.subject_kind)
    return subject.summary(task.subject_id, hidden_in(task)) if subject else CaseSummary(task.title)


def takes_part(instance_id: int, user: User) -> bool:
    """Say whether a person started a case, has or had a to-do about it, or keeps the flows."""
    instance = db.session.get_one(FlowInstance, instance_id)
    if instance.initiator_id == user.id or user.can(KEEPER):
        return True
    theirs = select(Task.id).where(
        Task.subject_kind == instance.subject_kind, Task.subject_id == instance.subject_id,
        or_(Task.owner_id == user.id, Task.closed_by == user.id),
    )  # fmt: skip
    return db.session.scalar(theirs.limit(1)) is not None


def open_question(task_id: int) -> FlowQuestion | None:
    """Return the question a to-do asks for an answer to."""
    return db.session.scalar(select(FlowQuestion).where(FlowQuestion.task_id == task_id))


def jump_targets(instance: FlowInstance) -> list[tuple[str, str]]:
    """Return the nodes a keeper may put the whole case on: those where somebody is asked, outside parallel branches."""
    tree = stored_tree(instance.definition_id)
    return [
        (node.id, localised(node)) for node in tree.walk() if node.kind in ASKING and not tree.inside_forks(node.id)
    ]


def _to_fill(acting: Acting, user: User) -> list[str]:
    """Return what the fields are called that the node lets its people fill in."""
    subject, rights = flow_subjects().get(acting.instance.subject_kind), acting.node.fields
    if subject is None or WRITE not in rights.values():
        return []
    known = subject.fillable(acting.instance.subject_id, user)
    return [label for name, label in known.items() if rights.get(name) == WRITE]


def _following(acting: Acting) -> str:
    """Return where it goes next and to whom, where that can be said before anybody decides."""
    if acting.token.straight_to:
        return localised(acting.tree.nodes[acting.token.straight_to])
    below = acting.tree.below(acting.token.node)
    if below is None:
        return _("结案")
    node = acting.tree.nodes[below]
    words = wording_now()
    told = words.asked(node) if node.who else ""
    return f"{localised(node)} · {told}" if told else localised(node)


def _last_of(acting: Acting, user_id: int) -> datetime | None:
    """Return when the person last did something with the case, or looked at it in a visit before this one."""
    decided = db.session.scalar(
        select(FlowDecision.at).where(FlowDecision.instance_id == acting.instance.id, FlowDecision.by == user_id)
        .order_by(FlowDecision.version.desc()).limit(1)
    )  # fmt: skip
    return max((one for one in (decided, looked_before(acting.task, user_id)) if one), default=None)


def _named(entries: Sequence[Entry]) -> list[tuple[int, str]]:
    ids = [one.user for one in entries if one.user is not None]
    names: Mapping[int, str] = {
        row.id: row.name for row in db.session.execute(select(User.id, User.name).where(User.id.in_(ids)))
    }
    return [(one.id, names.get(one.user or 0, "")) for one in entries]


def _password_times(node: Node, user: User, since: datetime | None) -> int:
    """Return how often the password is typed: once, or twice for the first signature of a login."""
    if node.demands.level < 2:
        return node.demands.level
    signed = select(FlowSignature.id).where(FlowSignature.user_id == user.id, FlowSignature.with_password)
    if since is not None:
        signed = signed.where(FlowSignature.at >= since)
    return 1 if db.session.scalar(signed.limit(1)) is not None else 2
