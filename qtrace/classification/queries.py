"""Reads of the taxonomies and classification rules."""

from collections.abc import Iterator, Mapping, Sequence

from sqlalchemy import select

from qtrace.classification.models import KINDS, ClassificationRule, Taxonomy, Term
from qtrace.classification.suggest import Rule, ready
from qtrace.core.db import db
from qtrace.core.errors import NotFound


def taxonomies(*, active_only: bool = True) -> Sequence[Taxonomy]:
    """Return every tree in order."""
    statement = select(Taxonomy).order_by(Taxonomy.position, Taxonomy.id)
    return db.session.scalars(statement.where(Taxonomy.active) if active_only else statement).all()


def taxonomy(key: str) -> Taxonomy:
    """Return the tree with this key."""
    tree = db.session.scalar(select(Taxonomy).where(Taxonomy.key == key))
    if tree is None:
        raise NotFound
    return tree


def is_kind(key: object) -> bool:
    """Say whether there is a tree with this key; the shipped ones always are."""
    return key in KINDS or (
        isinstance(key, str) and db.session.scalar(select(Taxonomy.id).where(Taxonomy.key == key)) is not None
    )


def terms_of(kind: str, *, active_only: bool = True) -> Sequence[Term]:
    """Return the terms of a tree in reading order: each parent followed by what is beneath it."""
    statement = select(Term).where(Term.kind == kind).order_by(Term.position, Term.id)
    if active_only:
        statement = statement.where(Term.active)
    rows = db.session.scalars(statement).all()
    known = {row.id for row in rows}
    children: dict[int | None, list[Term]] = {}
    for row in rows:
        children.setdefault(row.parent_id if row.parent_id in known else None, []).append(row)
    return list(_in_order(children, None))


def term_ids(kind: str) -> dict[str, int]:
    """Return the ids of a tree by code; the code of a merged term means where it went."""
    rows = db.session.execute(select(Term.code, Term.id, Term.merged_into_id).where(Term.kind == kind)).all()
    into = {row.id: row.merged_into_id for row in rows}
    return {row.code: _end(row.id, into) for row in rows}


def successor(term_id: int) -> Term | None:
    """Return the term that stands for this one today: itself, or where it was merged to."""
    term = db.session.get(Term, term_id)
    while term is not None and term.merged_into_id is not None:
        term = db.session.get(Term, term.merged_into_id)
    return term


def merged_names(kind: str) -> dict[str, int]:
    """Return the former names of a tree whose terms were merged, with the term that stands for each today."""
    rows = db.session.execute(select(Term.id, Term.name_zh, Term.name_en, Term.merged_into_id).where(Term.kind == kind))
    known = {row.id: row for row in rows}
    into = {row.id: row.merged_into_id for row in known.values()}
    gone = [row for row in known.values() if row.merged_into_id is not None]
    return {name: _end(row.id, into) for row in gone for name in (row.name_en, row.name_zh)}


def _in_order(children: Mapping[int | None, Sequence[Term]], parent: int | None) -> Iterator[Term]:
    for term in children.get(parent, ()):
        yield term
        yield from _in_order(children, term.id)


def _end(term_id: int, into: Mapping[int, int | None]) -> int:
    following = into.get(term_id)
    return term_id if following is None else _end(following, into)


def ready_rules() -> list[Rule]:
    """Return the enabled classification rules in their order."""
    statement = (
        select(ClassificationRule)
        .where(ClassificationRule.enabled)
        .order_by(ClassificationRule.position, ClassificationRule.id)
    )
    return [ready(row.name_zh, row.condition, row.sets) for row in db.session.scalars(statement)]
