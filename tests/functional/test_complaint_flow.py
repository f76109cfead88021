"""Complaints that go through a flow: by amount to who may agree, decided on their page, back with a reason."""

import re
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import select

from qtrace.complaints.models import Complaint
from qtrace.core import clock
from qtrace.core.db import db, write
from qtrace.flows.models import FlowInstance
from qtrace.flows.starting import NewStart, set_start
from qtrace.flows.templates import template_of
from qtrace.flows.timers import do_batch
from qtrace.flows.versions import add_version
from tests.conftest import NOW, Browser, log_in, user_id
from tests.factories.flows import make_flow, node


@pytest.fixture
def service(sqlite_app: Flask) -> Browser:
    """Customer service, in a company that uses the shipped flow for refunds."""
    template = template_of("complaint_refund")
    assert template is not None
    with write():
        add_version(template.definition, by=user_id("quality_lead"), now=NOW)
    return log_in(sqlite_app, "customer_service")


def complaint(browser: Browser, amount: int) -> str:
    """Record a complaint of so many cents and return its number."""
    answer = browser.post("/complaints", {"text": "漏液,要求退款", "amount": f"{amount / 100:.2f}"})
    assert answer.status_code == 303, answer.text
    return str(answer.headers["Location"].rpartition("/")[2])


def decide(browser: Browser, number: str, verdict: str, note: str = "") -> int:
    """Decide on the page of one's own to-do, reached from the complaint."""
    way = re.search(r'href="(/tasks/\d+/decision)"', browser.get(f"/complaints/{number}").text)
    assert way, "nothing to decide"
    page = browser.get(way[1]).text
    hidden = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', page))
    sent = {name: value for name, value in hidden.items() if name not in {"csrf_token", "submit_id"}}
    return browser.post(way[1], sent | {"verdict": verdict, "note": note}).status_code


def standing(number: str) -> tuple[str | None, str]:
    """Return the node and the status of the complaint's flow."""
    db.session.remove()
    wanted = select(Complaint.id).where(Complaint.number == number).scalar_subquery()
    row = db.session.execute(
        select(FlowInstance.node, FlowInstance.status).where(
            FlowInstance.subject_kind == "complaint", FlowInstance.subject_id == wanted
        )
    ).one()
    return row.node, row.status


def test_a_small_refund_needs_nobody_else(service: Browser) -> None:
    number = complaint(service, 9_900)
    assert "超额退款的客诉" in service.get(f"/complaints/{number}").text
    assert service.post(f"/complaints/{number}/flow", {"flow": "complaint_refund"}).status_code == 303
    assert standing(number) == ("answer", "running")
    assert decide(service, number, "submit") == 303
    assert standing(number) == ("pay", "running")
    assert decide(service, number, "submit") == 303
    assert standing(number) == (None, "closed")
    again = service.post(f"/complaints/{number}/flow", {"flow": "complaint_refund"})
    assert again.status_code == 422


def test_over_the_limit_the_quality_lead_agrees_or_sends_it_back_with_a_reason(
    sqlite_app: Flask, service: Browser
) -> None:
    number = complaint(service, 30_000)
    service.post(f"/complaints/{number}/flow", {"flow": "complaint_refund"})
    assert decide(service, number, "submit") == 303
    lead = log_in(sqlite_app, "quality_lead")
    assert number in lead.get("/tasks").text and standing(number) == ("lead", "running")
    assert "/decision" not in service.get(f"/complaints/{number}").text
    assert decide(lead, number, "reject") == 422
    assert decide(lead, number, "reject", "先换货") == 303
    assert standing(number) == ("fill", "running")
    assert decide(service, number, "submit") == 303
    assert standing(number)[0] == "answer"


