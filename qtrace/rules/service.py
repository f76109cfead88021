"""Verbs on rules: each change is one compare-and-set and one event that says old and new."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import func, select

from qtrace.core import events
from qtrace.core.db import existing, require_write
from qtrace.core.errors import Conflict, Refused
from qtrace.forms.models import Form
from qtrace.rules.models import Rule
from qtrace.rules.reading import Draft, FormWords, read_rule

SUBJECT = "form_rule"
MOST_RULES = 200
KEPT = ("kind", "field", "options", "condition", "level", "message_zh", "message_en", "name", "active", "position")


def add_rule(form_key: str, draft: Draft, words: FormWords, *, by: int | None, now: datetime) -> int:
    """Add a rule behind the others of its form and return its id; refuse one that can't be read."""
    session = require_write()
    read_rule(draft, words)
    form = session.scalars(select(Form).where(Form.key == form_key).with_for_update()).one()
    count, last = session.execute(select(func.count(), func.max(Rule.position)).where(Rule.form_id == form.id)).one()
    if count >= MOST_RULES:
        raise Refused(_("一个表单最多 %(n)d 条规则。请先合并或删除几条。", n=MOST_RULES))
    rule = Rule(form_id=form.id, position=(last or 0) + 1, changed_at=now, changed_by=by, **_values(draft))
    session.add(rule)
    session.flush()  # the id is needed by the event and the answer
    body = {"form": form_key, "new": _kept(rule)}
    events.record("form_rule_added", subject=(SUBJECT, rule.id), by=by, now=now, body=body)
    return rule.id


def change_rule(
    rule_id: int, draft: Draft, words: FormWords, *, expected_version: int, by: int | None, now: datetime
) -> None:
    """Change a rule unless somebody else was faster; refuse one that can't be read."""
    read_rule(draft, words)
    _change(rule_id, _values(draft), "form_rule_changed", expected_version=expected_version, by=by, now=now)


def switch_rule(rule_id: int, *, active: bool, by: int | None, now: datetime) -> None:
    """Switch a rule on or off."""
    rule = _locked(rule_id)
    _change(rule_id, {"active": active}, "form_rule_switched", expected_version=rule.version, by=by, now=now)


def order_rules(form_id: int, ids: Sequence[int], *, by: int | None, now: datetime) -> None:
    """Put the rules of a form into this order; those that are not named come last, in the order they had."""
    rules = require_write().scalars(
        select(Rule).where(Rule.form_id == form_id).order_by(Rule.position, Rule.id).with_for_update()
    )
    places = {rule_id: place for place, rule_id in enumerate(dict.fromkeys(ids))}
    before = list(rules)
    after = sorted(before, key=lambda rule: places.get(rule.id, len(places)))
    if [rule.id for rule in before] == [rule.id for rule in after]:
        return
    body = {"old": [rule.id for rule in before], "new": [rule.id for rule in after]}
    for position, rule in enumerate(after, start=1):
        rule.position = position
    events.record("form_rules_ordered", subject=("form", form_id), by=by, now=now, body=body)


def move_rule(rule_id: int, *, up: bool, by: int | None, now: datetime) -> None:
    """Swap a rule with its neighbour; the first stays first and the last stays last."""
    rule = existing(Rule, rule_id)
    ids = list(
        require_write().scalars(
            select(Rule.id).where(Rule.form_id == rule.form_id).order_by(Rule.position, Rule.id).with_for_update()
        )
    )
    place = ids.index(rule_id)
    other = place - 1 if up else place + 1
    if 0 <= other < len(ids):
        ids[place], ids[other] = ids[other], ids[place]
        order_rules(rule.form_id, ids, by=by, now=now)


def remove_rule(rule_id: int, *, expected_version: int, by: int | None, now: datetime) -> None:
    """Remove a rule; what it said stays in its event."""
    rule = _locked(rule_id)
    if rule.version != expected_version:
        raise Conflict(_("这条规则刚被别人改过。请看一下新的内容,再决定是否删除。"))
    body = {"old": _kept(rule)}
    require_write().delete(rule)
    events.record("form_rule_removed", subject=(SUBJECT, rule_id), by=by, now=now, body=body)


def _change(
    rule_id: int, values: dict[str, Any], name: str, *, expected_version: int, by: int | None, now: datetime
) -> None:
    rule = _locked(rule_id)
    if rule.version != expected_version:
        raise Conflict(_("这条规则刚被别人改过,您的修改没有保存。请核对最新的内容后再保存一次。"))
    body = events.change(rule, values)
    if body:
        rule.version, rule.changed_at, rule.changed_by = rule.version + 1, now, by
        events.record(name, subject=(SUBJECT, rule_id), by=by, now=now, body=body)


def _locked(rule_id: int) -> Rule:
    existing(Rule, rule_id)  # not found rather than an error where there is none
    return require_write().scalars(select(Rule).where(Rule.id == rule_id).with_for_update()).one()


def _values(draft: Draft) -> dict[str, Any]:
    return {
        "kind": draft.kind, "field": draft.field, "options": dict(draft.options or {}), "condition": draft.condition,
        "level": draft.level, "message_zh": draft.message_zh, "message_en": draft.message_en, "name": draft.name,
    }  # fmt: skip


def _kept(rule: Rule) -> dict[str, Any]:
    return {name: getattr(rule, name) for name in KEPT}
