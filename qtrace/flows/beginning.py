"""Begin flows: a subject is stored with its first node, or handed in as it is made."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import insert

from qtrace.core.db import insert_row, require_write, table_of
from qtrace.flows.case import Case
from qtrace.flows.company import CompanyFacts
from qtrace.flows.definition import Tree
from qtrace.flows.engine import start
from qtrace.flows.facts import Answer, Recorded
from qtrace.flows.gates import check_gates
from qtrace.flows.instances import active_tree
from qtrace.flows.later import keep_later
from qtrace.flows.models import FlowDecision, FlowInstance
from qtrace.flows.performing import Entry, Stage, entry_of, perform
from qtrace.flows.state import OpenTask, Outcome
from qtrace.flows.stored import stored_columns

DEFAULT_FLOW = "quality_issue"
START = insert(table_of(FlowInstance))


@dataclass(frozen=True)
class Start:
    """A flow about to start: which version, what it began with, and how the first node is entered."""

    definition_id: int
    tree: Tree
    outcome: Outcome
    answers: tuple[Answer, ...]
    entry: Entry


def prepare_flow(
    *, initiator_id: int | None, department_id: int | None, now: datetime, flow: str = DEFAULT_FLOW
) -> Start:
    """Return how the newest active version of a flow starts, so that the subject can be stored with its first node."""
    definition_id, tree = active_tree(flow)
    facts = Recorded(CompanyFacts(tree, ("", 0), initiator_id, department_id))
    outcome = start(tree, facts, initiator=initiator_id)
    opened = [effect for effect in outcome.effects if isinstance(effect, OpenTask)]
    entry = entry_of(tree.nodes[opened[0].node], opened, department_id, now)
    return Start(definition_id, tree, outcome, tuple(facts.answers), entry)


def start_flow(case: Case, prepared: Start, *, by: int | None, now: datetime) -> int:
    """Start a prepared flow for a stored subject and return the instance's id."""
    return _begin(case, prepared.definition_id, prepared.tree, prepared.outcome, prepared.answers, by=by, now=now)


def start_submitted(case: Case, *, flow: str, by: int | None, now: datetime) -> int:
    """Start a flow for a subject that is submitted as it is made: it stands past the first node at once."""
    definition_id, tree = active_tree(flow)
    check_gates((tree.definition.first,), case.subject)
    facts = Recorded(CompanyFacts(tree, case.subject, case.initiator_id, case.department_id, by))
    outcome = start(tree, facts, initiator=case.initiator_id, submitted=True)
    return _begin(case, definition_id, tree, outcome, tuple(facts.answers), by=by, now=now, submitted=True)


def _begin(
    case: Case, definition_id: int, tree: Tree, outcome: Outcome, answers: Sequence[Answer], *, by: int | None,
    now: datetime, submitted: bool = False,
) -> int:  # fmt: skip
    kind, subject_id = case.subject
    values = {
        "definition_id": definition_id, "subject_kind": kind, "subject_id": subject_id, "title": case.title[:300],
        "url": case.url, "initiator_id": case.initiator_id, "department_id": case.department_id,
        "begun": [list(answer) for answer in answers], "submitted": submitted,
    } | stored_columns(tree, outcome.state)  # fmt: skip
    instance_id = insert_row(START, values)
    keep_later(instance_id, None, outcome.state)
    if submitted:
        first = tree.definition.first.id
        row = FlowDecision(
            instance_id=instance_id, version=outcome.state.version, node=first, verdict="submit", by=by, at=now
        )
        require_write().add(row)
    perform(Stage(instance_id, case, tree, by, now), outcome.effects)
    return instance_id
