"""Reads of the taxonomies and classification rules."""

from collections.abc import Sequence

from sqlalchemy import select

from qtrace.classification.models import ClassificationRule, Term
from qtrace.classification.suggest import Rule, ready
from qtrace.core.db import db


def terms_of(kind: str, *, active_only: bool = True) -> Sequence[Term]:
    """Return the terms of a tree in reading order: each parent followed by its children."""
    statement = select(Term).where(Term.kind == kind).order_by(Term.position, Term.id)
    if active_only:
        statement = statement.where(Term.active)
    rows = db.session.scalars(statement).all()
    children: dict[int | None, list[Term]] = {}
    for row in rows:
        children.setdefault(row.parent_id, []).append(row)
    known = {row.id for row in rows}
    tops = [row for row in rows if row.parent_id is None or row.parent_id not in known]
    return [term for top in tops for term in (top, *children.get(top.id, ()))]


def term_ids(kind: str) -> dict[str, int]:
    """Return the ids of a tree by code."""
    return dict(db.session.execute(select(Term.code, Term.id).where(Term.kind == kind)).all())


def ready_rules() -> list[Rule]:
    """Return the enabled classification rules in their order."""
    statement = (
        select(ClassificationRule)
        .where(ClassificationRule.enabled)
        .order_by(ClassificationRule.position, ClassificationRule.id)
    )
    return [ready(row.name_zh, row.condition, row.sets) for row in db.session.scalars(statement)]
