"""The pages on which flows are kept: list, shipped flows, versions, differences, poster, files."""

import io
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import Engine, event, func, select

from qtrace.classification.models import Term
from qtrace.core.db import db, write
from qtrace.flows.definition import Definition
from qtrace.flows.instances import active_definition
from qtrace.flows.models import FlowDecision, FlowDefinition
from qtrace.flows.templates import TEMPLATES, template_of
from qtrace.flows.versions import add_version
from qtrace.records.models import Record
from tests.conftest import NOW, Browser, log_in, user_id
from tests.factories.forms import asked, make_form


@pytest.fixture
def lead(sqlite_app: Flask) -> Browser:
    """The quality lead, who keeps the flows."""
    return log_in(sqlite_app, "quality_lead")


def shipped(key: str) -> Definition:
    """Return a shipped flow."""
    template = template_of(key)
    assert template is not None
    return template.definition


def runs(key: str) -> bool:
    """Say whether new cases may start on the flow now."""
    db.session.remove()
    return active_definition(key) is not None


def publish(definition: Definition) -> int:
    """Store the next version of a flow."""
    with write():
        return add_version(definition, by=user_id("quality_lead"), now=NOW)


def test_a_shipped_flow_is_read_as_a_whole_before_it_is_used(lead: Browser) -> None:
    page = lead.get("/flows/new").text
    assert all(template.definition.name_zh in page for template in TEMPLATES)
    page = lead.get("/flows/new?template=claim_approval").text
    assert "质量主管、采购、老板 全部 · 2 个工作日" in page and "金额(元) &gt; 20000" in page
    answer = lead.post("/flows", {"template": "claim_approval", "name": "快递索赔", "publish": "1"})
    assert answer.headers["Location"] == "/flows/claim_approval"
    page = lead.get("/flows").text
    assert re.search(r'id="flow-claim_approval".*?快递索赔.*?第 1 版', page, re.S)
    found = active_definition("claim_approval")
    assert found and found[1].name_zh == "快递索赔"


def test_the_same_shipped_flow_twice_gets_a_key_of_its_own(lead: Browser) -> None:
    sent = {"template": "recall", "name": "", "publish": "1"}
    urls = [lead.post("/flows", sent).headers["Location"] for _time in range(2)]
    assert urls == ["/flows/recall", "/flows/recall_2"]


def test_a_flow_tells_who_published_its_versions_and_what_uses_it(lead: Browser) -> None:
    page = lead.get("/flows/quality_issue").text
    assert "全部质量问题" in page and "随系统" in page
    publish(replace(shipped("quality_issue"), withdrawal="never"))
    page = lead.get("/flows/quality_issue").text
    assert re.search(r'id="version-2".*?2026-11-20.*?id="version-1"', page, re.S)
    assert lead.get("/flows/nothing").status_code == 404
    assert lead.get("/flows/quality_issue?version=9").status_code == 404


def test_two_versions_are_compared_in_words(lead: Browser) -> None:
    old = shipped("small_company")
    publish(old)
    handle, approve = (replace(node, due_minutes=960 * 2) for node in old.nodes[1:3])
    publish(replace(old, nodes=(old.nodes[0], approve, handle)))
    page = lead.get("/flows/small_company/compare").text
    assert "<del>1 个工作日</del> → <ins>4 个工作日</ins>" in page
    assert "移到「老板同意」之后" in page and "去掉了看效果" in page


def test_a_version_is_switched_off_but_never_the_last_one_of_quality_issues(lead: Browser) -> None:
    publish(shipped("recall"))
    assert lead.post("/flows/recall/versions/1/state", {"active": "0"}).status_code == 303
    assert not runs("recall")
    assert lead.post("/flows/recall/versions/1/state", {"active": "1"}).status_code == 303
    assert runs("recall")
    assert lead.post("/flows/quality_issue/versions/1/state", {"active": "0"}).status_code == 422
    assert runs("quality_issue")


@pytest.mark.parametrize("paper", ["a4", "a3"])
def test_the_poster_shows_the_whole_flow_for_its_paper(lead: Browser, paper: str) -> None:
    publish(shipped("safety_complaint"))
    page = lead.get(f"/flows/safety_complaint/poster?paper={paper}").text
    assert f'class="poster {paper} dense"' in page and "<style" not in page
    assert "停售并封存库存" in page and "质检、质量主管 一人领取 · 2 工作小时" in page


def test_a_flow_leaves_as_a_file(lead: Browser) -> None:
    answer = lead.get("/flows/quality_issue/export")
    assert "attachment" in answer.headers["Content-Disposition"]
    data: dict[str, Any] = json.loads(answer.text)
    assert (data["format"], data["flow"]["key"], len(data["flow"]["nodes"])) == ("qtrace-flow", "quality_issue", 5)


def test_only_who_keeps_the_flows_sees_them(sqlite_app: Flask) -> None:
    assert log_in(sqlite_app, "customer_service").get("/flows").status_code == 403
    assert db.session.scalar(select(FlowDefinition.version).where(FlowDefinition.key == "quality_issue")) == 1


