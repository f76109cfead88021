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
PLACES = ("text", "raw_reason")
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


def word_condition(words: Sequence[str]) -> dict[str, Any]:
    """Return the condition that any of these words stands in what the buyer said or ticked."""
    return {"any": [{"field": place, "op": "contains_any", "value": list(words)} for place in PLACES]}


def words_of(condition: object) -> list[str]:
    """Return the words of a condition made by `word_condition`; empty when it is another kind of condition."""
    clauses = condition.get("any") if isinstance(condition, dict) else None
    words = clauses[0].get("value") if isinstance(clauses, list) and clauses and isinstance(clauses[0], dict) else None
    return words if isinstance(words, list) and condition == word_condition(words) else []


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
