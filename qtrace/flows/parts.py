"""A flow inside a flow is about what the case above it is about: fields, people, summary and changes are asked there."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from flask import Flask
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import Select, select

from qtrace.accounts.access import Viewer
from qtrace.accounts.models import User
from qtrace.core import events
from qtrace.core.db import db, require_write
from qtrace.core.errors import NotFound, Refused
from qtrace.core.events import Event
from qtrace.flows.beginning import prepare_flow, start_flow
from qtrace.flows.case import Case
from qtrace.flows.checking import waits_for_word
from qtrace.flows.condition_fields import Seen, register_condition_fields, seen_of
from qtrace.flows.instances import stored_tree
from qtrace.flows.models import FlowInstance
from qtrace.flows.roots import PART, PER_CASE, root_of
from qtrace.flows.standing import StepCase, go_on, standing
from qtrace.flows.subjects import CaseSummary, Change, FlowSubject, flow_subjects, register_flow_subject


def register(app: Flask) -> None:
    """Let flows run inside flows, and the case above go on when one has ended."""
    for ended in ("flow_closed", "flow_terminated"):
        events.subscribe(app, ended, follow_end)
    register_flow_subject(app, PART, PartSubject())
    register_condition_fields(app, PART, lambda _flow: [], seen_part)


def begin_part(found: StepCase) -> None:
    """Begin the flow a node names, inside the case, which waits for its end unless the node says otherwise.

    One that would enter itself again is refused.
    """
    flow, above = str(found.node.options.get("flow", "")), found.instance
    if flow in _flows_above(above):
        raise Refused(_("子流程不能又进入自己。"))
    part_id = above.id * PER_CASE + found.token
    prepared = prepare_flow(
        initiator_id=above.initiator_id, department_id=above.department_id, now=found.now, flow=flow
    )
    case = Case((PART, part_id), above.title, above.url, above.initiator_id, above.department_id)
    session = require_write()
    instance_id = start_flow(case, prepared, by=None, now=found.now)
    row = session.get_one(FlowInstance, instance_id)
    row.parent_id = above.id
    if waits_for_word(found.node):
        row.parent_token = found.token
    else:
        go_on(found, passed=True, note="")


def follow_end(event: Event) -> None:
    """Let the case above go on when a flow inside it has ended."""
    if event.subject_kind != PART:
        return
    part = require_write().scalar(
        select(FlowInstance).where(FlowInstance.subject_kind == PART, FlowInstance.subject_id == event.subject_id)
    )
    if part is None or part.parent_id is None or part.parent_token is None:
        return
    found = standing(part.parent_id, part.parent_token, event.at)
    if found is not None:
        go_on(found, passed=event.name == "flow_closed", note="")


def seen_part(part_id: int) -> Seen:
    """Return the outermost subject as conditions see it."""
    return seen_of(*root_of(PART, part_id))


class PartSubject:
    """The case above, as seen from a flow inside it."""

    begins = False
    permission = ""  # that of the case above
    label = _l("子流程")

    def number(self, subject_id: int) -> str:
        """Return the number of the case above."""
        subject, above = _above(subject_id)
        return subject.number(above)

    def find(self, _number: str, _user: User) -> tuple[str, Case]:
        """Find nothing: a part has no number of its own."""
        raise NotFound

    def seen_by(self, subject_id: int, user: Viewer) -> Select[int]:
        """Select the case above where it is in the person's reach."""
        subject, above = _above(subject_id)
        return subject.seen_by(above, user)

    def newest(self, _user: User, _most: int) -> Sequence[tuple[str, str]]:
        """Return none: parts are found by their cases."""
        return []

    def visible(self, subject_ids: Collection[int], user: User) -> Collection[int]:
        """Return those whose case above the person may see."""
        roots = {part: root_of(PART, part) for part in subject_ids}
        seen: dict[str, Collection[int]] = {}
        for kind in {kind for kind, _id in roots.values()} & flow_subjects().keys():
            ids = {number for one, number in roots.values() if one == kind}
            seen[kind] = flow_subjects()[kind].visible(ids, user)
        return [part for part, (kind, number) in roots.items() if number in seen.get(kind, ())]

    def title(self, subject_id: int, hidden: frozenset[str], called: str) -> str:
        """Return the title of the case above."""
        subject, number = _above(subject_id)
        return subject.title(number, hidden, called)

    def fillable(self, subject_id: int, user: User) -> Mapping[str, str]:
        """Return the fields of the case above."""
        subject, number = _above(subject_id)
        return subject.fillable(number, user)

    def missing(self, subject_id: int, fields: Collection[str]) -> Sequence[str]:
        """Return those of the case above."""
        subject, number = _above(subject_id)
        return subject.missing(number, fields)

    def summary(self, subject_id: int, hidden: frozenset[str]) -> CaseSummary:
        """Return the summary of the case above."""
        subject, number = _above(subject_id)
        return subject.summary(number, hidden)

    def changes(self, subject_id: int, since: datetime) -> Sequence[Change]:
        """Return the changes of the case above."""
        subject, number = _above(subject_id)
        return subject.changes(number, since)

    def links(self, subject_id: int) -> Mapping[str, int]:
        """Return what the case above leads to."""
        subject, number = _above(subject_id)
        return subject.links(number)


def _above(part_id: int) -> tuple[FlowSubject, int]:
    kind, subject_id = root_of(PART, part_id)
    return flow_subjects()[kind], subject_id


def _flows_above(instance: FlowInstance) -> set[str]:
    found, row = set(), instance
    while True:
        found.add(stored_tree(row.definition_id).definition.key)
        above = db.session.get(FlowInstance, row.parent_id) if row.parent_id else None
        if above is None:
            return found
        row = above
