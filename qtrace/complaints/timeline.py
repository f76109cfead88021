"""What happened to a complaint, in sentences: what people did with it, and what was decided in its flow."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from flask_babel import LazyString
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from qtrace.accounts.queries import names_of
from qtrace.classification.models import Term
from qtrace.complaints.models import Complaint
from qtrace.core import events
from qtrace.core.db import db
from qtrace.core.models import EventRow
from qtrace.flows.case_page import history_of, instance_of
from qtrace.flows.history import FILLED
from qtrace.flows.instances import stored_tree
from qtrace.flows.naming import flow_name
from qtrace.flows.sentences import sentence_of, users_in
from qtrace.web.filters import localised

KIND = "complaint"
OPENED, SETTLED = "complaints_opened", "complaints_settled"
WORDS: Mapping[str, LazyString] = {
    OPENED: _l("登记"), SETTLED: _l("办结"), "complaint_classified": _l("改了分类"),
    "complaint_reopened": _l("重新打开"), "complaint_deadline_set": _l("改了平台时限"),
    "complaint_article_named": _l("指明了是哪一件商品"),
    "clock_alarm": _l("平台时限提醒"), "complaints_linked": _l("补全了来源"), "complaints_joined": _l("并入了一个质量问题"),
    "task_urged": _l("催办"),
}  # fmt: skip


@dataclass(frozen=True)
class Entry:
    """One line: when, who did what, and the reason or opinion given with it."""

    at: datetime
    who: str
    words: str
    reason: str = ""


def entries_of(complaint: Complaint) -> Sequence[Entry]:
    """Return what happened to a complaint, newest first; one that came in by the thousand begins with coming in."""
    rows = events.timeline(KIND, complaint.id)
    actors = {row.actor_id for row in rows if row.actor_id is not None}
    people = names_of(actors | users_in(rows) | {complaint.handled_by or 0})
    found = [entry for row in rows if (entry := _entry(row, complaint, people))]
    if complaint.closed_at and all(row.name != SETTLED or row.at != complaint.closed_at for row in rows):
        found.append(Entry(complaint.closed_at, people.get(complaint.handled_by or 0, _("系统")), _how(complaint)))
    if all(row.name != OPENED for row in rows):
        found.append(Entry(complaint.created_at, "", _("进入系统")))
    return sorted([*_decided(complaint), *found], key=lambda entry: entry.at, reverse=True)


def _entry(row: EventRow, complaint: Complaint, people: Mapping[int, str]) -> Entry | None:
    if row.name == SETTLED and row.at == complaint.closed_at:
        words = _how(complaint)
    else:
        words = str(WORDS.get(row.name, "")) or sentence_of(row, people)
    return Entry(row.at, people.get(row.actor_id or 0, _("系统")), words, row.reason) if words else None


def _how(complaint: Complaint) -> str:
    handling = db.session.get(Term, complaint.handling_id) if complaint.handling_id else None
    return _("办结:%(how)s", how=localised(handling) if handling else "—")


def _decided(complaint: Complaint) -> list[Entry]:
    """Return what was decided in the flow; a deputy's decision names both."""
    instance = instance_of(KIND, complaint.id)
    if instance is None:
        return []
    tree = stored_tree(instance.definition_id)
    lines = history_of(instance)
    begun = lines[-1] if lines and tree.definition.first.kind in FILLED else None
    return [
        Entry(line.at, line.who, _("交给流程「%(flow)s」", flow=flow_name(tree.definition)))
        if line is begun
        else Entry(line.at, line.who, _("%(what)s「%(stage)s」", what=line.word, stage=line.stage), line.note)
        for line in lines
    ]
