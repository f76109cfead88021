"""Verbs on taxonomies and their terms; merging has a module of its own."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import func, select

from qtrace.classification.models import Taxonomy, Term
from qtrace.classification.tree import Shape
from qtrace.core import events
from qtrace.core.db import existing, require_write
from qtrace.core.errors import Conflict, NotFound, Refused
from qtrace.core.ids import new_id

MAX_NAME = 80
MAX_RUBRIC = 500
OWN_DEPTH = 4
KEY = re.compile(r"[a-z][a-z0-9_]{1,29}")


@dataclass(frozen=True, kw_only=True)
class TermWords:
    """What a term is called and what explains it."""

    name_zh: str
    name_en: str = ""
    rubric_zh: str = ""
    rubric_en: str = ""
    safety: bool = False


def add_taxonomy(key: str, name_zh: str, name_en: str, *, by: int, now: datetime) -> int:
    """Add a tree of the company's own and return its id; the key names it in forms and files."""
    session = require_write()
    zh, en = _names(name_zh, name_en)
    key = key.strip() or f"own_{new_id()[:12]}"
    if not KEY.fullmatch(key):
        raise Refused(_("编号只能用小写英文字母、数字和下划线,以字母开头,2 到 30 位。"), field="key")
    taken = select(Taxonomy.id).where((Taxonomy.key == key) | (Taxonomy.name_zh == zh)).limit(1)
    if session.scalar(taken):
        raise Refused(_("「%(name)s」已经有了。请换个名字和编号。", name=zh), field="name_zh")
    last = session.scalar(select(func.max(Taxonomy.position)))
    tree = Taxonomy(key=key, name_zh=zh, name_en=en, depth=OWN_DEPTH, own=True, position=(last or 0) + 1)
    session.add(tree)
    session.flush()  # the id is the answer and the event's subject
    events.record("taxonomy_added", subject=("taxonomy", tree.id), by=by, now=now, body={"key": key, "name": zh})
    return tree.id


def change_taxonomy(
    key: str, name_zh: str, name_en: str, *, active: bool, by: int, now: datetime, seen: int | None = None
) -> None:
    """Rename a tree, retire one of the company's own or bring it back; a shipped tree is never retired."""
    tree = locked_tree(key, seen)
    if not active and not tree.own:
        raise Refused(_("自带的分类不能停用,可以停用里面的每一项。"))
    zh, en = _names(name_zh, name_en)
    body = events.change(tree, {"name_zh": zh, "name_en": en, "active": active})
    if body:
        tree.version += 1
        events.record("taxonomy_changed", subject=("taxonomy", tree.id), by=by, now=now, body=body)


def add_term(
    kind: str, name_zh: str, name_en: str, *, parent_id: int | None, by: int, now: datetime, code: str = ""
) -> int:
    """Add a term at the end of its branch and return its id."""
    tree = locked_tree(kind)
    session = require_write()
    _check_place(tree, parent_id, height=1)
    zh, en = _names(name_zh, name_en)
    _refuse_double(kind, zh, parent_id)
    last = session.scalar(select(func.max(Term.position)).where(Term.kind == kind, _beneath(parent_id)))
    # The code is random: it names the term in rules and links, and a name may change.
    term = Term(
        kind=kind, code=code or f"own_{new_id()[:12]}", parent_id=parent_id, name_zh=zh, name_en=en,
        position=0 if last is None else last + 1,
    )  # fmt: skip
    session.add(term)
    session.flush()  # the id is the answer and the event's subject
    tree.version += 1
    events.record("term_added", subject=("term", term.id), by=by, now=now, body={"kind": kind, "name": zh})
    return term.id


def rename_term(term_id: int, name_zh: str, name_en: str, *, by: int, now: datetime, seen: int | None = None) -> None:
    """Change a term's names; its code and every record stay."""
    term = existing(Term, term_id)
    words = TermWords(
        name_zh=name_zh, name_en=name_en, rubric_zh=term.rubric_zh, rubric_en=term.rubric_en, safety=term.safety
    )
    describe_term(term_id, words, by=by, now=now, seen=seen)


def describe_term(term_id: int, words: TermWords, *, by: int, now: datetime, seen: int | None = None) -> None:
    """Change a term's names, explanation and safety mark; refused when somebody changed it since version `seen`."""
    term = locked_term(term_id, seen)
    zh, en = _names(words.name_zh, words.name_en)
    if zh != term.name_zh:
        _refuse_double(term.kind, zh, term.parent_id)
    new = {
        "name_zh": zh, "name_en": en, "rubric_zh": words.rubric_zh.strip()[:MAX_RUBRIC],
        "rubric_en": words.rubric_en.strip()[:MAX_RUBRIC], "safety": words.safety,
    }  # fmt: skip
    body = events.change(term, new)
    if body:
        term.version += 1
        events.record("term_renamed", subject=("term", term_id), by=by, now=now, body=body)


