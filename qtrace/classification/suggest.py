"""Suggest a classification: pure rules over what a complaint says."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from qtrace.conditions.evaluate import evaluate
from qtrace.conditions.tree import Condition, FieldKind, parse

FIELDS = {
    "text": FieldKind.TEXT,
    "raw_reason": FieldKind.TEXT,
    "source_kind": FieldKind.TEXT,
    "stars": FieldKind.NUMBER,
    "sku": FieldKind.TEXT,
    "category": FieldKind.TEXT,
    "courier_line": FieldKind.TEXT,
}
PARTS = ("type", "severity", "responsible_party")


@dataclass(frozen=True)
class Rule:
    """A rule ready to be evaluated."""

    name: str
    condition: Condition
    sets: Mapping[str, Any]


@dataclass(frozen=True)
class Suggestion:
    """Codes per taxonomy, whether safety is at stake, and the rules that said so."""

    codes: dict[str, str] = field(default_factory=dict)
    safety: bool = False
    reasons: tuple[str, ...] = ()


def ready(name: str, condition: object, sets: Mapping[str, Any]) -> Rule:
    """Return the rule with its condition parsed; a wrong condition is refused with its place."""
    return Rule(name, parse(condition, FIELDS), sets)


def classify(values: Mapping[str, object], rules: Sequence[Rule], *, default: Mapping[str, Any]) -> Suggestion:
    """Return the suggestion: the first rule that sets a part wins, any rule may raise safety, then the defaults."""
    codes: dict[str, str] = {}
    safety, reasons = bool(default.get("safety")), []
    for rule in rules:
        if not evaluate(rule.condition, values):
            continue
        new = {part: str(rule.sets[part]) for part in PARTS if part in rule.sets and part not in codes}
        if new or (rule.sets.get("safety") and not safety):
            reasons.append(rule.name)
        codes |= new
        safety = safety or bool(rule.sets.get("safety"))
    for part in PARTS:
        if part not in codes and part in default:
            codes[part] = str(default[part])
    return Suggestion(codes, safety, tuple(reasons))
