"""Records that are checked: submitted, returned, corrected, approved and locked; by whom, seen by whom."""

import re
from collections.abc import Callable

import pytest
from flask import Flask
from sqlalchemy import select

from qtrace.core.db import db, write
from qtrace.flows.models import FlowDecision
from qtrace.forms.queries import current_form, stored_definition
from qtrace.records.bulk import Row, Sender, Target, take_rows
from qtrace.records.models import Record
from qtrace.tasks.models import Task
from tests.conftest import NOW, Browser
from tests.factories.forms import make_form

Login = Callable[[str], Browser]
GOOD = {"item": "外观", "result": "pass", "qty": "20", "day": "2026-11-20", "remark": "无划痕"}


@pytest.fixture
def lead(app: Flask, login: Login) -> Browser:
    """The quality lead, whose inspection form is checked once by the lead."""
    make_form()
    browser = login("quality_lead")
    answer = browser.post("/forms/inspection/flow", {"template": "one_check", "role": "quality_lead"})
    assert answer.status_code == 303, answer.text
    return browser


def fill_in(browser: Browser, **changes: str) -> Record:
    """Fill in the form and return the record."""
    answer = browser.post("/records/inspection", GOOD | changes)
    assert answer.status_code == 303, answer.text
    return latest(answer.headers["Location"].rpartition("/")[2])


def latest(number: str) -> Record:
    """Return the record as it is now."""
    db.session.remove()
    return db.session.scalars(select(Record).where(Record.number == number)).one()


def decide(browser: Browser, record: Record, verdict: str, note: str = "", **changes: str) -> int:
    """Decide on the record from its page as it was last shown."""
    page = browser.get(f"/records/inspection/{record.number}").text
    version = re.search(r'name="version" value="(\d+)"><input type="hidden" name="record_version" value="(\d+)"', page)
    sent = dict(zip(("version", "record_version"), version.groups() if version else ("0", "0"), strict=True))
    url = f"/records/inspection/{record.number}/decisions"
    return int(browser.post(url, {"verdict": verdict, "note": note} | sent | changes).status_code)


def test_a_submitted_record_waits_for_its_check_as_a_to_do(lead: Browser, login: Login) -> None:
    record = fill_in(login("inspector"))
    assert (record.stage, record.state) == ("check", "open")
    page = lead.get("/tasks").text
    assert "审核:到货质检 外观" in page and f"/records/inspection/{record.number}" in page and "IQ-" in page
    assert 'data-testid="decide"' in lead.get(f"/records/inspection/{record.number}").text
    assert 'data-testid="decide"' not in login("inspector").get(f"/records/inspection/{record.number}").text
    assert f"{record.number}</a> <span" in lead.get("/records/inspection?filter=" + stage_is("check")).text
    assert "没有符合条件的记录" in lead.get("/records/inspection?filter=" + stage_is("approved")).text


def test_an_approved_record_is_locked_until_it_is_opened_again(lead: Browser, login: Login) -> None:
    record = fill_in(login("inspector"))
    url = f"/records/inspection/{record.number}"
    assert decide(lead, record, "submit", "可以入库") == 303
    approved = latest(record.number)
    assert (approved.stage, approved.state) == ("approved", "done")
    assert lead.post(url, GOOD | {"qty": "99", "version": "1"}).status_code == 422
    assert lead.post(f"{url}/state", {"state": "void", "reason": "x", "version": "1"}).status_code == 422
    assert take(approved, 99) == [("refused", record.number)]
    assert decide(lead, approved, "reopen") == 422
    assert decide(lead, approved, "reopen", "数量写错") == 303
    assert latest(record.number).stage == "fill"
    assert lead.post(url, GOOD | {"qty": "21", "version": "1"}).status_code == 303
    shown = lead.get(url).text
    assert "通过「审核」" in shown and "可以入库" in shown and "重新打开" in shown and "数量写错" in shown


def take(record: Record, qty: int) -> list[tuple[str, str]]:
    """Send the record once more from a sheet, named by its key, and return the outcomes."""
    with write() as session:
        session.get_one(Record, record.id).key = "外观"
    form, version = current_form("inspection")
    target = Target(form, version.id, stored_definition(form.key, version.id), "item")
    with write():
        done = take_rows(target, [Row({"item": "外观", "qty": qty})], Sender("import", None, None, None), now=NOW)
    return [(one.outcome, one.number) for one in done]


