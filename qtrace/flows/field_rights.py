"""What a node lets its people do with the fields of a case: fill them in, read them, or not see them at all.

The law, for whoever changes or reads what is under a flow:

- Only one's own open turns count: what is one's own, in one's pool, or stood in for. What somebody merely helps with, or
  was asked about, shows as little as its node shows, and may not be filled in.
- A field hidden at the node is shown nowhere to its people, and neither is a title made of it.
- Who may change the subject anyway keeps that right, but for what the node says may be read only, or is hidden.
- Who may not, may fill in what the node says may be filled in, and nothing else.
- With several turns in the same case (branches side by side, flows inside it) the best right counts.
- A node that says nothing of fields restricts nothing and grants nothing; what was reached without a turn is as ever.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import select

from qtrace.accounts.models import User
from qtrace.core import clock
from qtrace.core.db import db
from qtrace.flows.case_models import FlowQuestion
from qtrace.flows.definition import Node
from qtrace.flows.instances import instance_of, stored_tree
from qtrace.flows.models import FlowInstance
from qtrace.flows.performing import HELP, QUESTION
from qtrace.flows.roots import PART
from qtrace.flows.titles import HIDDEN, hidden_at
from qtrace.tasks.models import Task
from qtrace.tasks.queries import mine
from qtrace.tasks.standing import stands_in

WRITE, READ = "write", "read"
RANK: Mapping[str, int] = {HIDDEN: 0, READ: 1, WRITE: 2}
STAGE = "stage"  # the kind of to-do that is a turn


@dataclass(frozen=True)
class FieldRights:
    """The rights of a person's open turns, one table for each; none where the person has no turn."""

    tables: tuple[Mapping[str, str], ...] = ()

    @property
    def hidden(self) -> frozenset[str]:
        """Return the fields none of the turns shows."""
        named = {name for table in self.tables for name in table}
        return frozenset(name for name in named if self._best(name, READ) == HIDDEN)

    @property
    def granted(self) -> frozenset[str]:
        """Return the fields a turn lets fill in."""
        return frozenset(name for table in self.tables for name, right in table.items() if right == WRITE)

    def may_write(self, name: str, *, anyway: bool) -> bool:
        """Say whether the field may be changed by somebody who may change the subject anyway, or only in the turn."""
        if not self.tables:
            return anyway
        return self._best(name, WRITE if anyway else READ) == WRITE

    def _best(self, name: str, unnamed: str) -> str:
        return max((table.get(name, unnamed) for table in self.tables), key=lambda right: RANK.get(right, 1))


NO_TURN = FieldRights()


def rights_in(kind: str, subject_id: int, user: User) -> FieldRights:
    """Return what the person's open turns say of the fields of a subject."""
    return rights_in_all(kind, [subject_id], user).get(subject_id, NO_TURN)


def rights_in_all(kind: str, subject_ids: Collection[int], user: User) -> dict[int, FieldRights]:
    """Return what the person's open turns say of the fields, of each subject in which there is such a turn."""
    if not subject_ids:
        return {}
    roots = _cases_of(kind, subject_ids)
    tables: dict[int, list[Mapping[str, str]]] = {}
    ways = (
        select(Task, FlowInstance.id, FlowInstance.definition_id, FlowQuestion.node)
        .join(
            FlowInstance,
            (FlowInstance.subject_kind == Task.subject_kind) & (FlowInstance.subject_id == Task.subject_id),
        )
        .outerjoin(FlowQuestion, FlowQuestion.task_id == Task.id)
        .where(
            FlowInstance.id.in_(roots), Task.state == "open", Task.kind.in_((STAGE, HELP, QUESTION)), mine(user)
        )
    )  # fmt: skip
    for task, instance_id, definition_id, asked_at in db.session.execute(ways) if roots else ():
        node = stored_tree(definition_id).nodes.get((asked_at or "") if task.kind == QUESTION else task.node)
        if node is not None:
            tables.setdefault(roots[instance_id], []).append(_table(node, task, user))
    return {subject: FieldRights(tuple(found)) for subject, found in tables.items()}


def hidden_in(task: Task) -> frozenset[str]:
    """Return the fields the people of a to-do do not see, whether it is open or over."""
    instance = instance_of(task.subject_kind, task.subject_id)
    if instance is None:
        return frozenset()
    name: str | None = task.node
    if task.kind == QUESTION:
        name = db.session.scalar(select(FlowQuestion.node).where(FlowQuestion.task_id == task.id))
    return hidden_at(stored_tree(instance.definition_id).nodes.get(name or ""))


def _table(node: Node, task: Task, user: User) -> Mapping[str, str]:
    """Return the rights of a turn; who only helps or was asked may fill in nothing."""
    own = task.owner_id in (None, user.id) or stands_in(user.id, task.owner_id, task.flow, clock.now())
    may = not node.permission or user.can(node.permission) or task.owner_id not in (None, user.id)
    if task.kind == STAGE and own and may:
        return node.fields
    return {name: READ if right == WRITE else right for name, right in node.fields.items()}


def _cases_of(kind: str, subject_ids: Collection[int]) -> dict[int, int]:
    """Return the subject of each running case about one of these, flows inside them too."""
    rows = db.session.execute(
        select(FlowInstance.id, FlowInstance.subject_id).where(
            FlowInstance.subject_kind == kind, FlowInstance.subject_id.in_(subject_ids)
        )
    )
    found: dict[int, int] = {row.id: row.subject_id for row in rows}
    above: Sequence[int] = list(found)
    while above:
        parts = db.session.execute(
            select(FlowInstance.id, FlowInstance.parent_id).where(
                FlowInstance.parent_id.in_(above), FlowInstance.subject_kind == PART, FlowInstance.status == "running"
            )
        ).all()
        found |= {row.id: found[row.parent_id] for row in parts if row.parent_id is not None}
        above = [row.id for row in parts]
    return found
