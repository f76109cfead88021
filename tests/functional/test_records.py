"""Records of a form the company made: filled in, found, filtered, corrected, taken back."""

import json
import re
from collections.abc import Callable
from urllib.parse import quote

import pytest
from flask import Flask
from sqlalchemy import select

from qtrace.core.db import db
from qtrace.core.models import EventRow
from qtrace.forms.models import FormVersion
from qtrace.records.models import Record
from tests.conftest import Browser
from tests.factories.forms import INSPECTION, asked, make_form

Login = Callable[[str], Browser]
GOOD = {"item": "外观", "result": "pass", "qty": "20", "day": "2026-11-20", "remark": "无划痕"}


@pytest.fixture
def lead(app: Flask, login: Login) -> Browser:
    """The quality lead, with an inspection form published."""
    make_form()
    return login("quality_lead")


def fill_in(browser: Browser, **changes: str) -> Record:
    """Fill in the form and return the record."""
    answer = browser.post("/records/inspection", GOOD | changes)
    assert answer.status_code == 303, answer.text
    number = answer.headers["Location"].rpartition("/")[2]
    db.session.remove()
    return db.session.scalars(select(Record).where(Record.number == number)).one()


def test_a_filled_form_becomes_a_record_with_its_fields_in_slots(lead: Browser) -> None:
    record = fill_in(lead, urgent="1")
    assert record.number.startswith("IQ-") and record.title == "外观"
    assert record.answers == {
        "item": "外观", "result": "pass", "qty": 20, "day": "2026-11-20", "urgent": True, "remark": "无划痕",
    }  # fmt: skip
    assert (record.t1, record.t2, record.n1, record.b1) == ("外观", "pass", 20_000_000, True)
    page = lead.get(f"/records/inspection/{record.number}").text
    assert "无划痕" in page and "合格" in page


def test_a_wrong_form_comes_back_with_what_was_typed(lead: Browser) -> None:
    answer = lead.post("/records/inspection", GOOD | {"item": "", "qty": "-3"})
    assert answer.status_code == 422
    assert "请填写这一项。" in answer.text and 'value="-3"' in answer.text and "无划痕" in answer.text
    assert db.session.scalars(select(Record)).all() == []


def test_records_are_found_by_two_characters_and_by_condition(lead: Browser) -> None:
    first, second = fill_in(lead), fill_in(lead, item="漏液", result="fail", qty="5")
    assert numbers(lead, "?q=漏液") == [second.number]
    condition = json.dumps({"all": [{"field": "f.qty", "op": "ge", "value": 10}]})
    assert numbers(lead, f"?filter={quote(condition)}") == [first.number]
    assert "链接里的条件读不出来" in lead.get("/records/inspection?filter={bad").text


def test_a_list_is_sorted_by_a_field_with_empty_ones_last_and_pages_join(lead: Browser) -> None:
    made = [fill_in(lead, qty=text) for text in ("7", "", "3", "12", "")]
    rising = [made[2], made[0], made[3], made[4], made[1]]
    assert numbers(lead, "?sort=f.qty") == [record.number for record in rising]
    assert numbers(lead, "?sort=-f.qty") == [made[i].number for i in (3, 0, 2, 4, 1)]


def test_a_list_is_counted_by_a_field_and_each_count_leads_to_its_records(lead: Browser) -> None:
    fill_in(lead)
    fill_in(lead)
    bad = fill_in(lead, result="fail")
    page = lead.get("/records/inspection?group=f.result").text
    links = re.findall(r'<a href="(\?[^"]+)">不合格</a>', page)
    assert len(links) >= 1
    assert numbers(lead, links[-1].replace("&amp;", "&")) == [bad.number]


def test_an_edit_keeps_what_was_there_and_can_be_taken_back(lead: Browser) -> None:
    record = fill_in(lead)
    url = f"/records/inspection/{record.number}"
    assert lead.post(url, GOOD | {"qty": "25", "version": "1"}).status_code == 303
    late = lead.post(url, GOOD | {"qty": "99", "version": "1"})
    assert late.status_code == 409 and 'value="99"' in late.text and "刚被别人改过" in late.text
    assert now_of(record).answers["qty"] == 25
    assert lead.post(f"{url}/undo", {"version": "2"}).status_code == 303
    assert (now_of(record).answers["qty"], now_of(record).n1) == (20, 20_000_000)


def test_a_voided_record_leaves_the_list_and_needs_a_reason(lead: Browser) -> None:
    record = fill_in(lead)
    url = f"/records/inspection/{record.number}"
    assert lead.post(f"{url}/state", {"state": "void", "version": "1"}).status_code == 422
    assert lead.post(f"{url}/state", {"state": "void", "version": "1", "reason": "重复"}).status_code == 303
    assert numbers(lead, "") == [] and numbers(lead, "?state=void") == [record.number]


def test_somebody_filling_in_an_older_version_is_not_interrupted(lead: Browser) -> None:
    old = db.session.scalars(select(FormVersion.id).order_by(FormVersion.id.desc())).first()
    make_form([*INSPECTION, asked("weight", "integer", "净重", required=True)])
    record = fill_in(lead, form_version=str(old))
    assert record.form_version_id == old and "weight" not in record.answers
    assert lead.post("/records/inspection", GOOD).status_code == 422


def test_an_inspector_of_another_department_does_not_see_the_record(lead: Browser, login: Login) -> None:
    record = fill_in(lead)
    service = login("customer_service")
    assert service.get(f"/records/inspection/{record.number}").status_code == 404
    assert numbers(service, "") == []
    assert service.post(f"/records/inspection/{record.number}", GOOD).status_code == 404


def test_a_masked_value_is_shown_in_full_only_with_a_reason_that_is_kept(app: Flask, login: Login) -> None:
    make_form([asked("who", "masked_text", "身份证号", in_list=True), asked("item", "text", "项目")])
    lead = login("quality_lead")
    record = fill_in(lead, who="110101199003071234")
    url = f"/records/inspection/{record.number}"
    assert "110101199003071234" not in lead.get(url).text + lead.get("/records/inspection").text
    assert lead.post(f"{url}/reveals", {"field": "who", "reason": " "}).status_code == 422
    assert "110101199003071234" in lead.post(f"{url}/reveals", {"field": "who", "reason": "核对"}).text
    assert lead.post(f"{url}/reveals", {"field": "item", "reason": "核对"}).status_code == 404
    db.session.remove()
    told = db.session.scalars(select(EventRow).where(EventRow.name == "record_revealed")).one()
    assert (told.body, told.reason) == ({"field": "who"}, "核对")
    assert login("inspector").post(f"{url}/reveals", {"field": "who", "reason": "好奇"}).status_code == 403


def numbers(browser: Browser, query: str) -> list[str]:
    """Return the numbers a list shows, in order."""
    page = browser.get(f"/records/inspection{query}")
    assert page.status_code == 200
    return re.findall(r'class="t num" href="[^"]+">([^<]+)</a>', page.text)


def now_of(record: Record) -> Record:
    """Return the record as it is now."""
    db.session.remove()
    return db.session.get_one(Record, record.id)
