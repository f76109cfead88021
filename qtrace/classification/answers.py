"""Answers of forms that name terms: fields without a column of their own, in every table that keeps answers."""

from collections.abc import Iterable

from sqlalchemy import select

from qtrace.classification.controls import TermRef
from qtrace.classification.places import Place, answer_place
from qtrace.core.db import Base, db
from qtrace.forms.models import FormVersion
from qtrace.forms.registry import controls


def places(kind: str) -> Iterable[Place]:
    """Return the place of every field, in any version of any form, that chooses from this tree."""
    versions = term_fields(kind)
    for table in Base.metadata.sorted_tables:
        if "answers" in table.c and "form_version_id" in table.c:
            for field_id, ids in versions.items():
                within = table.c.form_version_id.in_(sorted(ids))
                yield answer_place(f"{table.name}.answers.{field_id}", table, field_id, within)


def term_fields(kind: str) -> dict[str, set[int]]:
    """Return the fields that choose from this tree and keep it among the answers, with their versions."""
    found: dict[str, set[int]] = {}
    for version_id, definition in db.session.execute(select(FormVersion.id, FormVersion.definition)):
        for section in definition["sections"]:
            for asked in section["fields"]:
                if not asked.get("column") and chooses_from(kind, asked["control"], asked.get("options", {})):
                    found.setdefault(asked["id"], set()).add(version_id)
    return found


def chooses_from(kind: str, control: str, options: dict[str, object]) -> bool:
    """Say whether a field with this control and these options chooses from the tree."""
    known = controls().get(control)
    return isinstance(known, TermRef) and options.get("kind", known.kind) == kind
