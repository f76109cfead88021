"""Figures over the records that link to a record: right after every change of any of them, at every door."""

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from qtrace.core.db import db, write
from qtrace.forms.queries import current_form, stored_definition
from qtrace.records.bulk import Row, Sender, Target, take_rows
from qtrace.records.models import Record
from tests.conftest import NOW, Browser
from tests.factories.forms import asked, make_form

Login = Callable[[str], Browser]
REPAIR = [
    asked("of", "link", "返工的检验", form="inspection", filterable=True),
    asked("qty", "integer", "返工数", min=0),
]
INSPECTION = [
    asked("item", "text", "检验项目", required=True, in_list=True),
    asked("repairs", "rollup", "返工次数", form="repair", how="count", digits=0),
    asked("total", "rollup", "返工总数", form="repair", over="qty", filterable=True, digits=0),
    asked("double", "formula", "两倍", formula="{返工总数} * 2", digits=0),
]


@pytest.fixture
def lead(app: Flask, login: Login) -> Browser:
    """The quality lead, with inspections that sum up their repairs."""
    make_form(REPAIR, key="repair", name="返工", prefix="FG")
    make_form(INSPECTION)
    return login("quality_lead")


def fill_in(browser: Browser, form: str, **sent: str) -> str:
    """Fill in a form and return the record's number."""
    answer = browser.post(f"/records/{form}", sent)
    assert answer.status_code == 303, answer.text
    return str(answer.headers["Location"]).rpartition("/")[2]


def figures(number: str) -> tuple[Any, ...]:
    """Return how many repairs an inspection has, their sum, the formula over it, the slot, and its version."""
    db.session.remove()
    row = db.session.scalars(select(Record).where(Record.number == number)).one()
    named = (row.answers.get(name) for name in ("repairs", "total", "double"))
    return *(None if one is None else int(one) for one in named), row.n1, row.version


def test_the_figures_follow_every_record_that_links_here(lead: Browser) -> None:
    one, two = fill_in(lead, "inspection", item="外观"), fill_in(lead, "inspection", item="漏液")
    assert figures(one) == (0, 0, 0, 0, 1)
    repair = fill_in(lead, "repair", of=one, qty="3")
    fill_in(lead, "repair", of=one, qty="4")
    assert figures(one) == (2, 7, 14, 7_000_000, 1) and figures(two)[0] == 0
    url = f"/records/repair/{repair}"
    assert lead.post(url, {"of": one, "qty": "5", "version": "1"}).status_code == 303
    assert figures(one) == (2, 9, 18, 9_000_000, 1)
    assert lead.post(url, {"of": two, "qty": "5", "version": "2"}).status_code == 303
    assert (figures(one)[:2], figures(two)[:2]) == ((1, 4), (1, 5))
    assert lead.post(f"{url}/undo", {"version": "3"}).status_code == 303
    assert (figures(one)[:2], figures(two)[:2]) == ((2, 9), (0, 0))
    assert lead.post(f"{url}/state", {"state": "void", "reason": "重复", "version": "4"}).status_code == 303
    assert figures(one)[:2] == (1, 4)
    assert lead.post(f"{url}/state", {"state": "open", "version": "5"}).status_code == 303
    assert figures(one)[:2] == (2, 9)


def test_a_change_of_the_record_itself_keeps_its_figures(lead: Browser) -> None:
    one = fill_in(lead, "inspection", item="外观")
    fill_in(lead, "repair", of=one, qty="3")
    url = f"/records/inspection/{one}"
    assert lead.post(url, {"item": "外观与泵头", "version": "1"}).status_code == 303
    assert figures(one) == (1, 3, 6, 3_000_000, 2)
    fill_in(lead, "repair", of=one, qty="4")
    assert lead.post(f"{url}/undo", {"version": "2"}).status_code == 303
    assert figures(one) == (2, 7, 14, 7_000_000, 3)


def test_rows_of_a_sheet_count_too(lead: Browser) -> None:
    """Outside of any request, as the worker does it: reading a link there failed for want of an address."""
    one = fill_in(lead, "inspection", item="外观")
    form, version = current_form("repair")
    target = Target(form, version.id, stored_definition(form.key, version.id), "")
    db.session.remove()
    row_id = db.session.scalars(select(Record.id).where(Record.number == one)).one()
    with write():
        rows = [Row({"of": row_id, "qty": n}) for n in (1, 2, 3)]
        take_rows(target, rows, Sender("import", None, None, None), now=NOW)
    assert figures(one)[:2] == (3, 6)


def test_the_designer_is_told_what_can_not_be_rolled_up(lead: Browser) -> None:
    for field, why in (
        (asked("a", "rollup", "甲", form="gone", how="count"), "没有这张表单"),
        (asked("a", "rollup", "甲", form="repair", over="of"), "没有数字字段"),
        (asked("a", "rollup", "甲", form="issue", how="count"), "可筛选的「关联记录」"),
    ):
        with pytest.raises(Exception, match=why):
            make_form([asked("item", "text", "项目"), field], key="other", prefix="OT")