def move_term(term_id: int, *, up: bool, by: int, now: datetime) -> None:
    """Move a term one place up or down among its siblings; at the end nothing happens."""
    term = existing(Term, term_id)
    siblings = _siblings(term.kind, term.parent_id)
    place = [row.id for row in siblings].index(term_id) + (-1 if up else 1)
    if 0 <= place < len(siblings):
        place_term(term_id, parent_id=term.parent_id, place=place, by=by, now=now)


def place_term(
    term_id: int, *, parent_id: int | None, place: int, by: int, now: datetime, seen: int | None = None
) -> None:
    """Put a term at a place among the children of `parent_id`; `seen` is the version of the tree it was dragged in."""
    kind = existing(Term, term_id).kind
    tree, term = locked_tree(kind, seen), locked_term(term_id)
    shape = Shape.of(kind)
    old_parent, old_position = term.parent_id, [row.id for row in _siblings(kind, term.parent_id)].index(term_id)
    if parent_id is not None and (parent_id == term_id or term_id in shape.above(parent_id)):
        raise Refused(_("不能移到自己的下级里面。"), field="parent_id")
    if parent_id != old_parent:
        _check_place(tree, parent_id, height=shape.height(term_id))
        _refuse_double(kind, term.name_zh, parent_id)
    rows = [row for row in _siblings(kind, parent_id) if row.id != term_id]
    place = min(max(place, 0), len(rows))
    if (parent_id, place) == (old_parent, old_position):
        return
    term.parent_id = parent_id
    for position, row in enumerate([*rows[:place], term, *rows[place:]]):
        row.position = position
    term.version += 1
    tree.version += 1
    body = {
        "position": {"old": old_position, "new": place}, "parent_id": {"old": old_parent, "new": parent_id},
    }  # fmt: skip
    events.record("term_moved", subject=("term", term_id), by=by, now=now, body=body)


def switch_term(term_id: int, *, active: bool, by: int, now: datetime, seen: int | None = None) -> None:
    """Offer a term or no longer offer it; records that carry it keep it."""
    term = locked_term(term_id, seen)
    if term.active == active:
        return
    if active and term.merged_into_id is not None:
        raise Refused(_("「%(name)s」已合并到另一项。请撤销那次合并。", name=term.name_zh))
    term.active = active
    term.version += 1
    events.record("term_switched_on" if active else "term_switched_off", subject=("term", term_id), by=by, now=now)


def locked_tree(key: str, seen: int | None = None) -> Taxonomy:
    """Return the tree for changing; a Conflict when it is no longer the version the person saw."""
    tree = require_write().scalar(select(Taxonomy).where(Taxonomy.key == key).with_for_update())
    if tree is None:
        raise NotFound
    if seen is not None and seen != tree.version:
        raise Conflict(_("这棵分类树刚刚有人改过。请看一眼新的样子再改。"))
    return tree


def locked_term(term_id: int, seen: int | None = None) -> Term:
    """Return the term for changing; a Conflict when it is no longer the version the person saw."""
    statement = select(Term).where(Term.id == term_id).with_for_update().execution_options(populate_existing=True)
    term = require_write().scalar(statement)
    if term is None:
        raise NotFound
    if seen is not None and seen != term.version:
        raise Conflict(_("「%(name)s」刚刚有人改过。请看一眼新的样子再改。", name=term.name_zh))
    return term


def _names(name_zh: str, name_en: str) -> tuple[str, str]:
    zh, en = name_zh.strip()[:MAX_NAME], name_en.strip()[:MAX_NAME]
    if not zh:
        raise Refused(_("请填写名称。"), field="name_zh")
    return zh, en or zh


def _check_place(tree: Taxonomy, parent_id: int | None, *, height: int) -> None:
    if parent_id is not None and existing(Term, parent_id).kind != tree.key:
        raise Refused(_("请选择同一棵分类树里的上级。"), field="parent_id")
    if Shape.of(tree.key).level(parent_id) + height > tree.depth:
        raise Refused(_("这棵分类树最多 %(n)d 层。请选上一层的分类。", n=tree.depth), field="parent_id")


def _refuse_double(kind: str, name: str, parent_id: int | None) -> None:
    statement = select(Term.id).where(
        Term.kind == kind, Term.name_zh == name, Term.merged_into_id.is_(None), _beneath(parent_id)
    )
    if require_write().scalar(statement.limit(1)):
        raise Refused(_("「%(name)s」已经有了。请换个名字,或启用已有的那一项。", name=name), field="name_zh")


def _siblings(kind: str, parent_id: int | None) -> Sequence[Term]:
    statement = select(Term).where(Term.kind == kind, _beneath(parent_id)).order_by(Term.position, Term.id)
    return require_write().scalars(statement).all()


def _beneath(parent_id: int | None) -> Any:
    return Term.parent_id.is_(None) if parent_id is None else Term.parent_id == parent_id
