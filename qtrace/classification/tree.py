"""The shape of a taxonomy: who stands above whom, how deep, in which order."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import select

from qtrace.classification.models import Term
from qtrace.core.db import db


@dataclass(frozen=True)
class Shape:
    """Parent and children of every term of one tree, retired ones too."""

    parents: Mapping[int, int | None]
    children: Mapping[int | None, Sequence[int]]

    @classmethod
    def of(cls, kind: str) -> "Shape":
        """Read the shape of a tree as it is now."""
        rows = db.session.execute(
            select(Term.id, Term.parent_id).where(Term.kind == kind).order_by(Term.position, Term.id)
        ).all()
        children: dict[int | None, list[int]] = {}
        for row in rows:
            children.setdefault(row.parent_id, []).append(row.id)
        return cls({row.id: row.parent_id for row in rows}, children)

    def above(self, term_id: int) -> list[int]:
        """Return the terms above this one, the nearest first."""
        found: list[int] = []
        parent = self.parents.get(term_id)
        while parent is not None:
            found.append(parent)
            parent = self.parents.get(parent)
        return found

    def level(self, term_id: int | None) -> int:
        """Return on which level a term stands; the first is 1, above all of them is 0."""
        return 0 if term_id is None else 1 + len(self.above(term_id))

    def height(self, term_id: int) -> int:
        """Return how many levels a term and what is beneath it take."""
        return 1 + max((self.height(child) for child in self.children.get(term_id, ())), default=0)

    def ordered(self, parent_id: int | None = None) -> Iterator[int]:
        """Return the terms in reading order: each one followed by what is beneath it."""
        for child in self.children.get(parent_id, ()):
            yield child
            yield from self.ordered(child)
