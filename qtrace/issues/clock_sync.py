"""Keep the stored clocks of issues in step with their history.

Nothing is written when an issue is opened or decided: the clocks follow from its record, and the worker brings what is
stored in line before it rings. So a late worker, or one that does it twice, comes to the same clocks.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import select

from qtrace.calendars.clock_store import Wanted, store_clocks
from qtrace.core import events
from qtrace.core.db import db, insert_into, require_write, table_of, write
from qtrace.core.jobs import JobContext
from qtrace.core.models import EventRow, Setting
from qtrace.flows.default import default_definition
from qtrace.flows.definition import Tree
from qtrace.flows.instances import stored_tree
from qtrace.flows.models import FlowInstance, StageSpan
from qtrace.issues.clock_history import Case, Kept, Stages, Told, Visit, clocks_of_case, stage_clock
from qtrace.issues.clock_policy import Policies, read_policies
from qtrace.issues.models import Issue

SUBJECT = "issue"
BOOKMARK = "issue_clocks"
BATCH = 100  # in one short write
OWN = ("clock_alarm",)  # what the clocks tell themselves
ISSUES, EVENTS, SPANS, INSTANCES = (
    table_of(Issue), table_of(EventRow), table_of(StageSpan), table_of(FlowInstance),
)  # fmt: skip


def follow_history(context: JobContext) -> None:
    """Bring the clocks in line with everything that happened since the last time, batch by batch."""
    while _follow_some(context.clock()):
        with write():
            context.extend()


def follow_issue(issue_id: int) -> None:
    """Bring the clocks of one issue in line with its history, in the open write."""
    _store([issue_id])


def recount_open() -> None:
    """Let the worker look at every open issue again, as after a change of the targets."""
    mark = _bookmark()
    if mark is not None:  # without one it will look at all of them anyway
        _keep(mark | {"after": 0})


def issue_clocks(issue_id: int) -> dict[str, Kept]:
    """Return the clocks of an issue as its history makes them."""
    policies = read_policies()
    return {kind: kept for (_issue, kind), kept in _clocks([issue_id], policies).items()}


def _follow_some(now: datetime) -> bool:
    """Follow one batch; say whether there may be more."""
    with write():
        mark = _bookmark()
        if mark is None:  # the clocks are new here: what is long due is not told of
            mark = {"seq": events.head()[0], "after": 0, "quiet_until": now.isoformat()}
        if "after" in mark:
            return _walk(mark)
        end = events.head()[0]
        changed = _changed(mark["seq"], end)
        if changed:
            _store(sorted({subject for _seq, subject in changed}))
        more = len(changed) == BATCH
        if end != mark["seq"]:  # facts about other things are not looked at twice
            _keep({"seq": changed[-1][0] if more else end})
        return more


def _walk(mark: dict[str, Any]) -> bool:
    """Go through the open issues, from where the last batch ended."""
    statement = select(ISSUES.c.id).where(ISSUES.c.status == "open", ISSUES.c.id > mark["after"])
    ids = list(require_write().scalars(statement.order_by(ISSUES.c.id).limit(BATCH)))
    if ids:
        quiet = mark.get("quiet_until")
        _store(ids, quiet_until=datetime.fromisoformat(quiet) if quiet else None)
        _keep(mark | {"after": ids[-1]})
    else:
        _keep({"seq": mark["seq"]})
    return True


def _changed(since: int, end: int) -> list[tuple[int, int]]:
    """Return (seq, issue) of the next facts about issues."""
    statement = (
        select(EVENTS.c.seq, EVENTS.c.subject_id)
        .where(EVENTS.c.seq > since, EVENTS.c.seq <= end, EVENTS.c.subject_kind == SUBJECT, EVENTS.c.name.not_in(OWN))
        .order_by(EVENTS.c.seq).limit(BATCH)
    )  # fmt: skip
    return [(row.seq, row.subject_id) for row in require_write().execute(statement)]


def _store(ids: Sequence[int], *, quiet_until: datetime | None = None) -> None:
    lock = select(ISSUES.c.id).where(ISSUES.c.id.in_(ids)).order_by(ISSUES.c.id).with_for_update()
    require_write().execute(lock)
    policies, rows = read_policies(), _issues(ids)
    wanted = [
        Wanted(
            subject_id=issue, kind=kind, clock=kept.clock, owner_id=rows[issue].owner_id,
            department_id=rows[issue].department_id, round_the_clock=kind in policies.now.around,
        )
        for (issue, kind), kept in _clocks(ids, policies).items()
    ]  # fmt: skip
    store_clocks(SUBJECT, wanted, quiet_until=quiet_until)


def _clocks(ids: Sequence[int], policies: Policies) -> dict[tuple[int, str], Kept]:
    rows, history, flows = _issues(ids), _history(ids), _flows(ids)
    found: dict[tuple[int, str], Kept] = {}
    for issue_id, row in rows.items():
        stages, visits = flows.get(issue_id, (_stages(Tree(default_definition())), []))
        case = Case(history.get(issue_id, []), visits, stages, row.severity_id, policies.changes)
        found |= {(issue_id, kind): kept for kind, kept in clocks_of_case(case, policies.targets).items()}
    return found


def _issues(ids: Sequence[int]) -> dict[int, Any]:
    columns = (ISSUES.c.id, ISSUES.c.severity_id, ISSUES.c.owner_id, ISSUES.c.department_id)
    return {row.id: row for row in db.session.execute(select(*columns).where(ISSUES.c.id.in_(ids)))}


def _history(ids: Sequence[int]) -> dict[int, list[Told]]:
    columns = (EVENTS.c.subject_id, EVENTS.c.at, EVENTS.c.name, EVENTS.c.actor_id, EVENTS.c.body, EVENTS.c.reason)
    statement = select(*columns).where(EVENTS.c.subject_kind == SUBJECT, EVENTS.c.subject_id.in_(ids))
    told: dict[int, list[Told]] = {}
    for row in db.session.execute(statement.where(EVENTS.c.name.not_in(OWN)).order_by(EVENTS.c.seq)):
        told.setdefault(row.subject_id, []).append(Told(row.at, row.name, row.actor_id, row.body, row.reason))
    return told


def _flows(ids: Iterable[int]) -> Mapping[int, tuple[Stages, list[Visit]]]:
    """Return what the stages of each issue's flow are for, and when it was in them."""
    statement = (
        select(INSTANCES.c.subject_id, INSTANCES.c.definition_id, SPANS.c.node, SPANS.c.entered_at, SPANS.c.left_at)
        .join(SPANS, SPANS.c.instance_id == INSTANCES.c.id)
        .where(INSTANCES.c.subject_kind == SUBJECT, INSTANCES.c.subject_id.in_(ids))
        .order_by(SPANS.c.entered_at, SPANS.c.id)
    )
    found: dict[int, tuple[Stages, list[Visit]]] = {}
    known: dict[int, Stages] = {}
    for row in db.session.execute(statement):
        if row.definition_id not in known:
            known[row.definition_id] = _stages(stored_tree(row.definition_id))
        _told, visits = found.setdefault(row.subject_id, (known[row.definition_id], []))
        visits.append(Visit(row.node, row.entered_at, row.left_at))
    return found


def _stages(tree: Tree) -> Stages:
    nodes = list(tree.walk())
    clocks = {node.id: stage_clock(node.id, node.kind, node.gates) for node in nodes}
    return Stages(clocks, frozenset(node.id for node in nodes if node.kind == "start"))


def _bookmark() -> dict[str, Any] | None:
    statement = select(Setting.value).where(Setting.key == BOOKMARK).with_for_update()
    found = require_write().scalar(statement)
    return None if found is None else dict(found)


def _keep(mark: Mapping[str, Any]) -> None:
    statement = insert_into(Setting).values(key=BOOKMARK, value=dict(mark))
    kept = statement.on_conflict_do_update(index_elements=["key"], set_={"value": dict(mark)})
    require_write().execute(kept)
