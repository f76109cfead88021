"""Headers are found where people put them, and the answer says why."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from python_calamine import CalamineWorkbook

from qtrace.exchange.headers import (
    Cell,
    Headers,
    Merge,
    column_letter,
    distinct_names,
    find_headers,
    looks_like_total,
    looks_signed,
    take_headers,
)
from tests.conftest import SHARED

LEDGERS = SHARED / "data" / "ledgers"
NAMES = ["订单号", "下单时间", "金额", "备注", "数量", "店铺", "仓库", "商品", "供应商", "状态"]
FOUND = {
    "ledger_test.xls": ((1,), "below_title", "报告编号", 17),
    "ledger_test.xlsx": ((1,), "below_title", "报告编号", 17),
    "ledger_test2.xls": ((1,), "below_title", "序号", 30),
    "ledger_test3.xls": ((1, 2), "two_rows", "序号", 27),
    "ledger_test4.xls": ((1,), "first_row", "序号", 22),
}


def sheet(*lines: str) -> list[list[Cell]]:
    """Return rows of texts, with nothing between two commas that touch."""
    return [[cell or None for cell in line.split(",")] for line in lines]


def test_the_first_row_of_names_is_the_header() -> None:
    found = find_headers(sheet("订单号,金额", "A1,3", "A2,4"))
    assert (found.rows, found.names, found.why) == ((0,), ("订单号", "金额"), "first_row")


@pytest.mark.parametrize(
    "above",
    [
        ["2026年质量台账,,,,"],
        ["2026年质量台账,,,,", ",,,,"],
        ["导出时间,2026-11-01,,,", "店铺,旗舰店,,,"],
        ["店铺,甲,时间,2026-01-01,"],
    ],
)
def test_titles_above_the_header_are_passed_over(above: list[str]) -> None:
    found = find_headers(
        sheet(*above, "订单号,时间,金额,商品,备注", "A1,2026-01-01,3,毛巾,", "A2,2026-01-02,4,杯子,破")
    )
    assert (found.rows, found.names[0]) == ((len(above),), "订单号")


def test_rows_of_texts_below_the_header_are_no_header() -> None:
    assert find_headers(sheet("姓名,城市,备注", "王,上海,好", "李,北京,坏")).rows == (0,)


def test_a_merged_title_is_no_header() -> None:
    merges: list[Merge] = [((0, 0), (0, 3))]
    assert find_headers(sheet("台账,,,", "编号,时间,金额,商品", "A1,2,3,b"), merges).rows == (1,)


def test_a_second_row_under_a_merged_cell_is_joined_to_it() -> None:
    merges: list[Merge] = [((0, 1), (0, 2)), ((0, 0), (1, 0))]
    found = find_headers(sheet("编号,部件,", ",IGBT,驱动板", "A1,甲,乙"), merges)
    assert (found.rows, found.names) == ((0, 1), ("编号", "部件 / IGBT", "部件 / 驱动板"))


def test_a_second_row_under_a_repeated_or_blank_cell_is_joined_to_it() -> None:
    repeated = find_headers(sheet("订单,订单,商品,商品", "编号,时间,名称,数量", "A1,2026-01-01,杯,3"))
    assert repeated.names == ("订单 / 编号", "订单 / 时间", "商品 / 名称", "商品 / 数量")
    blank = find_headers(sheet("编号,部件,,备注", ",IGBT,驱动板,", "A1,甲,乙,3"))
    assert blank.names == ("编号", "部件 / IGBT", "部件 / 驱动板", "备注")


def test_a_file_without_headers_is_told_from_one_with_years_in_them() -> None:
    bare = find_headers(sheet("1001,2026-01-01,9.9", "1002,2026-01-02,8"))
    assert (bare.rows, bare.why, bare.names) == ((), "headerless", ("A列", "B列", "C列"))
    assert find_headers(sheet("产品,2024,2025,2026", "杯,3,4,5", "碗,1,2,3")).rows == (0,)


def test_a_column_without_a_name_is_called_by_its_letter_when_it_holds_anything() -> None:
    found = find_headers(sheet("编号,,时间,", "A1,x,2026-01-01,", "A2,y,2026-01-02,"), first_column=1)
    assert found.names == ("编号", "C列", "时间")


def test_doubled_names_are_numbered_and_never_clash() -> None:
    assert distinct_names(["名称", "名称", "名称 (2)", "", ""]) == (("名称", "名称 (3)", "名称 (2)", "", ""), ("名称",))


def test_a_person_names_the_rows() -> None:
    rows = sheet("台账,", "部件,", "甲,乙", "1,2")
    assert take_headers(rows, 1, 2).names == ("部件 / 甲", "部件 / 乙")
    assert take_headers(rows, 0, 0).names == ("A列", "B列")


def test_totals_and_signatures_are_known_by_their_words() -> None:
    assert looks_like_total(["合 计:", None, 3, 4.5])
    assert not looks_like_total(["合计", "杯子", 3])
    assert looks_signed(["制表人:小陈", None, None, None])
    assert not looks_signed(["制表人:小陈", "审核", "x"])


def test_letters_go_on_after_z() -> None:
    assert [column_letter(at) for at in (0, 25, 26, 701, 702)] == ["A", "Z", "AA", "ZZ", "AAA"]


def test_an_empty_sheet_has_no_headers() -> None:
    assert find_headers([[None, ""], []]) == Headers((), (), (), "empty", 0.0)


def test_a_very_long_cell_of_digits_takes_no_time() -> None:
    assert find_headers([["1," * 16_000 + "x", "b"], ["1", "2"]]).names


@given(
    st.lists(st.sampled_from(NAMES), min_size=2, max_size=10, unique=True),
    st.integers(0, 2),
    st.integers(0, 2),
    st.lists(st.lists(st.one_of(st.integers(), st.none(), st.floats(0, 9)), min_size=10, max_size=10), min_size=2),
)
def test_headers_over_numbers_are_always_found(
    names: list[str], titles: int, blanks: int, data: list[list[float | None]]
) -> None:
    width = len(names)
    body: list[list[Cell]] = [["A", *row[1:width]] for row in data]
    above: list[list[Cell]] = [["质量台账"]] * titles + [[None]] * blanks
    found = find_headers([*above, [*names], *body])
    assert (found.rows[-1:], found.names) == ((titles + blanks,), tuple(names))


@given(
    st.lists(st.lists(st.one_of(st.none(), st.text(max_size=50), st.integers(), st.booleans()), max_size=6), max_size=8)
)
def test_any_sheet_gives_distinct_names_and_rows_that_exist(rows: list[list[Cell]]) -> None:
    found = find_headers(rows)
    named = [name for name in found.names if name]
    assert len(set(named)) == len(named)
    assert all(0 <= at < len(rows) for at in found.rows)


@pytest.mark.real
@pytest.mark.parametrize("name", FOUND)
def test_the_headers_of_real_ledgers_are_found(name: str) -> None:
    path = LEDGERS / name
    if not path.is_file():
        pytest.skip("the ledgers are not on this machine")
    found = _of_workbook(path)
    assert (found.rows, found.why, found.names[0], len(found.names)) == FOUND[name]
    assert not found.doubled


def _of_workbook(path: Path) -> Headers:
    page = CalamineWorkbook.from_path(str(path)).get_sheet_by_index(0)
    assert page.start
    first = page.start[1]
    rows = [[cell if isinstance(cell, (str, float)) else str(cell) for cell in row] for row in page.iter_rows()]
    merges = [((a, b - first), (c, d - first)) for (a, b), (c, d) in page.merged_cell_ranges or ()]
    return find_headers(rows, merges, first_column=first)
