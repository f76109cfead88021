"""Asking conditions of rows in Python."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from qtrace.conditions.evaluate import evaluate, failing
from qtrace.conditions.tree import OPERATORS, All, Any_, Clause, Not, OtherField, Value

BAD_REVIEW = {"stars": 1, "content": "用后过敏,脸部红肿 100%", "paid": True}
NOON = datetime(2026, 11, 2, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("op", "value", "holds"),
    [
        ("eq", "Abc", True),
        ("eq", "abc", False),
        ("ne", "abc", True),
        ("in", ("x", "Abc"), True),
        ("not_in", ("x", "Abc"), False),
        ("contains", "bc", True),
        ("contains", "_", False),
        ("contains", "%", False),
        ("not_contains", "BC", True),
        ("starts_with", "Ab", True),
        ("starts_with", "bc", False),
        ("contains_any", ("z", "c"), True),
        ("contains_any", ("z", "y"), False),
        ("is_empty", None, False),
        ("not_empty", None, True),
    ],
)
def test_text_is_compared_literally_and_case_counts(op: str, value: Value, holds: bool) -> None:
    assert evaluate(Clause("content", op, value), {"content": "Abc"}) is holds


@pytest.mark.parametrize(
    ("op", "value", "holds"),
    [
        ("eq", Decimal("2.50"), True),
        ("lt", Decimal("2.500000000000000001"), True),
        ("gt", Decimal("2.499999999999999999"), True),
        ("le", 2, False),
        ("ge", Decimal("2.5"), True),
        ("between", (Decimal("2.5"), 3), True),
        ("between", (0, Decimal("2.5")), True),
        ("between", (3, 4), False),
        ("in", (1, Decimal("2.5")), True),
        ("ne", 2, True),
    ],
)
def test_numbers_are_compared_exactly(op: str, value: Value, holds: bool) -> None:
    assert evaluate(Clause("refund", op, value), {"refund": Decimal("2.5")}) is holds


def test_a_number_of_more_digits_than_the_decimal_context_is_not_rounded() -> None:
    long = Decimal("9223372036854775807.000000000000000001")
    assert evaluate(Clause("refund", "lt", long), {"refund": 2**63 - 1})


def test_times_are_compared_to_the_microsecond() -> None:
    row = {"delivered_at": NOON}
    assert evaluate(Clause("delivered_at", "lt", NOON + timedelta(microseconds=1)), row)
    assert not evaluate(Clause("delivered_at", "lt", NOON), row)
    assert evaluate(Clause("delivered_at", "between", (NOON, NOON)), row)


def test_two_fields_are_compared() -> None:
    late = Clause("delivered_at", "gt", OtherField("promised_at"))
    assert evaluate(late, {"delivered_at": NOON, "promised_at": NOON - timedelta(days=1)})
    assert not evaluate(late, {"delivered_at": NOON, "promised_at": NOON})


def test_comparing_two_fields_is_false_when_either_is_missing() -> None:
    late = Clause("delivered_at", "gt", OtherField("promised_at"))
    assert not evaluate(late, {"delivered_at": NOON})
    assert not evaluate(late, {"promised_at": NOON})


@pytest.mark.parametrize("row", [{}, {"x": None}, {"x": ""}])
@pytest.mark.parametrize("op", sorted({op for ops in OPERATORS.values() for op in ops} - {"is_empty"}))
def test_no_operator_but_is_empty_holds_for_a_missing_value(op: str, row: dict[str, object]) -> None:
    assert not evaluate(Clause("x", op, ("a", "b")), row)
    assert evaluate(Clause("x", "is_empty"), row)


def test_not_is_the_plain_opposite_also_of_a_missing_value() -> None:
    assert evaluate(Not(Clause("x", "eq", "a")), {})
    assert evaluate(Not(Clause("x", "ne", "a")), {})


def test_a_bool_is_true_false_or_empty() -> None:
    assert evaluate(Clause("paid", "is_true"), {"paid": True})
    assert evaluate(Clause("paid", "is_false"), {"paid": False})
    assert not evaluate(Clause("paid", "is_empty"), {"paid": False})


def test_zero_is_not_missing() -> None:
    assert evaluate(Clause("stars", "not_empty"), {"stars": 0})


def test_all_of_nothing_is_true_and_any_of_nothing_is_false() -> None:
    assert evaluate(All(()), {})
    assert not evaluate(Any_(()), {})


def test_a_condition_that_holds_has_no_failing_clause() -> None:
    condition = Any_((Clause("stars", "ge", 4), Clause("content", "contains", "过敏")))
    assert failing(condition, BAD_REVIEW) == []


def test_failing_names_only_the_clauses_that_fail_in_reading_order() -> None:
    good, lucky, wrong = Clause("stars", "ge", 4), Clause("content", "contains", "过敏"), Clause("paid", "is_false")
    assert failing(All((good, lucky, wrong)), BAD_REVIEW) == [good, wrong]


def test_failing_skips_a_group_that_holds() -> None:
    good, lucky, wrong = Clause("stars", "ge", 4), Clause("content", "contains", "过敏"), Clause("paid", "is_false")
    assert failing(All((Any_((good, lucky)), wrong)), BAD_REVIEW) == [wrong]


def test_under_a_not_the_clauses_that_hold_are_to_blame() -> None:
    low, good = Clause("stars", "le", 2), Clause("stars", "ge", 4)
    assert failing(Not(Any_((low, good))), BAD_REVIEW) == [low]
    assert failing(Not(Not(good)), BAD_REVIEW) == [good]


def test_a_list_is_a_set_of_codes() -> None:
    row = {"tags": ["漏液", "破损"]}
    assert evaluate(Clause("tags", "has_any", ("x", "漏液")), row)
    assert evaluate(Clause("tags", "has_all", ("破损", "漏液")), row)
    assert not evaluate(Clause("tags", "has_all", ("破损", "x")), row)
    assert evaluate(Clause("tags", "has_none", ("x",)), row)
    assert evaluate(Clause("tags", "is_empty"), {"tags": []})
    assert not evaluate(Clause("tags", "has_none", ("x",)), {"tags": ()})


def test_a_value_that_is_missing_now_still_has_its_past() -> None:
    past = {"status": ["open", "done"]}
    assert evaluate(Clause("status", "has_been", "open"), {}, past)
    assert evaluate(Clause("status", "changed_from", "done"), {}, past)
    assert evaluate(Clause("status", "has_never_been", "open"), {}, {})
    assert not evaluate(Clause("status", "changed"), {"status": ""}, {"status": [None]})
    assert not evaluate(Clause("tags", "changed"), {"tags": ["b", "a"]}, {"tags": [("a", "b", "a")]})


def test_the_blame_looks_at_the_past_too() -> None:
    clause = Clause("status", "has_never_been", "open")
    assert failing(clause, {"status": "done"}, {"status": ["open"]}) == [clause]
    assert failing(clause, {"status": "done"}) == []
