"""A flow inside a flow is about what the case above it is about: fields, people, summary and changes are asked there."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from flask import Flask
from flask_babel import lazy_gettext as _l

from qtrace.accounts.models import User
from qtrace.core.errors import NotFound
from qtrace.flows.case import Case
from qtrace.flows.condition_fields import Seen, register_condition_fields, seen_of
from qtrace.flows.steps import PART, root_of
from qtrace.flows.subjects import CaseSummary, Change, FlowSubject, flow_subjects, register_flow_subject


def register(app: Flask) -> None:
    """Let flows run inside flows."""
    register_flow_subject(app, PART, PartSubject())
    register_condition_fields(app, PART, lambda _flow: [], seen_part)


def seen_part(part_id: int) -> Seen:
    """Return the outermost subject as conditions see it."""
    return seen_of(*root_of(part_id))


class PartSubject:
    """The case above, as seen from a flow inside it."""

    begins = False
    label = _l("子流程")

    def find(self, _number: str, _user: User) -> tuple[str, Case]:
        """Find nothing: a part has no number of its own."""
        raise NotFound

    def newest(self, _user: User, _most: int) -> Sequence[tuple[str, str]]:
        """Return none: parts are found by their cases."""
        return []

    def summary(self, subject_id: int, user: User, hidden: frozenset[str]) -> CaseSummary:
        """Return the summary of the case above."""
        subject, number = _above(subject_id)
        return subject.summary(number, user, hidden)

    def changes(self, subject_id: int, since: datetime) -> Sequence[Change]:
        """Return the changes of the case above."""
        subject, number = _above(subject_id)
        return subject.changes(number, since)

    def links(self, subject_id: int) -> Mapping[str, int]:
        """Return what the case above leads to."""
        subject, number = _above(subject_id)
        return subject.links(number)


def _above(part_id: int) -> tuple[FlowSubject, int]:
    kind, subject_id = root_of(part_id)
    return flow_subjects()[kind], subject_id
