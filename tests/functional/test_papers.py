"""Papers of cases: the approval sheet of every kind of subject, the paper a node names, and what nodes print and file."""

import io
import re
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from qtrace.complaints.models import Complaint
from qtrace.core import clock
from qtrace.core.db import db, write
from qtrace.core.errors import Refused
from qtrace.core.files import open_path
from qtrace.flows.case_models import FlowSignature
from qtrace.flows.models import FlowDecision, FlowInstance, FlowPaper
from qtrace.flows.standing import StepCase, standing
from qtrace.flows.stored import load_state
from qtrace.flows.templates import template_of
from qtrace.flows.versions import add_version
from qtrace.printing.papers import printed
from qtrace.records.models import Record
from qtrace.sdk.flow_nodes import FilePaper
from tests.conftest import NOW, PASSWORD, Browser, log_in, user_id
from tests.factories.flows import node
from tests.factories.issues import make_issue
from tests.functional.test_deciding import BOSS, DOT, LEAD, a_case, decide, task_of
from tests.functional.test_printing import text_of
from tests.unit.flows.test_steps import AUTO, work

SIGNED = LEAD | {"demands": {"signature": True, "level": 1}}


@pytest.fixture
def lead(sqlite_app: Flask) -> Browser:
    return log_in(sqlite_app, "quality_lead")


def number_of_record() -> str:
    db.session.remove()
    return db.session.scalars(select(Record.number)).one()


def sign(browser: Browser) -> None:
    """Agree with a drawn signature."""
    task = task_of("quality_lead")
    sent = {"verdict": "approve", "note": "同意赔付", "signature": (io.BytesIO(DOT), "signature.png"), "password": PASSWORD,
            "password_again": PASSWORD}  # fmt: skip
    answer = browser.post(f"/tasks/{task.id}/decision", sent, content_type="multipart/form-data")
    assert answer.status_code == 303, answer.text


def test_the_sheet_of_a_record_says_who_decided_what_and_draws_the_signature(sqlite_app: Flask, lead: Browser) -> None:
    a_case(sqlite_app, SIGNED, BOSS)
    sign(lead)
    number = number_of_record()
    assert f"/papers/record/{number}" in lead.get(f"/records/claim/{number}").text
    page = lead.get(f"/papers/record/{number}").text
    for words in (
        "审批单",
        number,
        "瓶盖漏液",
        "¥ 1,200",
        "李工",
        "王姐",
        "同意赔付",
        "密码签署",
        "处理中",
        "事件链头",
    ):
        assert words in page, words
    assert re.search(r'<img class="signature" src="data:image/png;base64,[^"]+" alt="王姐 的签名"', page)
    answer = lead.get(f"/papers/record/{number}.pdf")
    assert answer.status_code == 200 and answer.headers["Content-Type"] == "application/pdf"
    words = text_of(answer.data)
    assert "审批单" in words and "同意赔付" in words and "瓶盖漏液" in words
    assert b"/Subtype /Image" in answer.data


def test_a_signature_whose_picture_is_gone_is_told_in_words(sqlite_app: Flask, lead: Browser) -> None:
    a_case(sqlite_app, SIGNED, BOSS)
    sign(lead)
    db.session.remove()
    file_id = db.session.scalars(select(FlowSignature.file_id)).one()
    assert file_id is not None
    open_path(file_id, data_dir=sqlite_app.config["QTRACE_DATA_DIR"]).unlink()
    number = number_of_record()
    assert "手写签名(图片缺失)" in lead.get(f"/papers/record/{number}").text
    assert "手写签名(图片缺失)" in text_of(lead.get(f"/papers/record/{number}.pdf").data)


def test_issues_and_complaints_have_a_sheet_too(sqlite_app: Flask, lead: Browser) -> None:
    issue = make_issue()
    assert f"/papers/issue/{issue.number}" in lead.get(f"/issues/{issue.number}").text
    page = lead.get(f"/papers/issue/{issue.number}").text
    assert "审批单" in page and issue.title in page and "质量问题" in page
    template = template_of("complaint_refund")
    assert template is not None
    with write():
        add_version(template.definition, by=user_id("quality_lead"), now=NOW)
    service = log_in(sqlite_app, "customer_service")
    answer = service.post("/complaints", {"text": "漏液,要求退款"})
    number = answer.headers["Location"].rpartition("/")[2]
    with write() as session:
        session.scalars(select(Complaint).where(Complaint.number == number)).one().amount_minor = 60_000
    assert service.get(f"/papers/complaint/{number}").status_code == 404  # it goes through no flow
    assert service.post(f"/complaints/{number}/flow", {"flow": "complaint_refund"}).status_code == 303
    assert f"/papers/complaint/{number}" in service.get(f"/complaints/{number}").text
    page = service.get(f"/papers/complaint/{number}").text
    assert "漏液,要求退款" in page and "¥ 600" in page
    assert text_of(service.get(f"/papers/complaint/{number}.pdf").data).count("审批单")


