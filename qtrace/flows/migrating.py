"""Move running cases to another version of their flow: told beforehand which can, each in a short write of its own."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from flask_babel import gettext as _
from sqlalchemy import func, select

from qtrace.accounts.models import User
from qtrace.core import events
from qtrace.core.db import db, require_write, table_of
from qtrace.core.errors import Conflict, NotFound, Refused
from qtrace.flows.definition import Node, Tree
from qtrace.flows.engine import migrated
from qtrace.flows.errors import FlowError
from qtrace.flows.field_rights import rights_in_all
from qtrace.flows.instances import locked, stored_tree
from qtrace.flows.later import keep_later
from qtrace.flows.models import FlowDecision, FlowDefinition, FlowInstance
from qtrace.flows.queries import Version
from qtrace.flows.state import Move, State
from qtrace.flows.stored import dump_operation, load_state, stored_columns
from qtrace.flows.subjects import flow_subjects

MOST_SHOWN = 200  # cases listed and moved at one go; the rest waits for the next
CASES = table_of(FlowInstance)


@dataclass(frozen=True)
class Movable:
    """One running case: where it stands, on which version, and why it can't move (empty where it can).

    Of one the reader may not see there is the number instead of the title, and no address.
    """

    id: int
    subject: tuple[str, int]
    title: str
    url: str
    version: int
    places: tuple[Node, ...]
    problem: str


@dataclass(frozen=True)
class Preview:
    """The running cases on older versions, the oldest first; `count` is how many there are in all."""

    cases: tuple[Movable, ...]
    count: int

    @property
    def can(self) -> list[Movable]:
        """Return those that can move."""
        return [one for one in self.cases if not one.problem]

    @property
    def cannot(self) -> list[Movable]:
        """Return those that can't."""
        return [one for one in self.cases if one.problem]


def preview(key: str, target: Version, reader: User) -> Preview:
    """Return what moving to the version would do, as far as the reader may know; nothing is changed.

    Cases that cannot move do not hide those that can: all are read, the first of each are shown.
    """
    older = (
        FlowInstance.status == "running", FlowDefinition.key == key, FlowInstance.definition_id != target.id,
    )  # fmt: skip
    joined = select(FlowInstance, FlowDefinition.version).join(
        FlowDefinition, FlowDefinition.id == FlowInstance.definition_id
    )
    count = select(func.count()).select_from(FlowInstance).join(FlowDefinition).where(*older)
    tree = stored_tree(target.id)
    can: list[Movable] = []
    cannot: list[Movable] = []
    rows = db.session.execute(joined.where(*older).order_by(FlowInstance.id).execution_options(yield_per=MOST_SHOWN))
    for instance, version in rows:
        found = _movable(instance, version, tree)
        side = cannot if found.problem else can
        if len(side) < MOST_SHOWN:
            side.append(found)
        if len(can) == MOST_SHOWN:
            break
    return Preview(_as_seen([*can, *cannot], reader), db.session.scalar(count) or 0)


def move_case(instance_id: int, target_id: int, *, key: str, by: int, now: datetime) -> None:
    """Move one running case in the open write; refused where it has no place in the version, or has just moved on."""
    session = require_write()
    row = session.execute(
        select(CASES.c.subject_kind, CASES.c.subject_id).where(CASES.c.id == instance_id)
    ).one_or_none()
    if row is None:
        raise Conflict(_("这件事已经不在了。"))
    instance = locked((row.subject_kind, row.subject_id))
    if instance.status != "running":
        raise Conflict(_("这件事刚刚已经结束。"))
    old, target = stored_tree(instance.definition_id), stored_tree(target_id)
    if old.definition.key != key:
        raise NotFound
    if instance.definition_id == target_id:
        raise Conflict(_("这件事刚刚已经换到新版本。"))
    try:
        state = migrated(old, load_state(instance.state), target)
    except FlowError as error:
        raise Refused(_told(error, old)) from error
    versions = {"old": old.definition.version, "new": target.definition.version}
    _store(instance, target_id, target, state)
    note = _("第 %(old)d 版 → 第 %(new)d 版", **versions)
    session.add(
        FlowDecision(
            instance_id=instance.id,
            version=state.version,
            node=instance.node,
            verdict="migrate",
            note=note,
            by=by,
            at=now,
            operation=dump_operation(Move(by, versions["old"], versions["new"])),
            answers=[],
        )
    )
    subject = (instance.subject_kind, instance.subject_id)
    body = {"key": target.definition.key, "version": versions}
    events.record("flow_case_migrated", subject=subject, by=by, now=now, body=body)


def _store(instance: FlowInstance, target_id: int, target: Tree, state: State) -> None:
    keep_later(instance.id, load_state(instance.state), state)
    instance.definition_id = target_id
    for name, value in stored_columns(target, state).items():
        setattr(instance, name, value)


def _movable(instance: FlowInstance, version: int, target: Tree) -> Movable:
    old, state, problem = stored_tree(instance.definition_id), load_state(instance.state), ""
    try:
        migrated(old, state, target)
    except FlowError as error:
        problem = _told(error, old)
    places = _places(old, state)
    subject = (instance.subject_kind, instance.subject_id)
    return Movable(instance.id, subject, instance.title, instance.url, version, places, problem)


def _as_seen(cases: Sequence[Movable], reader: User) -> tuple[Movable, ...]:
    """Leave the titles of what the reader may see, without what the reader's own turns hide."""
    of_kind: dict[str, list[int]] = {}
    for one in cases:
        of_kind.setdefault(one.subject[0], []).append(one.subject[1])
    known = flow_subjects()
    seen = {
        (kind, number)
        for kind, ids in of_kind.items() if kind in known
        for number in known[kind].visible(ids, reader)
    }  # fmt: skip
    hidden = {
        (kind, number): rights.hidden
        for kind, ids in of_kind.items()
        for number, rights in rights_in_all(kind, ids, reader).items()
    }
    return tuple(_as_called(one, one.subject in seen, hidden.get(one.subject, frozenset())) for one in cases)


def _as_called(case: Movable, seen: bool, hidden: frozenset[str]) -> Movable:
    kind, subject_id = case.subject
    subject = flow_subjects().get(kind)
    if subject is None:
        return replace(case, title=f"{kind} {subject_id}", url="")
    if not seen:
        return replace(case, title=subject.number(subject_id), url="")
    return replace(case, title=subject.title(subject_id, hidden, case.title)) if hidden else case


def _places(tree: Tree, state: State) -> tuple[Node, ...]:
    return tuple(tree.nodes[node] for node in dict.fromkeys(token.node for token in state.tokens))


def _told(error: FlowError, old: Tree) -> str:
    """Return why, with the name of the node instead of its id."""
    params = dict(error.params)
    node = old.nodes.get(str(params.get("node", "")))
    if node is not None:
        params["node"] = node.name_zh or node.name_en
    return _(error.message, **params)
