"""What flows are about: each package says what a condition may ask of its subjects, and whom they lead to.

A branch, a start and an expression all read the same values; a field a subject does not have counts as empty.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask import Flask, current_app
from flask_babel import LazyString

from qtrace.conditions.builder import BuilderField
from qtrace.conditions.evaluate import evaluate
from qtrace.conditions.formula import evaluate_formula, parse_formula
from qtrace.conditions.formula_tree import Environment
from qtrace.conditions.formula_values import Kind, Scalar, Type
from qtrace.conditions.tree import FieldKind, parse
from qtrace.flows.naming import kinds_in
from qtrace.web.filters import site_zone

SUBJECTS = "qtrace_flow_subjects"
TYPES: Mapping[FieldKind, Type] = {
    FieldKind.TEXT: Type(Kind.TEXT), FieldKind.NUMBER: Type(Kind.NUMBER), FieldKind.BOOL: Type(Kind.BOOL),
    FieldKind.DATETIME: Type(Kind.DATETIME), FieldKind.REF: Type(Kind.NUMBER),
    FieldKind.LIST: Type(Kind.TEXT, is_list=True),
}  # fmt: skip

Values = Mapping[str, object]


def no_form(_subject_id: int) -> str:
    """Say that subjects of this kind have one form only."""
    return ""


@dataclass(frozen=True)
class FlowSubject:
    """One kind of subject: its fields (of a form, where there are several), their values, and what it leads to.

    `links` names rows that people are responsible for: sku, shop, supplier, responsible_party (`catalog.duties`).
    """

    kind: str
    label: LazyString
    fields: Callable[[str], Sequence[BuilderField]]
    values: Callable[[int], Values]
    links: Callable[[int], Mapping[str, int]]
    form_of: Callable[[int], str] = no_form
    forms: Callable[[], Sequence[tuple[str, str]]] = lambda: ()


def register_flow_subject(app: Flask, subject: FlowSubject) -> None:
    """Let flows be about subjects of this kind."""
    app.extensions.setdefault(SUBJECTS, {})[subject.kind] = subject


def flow_subjects() -> Mapping[str, FlowSubject]:
    """Return every kind of subject by its key."""
    known: dict[str, FlowSubject] = current_app.extensions.get(SUBJECTS, {})
    return known


def holds(kind: str, subject_id: int, condition: object) -> bool:
    """Say whether a condition holds for a subject; none does for what no package knows."""
    subject = flow_subjects().get(kind)
    return subject is not None and true_of(condition, subject.values(subject_id))


def true_of(condition: object, values: Values) -> bool:
    """Say whether a stored condition holds for these values; a field that is not among them is empty."""
    return evaluate(parse(condition, kinds_in(condition)), values)


def people_in(kind: str, subject_id: int, name: str) -> list[int]:
    """Return the ids a field of the subject holds: one person or department, or several."""
    subject = flow_subjects().get(kind)
    value = subject.values(subject_id).get(name) if subject else None
    found = value if isinstance(value, tuple | list) else (value,)
    return [int(one) for one in found if _is_id(one)]


def worked_out(kind: str, subject_id: int, source: str, now: datetime) -> Scalar:
    """Return what an expression gives for a subject, None where nothing knows the subject; may raise FormulaError."""
    subject = flow_subjects().get(kind)
    if subject is None:
        return None
    asked = subject.fields(subject.form_of(subject_id))
    formula = parse_formula(
        source, {one.id: TYPES[one.kind] for one in asked}, {str(one.label): one.id for one in asked}
    )
    values = {name: value for name, value in subject.values(subject_id).items() if name in formula.types}
    return evaluate_formula(formula, values, Environment(now=now, zone=site_zone()))


def _is_id(value: Any) -> bool:
    if isinstance(value, str):
        return value.isascii() and value.isdecimal() and len(value) < 19
    return isinstance(value, int) and not isinstance(value, bool)