def test_who_may_not_print_or_does_not_see_the_case_gets_no_paper(sqlite_app: Flask, lead: Browser) -> None:
    issue = make_issue()
    a_case(sqlite_app, LEAD)
    number, task = number_of_record(), task_of("quality_lead")
    service = log_in(sqlite_app, "customer_service")
    assert service.get(f"/papers/issue/{issue.number}").status_code in (403, 404)
    assert service.get(f"/papers/record/{number}").status_code in (403, 404)
    assert service.get(f"/tasks/{task.id}/paper").status_code == 404
    assert lead.get("/papers/thing/1").status_code == 404
    assert lead.get("/papers/record/NONE-1").status_code == 404
    assert lead.get("/papers/filed/99").status_code == 404


def test_a_node_names_the_paper_it_is_printed_on(sqlite_app: Flask, lead: Browser) -> None:
    a_case(
        sqlite_app, LEAD, node("again", "approve", "quality_lead", permission="record.read", print_template="report")
    )
    task = task_of("quality_lead")
    assert f"/tasks/{task.id}/paper" in lead.get(f"/tasks/{task.id}/decision").text
    assert "审批单" in lead.get(f"/tasks/{task.id}/paper").text
    decide(lead, task)
    again = task_of("quality_lead")
    page = lead.get(f"/tasks/{again.id}/paper").text
    assert "审批单" not in page and "瓶盖漏液" in page and 'class="qr-code"' in page
    assert "瓶盖漏液" in text_of(lead.get(f"/tasks/{again.id}/paper.pdf").data)


def test_no_paper_shows_what_the_node_hides(sqlite_app: Flask, lead: Browser) -> None:
    hidden = {"fields": {"amount": "hidden"}, "print_template": "report"}
    a_case(sqlite_app, LEAD | hidden)
    task = task_of("quality_lead")
    page = lead.get(f"/tasks/{task.id}/paper").text
    assert "审批单" in page and "瓶盖漏液" in page and "1,200" not in page
    assert "1,200" not in text_of(lead.get(f"/tasks/{task.id}/paper.pdf").data)


def file_node(paper: str = "approval", **more: Any) -> dict[str, Any]:
    return node("file", "auto", options=AUTO | {"action": "print", "with": {"paper": paper}}, **more)


def test_a_node_prints_the_case_and_files_it_where_everybody_finds_it(app: Flask) -> None:
    a_case(app, LEAD, file_node(), BOSS)
    lead = log_in(app, "quality_lead")
    decide(lead, task_of("quality_lead"))
    work(clock.now())
    db.session.remove()
    paper, number = db.session.scalars(select(FlowPaper)).one(), number_of_record()
    assert "存了 审批单" in db.session.scalars(select(FlowDecision.note).where(FlowDecision.verdict == "signal")).all()
    link = f"/papers/filed/{paper.id}"
    boss = log_in(app, "owner")
    for browser, path in ((lead, f"/records/claim/{number}"), (boss, f"/tasks/{task_of('owner').id}/decision")):
        page = browser.get(path).text
        assert link in page and f"{number}-审批单.pdf" in page
    with boss.get(link) as answer:
        assert answer.status_code == 200 and "attachment" in answer.headers["Content-Disposition"]
        words = text_of(answer.data)
    assert "瓶盖漏液" in words and "王姐" in words and "系统" in words


def test_a_filed_paper_is_not_shown_at_a_node_that_hides_fields(sqlite_app: Flask, lead: Browser) -> None:
    a_case(sqlite_app, file_node(), LEAD | {"fields": {"amount": "hidden"}})
    work(clock.now())
    assert db.session.scalars(select(FlowPaper)).all()
    assert "/papers/filed/" not in lead.get(f"/tasks/{task_of('quality_lead').id}/decision").text


def test_a_paper_nobody_knows_is_refused_in_words(sqlite_app: Flask) -> None:
    a_case(sqlite_app, LEAD)
    instance = db.session.scalars(select(FlowInstance)).one()
    found = standing(instance.id, load_state(instance.state).tokens[0].id, NOW, locked=False)
    assert isinstance(found, StepCase)
    with pytest.raises(Refused, match="没有「gone」这张单据"):
        printed(found, FilePaper("gone"))


def test_the_report_of_an_issue_shows_how_a_decision_was_signed(sqlite_app: Flask, lead: Browser) -> None:
    issue = make_issue()
    moved = db.session.scalars(select(FlowInstance.moved)).one()
    assert lead.post(f"/issues/{issue.number}/decisions", {"verdict": "submit", "version": moved}).status_code == 303
    with write() as session:
        instance = session.scalars(select(FlowInstance)).one()
        session.add(
            FlowSignature(instance_id=instance.id, version=instance.version, user_id=user_id("quality_lead"), name="王姐",
                          meaning="approve", with_password=True, at=NOW)
        )  # fmt: skip
    page = lead.get(f"/issues/{issue.number}/report").text
    assert "密码签署" in page and "录入与分类" in page
