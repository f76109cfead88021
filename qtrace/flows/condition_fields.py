"""What the branches of a flow may ask about: the packages that own what goes through flows say which fields there are.

`register_condition_fields` names the fields of one kind of subject, in groups, and how to read them of one subject. A flow
that is bound to something offers the fields of that; one that is not offers all of them.
"""

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from flask import Flask, current_app

from qtrace.conditions.builder import BuilderField, BuilderSetup
from qtrace.conditions.evaluate import evaluate
from qtrace.conditions.tree import ConditionError, FieldKind, parse
from qtrace.flows.naming import kinds_in
from qtrace.forms.definition import FormDefinition
from qtrace.forms.registry import Storage, controls
from qtrace.rules.editor import builder_field
from qtrace.rules.engine import all_facts
from qtrace.rules.reading import FormWords
from qtrace.web.filters import localised, site_zone

EXTENSION, SEEN = "qtrace_flow_condition_fields", "qtrace_flow_seen"
PEOPLE, DEPARTMENTS = frozenset({"user", "users"}), frozenset({"department"})  # controls

log = logging.getLogger("qtrace.flows")


@dataclass(frozen=True)
class FieldGroup:
    """Fields that stand together under one name; `bound` says that what has them goes through the flow.

    `people` and `departments` are those of its fields that hold a colleague, and a department; `settable` are those an
    automatic node may give a value.
    """

    name: str
    fields: tuple[BuilderField, ...]
    bound: bool = False
    people: tuple[str, ...] = ()
    departments: tuple[str, ...] = ()
    settable: tuple[str, ...] = ()


def _no_fields() -> Sequence[BuilderField]:
    return ()


@dataclass(frozen=True)
class Seen:
    """One subject as conditions see it; `fields` are its fields as people know them, worked out when they are asked for."""

    kinds: Mapping[str, FieldKind]
    values: Mapping[str, object]
    fields: Callable[[], Sequence[BuilderField]] = _no_fields


GroupsOf = Callable[[str], Sequence[FieldGroup]]  # by the key of a flow
SeenOf = Callable[[int], Seen]


def register_condition_fields(app: Flask, subject_kind: str, fields: GroupsOf, seen: SeenOf | None = None) -> None:
    """Offer the fields of a kind of subject to the conditions of branches, and answer these conditions by `seen`."""
    app.extensions.setdefault(EXTENSION, {})[subject_kind] = fields
    if seen is not None:
        app.extensions.setdefault(SEEN, {})[subject_kind] = seen


def seen_of(subject_kind: str, subject_id: int) -> Seen:
    """Return one subject as conditions see it; of a kind nobody registered, nothing is known."""
    known: Mapping[str, SeenOf] = current_app.extensions.get(SEEN, {})
    return known[subject_kind](subject_id) if subject_kind in known else Seen({}, {})


def groups_of(key: str) -> list[FieldGroup]:
    """Return the fields of what goes through a flow, or of everything that could where nothing does yet."""
    known: Mapping[str, GroupsOf] = current_app.extensions.get(EXTENSION, {})
    found = [group for fields in known.values() for group in fields(key)]
    return [group for group in found if group.bound] or found


def groups_for(subject_kind: str) -> Sequence[FieldGroup]:
    """Return the fields of one kind of subject, whatever flow it goes through."""
    known: Mapping[str, GroupsOf] = current_app.extensions.get(EXTENSION, {})
    return known[subject_kind]("") if subject_kind in known else ()


def form_group(name: str, definition: FormDefinition, *, bound: bool) -> FieldGroup:
    """Return the fields of a form as conditions may ask about them; rows of sub-tables cannot be asked one by one."""
    words = FormWords(definition)
    facts = all_facts(words.facts).items()
    fields = (builder_field(one, fact, words) for one, fact in facts if fact.kind is not None and "." not in one)
    people, departments = (
        tuple(asked.id for asked in definition.fields if asked.control in controls)
        for controls in (PEOPLE, DEPARTMENTS)
    )
    return FieldGroup(
        name, tuple(fields), bound, people, departments, tuple(one for one, _label in fillable(definition))
    )


def fillable(definition: FormDefinition) -> list[tuple[str, str]]:
    """Return (id, label) of the fields of a form a program may fill in: no files, nothing worked out or numbered."""
    known = controls()
    return [
        (asked.id, localised(asked, "label")) for asked in definition.fields
        if (control := known[asked.control]) and not control.layout and not control.assigned
        and control.storage not in (Storage.FILE_REFS, Storage.COMPUTED, Storage.ROWS)
    ]  # fmt: skip


def setup_of(groups: Iterable[FieldGroup], condition: Any, prefix: str) -> BuilderSetup:
    """Return what the editor of a branch's condition needs, with the fields the condition names though nobody has them."""
    found: dict[str, BuilderField] = {}
    for group in groups:
        for one in group.fields:
            known = found.get(one.id)
            if known is None:
                found[one.id] = replace(one, group=group.name)
            elif known.kind is one.kind and known.label != one.label:
                found[one.id] = replace(known, label=f"{known.label} / {one.label}")
    for name, kind in kinds_in(condition).items():
        found.setdefault(name, BuilderField(name, name, kind))
    return BuilderSetup(tuple(found.values()), prefix, site_zone())


def labels_of(groups: Iterable[FieldGroup]) -> dict[str, str]:
    """Return what the fields are called."""
    return {one.id: str(one.label) for group in groups for one in group.fields}


def true_of(condition: Any, seen: Seen) -> bool:
    """Say whether a stored condition holds; a field the subject does not have is empty."""
    try:
        return evaluate(parse(condition, kinds_in(condition) | dict(seen.kinds)), seen.values)
    except ConditionError as error:
        log.warning("a flow asks what nobody can answer: %s", error.path)
        return False
