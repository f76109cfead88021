"""Reading and writing condition trees."""

import json
import math
import time
from contextlib import suppress
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qtrace.conditions.tree import (
    MAX_CLAUSES,
    MAX_DEPTH,
    MAX_GROUPS,
    MAX_INTEGER,
    MAX_LIST,
    MAX_LISTED,
    MAX_TEXT,
    OPERATORS,
    All,
    Any_,
    Clause,
    Condition,
    ConditionError,
    FieldKind,
    Not,
    OtherField,
    dump,
    fields_of,
    parse,
)

FIELDS = {
    "content": FieldKind.TEXT,
    "stars": FieldKind.NUMBER,
    "refund": FieldKind.NUMBER,
    "paid": FieldKind.BOOL,
    "delivered_at": FieldKind.DATETIME,
    "promised_at": FieldKind.DATETIME,
    "sku": FieldKind.REF,
    "tags": FieldKind.LIST,
}
LOW_STARS = {"field": "stars", "op": "le", "value": 2}


def refusal(data: object) -> ConditionError:
    """Return the error that reading the data raises."""
    with pytest.raises(ConditionError) as caught:
        parse(data, FIELDS)
    return caught.value


def clause(field: str, op: str, value: object) -> dict[str, object]:
    """Return the JSON of one clause."""
    return {"field": field, "op": op, "value": value}


def nested(depth: int) -> object:
    """Return a condition of that depth."""
    data: object = LOW_STARS
    for _ in range(depth - 1):
        data = {"not": data}
    return data


def test_a_tree_of_all_any_and_not_is_read() -> None:
    data = {"all": [LOW_STARS, {"any": [clause("content", "contains", "过敏"), {"not": clause("sku", "eq", 7)}]}]}
    assert parse(data, FIELDS) == All(
        (Clause("stars", "le", 2), Any_((Clause("content", "contains", "过敏"), Not(Clause("sku", "eq", 7)))))
    )


def test_groups_may_be_empty() -> None:
    assert parse({"all": []}, FIELDS) == All(())
    assert parse({"any": []}, FIELDS) == Any_(())


def test_times_are_read_as_utc() -> None:
    read = parse(clause("delivered_at", "gt", "2026-11-02T08:00:00+08:00"), FIELDS)
    assert read == Clause("delivered_at", "gt", datetime(2026, 11, 2, tzinfo=UTC))
    assert dump(read) == clause("delivered_at", "gt", "2026-11-02T00:00:00+00:00")


def test_another_field_is_read_as_the_operand() -> None:
    data = {"field": "delivered_at", "op": "gt", "other": "promised_at"}
    assert parse(data, FIELDS) == Clause("delivered_at", "gt", OtherField("promised_at"))
    assert dump(parse(data, FIELDS)) == data


@pytest.mark.parametrize(
    ("given_value", "read"),
    [
        (2, 2),
        (2.0, 2),
        (2.345, Decimal("2.345")),
        (0.1, Decimal("0.1")),
        ("2.345", Decimal("2.345")),
        ("-7", -7),
        (Decimal("1.50"), Decimal("1.5")),
        (1e15, 10**15),
        (MAX_INTEGER, MAX_INTEGER),
        ("9223372036854775807", MAX_INTEGER),
        (0.0, 0),
        ("0e-99999", 0),
        ("2." + "0" * 60, 2),
    ],
)
def test_numbers_are_read_exactly(given_value: object, read: object) -> None:
    condition = parse(clause("stars", "eq", given_value), FIELDS)
    assert condition == Clause("stars", "eq", read)  # type: ignore[arg-type]  # the table holds numbers only
    assert parse(json.loads(json.dumps(dump(condition))), FIELDS) == condition


@pytest.mark.parametrize(
    "value",
    [
        True,
        None,
        [],
        {},
        "",
        "二",
        "1_000",
        "２",
        " 2",
        "nan",
        "Infinity",
        math.nan,
        math.inf,
        -math.inf,
        Decimal("NaN"),
        Decimal("sNaN"),
        Decimal("Infinity"),
        MAX_INTEGER + 1,
        -MAX_INTEGER - 2,
        10**4000,
        1e300,
        1e-300,
        "1e999999999",
        "1e-999999999",
        "1e99999999999999999999",
        "0.1234567890123456789",
        "1" * 100,
        "+-1",
    ],
)
def test_what_is_not_an_exact_number_of_64_bits_is_refused(value: object) -> None:
    assert refusal(clause("stars", "eq", value)).path == "value"


