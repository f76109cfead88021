"""Figures of a form's records: every one is the count of the list it leads to, and nothing is cut off unsaid."""

import io
import re
from collections.abc import Callable
from html import unescape

import pytest
from flask import Flask
from openpyxl import load_workbook
from sqlalchemy import update

from qtrace.accounts.service import ensure_department
from qtrace.core.db import write
from qtrace.forms.queries import current_form, stored_definition
from qtrace.records import pages, statistics
from qtrace.records.bulk import Row, Sender, Target, take_rows
from tests.conftest import NOW, Browser
from tests.factories.forms import make_form

Login = Callable[[str], Browser]
ROWS = [
    {"item": "外观", "result": "pass", "qty": 20, "day": "2026-09-30", "urgent": True},
    {"item": "外观", "result": "fail", "qty": 7, "day": "2026-10-01", "urgent": False},
    {"item": "漏液", "result": "fail", "qty": 1, "day": "2026-11-02", "urgent": False},
    {"item": "色差", "result": "pass", "day": "2026-11-20"},
    {"item": "破损", "result": "pass", "qty": 999_999_999_999},
]
LINE = re.compile(r'<th scope="row">([^<]*)</th><td class="r num">(?:<a href="([^"]+)">)?([^<]*)<')


@pytest.fixture
def lead(app: Flask, login: Login) -> Browser:
    """The quality lead with five inspections."""
    make_form()
    form, version = current_form("inspection")
    target = Target(form, version.id, stored_definition(form.key, version.id), "")
    with write():
        take_rows(target, [Row(dict(row)) for row in ROWS], Sender("page", None, None, None), now=NOW)
    return login("quality_lead")


def figures(browser: Browser, query: str) -> dict[str, tuple[str, str]]:
    """Return the table as {label: (figure, address)}."""
    answer = browser.get(f"/records/inspection/stats?{query}")
    assert answer.status_code == 200, answer.text
    found = LINE.findall(answer.text)
    return {unescape(label): (shown, unescape(url)) for label, url, shown in found}


def listed(browser: Browser, url: str) -> int:
    """Return how many records the list at this address shows."""
    return len(re.findall(r'id="record-\d+"', browser.get(url).text))


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("by=f.result", {"合格": "3", "不合格": "2", "合计": "5"}),
        ("by=f.urgent", {"否": "2", "是": "1", "未填": "2", "合计": "5"}),
        ("by=f.day&grain=month", {"2026-09": "1", "2026-10": "1", "2026-11": "2", "未填": "1", "合计": "5"}),
        ("by=stage", {"未填": "5", "合计": "5"}),
        ("by=created_at&grain=day", {"2026-11-20": "5", "合计": "5"}),
        ("by=f.result&filter=" + '{"field":"f.qty","op":"le","value":20}', {"合格": "1", "不合格": "2", "合计": "3"}),
    ],
)
def test_each_figure_is_the_count_of_the_list_it_leads_to(lead: Browser, query: str, expected: dict[str, str]) -> None:
    found = figures(lead, query)
    assert {label: shown for label, (shown, _url) in found.items()} == expected
    assert {label: str(listed(lead, url)) for label, (_shown, url) in found.items()} == expected


def test_weeks_begin_on_monday_and_none_is_left_out_between(lead: Browser) -> None:
    found = figures(lead, "by=f.day&grain=week")
    assert next(iter(found)) == "2026-09-28 起一周" and found["2026-09-28 起一周"][0] == "2"
    assert len(found) == 8 + 2 and found["2026-10-05 起一周"] == ("0", "")


@pytest.mark.parametrize(
    ("of", "expected"),
    [
        ("sum:f.qty", {"合格": "1,000,000,000,019", "不合格": "8", "合计": "1,000,000,000,027"}),
        ("avg:f.qty", {"合格": "500,000,000,009.5", "不合格": "4", "合计": "250,000,000,006.75"}),
        ("rate:f.urgent", {"合格": "100.0%", "不合格": "0.0%", "合计": "33.3%"}),
    ],
)
def test_sums_means_and_shares_are_exact(lead: Browser, of: str, expected: dict[str, str]) -> None:
    found = figures(lead, f"by=f.result&of={of}")
    assert {label: shown for label, (shown, _url) in found.items()} == expected


def test_what_has_no_room_is_counted_and_listed_as_the_rest(lead: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(statistics.by_value, "__kwdefaults__", {"most": 2})
    found = figures(lead, "by=f.item")
    assert list(found) == ["外观", "漏液", "其余 2 种", "合计"] and found["其余 2 种"][0] == "2"
    assert listed(lead, found["其余 2 种"][1]) == 2
    monkeypatch.setattr(statistics, "MOST_SPANS", 10)
    found = figures(lead, "by=f.day&grain=day")
    assert next(iter(found)) == "更早的 42 段" and found["更早的 42 段"][0] == "3"
    assert listed(lead, found["更早的 42 段"][1]) == 3
    monkeypatch.setattr(pages, "MOST_BARS", 2)
    page = lead.get("/records/inspection?group=f.item").text
    assert "其余 2 种" in page


def test_the_table_is_given_as_a_sheet(lead: Browser) -> None:
    answer = lead.get("/records/inspection/stats.xlsx?by=f.result&of=sum:f.qty")
    rows = list(load_workbook(io.BytesIO(answer.data)).active.iter_rows(values_only=True))
    answer.close()
    assert rows[0] == ("结论", "抽检数 合计", "记录数")
    assert rows[1] == ("合格", 1_000_000_000_019, 3) and rows[-1] == ("合计", 1_000_000_000_027, 5)


def test_figures_tell_nobody_of_records_they_do_not_see(lead: Browser, login: Login) -> None:
    with write() as session:
        elsewhere = ensure_department("别的部门")
        session.execute(update(statistics.RECORDS).values(department_id=elsewhere))
    service = login("customer_service")
    assert "没有符合条件的记录" in service.get("/records/inspection/stats?by=f.result").text
    assert service.get("/records/inspection/stats.xlsx").status_code == 403
    assert figures(lead, "by=f.result")["合计"][0] == "5"
    assert lead.get("/records/issue/stats").status_code == 404
