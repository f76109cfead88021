"""Verbs on the intake rules."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import select

from qtrace.classification.places import Mention, Merging, Rewrite
from qtrace.classification.rules import checked_sets, mentions_in_sets
from qtrace.complaints.models import IntakeRule
from qtrace.complaints.sources import SOURCES
from qtrace.conditions.tree import dump, parse
from qtrace.core import events
from qtrace.core.db import db, existing
from qtrace.core.errors import Refused

MAX_NAME = 120


def edit_rule(rule_id: int, name: str, condition: object, sets: Mapping[str, Any], *, by: int, now: datetime) -> None:
    """Change an intake rule for the records to come; a wrong condition is refused with its place."""
    rule = existing(IntakeRule, rule_id)
    if not name.strip():
        raise Refused(_("请给规则起个名字。"), field="name")
    changed = {
        "condition": dump(parse(condition, SOURCES[rule.source_kind].fields)), "sets": checked_sets(sets),
        "name_zh": name.strip()[:MAX_NAME],
    }  # fmt: skip
    body = events.change(rule, changed)
    if body:
        events.record("intake_rule_changed", subject=("intake_rule", rule_id), by=by, now=now, body=body)


def switch_rule(rule_id: int, *, enabled: bool, by: int, now: datetime) -> None:
    """Switch an intake rule on or off; complaints already there stay."""
    rule = existing(IntakeRule, rule_id)
    if rule.enabled != enabled:
        rule.enabled = enabled
        body = {"enabled": enabled}
        events.record("intake_rule_switched", subject=("intake_rule", rule_id), by=by, now=now, body=body)


def _mentioned(merging: Merging) -> list[Rewrite]:
    rows = db.session.execute(select(IntakeRule.id, IntakeRule.sets))
    return mentions_in_sets([(row.id, row.sets) for row in rows], merging)


MENTION = Mention("intake_rule.sets", _mentioned)
