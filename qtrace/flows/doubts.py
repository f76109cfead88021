"""What may be published and still finds nobody or never holds: fields nothing has, expressions nobody can read."""

from collections.abc import Iterator, Mapping, Sequence

from flask_babel import gettext as _

from qtrace.conditions.formula import parse_formula
from qtrace.conditions.formula_tree import FormulaError
from qtrace.flows.addresses import settings_of
from qtrace.flows.condition_fields import FieldGroup, labels_of
from qtrace.flows.definition import Branch, Definition, Who
from qtrace.flows.editing import column_name, walk
from qtrace.flows.naming import kinds_in
from qtrace.flows.node_values import FORMULA, OWN, PLACE, pairs_of
from qtrace.flows.subject_facts import TYPES

BY_FIELD = frozenset({"user_field", "department_field_head"})


def doubts(definition: Definition, groups: Sequence[FieldGroup]) -> dict[str, list[str]]:
    """Return by node and by column of a way what does not fit what goes through the flow, in words."""
    known, found = set(labels_of(groups)), {}
    for node in walk(definition.nodes):
        found[node.id] = [told for who in node.who for told in _of_who(who, groups, known)]
        if node.kind == "auto":
            found[node.id] += dict.fromkeys(_of_settings(settings_of(node.options), groups))
        for way in node.branches:
            found[column_name(node.id, way.id)] = list(_of_way(way, known))
    return {place: told for place, told in found.items() if told}


def expression_problem(source: str, groups: Sequence[FieldGroup]) -> str:
    """Return what is wrong with an expression that names people, empty when it can be read."""
    fields = [one for group in groups for one in group.fields]
    named = {str(one.label): one.id for one in reversed(fields)}
    try:
        parse_formula(source, {one.id: TYPES[one.kind] for one in fields}, named)
    except FormulaError as error:
        return error.translated(_)
    return ""


def _of_who(who: Who, groups: Sequence[FieldGroup], known: set[str]) -> Iterator[str]:
    if who.kind in BY_FIELD and who.value and who.value not in known:
        yield _("走这个流程的都没有字段「%(name)s」,会找不到人", name=who.value)
    if who.kind == "expression" and who.value and (problem := expression_problem(who.value, groups)):
        yield _("找人的算式看不懂:%(what)s", what=problem)


def _of_settings(settings: Mapping[str, object], groups: Sequence[FieldGroup]) -> Iterator[str]:
    """Yield what an automatic node asks for that nobody can answer."""
    labels = labels_of(groups)
    named = {*labels, *labels.values(), *OWN}
    for text in _texts(settings):
        if text.startswith(FORMULA):
            if problem := expression_problem(text.removeprefix(FORMULA).strip(), groups):
                yield _("算式看不懂:%(what)s", what=problem)
            continue
        for found in PLACE.finditer(text):
            if found[1].strip() not in named:
                yield _("走这个流程的都没有字段「%(name)s」,会走「没有通过」", name=found[1].strip())


def _texts(settings: Mapping[str, object]) -> Iterator[str]:
    for value in settings.values():
        if isinstance(value, str):
            yield value
        yield from (text for _name, text in pairs_of(value))


def _of_way(way: Branch, known: set[str]) -> Iterator[str]:
    for name in kinds_in(way.condition):
        if name not in known:
            yield _("走这个流程的都没有字段「%(name)s」,条件不会成立", name=name)