def test_its_page_tells_what_was_decided_in_whose_name_and_when_it_was_late(
    sqlite_app: Flask, service: Browser
) -> None:
    number = complaint(service, 30_000)
    service.post(f"/complaints/{number}/flow", {"flow": "complaint_refund"})
    assert decide(service, number, "submit", "退一半") == 303
    lead, deputy = log_in(sqlite_app, "quality_lead"), log_in(sqlite_app, "owner")
    first, last = (clock.now().date() + timedelta(days=days) for days in (0, 2))
    asked = {"deputy_id": user_id("owner"), "begins": first.isoformat(), "ends": last.isoformat(), "reach": "all"}
    assert lead.post("/me/stand-ins", asked).status_code == 303
    for _day in range(2):
        while do_batch(clock.now() + timedelta(days=30)):
            pass
    assert "客诉 " + number + " · ¥ 300.00" in deputy.get("/tasks").text
    assert decide(deputy, number, "approve") == 303
    told = re.sub(r"<[^>]+>|\s+", " ", service.get(f"/complaints/{number}").text.partition("<h2>动态")[2])
    told = re.sub(" +", " ", told)
    assert "王姐（老板 代） 同意「质量主管同意」" in told
    assert "完成「回复买家并给出方案」 退一半" in told and "交给流程「超额退款的客诉」" in told
    assert "已到期限,提醒 王姐" in told
    assert "进入系统" not in told and "登记" in told


def test_a_to_do_does_not_say_an_amount_its_flow_hides(sqlite_app: Flask, service: Browser) -> None:
    hiding = node("check", "approve", "quality_lead", fields={"amount": "hidden"}, permission="complaint.read")
    make_flow("blind", hiding)
    with write():
        set_start(NewStart("blind", "complaint"), by=user_id("quality_lead"), now=NOW)
    number = complaint(service, 30_000)
    listed = log_in(sqlite_app, "quality_lead").get("/tasks").text
    assert number in listed and "300.00" not in listed


def test_only_flows_of_complaints_are_offered(sqlite_app: Flask, service: Browser) -> None:
    template = template_of("recall")
    assert template is not None
    with write():
        add_version(template.definition, by=None, now=NOW)
    number = complaint(service, 100)
    page = service.get(f"/complaints/{number}").text
    assert 'value="complaint_refund"' in page and 'value="recall"' not in page and 'value="quality_issue"' not in page
    for key in ("recall", "quality_issue", "nothing"):
        assert service.post(f"/complaints/{number}/flow", {"flow": key}).status_code == 422
    auditor = log_in(sqlite_app, "auditor")
    assert auditor.post(f"/complaints/{number}/flow", {"flow": "complaint_refund"}).status_code == 403


def test_a_flow_begins_by_itself_for_what_fits_its_condition(sqlite_app: Flask, service: Browser) -> None:
    lead = log_in(sqlite_app, "quality_lead")
    url = "/flows/complaint_refund/starts"
    assert "不自动开始" in lead.get(url).text
    wrong = {"kind": "complaint", "when.0.field": "text", "when.0.op": "contains", "when.0.value": ""}
    assert lead.post(url, wrong).status_code == 422
    assert lead.post(url, wrong | {"when.0.value": "退款"}).status_code == 303
    page = lead.get(url).text
    assert "买家的话 含 退款" in page and "自动开始" in lead.get("/flows/complaint_refund").text
    number = complaint(service, 100)
    assert standing(number)[1] == "running"
    start = re.search(r"/starts/(\d+)/removal", page)
    assert start
    assert lead.post(f"/flows/quality_issue/starts/{start[1]}/removal").status_code == 404
    assert lead.post(f"{url}/{start[1]}/removal").status_code == 303
    assert 'value="complaint_refund"' in service.get(f"/complaints/{complaint(service, 100)}").text
    assert service.get(url).status_code == 403


def test_nobody_closes_a_complaint_around_its_flow(service: Browser) -> None:
    number = complaint(service, 60_000)
    assert service.post(f"/complaints/{number}/flow", {"flow": "complaint_refund"}).status_code == 303
    page = service.get(f"/complaints/{number}").text
    assert "走完以后才能办结" in page and 'name="handling"' not in page and "只保存分类" in page
    db.session.remove()
    version = db.session.scalars(select(Complaint.version).where(Complaint.number == number)).one()
    refused = service.post(f"/complaints/{number}/settlement", {"handling": "refund", "version": version})
    assert refused.status_code == 422 and "请等它走完" in refused.text
    db.session.remove()
    assert db.session.scalars(select(Complaint.status).where(Complaint.number == number)).one() == "open"
