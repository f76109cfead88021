"""Rules of forms in the configuration file; what a condition compares with is named, not numbered."""

from collections.abc import Callable
from typing import Any

from flask_babel import force_locale
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import select

from qtrace.core.configuration import Change, Item, Section
from qtrace.core.db import db, require_write
from qtrace.core.errors import Refused
from qtrace.forms.definition import FormDefinition
from qtrace.forms.models import Form
from qtrace.forms.queries import current_form
from qtrace.forms.registry import FieldDefinition, Storage, Value, controls
from qtrace.forms.vocabulary import read_definition
from qtrace.rules.models import Rule
from qtrace.rules.reading import Draft, FormWords, read_rule

PLAIN = ("name", "kind", "field", "options", "level", "message_zh", "message_en", "position", "active")
READ = ("kind", "field", "options", "condition", "level", "message_zh", "message_en", "name", "position")
LEVELS = ("block", "warn", "info")
Names = Callable[[FieldDefinition, Value], Value]


def dump() -> dict[str, dict[str, Any]]:
    """Return every rule by its key, with the form it belongs to."""
    rows = db.session.execute(select(Rule, Form.key).join(Form, Form.id == Rule.form_id).order_by(Rule.key)).all()
    definitions = {key: _definition(key) for key in {row[1] for row in rows}}
    return {
        rule.key: {
            "form": key, **{name: getattr(rule, name) for name in PLAIN},
            "condition": _translated(rule.condition, definitions[key], _named),
        }
        for rule, key in rows
    }  # fmt: skip


def load(key: str, item: Item, change: Change) -> None:
    """Add or change one rule of a form."""
    session = require_write()
    form = session.scalar(select(Form).where(Form.key == item["form"]))
    if form is None:
        raise Refused(_("没有表单「%(key)s」。", key=item["form"]))
    definition = _definition(form.key)
    if item["level"] not in LEVELS:
        raise Refused(_("没有这个级别:%(level)s。", level=item["level"]))
    asked = str(item["field"]).split(".")[0]
    if asked and definition.field(asked) is None:
        raise Refused(_("表单里没有字段「%(field)s」。", field=asked))
    values = {name: item[name] for name in PLAIN}
    values["condition"] = _translated(item["condition"], definition, _numbered)
    read_rule(Draft(**{name: values[name] for name in READ}), FormWords(definition))
    rule = session.scalar(select(Rule).where(Rule.key == key))
    if rule is not None and rule.form_id != form.id:
        raise Refused(_("这条规则在本站属于另一张表单。"))
    if rule is None:
        session.add(Rule(key=key, form_id=form.id, changed_at=change.now, changed_by=change.by, **values))
    elif any(getattr(rule, name) != value for name, value in values.items()):
        for name, value in values.items():
            setattr(rule, name, value)
        rule.version, rule.changed_at, rule.changed_by = rule.version + 1, change.now, change.by
    session.flush()  # a value the database refuses belongs to this item


def _definition(form_key: str) -> FormDefinition:
    return read_definition(form_key, current_form(form_key)[1].definition)


def _translated(data: Any, definition: FormDefinition, names: Names) -> Any:
    """Return a condition with the values of its clauses on references put into other words."""
    if isinstance(data, list):
        return [_translated(item, definition, names) for item in data]
    if not isinstance(data, dict):
        return data
    asked = definition.field(str(data.get("field", "")))
    if asked is None or controls()[asked.control].storage != Storage.REF or "value" not in data:
        return {name: _translated(value, definition, names) for name, value in data.items()}
    value = data["value"]
    found = [names(asked, one) for one in value] if isinstance(value, list) else names(asked, value)
    return data | {"value": found}


def _named(asked: FieldDefinition, value: Value) -> Value:
    with force_locale("zh"):
        told = controls()[asked.control].to_cell(asked, value) if isinstance(value, int) else value
    return told if isinstance(told, str) else str(told)


def _numbered(asked: FieldDefinition, value: Value) -> Value:
    with force_locale("zh"):
        return controls()[asked.control].from_cell(asked, str(value))


SECTION = Section("rules", _l("表单规则"), dump, load)
