"""A list as a file: chosen columns, every text a text, sensitive values masked unless there is a reason on record."""

import csv
import io
import tracemalloc
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from pathlib import Path

import pytest
from flask import Flask
from openpyxl import load_workbook
from sqlalchemy import select
from werkzeug.test import TestResponse

from qtrace.core.db import db, read
from qtrace.core.models import EventRow
from qtrace.exchange.exporting import Asking, ExportColumn, masked_text, register_export
from qtrace.exchange.writing import Value, write_table
from tests.conftest import Browser, log_in
from tests.factories.forms import make_form

Login = Callable[[str], Browser]
NASTY: list[Value] = [
    "=1+1", "+cmd|' /C calc'!A0", "-2+3", "@SUM(A1)", "\t=1", "http://evil.example/", "＝1", "\x00bad\x07", "x" * 40_000,
    "\ud800", "'x", "_x000D_", 10**17, 3, 2.5, True, Decimal("1.10"), datetime(2026, 1, 2, 3, 4), None,  # noqa: DTZ001 - as cells are
]  # fmt: skip


@pytest.fixture
def login(sqlite_app: Flask) -> Login:
    """Log in as the person of a role; the database does not matter here."""
    return lambda role: log_in(sqlite_app, role)


class People:
    """A list with a sensitive column."""

    name, label, permission = "people", "买家", "issue.read"

    def columns(self) -> Sequence[ExportColumn]:
        """Return two columns."""
        return [ExportColumn("name", "姓名"), ExportColumn("phone", "电话", masked=True)]

    def rows(self, asking: Asking, *, unmasked: bool) -> Iterator[Mapping[str, Value]]:
        """Yield one person, by the name in the address."""
        phone = "13800001234"
        yield {"name": asking.args.get("q", "=王"), "phone": phone if unmasked else masked_text(phone)}


@pytest.fixture
def browser(sqlite_app: Flask, login: Login) -> Browser:
    """The quality lead, with a list of people registered."""
    register_export(sqlite_app, lambda: [People()])
    return login("quality_lead")


def taken(answer: TestResponse) -> bytes:
    """Return the file of an answer and close it."""
    content = answer.data
    answer.close()
    return content


def cells(answer: TestResponse) -> list[list[object]]:
    """Return the rows of a workbook."""
    page = load_workbook(io.BytesIO(taken(answer))).worksheets[0]
    assert all(cell.data_type != "f" for row in page.iter_rows() for cell in row)
    return [[cell.value for cell in row] for row in page.iter_rows()]


def told() -> list[tuple[dict[str, object], str]]:
    """Return what is on record about exports."""
    with read():
        rows = db.session.execute(select(EventRow.body, EventRow.reason).where(EventRow.name == "data_exported"))
        return [(row.body, row.reason) for row in rows]


def test_no_cell_of_a_workbook_is_a_formula_or_a_link(tmp_path: Path) -> None:
    path = tmp_path / "a.xlsx"
    headers = [f"=列{at}" for at in range(len(NASTY))]
    assert write_table(path, "a/b*c", headers, [NASTY]) == 1
    page = load_workbook(path).worksheets[0]
    assert (page.title, page["A1"].value, page["A1"].data_type) == ("a b c", "=列0", "s")
    found = [cell.value for cell in page[2]]
    assert [cell.data_type for cell in page[2]][:12] == ["s"] * 12
    assert all(cell.hyperlink is None for cell in page[2])
    assert found[:4] == NASTY[:4]
    assert (found[7], len(str(found[8])), found[12:]) == (
        "bad", 32_767, [str(10**17), 3, 2.5, True, 1.1, datetime(2026, 1, 2, 3, 4), None],  # noqa: DTZ001 - as cells are
    )  # fmt: skip


def test_no_cell_of_a_csv_file_is_a_formula(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    write_table(path, "a", ["=h"], [[cell] for cell in NASTY])
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = [row[0] for row in csv.reader(file)]
    assert rows[:6] == ["'=h", "'=1+1", "'+cmd|' /C calc'!A0", "'-2+3", "'@SUM(A1)", "'\t=1"]


def test_an_empty_table_has_its_headers(tmp_path: Path) -> None:
    for name in ("a.xlsx", "a.csv"):
        assert write_table(tmp_path / name, "a", ["编号", "编号"], []) == 0
    assert [cell.value for cell in load_workbook(tmp_path / "a.xlsx").worksheets[0][1]] == ["编号", "编号 (2)"]


def test_many_rows_are_written_in_small_memory(tmp_path: Path) -> None:
    tracemalloc.start()
    count = write_table(tmp_path / "a.xlsx", "a", list("abcdefgh"), ((f"值{n}", n) * 4 for n in range(20_000)))
    _now, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert (count, peak < 20_000_000) == (20_000, True)


def test_sensitive_values_are_masked_and_the_export_is_on_record(browser: Browser) -> None:
    page = browser.get("/export/people?q=甲").text
    assert ('action="/export/people?q=%E7%94%B2"' in page, "电话" in page) == (True, True)
    answer = browser.post("/export/people?q=甲", {"format": "xlsx"})
    assert answer.headers["Cache-Control"] == "no-store"
    assert cells(answer) == [["姓名", "电话"], ["甲", "138*******4"]]
    [(body, reason)] = told()
    assert (body["view"], body["rows"], body["columns"], body["unmasked"], reason) == (
        "people", 1, ["name", "phone"], False, "",
    )  # fmt: skip


def test_full_values_need_a_reason_and_the_permission(browser: Browser, login: Login) -> None:
    assert "写明原因" in browser.post("/export/people", {"unmasked": "1", "reason": " "}).text
    answer = browser.post("/export/people", {"unmasked": "1", "reason": "召回要打电话"})
    assert cells(answer) == [["姓名", "电话"], ["=王", "13800001234"]]
    assert told()[-1][1] == "召回要打电话"
    assert login("owner").post("/export/people", {"unmasked": "1", "reason": "看看而已"}).status_code == 403
    only_names = login("owner").post("/export/people", {"unmasked": "1", "columns": "name"})
    assert cells(only_names) == [["姓名"], ["=王"]]


def test_only_columns_there_are_and_lists_one_may_read_are_given(browser: Browser, login: Login) -> None:
    assert browser.post("/export/people", {"columns": "nothing"}).status_code == 422
    assert browser.get("/export/nothing").status_code == 404
    assert login("customer_service").get("/export/people").status_code == 403
    assert "'=王" in taken(browser.post("/export/people", {"format": "csv"})).decode("utf-8-sig")


def test_issues_complaints_and_records_come_under_the_filters_of_their_lists(browser: Browser) -> None:
    make_form()
    browser.post("/records/inspection", {"item": "外观", "result": "pass", "qty": "3", "day": "2026-11-01"})
    rows = cells(browser.post("/export/records:inspection", {}))
    assert rows[0][3:6] == ["检验项目", "结论", "抽检数"]
    assert (rows[1][3:6], len(rows)) == (["外观", "合格", 3], 2)
    assert len(cells(browser.post("/export/records:inspection?state=done", {}))) <= 2
    assert cells(browser.post("/export/issues?status=all", {}))[0][:2] == ["编号", "标题"]
    assert cells(browser.post("/export/complaints?status=all", {}))[0][0] == "编号"
    assert told()[-1][0]["filters"] == {"status": "all"}


@pytest.mark.parametrize(
    ("text", "masked"), [("王", "*"), ("王五", "**"), ("王小五", "王*五"), ("13800001234", "138*******4")]
)
def test_the_middle_of_a_text_is_masked(text: str, masked: str) -> None:
    assert masked_text(text) == masked
