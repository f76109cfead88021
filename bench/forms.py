"""The form a client posts to record an issue, filled from the site's own terms."""

from sqlalchemy import select

from qtrace.classification.models import Term
from qtrace.core.db import db


def issue_form() -> dict[str, str]:
    """Return the required fields of the shipped issue form with valid values."""
    return {"type": str(_first("type")), "severity": str(_first("severity"))}


def _first(kind: str) -> int:
    return (
        db.session.scalars(
            select(Term.id).where(Term.kind == kind, Term.active).order_by(Term.position, Term.id)
        ).first()
        or 0
    )