def test_a_returned_record_is_corrected_by_who_filled_it_in(lead: Browser, login: Login) -> None:
    service = login("customer_service")  # may fill in, but not change what others filled in
    record = fill_in(service)
    url = f"/records/inspection/{record.number}"
    assert service.get(f"{url}/edit").status_code == 403
    assert decide(lead, record, "return") == 422
    assert decide(lead, record, "return", "请补照片") == 303
    assert latest(record.number).stage == "fill"
    assert "退回补正:到货质检 外观" in service.get("/tasks").text
    assert re.search(r'id="sent-back">.*请补照片', service.get(url).text)
    assert service.get(f"{url}/edit").status_code == 200
    assert service.post(url, GOOD | {"remark": "已补", "version": "1"}).status_code == 303
    assert decide(service, latest(record.number), "submit") == 303
    assert latest(record.number).stage == "check"
    verdicts = db.session.scalars(select(FlowDecision.verdict).order_by(FlowDecision.version)).all()
    assert verdicts == ["submit", "return", "submit"]


def test_a_decision_on_something_else_than_what_was_seen_is_refused(lead: Browser, login: Login) -> None:
    record = fill_in(login("inspector"))
    assert decide(lead, record, "submit", record_version="7") == 409
    assert decide(lead, record, "submit", version="1") == 409
    assert latest(record.number).stage == "check"


def test_two_checks_need_both_people_in_their_order(lead: Browser, login: Login) -> None:
    lead.post("/forms/inspection/flow", {"template": "two_checks", "role": "purchasing"})
    record = fill_in(login("inspector"))
    assert decide(lead, record, "submit", version="2", record_version="1") == 403
    assert decide(login("inspector"), record, "submit", version="2", record_version="1") == 403
    buyer = login("purchasing")
    assert decide(buyer, record, "submit") == 303
    assert latest(record.number).stage == "lead_check"
    assert decide(lead, record, "submit") == 303
    assert latest(record.number).stage == "approved"


def test_a_stage_gate_holds_the_record_back(lead: Browser, login: Login) -> None:
    gate(lead, "check")
    record = fill_in(login("inspector"), remark="")
    assert decide(lead, record, "submit") == 422
    assert latest(record.number).stage == "check"
    gate(lead, "fill")
    answer = login("inspector").post("/records/inspection", GOOD | {"remark": ""})
    assert answer.status_code == 422 and "还是空的" in answer.text
    assert fill_in(login("inspector")).stage == "check"


def gate(lead: Browser, stage: str) -> None:
    """Let nothing leave the stage without a remark."""
    sent = {"form": "inspection", "kind": "stage_gate", "field": "remark", "o_stage": stage, "level": "block"}
    answer = lead.post("/rules", sent)
    assert answer.status_code == 303, answer.text


def test_a_void_record_waits_and_goes_on_when_it_is_restored(lead: Browser, login: Login) -> None:
    record = fill_in(login("inspector"))
    url = f"/records/inspection/{record.number}/state"
    assert lead.post(url, {"state": "done", "version": "1"}).status_code == 422
    assert lead.post(url, {"state": "void", "reason": "重复", "version": "1"}).status_code == 303
    assert open_tasks() == []
    assert decide(lead, record, "submit", version="2", record_version="2") == 422
    assert lead.post(url, {"state": "open", "version": "2"}).status_code == 303
    assert open_tasks() == ["check"]


def test_a_form_without_a_flow_and_records_before_one_stay_as_they_were(lead: Browser, login: Login) -> None:
    lead.post("/forms/inspection/flow", {"template": "", "role": ""})
    assert fill_in(lead).stage == ""
    assert lead.post("/forms/inspection/flow", {"template": "one_check", "role": "auditor"}).status_code == 422
    assert lead.post("/forms/inspection/flow", {"template": "nonsense", "role": "x"}).status_code == 422
    assert lead.get("/forms/issue/flow").status_code == 404


def open_tasks() -> list[str]:
    """Return the stages of the open to-dos."""
    db.session.remove()
    return list(db.session.scalars(select(Task.node).where(Task.state == "open")))


def stage_is(stage: str) -> str:
    """Return a condition on the stage as addresses spell it."""
    return f'{{"all":[{{"field":"stage","op":"eq","value":"{stage}"}}]}}'


def test_a_form_may_choose_a_flow_of_the_companys_own(app: Flask, login: Login) -> None:
    make_form()
    lead = login("quality_lead")
    assert lead.post("/flows", {"template": "supplier_action", "name": "整改", "publish": "1"}).status_code == 303
    assert "整改" in lead.get("/forms/inspection/flow").text
    assert lead.post("/forms/inspection/flow", {"template": "flow:quality_issue"}).status_code == 422
    assert lead.post("/forms/inspection/flow", {"template": "flow:supplier_action"}).status_code == 303
    assert 'value="flow:supplier_action" checked' in lead.get("/forms/inspection/flow").text
    record = fill_in(login("inspector"))
    assert (record.stage, record.state) == ("approve", "open")
    assert "到货质检" in lead.get("/flows/supplier_action").text
