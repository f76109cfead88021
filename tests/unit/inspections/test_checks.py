"""What is measured is held against limits, and what is said of an item becomes its result."""

from decimal import Decimal

import pytest
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from qtrace.catalog.checklist import Item
from qtrace.catalog.models import StandardVersion
from qtrace.core.errors import Refused
from qtrace.inspections.checks import Said, failed, fresh_rows, items_from, measure, refuse_unfinished, said_row

WEIGHT = Item("净含量", "29.5", "30.5", "g")
NUMBERS = st.decimals(min_value=-1000, max_value=1000, places=3)


@pytest.fixture(autouse=True)
def words(sqlite_app: Flask) -> None:
    """Sentences are told in the language of the site."""


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(NUMBERS, max_size=20), NUMBERS, NUMBERS, st.sampled_from([" ", ",", "、", " \n", ";"]))
def test_exactly_the_values_outside_the_limits_are_beyond(
    values: list[Decimal], one: Decimal, other: Decimal, between: str
) -> None:
    low, high = sorted((one, other))
    found = measure(Item("x", f"{low:f}", f"{high:f}"), between.join(f"{value:f}" for value in values))
    assert list(found.values) == values
    assert list(found.beyond) == [value for value in values if not low <= value <= high]
    assert found.result == ("" if not values else "fail" if found.beyond else "pass")


def test_a_limit_itself_is_inside_and_an_open_end_is_open() -> None:
    assert measure(WEIGHT, "29.5 30.5").result == "pass"
    assert measure(Item("扭力", "1.2"), "1.2 900").result == "pass"
    assert measure(Item("扭力", "", "1.8"), "1.81").beyond == [Decimal("1.81")]


@pytest.mark.parametrize("text", ["重", "30.1 x", "1e9999", "30.1234567"])
def test_what_is_no_number_is_refused(text: str) -> None:
    with pytest.raises(Refused):
        measure(WEIGHT, text)


def test_more_values_than_anybody_measures_are_refused() -> None:
    with pytest.raises(Refused, match="200"):
        measure(WEIGHT, "30 " * 201)


def test_the_values_say_the_result_and_a_person_may_only_be_stricter() -> None:
    row = fresh_rows([WEIGHT])[0]
    assert said_row(row, Said(measured="30"))["result"] == "pass"
    assert said_row(row, Said(measured="31"))["result"] == "fail"
    assert said_row(row, Said("fail", "30"))["result"] == "fail"
    with pytest.raises(Refused, match="不能判合格"):
        said_row(row, Said("pass", "31"))
    with pytest.raises(Refused):
        said_row(row, Said("maybe"))


def test_the_limits_of_the_standard_win_over_those_of_the_plan() -> None:
    limits = [
        {"name": "净含量", "low": "29", "high": "31", "unit": "g"},
        {"name": "扭力", "low": "1", "high": "", "unit": ""},
    ]
    items = items_from(["外观", "净含量 | 1 | 2 | kg | 必须拍照"], StandardVersion(limits=limits))
    assert items == [Item("外观"), Item("净含量", "29", "31", "g", "always"), Item("扭力", "1")]


def test_a_verdict_names_what_is_still_open() -> None:
    rows = [said_row(row, Said("fail")) for row in fresh_rows([Item("外观", photo="fail")])]
    assert failed(rows) == ["外观"]
    with pytest.raises(Refused, match="外观"):
        refuse_unfinished(rows, photos=0)
    refuse_unfinished(rows, photos=1)
    with pytest.raises(Refused, match="气味"):
        refuse_unfinished([*rows, *fresh_rows([Item("气味")])], photos=1)
