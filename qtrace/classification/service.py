"""Verbs on the taxonomies and on the rules that suggest a classification."""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import Table, func, select, update

from qtrace.classification.models import KINDS, ClassificationRule, Term
from qtrace.classification.suggest import FIELDS, PARTS, word_condition
from qtrace.conditions.tree import dump, parse
from qtrace.core import events
from qtrace.core.db import Base, affected, existing, require_write
from qtrace.core.errors import NotFound, Refused
from qtrace.core.ids import new_id

MERGED = "term_merged"
MAX_NAME = 80
MAX_RULE_NAME = 120
MAX_WORDS = 100
SEPARATORS = re.compile(r"[\s,,、;;]+")


def add_term(kind: str, name_zh: str, name_en: str, *, parent_id: int | None, by: int, now: datetime) -> int:
    """Add a term at the end of its branch and return its id."""
    if kind not in KINDS:
        raise NotFound
    session = require_write()
    if parent_id is not None:
        parent = existing(Term, parent_id)
        if parent.kind != kind or parent.parent_id is not None:
            raise Refused(_("只能加在第一层的分类下面。"), field="parent_id")
    zh, en = _names(name_zh, name_en)
    _refuse_double(kind, zh, parent_id)
    last = session.scalar(select(func.max(Term.position)).where(Term.kind == kind, _beneath(parent_id)))
    # The code is random: it names the term in rules and links, and a name may change.
    term = Term(
        kind=kind, code=f"own_{new_id()[:12]}", parent_id=parent_id, name_zh=zh, name_en=en,
        position=0 if last is None else last + 1,
    )  # fmt: skip
    session.add(term)
    session.flush()  # the id is the answer and the event's subject
    events.record("term_added", subject=("term", term.id), by=by, now=now, body={"kind": kind, "name": zh})
    return term.id


def rename_term(term_id: int, name_zh: str, name_en: str, *, by: int, now: datetime) -> None:
    """Change a term's names; its code and every record stay."""
    term = existing(Term, term_id)
    zh, en = _names(name_zh, name_en)
    if (zh, en) == (term.name_zh, term.name_en):
        return
    if zh != term.name_zh:
        _refuse_double(term.kind, zh, term.parent_id)
    body = {"name_zh": {"old": term.name_zh, "new": zh}, "name_en": {"old": term.name_en, "new": en}}
    term.name_zh, term.name_en = zh, en
    events.record("term_renamed", subject=("term", term_id), by=by, now=now, body=body)


def move_term(term_id: int, *, up: bool, by: int, now: datetime) -> None:
    """Move a term one place up or down among its siblings; at the end nothing happens."""
    term = existing(Term, term_id)
    siblings = list(
        require_write().scalars(
            select(Term).where(Term.kind == term.kind, _beneath(term.parent_id)).order_by(Term.position, Term.id)
        )
    )
    place = siblings.index(term)
    other = place - 1 if up else place + 1
    if not 0 <= other < len(siblings):
        return
    siblings[place], siblings[other] = siblings[other], siblings[place]
    for position, sibling in enumerate(siblings):
        sibling.position = position
    events.record("term_moved", subject=("term", term_id), by=by, now=now, body={"position": other})


def switch_term(term_id: int, *, active: bool, by: int, now: datetime) -> None:
    """Offer a term or no longer offer it; records that carry it keep it."""
    term = existing(Term, term_id)
    if term.active == active:
        return
    term.active = active
    events.record("term_switched_on" if active else "term_switched_off", subject=("term", term_id), by=by, now=now)


def merge_term(term_id: int, into_id: int, *, by: int, now: datetime) -> int:
    """Put one term into another: it goes off, every record that carried it carries the other; return how many did."""
    term, target = existing(Term, term_id), existing(Term, into_id)
    if term.id == target.id or term.kind != target.kind:
        raise Refused(_("请选择同一棵分类树里的另一项。"), field="into")
    if not target.active:
        raise Refused(_("「%(name)s」已停用,请先启用它,或选择另一项。", name=target.name_zh), field="into")
    if target.parent_id == term.id:
        raise Refused(_("不能并入自己的下级。请反过来合并。"), field="into")
    if target.parent_id is not None and _has_children(term.id):
        raise Refused(_("「%(name)s」还有下级,只能并入第一层的分类。", name=term.name_zh), field="into")
    moved = _repoint(term.id, target.id)
    term.active = False
    _rewrite_rules(term, target)
    body = {
        "kind": term.kind, "into": target.id, "records": moved, "code": term.code, "into_code": target.code,
        "name": term.name_zh, "into_name": target.name_zh,
    }  # fmt: skip
    events.record(MERGED, subject=("term", term.id), by=by, now=now, body=body)
    return sum(moved.values())


def repoint_sets(sets: Mapping[str, Any], kind: str, old: str, new: str) -> dict[str, Any]:
    """Return what a rule sets with one code replaced, after its term was merged."""
    return {part: new if part == kind and value == old else value for part, value in sets.items()}


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


def _names(name_zh: str, name_en: str) -> tuple[str, str]:
    zh, en = name_zh.strip()[:MAX_NAME], name_en.strip()[:MAX_NAME]
    if not zh:
        raise Refused(_("请填写名称。"), field="name_zh")
    return zh, en or zh


def _refuse_double(kind: str, name: str, parent_id: int | None) -> None:
    statement = select(Term.id).where(Term.kind == kind, Term.name_zh == name, _beneath(parent_id)).limit(1)
    if require_write().scalar(statement):
        raise Refused(_("「%(name)s」已经有了。请换个名字,或启用已有的那一项。", name=name), field="name_zh")


def _beneath(parent_id: int | None) -> Any:
    return Term.parent_id.is_(None) if parent_id is None else Term.parent_id == parent_id


def _has_children(term_id: int) -> bool:
    return bool(require_write().scalar(select(Term.id).where(Term.parent_id == term_id).limit(1)))


def _repoint(old: int, new: int) -> dict[str, int]:
    """Point every column that names the old term to the new one, whichever package the table belongs to."""
    session, moved = require_write(), {}
    for table, column in _columns_naming_terms():
        statement = update(table).where(table.c[column] == old).values({column: new})
        count = affected(statement)
        if count and table.name != Term.__tablename__:
            moved[f"{table.name}.{column}"] = count
    session.expire_all()
    return moved


def _columns_naming_terms() -> list[tuple[Table, str]]:
    return [
        (table, key.parent.name)
        for table in Base.metadata.sorted_tables
        for key in table.foreign_keys
        if key.column.table.name == Term.__tablename__
    ]


def _rewrite_rules(term: Term, target: Term) -> None:
    for rule in require_write().scalars(select(ClassificationRule)):
        sets = repoint_sets(rule.sets, term.kind, term.code, target.code)
        if sets != rule.sets:
            rule.sets = sets
