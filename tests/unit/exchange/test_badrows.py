"""The file of refused rows that goes back to the person who sent them."""

import csv
from datetime import datetime
from pathlib import Path

import pytest
from openpyxl import load_workbook

from qtrace.exchange.badrows import write_bad_rows
from qtrace.exchange.reading import Cell, read_table
from qtrace.exchange.returned import headers_digest, returned_columns
from qtrace.exchange.writing import safe_csv_text, without_guard

MOMENT = datetime.fromisoformat("2026-11-02T08:30")
ROWS: list[tuple[int, list[Cell], list[str]]] = [
    (3, ["A1", 5, MOMENT, None], ["没有这个 SKU", "数量不对"]),
    (9, ["=HYPERLINK(1)", "+cmd|x", "\0bad\x07", "＝1"], ["原因"]),
]
HEADERS = ["订单号", "数量", "日期", "备注"]


def test_a_csv_opens_in_excel_with_number_and_reason_in_front(tmp_path: Path) -> None:
    path = tmp_path / "bad.csv"
    assert write_bad_rows(path, HEADERS, ROWS) == 2
    assert path.read_bytes().startswith(b"\xef\xbb\xbf")
    with path.open(encoding="utf-8-sig", newline="") as file:
        lines = list(csv.reader(file))
    assert lines[0] == ["行号", "原因", *HEADERS]
    assert lines[1] == ["3", "没有这个 SKU;数量不对", "A1", "5", "2026-11-02 08:30:00", ""]
    assert lines[2][2:] == ["'=HYPERLINK(1)", "'+cmd|x", "bad\x07", "'＝1"]


def test_an_xlsx_holds_no_formula(tmp_path: Path) -> None:
    path = tmp_path / "bad.xlsx"
    write_bad_rows(path, ["=header", *HEADERS[1:]], ROWS)
    sheet = load_workbook(path).active
    assert sheet is not None
    cells = [cell for row in sheet.iter_rows() for cell in row]
    assert [cell.coordinate for cell in cells if cell.data_type == "f"] == []
    assert [cell.value for cell in cells[-6:]] == [9, "原因", "=HYPERLINK(1)", "+cmd|x", "bad", "＝1"]
    assert sheet["E2"].value == MOMENT


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠"])
def test_no_start_of_a_formula_gets_through(start: str) -> None:
    assert safe_csv_text(f"{start}SUM(A1)") == f"'{start}SUM(A1)"
    assert without_guard(f"'{start}SUM(A1)") == f"{start}SUM(A1)"


@pytest.mark.parametrize("number", ["-5", "+86", "-12.50", "甲=1", ""])
def test_numbers_and_plain_texts_stay_as_they_are(number: str) -> None:
    assert safe_csv_text(number) == number


def test_refused_rows_are_known_in_either_language() -> None:
    assert returned_columns(["Row number", "Cause", *HEADERS]) == ("Row number", "Cause")
    assert returned_columns(["行号", *HEADERS]) == ()
    assert headers_digest(["行号", "原因", *HEADERS]) == headers_digest(HEADERS) != headers_digest(HEADERS[1:])


@pytest.mark.parametrize("name", ["bad.csv", "bad.xlsx"])
def test_the_file_can_be_sent_again_and_does_not_grow_columns(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    write_bad_rows(path, HEADERS, ROWS)
    again = tmp_path / f"again-{name}"
    with read_table(path, name=name) as table:
        write_bad_rows(again, table.headers, [(row.number, row.cells, ["还是不对"]) for row in table.rows])
    with read_table(again, name=name) as table:
        assert table.headers == ["行号", "原因", *HEADERS]
        assert next(table.rows).cells[:3] == [("2" if name.endswith("csv") else 2), "还是不对", "A1"]
