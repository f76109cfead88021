"""What a case is about: a flow inside a flow is about what the outermost case is about."""

from sqlalchemy import Select, select
from sqlalchemy.orm import aliased

from qtrace.accounts.access import Viewer
from qtrace.core.db import db
from qtrace.core.errors import NotFound
from qtrace.flows.models import FlowInstance
from qtrace.tasks.queries import subjects_of

PART = "flow_part"  # the kind of subject of a flow inside a flow
PER_CASE = 1_000_000  # numbers of one case that its parts may take: parent × this + token


def root_of(kind: str, subject_id: int) -> tuple[str, int]:
    """Return the subject a flow is about: of a flow inside a flow that of the outermost case."""
    while kind == PART:
        parent = parent_of(subject_id)
        kind, subject_id = parent.subject_kind, parent.subject_id
    return kind, subject_id


def roots_of_parts(user: Viewer, kind: str) -> Select[int]:
    """Select the subjects of a kind that the person's open to-dos in flows inside flows are about."""
    part, above, root = aliased(FlowInstance), aliased(FlowInstance), aliased(FlowInstance)
    theirs = part.subject_id.in_(subjects_of(user, PART))
    begun = select(part.parent_id.label("id")).where(part.subject_kind == PART, part.parent_id.is_not(None), theirs)
    ways = begun.cte("ways_up", recursive=True)
    ways = ways.union(select(above.parent_id).where(above.id == ways.c.id, above.parent_id.is_not(None)))
    return select(root.subject_id).where(root.subject_kind == kind, root.id.in_(select(ways.c.id)))


def parent_of(part_id: int) -> FlowInstance:
    """Return the case a part belongs to; NotFound where there is none."""
    found = db.session.get(FlowInstance, part_id // PER_CASE)
    if found is None:
        raise NotFound
    return found
