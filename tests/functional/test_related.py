"""Records that belong to a record: listed on its page, as far as the reader sees them."""

import re
from collections.abc import Callable
from html import unescape

import pytest
from flask import Flask
from sqlalchemy import update

from qtrace.accounts.service import ensure_department
from qtrace.core.db import db, write
from qtrace.forms.queries import current_form, stored_definition
from qtrace.forms.registry import controls
from qtrace.records.models import Record
from tests.conftest import Browser
from tests.factories.forms import asked, make_form

Login = Callable[[str], Browser]
REPAIR = [
    asked("of", "link", "返工的检验", form="inspection", filterable=True),
    asked("qty", "integer", "返工数", min=0),
]
LISTED = [
    asked("item", "text", "检验项目", required=True, in_list=True, filterable=True),
    asked("repairs", "related_list", "返工记录", form="repair", through="link"),
]


@pytest.fixture
def lead(app: Flask, login: Login) -> Browser:
    """The quality lead, with inspections that list their repairs."""
    make_form(LISTED)
    make_form(REPAIR, key="repair", name="返工", prefix="FG")
    return login("quality_lead")


def fill_in(browser: Browser, form: str, **sent: str) -> str:
    """Fill in a form and return the record's number."""
    answer = browser.post(f"/records/{form}", sent)
    assert answer.status_code == 303, answer.text
    return str(answer.headers["Location"]).rpartition("/")[2]


def shown(browser: Browser, number: str) -> tuple[str, list[str], str]:
    """Return the count of the related list, the numbers in it and the address of all."""
    page = browser.get(f"/records/inspection/{number}").text
    part = re.findall(r'<section class="card" id="related-repairs">.*?</section>', page, re.DOTALL)[0]
    url = re.findall(r'class="btn" href="([^"]+)"', part)
    return (
        re.findall(r"<small>(\d+)</small>", part)[0],
        re.findall(r">(FG-[\d-]+)<", part),
        unescape(url[0] if url else ""),
    )


def test_what_links_to_a_record_is_listed_with_its_count(lead: Browser) -> None:
    number, other = fill_in(lead, "inspection", item="外观"), fill_in(lead, "inspection", item="漏液")
    assert shown(lead, number) == ("0", [], "")
    made = [fill_in(lead, "repair", of=number, qty="2") for _each in range(7)]
    fill_in(lead, "repair", of=other, qty="1")
    total, rows, url = shown(lead, number)
    assert (total, rows) == ("7", made[:1:-1])
    assert len(re.findall(r'id="record-\d+"', lead.get(url).text)) == 7


def test_what_the_reader_does_not_see_is_neither_listed_nor_counted(lead: Browser, login: Login) -> None:
    number = fill_in(lead, "inspection", item="外观")
    fill_in(lead, "repair", of=number)
    with write() as session:
        session.execute(update(Record).where(Record.number == number).values(department_id=None))
        elsewhere = ensure_department("别的部门")
        session.execute(update(Record).where(Record.number != number).values(department_id=elsewhere))
    db.session.remove()
    assert shown(lead, number)[0] == "1"
    assert shown(login("customer_service"), number)[0] == "0"


def test_a_list_nothing_can_be_matched_in_says_so(lead: Browser) -> None:
    number = fill_in(lead, "inspection", item="外观")
    make_form([LISTED[0], asked("repairs", "related_list", "返工记录", form="repair", through="sku")])
    assert "没有可以对上的可筛选字段" in lead.get(f"/records/inspection/{number}").text
    make_form([LISTED[0], asked("repairs", "related_list", "返工记录", form="gone")])
    assert "要列出的表单已经没有了" in lead.get(f"/records/inspection/{number}").text


def test_it_asks_nothing_and_is_nothing_for_outsiders(lead: Browser, app: Flask) -> None:
    page = lead.get("/records/inspection/new").text
    assert "返工记录" in page and 'name="repairs"' not in page
    form, version = current_form("inspection")
    with app.test_request_context():
        control = controls()["related_list"]
        assert control.layout and not control.public
        assert [option.name for option in control.panel()] == ["form", "through"]
        assert {choice.value for choice in control.panel()[0].choices} == {"inspection", "repair"}
        assert stored_definition(form.key, version.id).field("repairs") is not None
