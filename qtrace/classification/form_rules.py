"""Rules of forms whose conditions compare a field with terms, for mergers."""

from collections.abc import Collection, Mapping
from typing import Any

from sqlalchemy import select

from qtrace.classification.answers import chooses_from
from qtrace.classification.places import Mention, Merging, Rewrite
from qtrace.core.db import db
from qtrace.forms.models import FormVersion
from qtrace.rules.models import Rule


def _mentioned(merging: Merging) -> list[Rewrite]:
    fields, found = _fields_by_form(merging.kind), []
    for row in db.session.execute(select(Rule.id, Rule.form_id, Rule.condition)):
        after = _followed(row.condition, fields.get(row.form_id, set()), merging)
        if after != row.condition:
            found.append(Rewrite(row.id, row.condition, after))
    return found


def _fields_by_form(kind: str) -> Mapping[int, set[str]]:
    """Return the fields of each form, in any version, that choose from a tree."""
    found: dict[int, set[str]] = {}
    for form_id, definition in db.session.execute(select(FormVersion.form_id, FormVersion.definition)):
        for section in definition["sections"]:
            for asked in section["fields"]:
                if chooses_from(kind, asked["control"], asked.get("options", {})):
                    found.setdefault(form_id, set()).add(asked["id"])
    return found


def _followed(data: Any, fields: Collection[str], merging: Merging) -> Any:
    """Return a condition in which clauses on these fields name the other term."""
    if isinstance(data, list):
        return [_followed(item, fields, merging) for item in data]
    if not isinstance(data, dict):
        return data
    if data.get("field") not in fields or "value" not in data:
        return {name: _followed(value, fields, merging) for name, value in data.items()}
    value = data["value"]
    if isinstance(value, list):
        new: Any = list(dict.fromkeys(_renamed(item, merging) for item in value))
    else:
        new = _renamed(value, merging)
    return data | {"value": new}


def _renamed(value: Any, merging: Merging) -> Any:
    return merging.into_id if value == merging.term_id and not isinstance(value, bool) else value


MENTION = Mention("rule.condition", _mentioned)