@pytest.mark.parametrize("value", [True, 1, None, "", "a\0b", "\ud800", "字" * (MAX_TEXT + 1), ["过敏"]])
def test_what_is_not_storable_text_is_refused(value: object) -> None:
    assert refusal(clause("content", "eq", value)).path == "value"


@pytest.mark.parametrize("value", [True, "7", 7.0, None, MAX_INTEGER + 1])
def test_what_is_not_an_id_is_refused(value: object) -> None:
    assert refusal(clause("sku", "eq", value)).path == "value"


@pytest.mark.parametrize(
    "value",
    [
        True,
        20261102,
        "",
        "昨天",
        "2026-11-02",
        "2026-11-02T08:00:00",
        "2026-02-30T08:00:00Z",
        "0001-01-01T00:00:00+14:00",
        "9999-12-31T23:59:59-14:00",
        "2026-11-02T08:00:00Z" + "0" * 100,
        "\ud800026-11-02T08:00:00Z",
    ],
)
def test_what_is_not_a_time_with_a_zone_is_refused(value: object) -> None:
    assert refusal(clause("delivered_at", "lt", value)).path == "value"


@pytest.mark.parametrize(
    ("data", "path"),
    [
        (None, ""),
        ([], ""),
        ("all", ""),
        ({}, "field"),
        ({1: 2}, ""),
        ({"all": {}}, "all"),
        ({"any": None}, "any"),
        ({"not": []}, "not"),
        ({"all": [], "any": []}, ""),
        ({"all": [LOW_STARS, LOW_STARS, clause("stars", "le", "x")]}, "all[2].value"),
        ({"all": [{"any": [{"not": clause("nothing", "eq", 1)}]}]}, "all[0].any[0].not.field"),
        (clause("content", "in", ["a", 1]), "value[1]"),
        (clause("content", "in", []), "value"),
        (clause("content", "in", "a"), "value"),
        (clause("content", "in", ["a"] * (MAX_LIST + 1)), "value"),
        (clause("stars", "between", [1]), "value"),
        (clause("stars", "between", [2, 1]), "value"),
        (clause("stars", "between", [1, "x"]), "value[1]"),
        (clause("content", "le", "a"), "op"),
        ({"field": "content", "op": [], "value": "a"}, "op"),
        (clause("paid", "eq", True), "op"),
        (clause("paid", "is_true", True), "value"),
        (clause("content", "is_empty", None), "value"),
        ({"field": "content", "op": "eq"}, "value"),
        ({"field": ["content"], "op": "eq", "value": "a"}, "field"),
        ({**LOW_STARS, "extra": 1}, ""),
        ({**LOW_STARS, "other": "refund"}, "value"),
        ({"field": "stars", "op": "le", "other": "sku"}, "other"),
        ({"field": "stars", "op": "le", "other": 1}, "other"),
        ({"field": "stars", "op": "between", "other": "refund"}, "other"),
        ({"field": "content", "op": "eq", "other": "content"}, "other"),
        ({"field": "sku", "op": "eq", "other": "sku"}, "other"),
        (clause("tags", "has_any", ["a|b"]), "value[0]"),
        (clause("tags", "has_any", [""]), "value[0]"),
        (clause("tags", "has_any", []), "value"),
        (clause("tags", "eq", "a"), "op"),
        (clause("stars", "has_been", 1), "op"),
        ({"field": "stars", "op": "changed"}, "op"),
    ],
)
def test_the_error_points_at_the_place(data: object, path: str) -> None:
    error = refusal(data)
    assert error.path == path
    assert error.field == path


def test_earlier_values_are_asked_for_only_where_they_are_kept() -> None:
    data = {"all": [clause("stars", "has_been", "1.5"), {"field": "tags", "op": "changed"}]}
    read = parse(data, FIELDS, has_history=True)
    assert read == All((Clause("stars", "has_been", Decimal("1.5")), Clause("tags", "changed")))
    with pytest.raises(ConditionError, match="这里没有以前的值"):
        parse(data, FIELDS)


def test_a_bool_has_no_operand_to_have_been() -> None:
    with pytest.raises(ConditionError) as caught:
        parse(clause("paid", "has_been", True), FIELDS, has_history=True)
    assert caught.value.path == "op"


def test_every_field_a_condition_reads_is_named() -> None:
    late = Clause("delivered_at", "gt", OtherField("promised_at"))
    assert fields_of(All((Not(late), Any_((Clause("stars", "is_empty"),))))) == {"delivered_at", "promised_at", "stars"}
    assert fields_of(All(())) == frozenset()


