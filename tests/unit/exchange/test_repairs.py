"""What people write into cells is repaired before it is judged: days as numbers, marks for nothing, words of their own."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from qtrace.exchange.cells import Cell, split_cell
from qtrace.exchange.kinds import Choice, Field, Kind
from qtrace.exchange.mapping import Filled, compile_mapping, suggest

KIND = Kind(
    "form:inspection",
    "到货质检",
    (
        Field("item", "检验项目", "text", True, ("检验项目",)),
        Field("day", "检验日期", "day", False, ("检验日期", "日期")),
        Field("at", "时间", "time", False, ("时间",)),
        Field("qty", "数量", "number", False, ("数量",)),
        Field("urgent", "加急", "flag", False, ("加急",)),
        Field("result", "结论", "text", False, ("结论",), (Choice("pass", "合格", ("OK",)), Choice("fail", "不合格"))),
        Field("defects", "缺陷", "text", False, ("缺陷",), (Choice("1", "破损"), Choice("2", "漏液")), True),
        Field("lots", "批号", "text", False, ("批号",), (), True),
    ),
    ("item",),
)


def filled(column: str, *cells: Cell, definition: dict[str, Any] | None = None, **options: Any) -> Filled:
    """Read cells of one column, beside an item."""
    mapping = {"kind": KIND.name, "columns": {"item": {"default": "外观"}, column: {"header": "甲", **options}}}
    epoch = bool((definition or {}).pop("epoch_1904", False))
    plan = compile_mapping(mapping | (definition or {}), ["甲"], zone="Asia/Shanghai", kind=KIND, epoch_1904=epoch)
    return plan.fill([[cell] for cell in cells])


def said(column: str, *cells: Cell, definition: dict[str, Any] | None = None, **options: Any) -> list[Any]:
    """Return what the cells of one column say."""
    found = filled(column, *cells, definition=definition, **options)
    assert not found.reasons
    return [row[column] for _at, row in found.said]


def test_a_bare_number_is_a_day_by_the_books_epoch() -> None:
    assert said("day", 42512, "42512", 20160522, "20160522", "2016.5.22") == [date(2016, 5, 22)] * 5
    assert said("day", 41050, definition={"epoch_1904": True}) == [date(2016, 5, 22)]
    assert said("day", 42512, definition={"epoch": 1900, "epoch_1904": True}) == [date(2016, 5, 22)]
    assert said("at", 42512.5) == [datetime(2016, 5, 22, 4, tzinfo=UTC)]


@pytest.mark.parametrize("cell", [5, 2016, -42512, 99_999_999, 1e308, "昨天", True])
def test_a_number_that_is_no_day_is_refused(cell: Cell) -> None:
    assert filled("day", cell).reasons


def test_marks_for_nothing_are_emptied_only_where_the_mapping_says_so() -> None:
    marks = {"empty": ["/", "#", "无", "-"]}
    assert said("qty", "/", "# ", "无", "-", "-3", 4, definition=marks) == [None] * 4 + [Decimal(-3), Decimal(4)]
    assert filled("qty", "/").reasons


def test_numbers_are_read_as_people_write_them() -> None:
    assert said("qty", "1,234.5", "¥12", "33", " 7 ", 2.5) == list(map(Decimal, ("1234.5", "12", "33", "7", "2.5")))


@pytest.mark.parametrize("cell", ["NaN", "nan", "Infinity", "-inf", "sNaN", "12件"])
def test_what_is_no_number_is_refused(cell: str) -> None:
    assert "不是数字" in str(filled("qty", cell).reasons[0])


def test_yes_and_no_are_read_in_words_and_marks() -> None:
    assert said("urgent", "是", "√", True, "否", "No", "0", None) == [True, True, True, False, False, False, None]


def test_words_become_choices_by_name_value_or_the_persons_own_map() -> None:
    assert said("result", "合格", "PASS", " ok ", "让步接收", map={"让步接收": "pass"}) == ["pass"] * 4
    assert said("result", "不适用", map={"不适用": ""}) == [None]


def test_unknown_words_are_counted_so_that_each_is_mapped_once() -> None:
    found = filled("result", "合格", "让步", "让步", "退货", "让步")
    assert found.unknown == {"result": {"让步": 3, "退货": 1}}
    assert sorted(found.reasons) == [1, 2, 3, 4]


def test_several_values_in_one_cell_are_taken_apart() -> None:
    assert said("defects", "破损、漏液", "漏液/破损;破损", "2") == [("1", "2"), ("2", "1"), ("2",)]
    assert said("lots", "A1,A2\nA3", "B1;B1", None) == [("A1", "A2", "A3"), ("B1",), None]
    assert said("lots", "A/1,A2", split=",") == [("A/1", "A2")]
    assert filled("defects", "破损、划痕、掉漆").unknown == {"defects": {"划痕": 1, "掉漆": 1}}


def test_what_nobody_sees_is_taken_out() -> None:
    assert said("item", "\ufeff外\u200b观 ", "a\r\nb") == ["外观", "a\nb"]
    assert split_cell("\u200b甲\u3000、 乙", "、") == ["甲", "乙"]


def test_headers_that_nearly_match_are_proposed_to_a_person_only() -> None:
    headers = ["到货检验日期", "检验项目名", "数量(件)"]
    assert suggest(KIND, headers) == {"qty": "数量(件)"}
    assert suggest(KIND, headers, alike=True) == {"qty": "数量(件)", "day": "到货检验日期", "item": "检验项目名"}
