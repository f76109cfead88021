"""What a flow asks of its subject: does a condition hold, whom does a field name, what does an expression give."""

from collections.abc import Mapping
from datetime import datetime

from qtrace.conditions.formula import evaluate_formula, parse_formula
from qtrace.conditions.formula_tree import Environment
from qtrace.conditions.formula_values import Kind, Scalar, Type
from qtrace.conditions.tree import FieldKind
from qtrace.core.ids import as_id
from qtrace.flows.condition_fields import groups_of, labels_of, seen_of, true_of
from qtrace.web.filters import site_zone

TYPES: Mapping[FieldKind, Type] = {
    FieldKind.TEXT: Type(Kind.TEXT), FieldKind.NUMBER: Type(Kind.NUMBER), FieldKind.BOOL: Type(Kind.BOOL),
    FieldKind.DATETIME: Type(Kind.DATETIME), FieldKind.REF: Type(Kind.NUMBER),
    FieldKind.LIST: Type(Kind.TEXT, is_list=True),
}  # fmt: skip


def holds(kind: str, subject_id: int, condition: object) -> bool:
    """Say whether a condition holds for a subject; none does for what no package knows."""
    return true_of(condition, seen_of(kind, subject_id))


def people_in(kind: str, subject_id: int, name: str) -> list[int]:
    """Return the ids a field of the subject holds: one person or department, or several."""
    value = seen_of(kind, subject_id).values.get(name)
    found = value if isinstance(value, tuple | list) else (value,)
    return [number for one in found if not isinstance(one, bool) and (number := as_id(str(one))) is not None]


def worked_out(kind: str, subject_id: int, source: str, now: datetime) -> Scalar:
    """Return what an expression gives for a subject; raises FormulaError where it can't be worked out."""
    seen = seen_of(kind, subject_id)
    named = {label: name for name, label in labels_of(groups_of("")).items() if name in seen.kinds}
    formula = parse_formula(source, {name: TYPES[one] for name, one in seen.kinds.items()}, named)
    values = {name: value for name, value in seen.values.items() if name in formula.types}
    return evaluate_formula(formula, values, Environment(now=now, zone=site_zone()))
