"""A flow's file is read back the same; whatever else somebody sends is refused in one clear line."""

import json
from typing import Any

import pytest
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from qtrace.core.errors import Refused
from qtrace.flows.exporting import MAX_BYTES, read_text, write_text
from qtrace.flows.reading import dump_definition
from qtrace.flows.templates import TEMPLATES, FlowTemplate

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@pytest.fixture(autouse=True)
def request_of(sqlite_app: Flask) -> Any:
    """A request, for the words of messages."""
    with sqlite_app.test_request_context():
        yield


def file_of(**changes: Any) -> dict[str, Any]:
    """Return the data of a good file with changes in its flow."""
    return {"format": "qtrace-flow", "version": 1, "flow": dump_definition(TEMPLATES[1].definition) | changes}


def sent(data: Any) -> bytes:
    """Return data as a file's bytes."""
    return json.dumps(data).encode()


def deep(levels: int) -> Any:
    """Return lists in one another."""
    data: Any = "x"
    for _level in range(levels):
        data = [data]
    return data


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda one: one.key)
def test_a_file_is_read_back_the_same(template: FlowTemplate) -> None:
    assert read_text(write_text(template.definition).encode()) == template.definition


SPLIT = {
    "id": "split", "kind": "branch", "name_zh": "分", "name_en": "Split", "branches": [
        {"id": "a", "name_zh": "一", "name_en": "One", "condition": {"field": "x", "op": ["gt"], "value": {}}},
        {"id": "b", "name_zh": "二", "name_en": "Two"},
    ],
}  # fmt: skip
HOSTILE = {
    "nothing": b"",
    "no json": "流程".encode(),
    "half a character": b'"\xe6\xb5"',
    "another file": sent({"format": "qtrace-configuration", "version": 1}),
    "a later format": sent(file_of() | {"version": 2}),
    "no flow": sent({"format": "qtrace-flow", "version": 1}),
    "too big": b" " * (MAX_BYTES + 1),
    "bottomless": b"[" * 200_000,
    "bottomless options": sent(file_of(nodes=[dump_definition(TEMPLATES[1].definition)["nodes"][0] | {"options": {"a": deep(90)}}])),
    "nested beyond reading": sent(file_of(reopen_at=deep(70))),
    "not a number": b'{"format": "qtrace-flow", "version": 1, "flow": NaN}',
    "endless number": b'{"format": "qtrace-flow", "version": 1, "flow": {"key": 1e999}}',
    "a nul": sent(file_of(name_zh="a\x00b")),
    "half a pair": sent(file_of(name_zh="\ud800")),
    "endless name": sent(file_of(name_zh="长" * 6000)),
    "unknown setting": sent(file_of(colour="red")),
    "a node twice": sent(file_of(nodes=dump_definition(TEMPLATES[1].definition)["nodes"] * 2)),
    "a condition of nothing": sent(file_of(nodes=[*dump_definition(TEMPLATES[1].definition)["nodes"], SPLIT])),
    "no nodes": sent(file_of(nodes=[])),
    "a bad key": sent(file_of(key="../../etc")),
}  # fmt: skip


@pytest.mark.parametrize("content", HOSTILE.values(), ids=HOSTILE.keys())
def test_what_is_no_flow_is_refused_in_one_line(content: bytes) -> None:
    with pytest.raises(Refused) as refused:
        read_text(content)
    assert 0 < len(refused.value.message) < 400 and "\n" not in refused.value.message


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from(sorted(file_of()["flow"])), JSON)
def test_any_value_in_any_place_is_read_or_refused(name: str, value: Any) -> None:
    try:
        read_text(sent(file_of(**{name: value})))
    except Refused:
        return


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.integers(0, 3), st.sampled_from(["who", "policies", "options", "branches", "due_minutes", "fields", "id"]), JSON
)
def test_any_value_in_a_node_is_read_or_refused(place: int, name: str, value: Any) -> None:
    nodes = [dict(node) for node in file_of()["flow"]["nodes"]]
    nodes[place][name] = value
    try:
        write_text(read_text(sent(file_of(nodes=nodes))))
    except Refused:
        return
