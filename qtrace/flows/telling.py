"""A flow in the words of its reader, its conditions with the names of the fields they ask about."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from flask_babel import gettext as _

from qtrace.conditions.builder import BuilderField
from qtrace.conditions.describe import describe, plain
from qtrace.conditions.evaluate import is_missing
from qtrace.conditions.tree import ConditionError, FieldKind, Scalar, fields_of, parse
from qtrace.flows.condition_fields import Seen, groups_of
from qtrace.flows.definition import Definition, Tree
from qtrace.flows.naming import flow_name, kinds_in, wording_now
from qtrace.flows.queries import all_flows
from qtrace.flows.templates import ASKED
from qtrace.flows.wording import Wording
from qtrace.web.filters import show_time


def wording_of(key: str) -> Wording:
    """Return the words for a flow: its fields are those of what goes through it, of everything where nothing does yet."""
    told = _Fields(key)
    words = wording_now()
    flows = {flow.key: flow_name(flow.shown.definition) for flow in all_flows()}
    return replace(words, names=replace(words.names, fields=told.labels, condition=told.sentence, flows=flows))


def values_asked(key: str, condition: Any, seen: Seen) -> list[tuple[str, str]]:
    """Return (label, value) of every field a condition asks about, as the subject has it."""
    told = _Fields(key)
    try:
        asked = sorted(fields_of(parse(condition, told.kinds(condition))))
    except ConditionError:
        return []
    return [(told.labels.get(name, name), told.value(name, seen.values.get(name))) for name in asked]


def fields_asked(definition: Definition, words: Wording) -> list[tuple[str, str]]:
    """Return (name, label) of every field the conditions of a flow ask about."""
    conditions = [branch.condition for node in Tree(definition).walk() for branch in node.branches]
    names = dict.fromkeys(name for condition in conditions for name in kinds_in(condition))
    return [(name, words.names.fields.get(name, name)) for name in names]


class _Fields:
    """What conditions of one flow may ask about, by name."""

    def __init__(self, key: str) -> None:
        self.fields: dict[str, BuilderField] = {}
        for group in groups_of(key):
            for one in group.fields:
                self.fields.setdefault(one.id, one)
        shipped = {name: str(label) for name, label in ASKED.items()}
        self.labels: Mapping[str, str] = shipped | {name: str(one.label) for name, one in self.fields.items()}

    def kinds(self, condition: Any) -> dict[str, FieldKind]:
        """Return the kinds of all fields, of unknown ones what their operators tell."""
        return kinds_in(condition) | {name: one.kind for name, one in self.fields.items()}

    def sentence(self, condition: Any) -> str:
        """Return a stored condition as a sentence."""
        for kinds in (self.kinds(condition), kinds_in(condition)):
            try:
                return describe(parse(condition, kinds), self.labels, _, self.value)
            except ConditionError:
                continue
        return _("条件已经读不懂,请在设计器里重新填写")

    def value(self, name: str, value: object) -> str:
        """Return one value as people read it."""
        return said_value(self.fields.get(name), value)


def said_value(field: BuilderField | None, value: object) -> str:
    """Return a value as people read it: the name of a choice, a moment in the site's zone."""
    if is_missing(value):
        return _("没有填")
    if isinstance(value, bool):
        return _("是") if value else _("否")
    if isinstance(value, tuple | list | frozenset | set):
        return "、".join(said_value(field, one) for one in value)
    choices = dict(field.choices) if field else {}
    if str(value) in choices:
        return str(choices[str(value)])
    if field and field.spell and isinstance(value, int):
        return field.spell(value)
    if isinstance(value, datetime):
        return show_time(value)
    return plain("", value) if isinstance(value, Scalar) else str(value)