def test_a_flow_is_tried_on_a_real_issue_without_writing(lead: Browser) -> None:
    made = lead.post("/issues", {"title": "瓶盖漏液", "type": term("leaking"), "severity": term("major")})
    number = made.headers["Location"].rpartition("/")[2]
    count = db.session.scalar(select(func.count()).select_from(FlowDecision))
    publish(shipped("small_company"))
    assert number in lead.get("/flows/small_company/simulate").text
    page = lead.get(f"/flows/small_company/simulate?number={number.lower()}&path=aar").text
    told = re.sub(r"<[^>]+>|\s+", " ", page[page.index('id="way"') :])
    assert "瓶盖漏液" in told and told.count("老板同意") == 2 and "结案" in told
    assert "path=aat#way" in page and "path=aaraaa" in page
    assert lead.get("/flows/small_company/simulate?number=QI-0000-0000").status_code == 422
    db.session.remove()
    assert db.session.scalar(select(func.count()).select_from(FlowDecision)) == count


def term(code: str) -> str:
    """Return the id of a term."""
    return str(db.session.scalars(select(Term.id).where(Term.code == code)).one())


def test_a_file_becomes_a_new_flow_or_the_next_version(lead: Browser) -> None:
    publish(shipped("recall"))
    content = lead.get("/flows/recall/export").data

    def upload(data: bytes, into: str = "") -> Any:
        return lead.post("/flows/imports", {"file": (io.BytesIO(data), "x.json"), "into": into, "publish": "1"})

    assert upload(content).headers["Location"] == "/flows/recall_2"
    changed = content.replace("召回".encode(), "紧急召回".encode())
    assert upload(changed, "recall").headers["Location"] == "/flows/recall"
    assert "紧急召回" in lead.get("/flows/recall").text
    refused = upload(b"[" * 100_000)
    assert refused.status_code == 422 and "套得太深" in refused.text
    assert upload(content, "nothing").status_code == 404


def test_a_flow_is_designed_before_anybody_uses_it(lead: Browser) -> None:
    answer = lead.post("/flows", {"template": "recall", "name": "大召回"})
    assert answer.headers["Location"] == "/flows/recall/design"
    assert "大召回" in lead.get("/flows/recall/design").text and not runs("recall")
    assert re.search(r'id="flow-recall".*?大召回.*?没有发布', lead.get("/flows").text, re.S)
    assert "草稿" in lead.get("/flows/recall/simulate").text
    assert lead.post("/flows", {"template": "blank", "name": "新品试销"}).headers["Location"] == "/flows/flow/design"
    assert lead.post("/flows", {"template": "blank", "name": "长" * 200}).status_code == 422
    publish(shipped("claim_approval"))
    assert "设计" in lead.get("/flows/claim_approval").text


def test_more_flows_cost_the_list_no_more_statements(lead: Browser) -> None:
    publish(shipped("recall"))
    lead.get("/flows")
    with counted() as few:
        lead.get("/flows")
    for template in TEMPLATES[1:]:
        if template.key != "recall":
            publish(template.definition)
    lead.get("/flows")
    with counted() as many:
        lead.get("/flows")
    assert len(many) <= len(few) <= 25


@contextmanager
def counted() -> Iterator[list[str]]:
    """Collect the statements of what happens inside."""
    found: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        found.append(statement)

    event.listen(Engine, "before_cursor_execute", note)
    try:
        yield found
    finally:
        event.remove(Engine, "before_cursor_execute", note)


def test_what_the_simulation_shows_is_what_happens(lead: Browser) -> None:
    asked_for = [asked("what", "text", "事由", required=True), asked("amount", "integer", "索赔金额")]
    make_form(asked_for, key="claim", name="索赔单", prefix="CL")
    publish(shipped("claim_approval"))
    assert lead.post("/forms/claim/flow", {"template": "flow:claim_approval"}).status_code == 303
    made = lead.post("/records/claim", {"what": "漏液", "amount": "30000"})
    number = made.headers["Location"].rpartition("/")[2]
    page = lead.get(f"/flows/claim_approval/simulate?number={number}").text
    told = re.sub(r"<[^>]+>|\s+", " ", page[page.index('id="way"') :])
    assert "索赔金额 30000" in told and "质量、采购、老板会签" in told and "漏液" in told
    record = select(Record.stage).where(Record.number == number)
    assert db.session.scalar(record) == "head"
    shown = lead.get(f"/records/claim/{number}").text
    version = re.search(r'name="version" value="(\d+)"><input type="hidden" name="record_version" value="(\d+)"', shown)
    assert version
    sent = {"verdict": "submit", "note": "好", "version": version[1], "record_version": version[2]}
    assert lead.post(f"/records/claim/{number}/decisions", sent).status_code == 303
    db.session.remove()
    assert db.session.scalar(record) == "three"
    assert lead.get("/flows/claim_approval/simulate?number=%00").status_code == 422
    assert "索赔单" in lead.get("/flows/claim_approval").text


def test_a_shipped_flow_of_issues_becomes_a_draft_of_their_one_flow(lead: Browser) -> None:
    assert "用作质量问题的流程" in lead.get("/flows/new?template=small_company").text
    answer = lead.post("/flows", {"template": "small_company", "into": "1"})
    assert answer.headers["Location"] == "/flows/quality_issue/design"
    assert "老板同意" in lead.get("/flows/quality_issue/impact").text
    assert re.search(r'id="flow-quality_issue".*?有草稿', lead.get("/flows").text, re.S)
    again = lead.post("/flows", {"template": "small_company", "into": "1"})
    assert again.status_code == 409 and "未发布的草稿" in again.text
