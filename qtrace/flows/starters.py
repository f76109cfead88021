"""Who started a case, told to packages that know nothing of flows."""

from collections.abc import Collection

from sqlalchemy import select

from qtrace.core.db import db
from qtrace.flows.models import FlowInstance


def starters_of(subjects: Collection[tuple[str, int]]) -> dict[tuple[str, int], int]:
    """Return who started the flows of these cases; those nobody started are left out."""
    found: dict[tuple[str, int], int] = {}
    for kind in sorted({kind for kind, _id in subjects}):
        ids = [number for one, number in subjects if one == kind]
        rows = select(FlowInstance.subject_id, FlowInstance.initiator_id).where(
            FlowInstance.subject_kind == kind, FlowInstance.subject_id.in_(ids), FlowInstance.initiator_id.is_not(None)
        )
        found |= {(kind, row.subject_id): row.initiator_id for row in db.session.execute(rows)}
    return found
