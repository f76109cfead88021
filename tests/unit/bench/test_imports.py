"""The made-up export must be one that a spreadsheet reader understands."""

import csv
from pathlib import Path

from python_calamine import CalamineWorkbook

from bench.imports import HEADERS, sales_rows, write_csv, write_xlsx


def test_the_export_has_twenty_columns_and_one_row_per_order() -> None:
    rows = list(sales_rows(50))
    assert {len(row) for row in rows} == {len(HEADERS)} == {20}
    assert len({row[0] for row in rows}) == 50


def test_the_workbook_says_the_same_as_the_csv(tmp_path: Path) -> None:
    write_csv(tmp_path / "sales.csv", 20)
    write_xlsx(tmp_path / "sales.xlsx", 20)
    with (tmp_path / "sales.csv").open(encoding="utf-8", newline="") as handle:
        lines = list(csv.reader(handle))
    cells = CalamineWorkbook.from_path(str(tmp_path / "sales.xlsx")).get_sheet_by_index(0).to_python()
    assert lines[0] == cells[0] == list(HEADERS)
    assert [row[:4] for row in lines] == [row[:4] for row in cells]
