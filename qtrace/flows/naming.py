"""What the company calls what its flows mention, in the reader's language."""

from typing import Any

from flask import current_app
from flask_babel import get_locale
from flask_babel import gettext as _
from sqlalchemy import select

from qtrace.accounts.models import Department, Role, User
from qtrace.accounts.permissions import PERMISSIONS
from qtrace.conditions.describe import describe
from qtrace.conditions.tree import OPERATORS, ConditionError, FieldKind, fields_of, parse
from qtrace.core.db import db
from qtrace.core.setting_fields import say
from qtrace.flows.definition import Definition, Tree
from qtrace.flows.papers import papers
from qtrace.flows.templates import template_of
from qtrace.flows.wording import Names, Wording
from qtrace.plugins import flow_nodes


def reads_english() -> bool:
    """Say whether the reader reads English."""
    return str(get_locale() or "zh").startswith("en")


def wording_now() -> Wording:
    """Return the words of this company for this reader."""
    english = reads_english()
    roles = {
        role.key: (role.name_en if english else role.name_zh) or role.name_zh
        for role in db.session.scalars(select(Role))
    }
    people = {user.username: user.name for user in db.session.execute(select(User.username, User.name))}
    departments = {str(row.id): row.name for row in db.session.execute(select(Department.id, Department.name))}
    permissions = {key: str(label) for key, label in PERMISSIONS.items()}
    actions = {key: say(node.name) for key, node in flow_nodes(current_app).items()}
    labels = {key: str(paper.label) for key, paper in papers().items()}
    names = Names(
        roles, people, departments, permissions=permissions, condition=in_words, actions=actions, papers=labels
    )
    return Wording(names, _, english)


def flow_name(definition: Definition) -> str:
    """Return what people call a flow: its name, that of the shipped one, or the way it goes."""
    words = Wording(gettext=_, english=reads_english())
    if definition.name_zh or definition.name_en:
        return words.called(definition)
    shipped = template_of(definition.key)
    if shipped is not None:
        return words.called(shipped.definition)
    return " → ".join(words.called(node) for node in Tree(definition).walk() if not node.branches)


def in_words(condition: Any) -> str:
    """Return a stored condition as a sentence."""
    try:
        return describe(parse(condition, kinds_in(condition)), {}, _)
    except ConditionError:
        return str(condition)


def kinds_in(condition: Any) -> dict[str, FieldKind]:
    """Return of each field a condition asks about the kind its operators and values tell."""
    found: dict[str, FieldKind] = {}
    for clause in _clauses(condition):
        name, op = str(clause.get("field", "")), str(clause.get("op", ""))
        fitting = [kind for kind in FieldKind if op in OPERATORS[kind]]
        ranked = [kind for kind in fitting if _reads(clause, kind)]
        if ranked:
            found.setdefault(name, ranked[0])
    return found


def _clauses(condition: Any) -> list[dict[str, Any]]:
    if not isinstance(condition, dict):
        return []
    inner = condition.get("all", condition.get("any", [condition["not"]] if "not" in condition else None))
    if isinstance(inner, list):
        return [clause for item in inner for clause in _clauses(item)]
    return [condition]


def _reads(clause: dict[str, Any], kind: FieldKind) -> bool:
    names = {str(clause.get("field", "")): kind}
    try:
        return bool(fields_of(parse(clause, names)))
    except ConditionError:
        return False
