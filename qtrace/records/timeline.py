"""What happened to a record, in sentences, for its page and for paper."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from flask_babel import gettext as _
from sqlalchemy import select

from qtrace.accounts.queries import names_of as people_named
from qtrace.core import events
from qtrace.core.db import db
from qtrace.core.models import EventRow
from qtrace.flows.definition import JUDGING, Tree
from qtrace.flows.history import word_of
from qtrace.flows.instances import definition_of
from qtrace.flows.models import FlowDecision
from qtrace.flows.sentences import sentence_of, users_in
from qtrace.flows.signing import deputed, names_of_deciders
from qtrace.flows.stages import names_of
from qtrace.forms.definition import FormDefinition
from qtrace.forms.registry import FieldDefinition
from qtrace.records.fields import STATES
from qtrace.records.flow_templates import FILL
from qtrace.records.models import Record
from qtrace.web.filters import localised

# What the same transaction already says in a better sentence.
SILENT = frozenset({
    "task_opened", "tasks_closed", "task_claimed", "stage_entered", "flow_closed", "flow_reopened",
    "flow_terminated", "comment_mentioned",
})  # fmt: skip


@dataclass(frozen=True)
class Entry:
    """One line of the timeline: who did what, when, and the reason given for it."""

    at: datetime
    who: str
    words: str
    reason: str = ""
    verdict: str = ""  # of a decision in the flow


def entries_of(record: Record, definition: FormDefinition) -> list[Entry]:
    """Return what happened to a record, newest first; one that came in by the thousand begins with its source."""
    decided = _decided(record)
    moved = {entry.at for entry in decided if entry.verdict == "transfer"}
    history = [
        event for event in events.timeline("record", record.id)
        if event.name not in SILENT and not (event.name == "task_transferred" and event.at in moved)
    ]  # fmt: skip
    people = people_named({event.actor_id for event in history if event.actor_id is not None} | users_in(history))
    deputies = deputed("record", record.id)
    fields = {one.id: one for one in definition.all_fields}
    found = [
        Entry(
            event.at, _who(event, people, deputies), sentence_of(event, people) or _words(event, fields), event.reason
        )
        for event in history
    ]  # fmt: skip
    if not history:
        found.append(Entry(record.created_at, source_words(record) or _("系统"), _("提交")))
    return sorted([*decided, *found], key=lambda entry: entry.at, reverse=True)


def _who(event: EventRow, people: Mapping[int, str], deputies: Mapping[tuple[datetime, int], str]) -> str:
    actor = event.actor_id or 0
    return deputies.get((event.at, actor)) or people.get(actor) or _("系统")


def source_words(record: Record) -> str:
    """Return where a record nobody typed on a page came from; empty for one that was."""
    words = {
        "public": _("公开链接"),
        "import": _("表格导入"),
        "api": _("接口"),
        "connector": _("店铺/ERP 对接"),
        "flow": _("流程自动填写"),
    }
    return words.get(record.source, "")


def _decided(record: Record) -> list[Entry]:
    """Return what was decided in the record's flow, the newest first; its first submission is told already."""
    flow = definition_of("record", record.id)
    if flow is None:
        return []
    definition, instance = flow
    names = names_of(definition)
    kinds = {node.id: node.kind for node in Tree(definition).walk()}
    statement = select(FlowDecision).where(FlowDecision.instance_id == instance.id, FlowDecision.version > 2)
    rows = db.session.scalars(statement.order_by(FlowDecision.version.desc())).all()
    deciders = names_of_deciders(rows)
    found = []
    for row in rows:
        approved = kinds.get(row.node or "") in JUDGING
        passed = row.verdict in ("submit", "approve")
        said = (_("通过") if approved else _("再次提交")) if passed else word_of(row.verdict)
        stage = names[row.node].label if row.node in names else ""
        sentence = _("%(what)s「%(stage)s」", what=said, stage=stage) if stage and row.node != FILL else said
        found.append(Entry(row.at, deciders[row.id], sentence, row.note, row.verdict))
    return found


def _words(event: EventRow, fields: Mapping[str, FieldDefinition]) -> str:
    if event.name == "record_created":
        return _("提交")
    if event.name == "record_state":
        return _("改为%(state)s", state=STATES.get(str(event.body.get("new")), "—"))
    if event.name == "record_revealed":
        return _("查看了完整的%(field)s", field=_label(str(event.body.get("field")), fields))
    if event.name == "rule_warnings_accepted":
        what = ";".join(str(text) for text in event.body.values())
        return _("规则提醒过,说明原因后保存:%(what)s", what=what)
    if event.name == "task_urged":
        return _("催办")
    if event.name == "task_transferred":
        return _("转交了待办")
    return _("修改了 %(fields)s", fields=_listed(list(event.body.get("fields", {})), fields))


def _listed(names: Sequence[str], fields: Mapping[str, FieldDefinition]) -> str:
    return _("、").join(_label(name, fields) for name in names)


def _label(name: str, fields: Mapping[str, FieldDefinition]) -> str:
    return localised(fields[name], "label") if name in fields else name
