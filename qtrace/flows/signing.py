"""Who a decision is said to be by: "A(B 代)" where a deputy decided what was A's turn."""

from collections.abc import Sequence
from datetime import datetime

from flask_babel import gettext as _
from sqlalchemy import select

from qtrace.accounts.queries import names_of
from qtrace.core.db import db
from qtrace.flows.models import FlowDecision, FlowInstance


def names_of_deciders(rows: Sequence[FlowDecision]) -> dict[int, str]:
    """Return by whom each decision was made, as a history shows it."""
    people = names_of({one for row in rows for one in (row.by, row.on_behalf) if one is not None})
    return {row.id: decider(people.get(row.by or 0, ""), people.get(row.on_behalf or 0, "")) for row in rows}


def decider(name: str, behind: str = "") -> str:
    """Return a name with whom the person stood in for."""
    if not name:
        return _("系统")
    return _("%(name)s（%(deputy)s 代）", name=behind, deputy=name) if behind else name


def deputed(kind: str, subject_id: int) -> dict[tuple[datetime, int], str]:
    """Return how who acted is called at the moments a deputy decided on a case: by (when, who)."""
    found = select(FlowDecision.at, FlowDecision.by, FlowDecision.on_behalf).join(FlowInstance).where(
        FlowInstance.subject_kind == kind, FlowInstance.subject_id == subject_id, FlowDecision.on_behalf.is_not(None)
    )  # fmt: skip
    rows = db.session.execute(found).all()
    people = names_of({one for row in rows for one in (row.by, row.on_behalf) if one is not None}) if rows else {}
    return {(at, by or 0): decider(people.get(by or 0, ""), people.get(behind or 0, "")) for at, by, behind in rows}
