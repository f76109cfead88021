"""Trees of the company's own, and the place of a term within its tree."""

import pytest
from flask import Flask
from sqlalchemy import select

from qtrace.classification.controls import DefectCode, TreeSelect
from qtrace.classification.models import Taxonomy, Term
from qtrace.classification.queries import taxonomies, taxonomy, terms_of
from qtrace.classification.service import (
    TermWords,
    add_taxonomy,
    add_term,
    change_taxonomy,
    describe_term,
    place_term,
)
from qtrace.core.db import db, write
from qtrace.core.errors import Conflict, Refused
from qtrace.core.models import EventRow
from tests.conftest import NOW

BY = {"by": 1, "now": NOW}


def term(code: str) -> Term:
    """Return a type by its code."""
    return db.session.scalars(select(Term).where(Term.kind == "type", Term.code == code)).one()


def own_tree() -> list[int]:
    """Add a tree of the company's own with four levels and return its terms from the top."""
    with write():
        add_taxonomy("zone", "库区", "Zone", **BY)
    ids: list[int] = []
    for name in ("东区", "一排", "一列", "一层"):
        with write():
            ids.append(add_term("zone", name, "", parent_id=ids[-1] if ids else None, **BY))
    return ids


def test_a_company_adds_a_tree_of_its_own_for_its_forms(app: Flask) -> None:
    ids = own_tree()
    assert [row.id for row in terms_of("zone")] == ids
    assert [row.key for row in taxonomies()][-1] == "zone"
    with app.test_request_context():
        assert DefectCode().check_options({"kind": "zone"}) == []
        assert DefectCode().check_options({"kind": "nowhere"}) != []
        assert TreeSelect().check_options({"kind": "zone"}) == []
        assert TreeSelect().check_options({"kind": "nowhere"}) != []
    with pytest.raises(Refused, match="4 层"), write():
        add_term("zone", "角落", "", parent_id=ids[-1], **BY)


@pytest.mark.parametrize(("key", "name"), [("type", "别的"), ("kinds", "问题类型"), ("Zone 1", "库区"), ("zone", " ")])
def test_a_tree_needs_a_name_and_key_nobody_has(sqlite_app: Flask, key: str, name: str) -> None:
    with pytest.raises(Refused), write():
        add_taxonomy(key, name, "", **BY)


def test_a_tree_is_renamed_and_only_an_own_one_retired(sqlite_app: Flask) -> None:
    own_tree()
    with write():
        change_taxonomy("zone", "仓位", "Bay", active=False, **BY)
    assert (taxonomy("zone").name_zh, taxonomy("zone").active) == ("仓位", False)
    with pytest.raises(Refused), write():
        change_taxonomy("type", "类型", "Type", active=False, **BY)
    with pytest.raises(Conflict), write():
        change_taxonomy("type", "类型", "Type", active=True, seen=99, **BY)


def test_a_term_moves_to_another_branch_with_all_beneath_it(app: Flask) -> None:
    moved, target = term("crushed").id, term("expiry").id
    with write():
        place_term(moved, parent_id=target, place=1, **BY)
    assert [row.code for row in terms_of("type") if row.parent_id == target] == ["near_expiry", "crushed", "expired"]
    told = db.session.scalars(select(EventRow).where(EventRow.name == "term_moved")).one()
    assert told.body == {
        "position": {"old": 1, "new": 1}, "parent_id": {"old": term("damage").id, "new": target},
    }  # fmt: skip


def test_a_term_that_has_children_does_not_sink_too_deep_or_into_itself(sqlite_app: Flask) -> None:
    damage, broken, expiry = term("damage").id, term("broken").id, term("expiry").id
    for parent in (broken, expiry, damage):
        with pytest.raises(Refused), write():
            place_term(damage, parent_id=parent, place=0, **BY)


def test_an_order_dragged_in_an_old_tree_is_a_conflict(sqlite_app: Flask) -> None:
    seen = taxonomy("type").version
    with write():
        add_term("type", "泡水", "", parent_id=None, **BY)
    with pytest.raises(Conflict), write():
        place_term(term("damage").id, parent_id=None, place=0, seen=seen, **BY)


def test_a_term_is_explained_and_marked_as_touching_safety(app: Flask) -> None:
    row = term("leaking")
    words = TermWords(name_zh="漏液", name_en="Leaking", rubric_zh="看得到液体", safety=True)
    with write():
        describe_term(row.id, words, seen=row.version, **BY)
    with pytest.raises(Conflict), write():
        describe_term(row.id, words, seen=row.version, **BY)
    told = db.session.scalars(select(EventRow).where(EventRow.name == "term_renamed")).one()
    assert told.body == {"rubric_zh": {"old": "", "new": "看得到液体"}, "safety": {"old": False, "new": True}}
    assert db.session.scalars(select(Taxonomy.key).where(Taxonomy.own)).all() == []
