"""Taxonomies in the configuration file: each tree with its terms, known by their codes."""

from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import select

from qtrace.classification.merging import merge_term
from qtrace.classification.models import Taxonomy, Term
from qtrace.classification.queries import taxonomies, terms_of
from qtrace.classification.service import KEY, OWN_DEPTH
from qtrace.core.configuration import Change, Item, Section
from qtrace.core.db import require_write
from qtrace.core.errors import Refused

TREE = ("name_zh", "name_en", "depth", "own", "active", "position")
TERM = ("name_zh", "name_en", "rubric_zh", "rubric_en", "active", "safety")


def dump() -> dict[str, dict[str, Any]]:
    """Return every tree with its terms in reading order."""
    return {tree.key: _tree(tree) for tree in taxonomies(active_only=False)}


def load(key: str, item: Item, change: Change) -> None:
    """Give a tree its names and terms; terms only this site has stay behind the others."""
    session = require_write()
    tree = session.scalar(select(Taxonomy).where(Taxonomy.key == key).with_for_update())
    if tree is None:
        if not item["own"] or not KEY.fullmatch(key):
            raise Refused(_("没有自带的分类树「%(key)s」。", key=key))
        tree = Taxonomy(key=key, own=True, name_zh="", name_en="", depth=OWN_DEPTH)
        session.add(tree)
    if tree.own != item["own"] or not 1 <= int(item["depth"]) <= OWN_DEPTH:
        raise Refused(_("分类树「%(key)s」是自带的还是自建的,或者层数,与本站不符。", key=key))
    for name in TREE:
        _set(tree, name, item[name])
    known = {term.code: term for term in session.scalars(select(Term).where(Term.kind == key))}
    places: dict[str | None, int] = {}
    for row in item["terms"]:
        _load_term(key, row, known, places)
    others = [term for term in known.values() if term.code not in {row["code"] for row in item["terms"]}]
    for term in sorted(others, key=lambda one: (one.position, one.id)):
        above = next((code for code, one in known.items() if one.id == term.parent_id), None)
        _set(term, "position", places.get(above, 0))
        places[above] = places.get(above, 0) + 1
    session.flush()  # mergers are statements
    _merge(key, item, change)


def _tree(tree: Taxonomy) -> dict[str, Any]:
    terms = terms_of(tree.key, active_only=False)
    codes = {term.id: term.code for term in terms}
    rows = [
        {
            "code": term.code, "parent": codes.get(term.parent_id or 0), "merged_into": codes.get(term.merged_into_id or 0),
            **{name: getattr(term, name) for name in TERM},
        }
        for term in terms
    ]  # fmt: skip
    return {**{name: getattr(tree, name) for name in TREE}, "terms": rows}


def _load_term(kind: str, row: Item, known: dict[str, Term], places: dict[str | None, int]) -> None:
    session, code, parent = require_write(), str(row["code"]), row["parent"]
    if parent is not None and parent not in known:
        raise Refused(_("「%(code)s」的上级「%(parent)s」不在文件里,也不在本站。", code=code, parent=parent))
    term = known.get(code)
    if term is not None and term.merged_into_id is not None and row["merged_into"] is None:
        raise Refused(_("「%(name)s」在本站已合并到别的分类。请先撤销合并。", name=term.name_zh))
    if term is None:
        term = known[code] = Term(kind=kind, code=code, name_zh="", name_en="")
        session.add(term)
    for name in TERM:
        if name != "active" or row["merged_into"] is None:
            _set(term, name, row[name])
    _set(term, "parent_id", known[parent].id if parent is not None else None)
    _set(term, "position", places.get(parent, 0))
    places[parent] = places.get(parent, 0) + 1
    session.flush()  # the children name their parent


def _merge(kind: str, item: Item, change: Change) -> None:
    session = require_write()
    for row in item["terms"]:
        if row["merged_into"] is None:
            continue
        known = {term.code: term for term in session.scalars(select(Term).where(Term.kind == kind))}
        term, target = known[row["code"]], known[row["merged_into"]]
        if term.merged_into_id is None:
            was = target.active
            target.active = True  # a chain of mergers is made from its beginning
            session.flush()  # the merger reads it
            merge_term(term.id, target.id, by=change.by or 0, now=change.now)
            session.get_one(Term, target.id).active = was
        elif term.merged_into_id != target.id:
            raise Refused(_("「%(name)s」在本站合并到了另一项分类。", name=term.name_zh))


def _set(row: Taxonomy | Term, name: str, value: Any) -> None:
    if getattr(row, name) != value:
        setattr(row, name, value)


SECTION = Section("taxonomies", _l("分类"), dump, load)
