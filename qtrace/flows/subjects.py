"""What a flow asks of its subject: does a condition hold, whom does a field name, who is responsible for what it is about.

Each package says what its subjects lead to (`register_flow_subject`); their fields and values are those of conditions.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from flask import Flask, current_app
from flask_babel import LazyString

from qtrace.conditions.formula import evaluate_formula, parse_formula
from qtrace.conditions.formula_tree import Environment
from qtrace.conditions.formula_values import Kind, Scalar, Type
from qtrace.conditions.tree import FieldKind
from qtrace.core.ids import as_id
from qtrace.flows.condition_fields import groups_of, labels_of, seen_of, true_of
from qtrace.web.filters import site_zone

SUBJECTS = "qtrace_flow_subjects"
TYPES: Mapping[FieldKind, Type] = {
    FieldKind.TEXT: Type(Kind.TEXT), FieldKind.NUMBER: Type(Kind.NUMBER), FieldKind.BOOL: Type(Kind.BOOL),
    FieldKind.DATETIME: Type(Kind.DATETIME), FieldKind.REF: Type(Kind.NUMBER),
    FieldKind.LIST: Type(Kind.TEXT, is_list=True),
}  # fmt: skip


@dataclass(frozen=True)
class FlowSubject:
    """One kind of subject: what people call it, and the rows it leads to.

    `links` names rows people are responsible for, as `catalog.duties` knows them: sku, shop, supplier, responsible_party.
    `begins` says that flows may begin by themselves for what comes in of this kind.
    """

    kind: str
    label: LazyString
    links: Callable[[int], Mapping[str, int]]
    begins: bool = True


def register_flow_subject(app: Flask, subject: FlowSubject) -> None:
    """Let flows be about subjects of this kind."""
    app.extensions.setdefault(SUBJECTS, {})[subject.kind] = subject


def flow_subjects() -> Mapping[str, FlowSubject]:
    """Return every kind of subject by its key."""
    known: dict[str, FlowSubject] = current_app.extensions.get(SUBJECTS, {})
    return known


def holds(kind: str, subject_id: int, condition: object) -> bool:
    """Say whether a condition holds for a subject; none does for what no package knows."""
    seen = seen_of(kind, subject_id)
    return seen is not None and true_of(condition, seen)


def people_in(kind: str, subject_id: int, name: str) -> list[int]:
    """Return the ids a field of the subject holds: one person or department, or several."""
    seen = seen_of(kind, subject_id)
    value = seen.values.get(name) if seen else None
    found = value if isinstance(value, tuple | list) else (value,)
    return [number for one in found if not isinstance(one, bool) and (number := as_id(str(one))) is not None]


def worked_out(kind: str, subject_id: int, source: str, now: datetime) -> Scalar:
    """Return what an expression gives for a subject, None where nothing knows it; may raise FormulaError."""
    seen = seen_of(kind, subject_id)
    if seen is None:
        return None
    named = {label: name for name, label in labels_of(groups_of("")).items() if name in seen.kinds}
    formula = parse_formula(source, {name: TYPES[one] for name, one in seen.kinds.items()}, named)
    values = {name: value for name, value in seen.values.items() if name in formula.types}
    return evaluate_formula(formula, values, Environment(now=now, zone=site_zone()))
