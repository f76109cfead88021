"""Definitions as plain data: what is written is read back the same, and nothing else is."""

import json
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qtrace.flows.checking import faults
from qtrace.flows.errors import DefinitionError
from qtrace.flows.reading import dump_definition, parse_definition
from tests.unit.flows.trees import tree

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
SMALL = {"key": "claim", "version": 1, "nodes": [{"id": "ask", "kind": "start", "name_zh": "发起", "name_en": "Start"}]}


@given(st.integers(0, 2**32 - 1))
def test_a_definition_is_read_back_as_it_was_written(seed: int) -> None:
    drawn = tree(Random(seed))
    assert parse_definition(json.loads(json.dumps(dump_definition(drawn)))) == drawn


def test_what_says_nothing_is_left_out() -> None:
    assert dump_definition(parse_definition(SMALL)) == SMALL


@given(JSON, st.sampled_from(("", "key", "version", "nodes", "reopen_at")))
def test_garbage_is_refused_with_its_place(value: object, key: str) -> None:
    data = SMALL | {key: value} if key else value
    try:
        parsed = parse_definition(data)
    except DefinitionError as error:
        assert error.code
        return
    faults(parsed)  # what has the shape can be checked


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ({"kind": "loop"}, "nodes[0].kind"),
        ({"name_zh": 5}, "nodes[0].name_zh"),
        ({"id": "发起"}, "nodes[0].id"),
        ({"colour": "red"}, "nodes[0].colour"),
        ({"due_minutes": True}, "nodes[0].due_minutes"),
        ({"who": [{"kind": "user", "level": "1"}]}, "nodes[0].who[0].level"),
        ({"signing": {"mode": "most"}}, "nodes[0].signing.mode"),
        ({"fields": {"amount": 1}}, "nodes[0].fields.amount"),
        (
            {"branches": [{"id": "a", "name_zh": "一", "name_en": "One", "nodes": [{}]}]},
            "nodes[0].branches[0].nodes[0].id",
        ),
    ],
)
def test_a_wrong_value_is_pointed_at(change: dict[str, object], place: str) -> None:
    node = SMALL["nodes"][0] | change  # type: ignore[index, operator]
    with pytest.raises(DefinitionError) as refused:
        parse_definition(SMALL | {"nodes": [node]})
    assert refused.value.place == place