@pytest.mark.parametrize("kind", FieldKind)
def test_an_operator_of_another_kind_is_refused(kind: FieldKind) -> None:
    foreign = {op for ops in OPERATORS.values() for op in ops} - OPERATORS[kind].keys()
    for op in foreign:
        with pytest.raises(ConditionError):
            parse({"field": "x", "op": op, "value": 1}, {"x": kind})


def test_depth_is_limited() -> None:
    parse(nested(MAX_DEPTH), FIELDS)
    assert refusal(nested(MAX_DEPTH + 1)).path == ".".join(["not"] * MAX_DEPTH)


def test_the_number_of_clauses_is_limited() -> None:
    parse({"all": [LOW_STARS] * MAX_CLAUSES}, FIELDS)
    assert refusal({"all": [LOW_STARS] * (MAX_CLAUSES + 1)}).path == f"all[{MAX_CLAUSES}]"


def test_the_number_of_groups_is_limited() -> None:
    assert refusal({"all": [{"all": []}] * MAX_GROUPS}).path == f"all[{MAX_GROUPS - 1}]"


def test_the_number_of_listed_values_is_limited() -> None:
    lists = MAX_LISTED // MAX_LIST
    full = clause("content", "in", ["a"] * MAX_LIST)
    parse({"all": [full] * lists}, FIELDS)
    assert refusal({"all": [full] * (lists + 1)}).path == f"all[{lists}].value"


def test_the_message_is_translated_with_its_values() -> None:
    error = refusal(nested(MAX_DEPTH + 1))
    assert error.message == f"条件嵌套最多 {MAX_DEPTH} 层"
    assert error.translated(lambda _message: "at most %(limit)s levels") == f"at most {MAX_DEPTH} levels"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(max_size=8), inner, max_size=5),
    max_leaves=20,
)
OPERAND = JSON | st.sampled_from(["\0", "\ud800", math.nan, 2**63, "2026-11-02T08:00:00Z", "1e5", ["a"], [1, 2]])
NEARLY_CLAUSE = st.fixed_dictionaries(
    {},
    optional={
        "field": st.sampled_from([*FIELDS, "nothing", 1]) | JSON,
        "op": st.sampled_from(sorted({op for ops in OPERATORS.values() for op in ops})) | JSON,
        "value": OPERAND,
        "other": st.sampled_from([*FIELDS]) | JSON,
    },
)
NEARLY_CONDITION = st.recursive(
    NEARLY_CLAUSE | JSON,
    lambda inner: st.fixed_dictionaries(
        {}, optional={"all": st.lists(inner, max_size=4) | JSON, "any": st.lists(inner, max_size=4), "not": inner}
    ),
    max_leaves=10,
)


@settings(max_examples=300, deadline=None, database=None)
@given(NEARLY_CONDITION)
def test_whatever_json_is_read_or_refused_and_nothing_else(data: Any) -> None:
    try:
        condition: Condition = parse(data, FIELDS)
    except ConditionError as error:
        assert error.message
    else:
        assert parse(json.loads(json.dumps(dump(condition))), FIELDS) == condition


HUGE: dict[str, object] = {
    "a million items": {"all": [LOW_STARS] * 1_000_000},
    "a million groups": {"any": [{"all": []}] * 1_000_000},
    "a million values": clause("stars", "in", [1] * 1_000_000),
    "ten million characters": clause("content", "eq", "字" * 10_000_000),
    "a long number": clause("stars", "eq", "1" * 10_000_000),
    "a huge number": clause("stars", "eq", 10**100_000),
    "a long time": clause("delivered_at", "gt", "2" * 10_000_000),
    "a deep list": nested(900),
    "a million keys": {str(key): key for key in range(1_000_000)},
    "as many numbers as allowed": {"all": [clause("stars", "in", ["-12345.678"] * MAX_LIST)] * MAX_CLAUSES},
    "as much text as allowed": {"all": [clause("content", "in", ["字" * MAX_TEXT] * MAX_LIST)] * MAX_CLAUSES},
    "as many times as allowed": {"all": [clause("delivered_at", "lt", "2026-11-02T08:00:00Z")] * MAX_CLAUSES},
}


@pytest.mark.parametrize("name", HUGE)
def test_a_huge_condition_is_read_or_refused_without_hanging(name: str) -> None:
    started = time.thread_time()
    with suppress(ConditionError):
        parse(HUGE[name], FIELDS)
    assert time.thread_time() - started < 1.0, "ten times what an expert's editor may wait"
