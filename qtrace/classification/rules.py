"""Verbs on the rules that suggest a classification."""

import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import func, select

from qtrace.classification.models import ClassificationRule, Term
from qtrace.classification.places import Mention, Merging, Rewrite
from qtrace.classification.suggest import FIELDS, PARTS, word_condition
from qtrace.conditions.tree import dump, parse
from qtrace.core import events
from qtrace.core.db import db, existing, require_write
from qtrace.core.errors import Refused
from qtrace.core.ids import new_id

MAX_RULE_NAME = 120
MAX_WORDS = 100
SEPARATORS = re.compile(r"[\s,,、;;]+")


def add_word_rule(name: str, words: str, sets: Mapping[str, Any], *, by: int, now: datetime) -> int:
    """Add a rule that looks for words in what the buyer said; it stands before all others and returns its id."""
    condition = word_condition(read_words(words))
    session = require_write()
    first = session.scalar(select(func.min(ClassificationRule.position)))
    name = _rule_name(name)
    rule = ClassificationRule(
        key=f"own_{new_id()[:12]}", name_zh=name, name_en=name, condition=dump(parse(condition, FIELDS)),
        sets=checked_sets(sets), position=(first or 0) - 1,
    )  # fmt: skip
    session.add(rule)
    session.flush()  # the id is the answer and the event's subject
    events.record("classification_rule_added", subject=("classification_rule", rule.id), by=by, now=now)
    return rule.id


def read_words(text: str) -> list[str]:
    """Return the words of a line, each once; refused when there is none or too many."""
    found = [word for word in dict.fromkeys(SEPARATORS.split(text)) if word]
    if not found:
        raise Refused(_("请填写至少一个词,用空格隔开。"), field="words")
    if len(found) > MAX_WORDS:
        raise Refused(_("一条规则最多 %(n)d 个词。", n=MAX_WORDS), field="words")
    return found


def edit_rule(rule_id: int, name: str, condition: object, sets: Mapping[str, Any], *, by: int, now: datetime) -> None:
    """Change a classification rule; a wrong condition is refused with its place. Complaints already there stay."""
    rule = existing(ClassificationRule, rule_id)
    changed = {"condition": dump(parse(condition, FIELDS)), "sets": checked_sets(sets), "name_zh": _rule_name(name)}
    body = events.change(rule, changed)
    if body:
        events.record(
            "classification_rule_changed", subject=("classification_rule", rule_id), by=by, now=now, body=body
        )


def switch_rule(rule_id: int, *, enabled: bool, by: int, now: datetime) -> None:
    """Switch a classification rule on or off."""
    rule = existing(ClassificationRule, rule_id)
    if rule.enabled != enabled:
        rule.enabled = enabled
        body = {"enabled": enabled}
        events.record(
            "classification_rule_switched", subject=("classification_rule", rule_id), by=by, now=now, body=body
        )


def checked_sets(sets: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a rule sets, with empty parts left out; a code no tree has is refused."""
    found: dict[str, Any] = {}
    for part in PARTS:
        code = sets.get(part) or ""
        if code and not require_write().scalar(select(Term.id).where(Term.kind == part, Term.code == code)):
            raise Refused(_("分类里没有「%(code)s」。请从列表中选择。", code=code), field=part)
        if code:
            found[part] = code
    if sets.get("safety"):
        found["safety"] = True
    if not found:
        raise Refused(_("请选择规则要给出的类型、严重程度或责任方,至少一项。"), field="type")
    return found


def _rule_name(name: str) -> str:
    if not name.strip():
        raise Refused(_("请给规则起个名字。"), field="name")
    return name.strip()[:MAX_RULE_NAME]


def mentions_in_sets(rows: Iterable[tuple[int, Mapping[str, Any]]], merging: Merging) -> list[Rewrite]:
    """Return how rules that set the merged term's code set the other one's."""
    return [
        Rewrite(row_id, dict(sets), dict(sets) | {merging.kind: merging.into_code})
        for row_id, sets in rows
        if sets.get(merging.kind) == merging.code
    ]


def _mentioned(merging: Merging) -> list[Rewrite]:
    rows = db.session.execute(select(ClassificationRule.id, ClassificationRule.sets))
    return mentions_in_sets([(row.id, row.sets) for row in rows], merging)


MENTION = Mention("classification_rule.sets", _mentioned)
