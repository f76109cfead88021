"""The taxonomies and classification rules a new company starts with."""

import json
from pathlib import Path
from typing import Any

from sqlalchemy import select

from qtrace.classification.models import ClassificationRule, Taxonomy, Term
from qtrace.classification.suggest import word_condition
from qtrace.core.db import require_write

HERE = Path(__file__).parent
TREES = (
    ("type", "问题类型", "Problem type"), ("severity", "严重程度", "Severity"),
    ("responsible_party", "责任方", "Responsible party"), ("detection_point", "发现环节", "Detection point"),
    ("disposition", "处置方式", "Disposition"), ("handling", "处理方式", "Handling"),
)  # fmt: skip


def seed() -> None:
    """Add shipped terms and rules that are missing; what the company changed stays."""
    session = require_write()
    there = set(session.scalars(select(Taxonomy.key)))
    for position, (key, name_zh, name_en) in enumerate(TREES):
        if key not in there:
            session.add(Taxonomy(key=key, name_zh=name_zh, name_en=name_en, position=position))
    known = {(kind, code) for kind, code in session.execute(select(Term.kind, Term.code))}
    for kind, rows in json.loads((HERE / "terms.json").read_text(encoding="utf-8")).items():
        for position, row in enumerate(rows):
            _add_term(kind, row, position, None, known)
    _seed_rules()


def _add_term(kind: str, row: list[Any], position: int, parent_id: int | None, known: set[tuple[str, str]]) -> None:
    session = require_write()
    code, name_zh, name_en, children, *rubric = [*row, []] if len(row) == 3 else row
    if (kind, code) in known:
        parent = session.scalar(select(Term.id).where(Term.kind == kind, Term.code == code))
    else:
        term = Term(
            kind=kind,
            code=code,
            parent_id=parent_id,
            name_zh=name_zh,
            name_en=name_en,
            position=position,
            rubric_zh=rubric[0] if rubric else "",
            rubric_en=rubric[1] if rubric else "",
            safety=code in {"allergy", "foreign_matter"},
        )
        session.add(term)
        session.flush()  # the children name their parent
        parent = term.id
    for place, child in enumerate(children):
        _add_term(kind, child, place, parent, known)


def _seed_rules() -> None:
    session = require_write()
    known = set(session.scalars(select(ClassificationRule.key)))
    for position, row in enumerate(json.loads((HERE / "rules.json").read_text(encoding="utf-8"))):
        if row["key"] not in known:
            condition = word_condition(row["words"])
            session.add(
                ClassificationRule(
                    key=row["key"],
                    name_zh=row["name_zh"],
                    name_en=row["name_en"],
                    condition=condition,
                    sets=row["sets"],
                    position=position,
                )
            )
