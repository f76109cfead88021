"""Full-text search with Chinese bigrams."""

import pytest
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import literal, select, union_all

from qtrace.core import search
from qtrace.core.db import db, write

TEXTS = {
    1: "瓶盖漏液,外包装浸湿 LOT B2409-17",
    2: "快递破损,盒子压扁了",
    3: "颜色与图片不符 Beige shirt",
    4: "破 了一个洞",
    5: "it's \\ a 'quote' test 50%_off",
}


def find(query: str) -> list[int]:
    """Return the ids among 1–5 whose text matches."""
    ids = union_all(*(select(literal(n).label("id")) for n in TEXTS)).subquery()
    return sorted(db.session.scalars(select(ids.c.id).where(search.matching("issue", query, ids.c.id))))


@pytest.fixture
def indexed(app: Flask) -> Flask:
    with write():
        search.index("issue", TEXTS.items())
    return app


@pytest.mark.parametrize(
    ("query", "hits"),
    [
        ("破损", [2]), ("漏液", [1]), ("破", [2, 4]), ("外包装", [1]), ("损,盒", [2]), ("不符", [3]), ("B2409", [1]),
        ("b2409-17", [1]), ("shirt beige", [3]), ("bei", [3]), ("漏液 破损", []), ("没有", []), ("'", []), ("", []),
        ('" OR 1', []), ("quote", [5]), ("50%", [5]), ("液外", []),
    ],
)  # fmt: skip
def test_a_query_finds_the_texts_that_hold_every_word_of_it(indexed: Flask, query: str, hits: list[int]) -> None:
    assert find(query) == hits


def test_a_text_indexed_anew_is_found_by_its_new_words_only(indexed: Flask) -> None:
    with write():
        search.index("issue", [(2, "少件")])
    assert find("破损") == []
    assert find("少件") == [2]


@given(st.text(max_size=40))
@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_query_breaks_the_database(indexed: Flask, query: str) -> None:
    assert isinstance(find(query), list)


@given(st.text(alphabet="破损漏液瓶盖外包装", min_size=2, max_size=12), st.data())
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_two_neighbouring_characters_of_a_text_find_it(indexed: Flask, value: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(value) - 2))
    with write():
        search.index("issue", [(1, value)])
    assert 1 in find(value[start : start + 2])
