"""The story of a rule: made without a programmer, tried on real records, kept at the issue form, put in order, switched off."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from qtrace.catalog.models import Shop, Sku, Standard, StandardVersion
from qtrace.classification.models import Term
from qtrace.core import clock
from qtrace.core.db import db, write
from qtrace.core.models import EventRow
from qtrace.forms.links import LinkOptions, create_link
from qtrace.forms.models import Form
from qtrace.forms.queries import current_definition
from qtrace.issues.intake import store
from qtrace.issues.models import Issue
from qtrace.issues.service import NewIssue, create_issue
from qtrace.rules.models import Rule
from qtrace.sdk.records import QualityIssue
from tests.conftest import NOW, Browser, log_in, user_id
from tests.factories.forms import RESULTS, asked, make_form

Login = Callable[[str], Browser]


@pytest.fixture
def lead(sqlite_app: Flask) -> Browser:
    """The quality lead, and two terms the issue form asks for."""
    with write() as session:
        session.add(Term(kind="type", code="t_leak", name_zh="测试漏液", name_en="Leak", position=900))
        session.add(Term(kind="severity", code="s_severe", name_zh="测试重大", name_en="Severe", position=900))
    return log_in(sqlite_app, "quality_lead")


def term(code: str) -> str:
    """Return the id of a term as a form sends it."""
    db.session.remove()
    return str(db.session.scalars(select(Term.id).where(Term.code == code)).one())


def capture(**changes: str) -> dict[str, str]:
    """Return the issue form as a phone sends it."""
    return {"type": term("t_leak"), "severity": term("s_severe")} | changes


def rules() -> list[Rule]:
    """Return the rules as they are now."""
    db.session.remove()
    return list(db.session.scalars(select(Rule).order_by(Rule.position, Rule.id)))


def made(browser: Browser, kind: str, field: str = "", **values: Any) -> Rule:
    """Add a rule through the page and return it."""
    sent = {"form": "issue", "kind": kind, "field": field, "level": "block"} | values
    answer = browser.post("/rules", sent)
    assert answer.status_code == 303, answer.text
    return rules()[-1]


def issues() -> list[Issue]:
    """Return the issues as they are now."""
    db.session.remove()
    return list(db.session.scalars(select(Issue).order_by(Issue.id)))


def test_the_picker_finds_a_kind_by_plain_words(lead: Browser) -> None:
    page = lead.get("/rules/new?form=issue&q=重复").text
    assert "不能重复" in page
    assert "可能登记过" in page
    assert "小数位数" not in page
    assert "没有找到这样的规则" in lead.get("/rules/new?form=issue&q=zzz").text


def test_only_fields_that_fit_are_offered(lead: Browser) -> None:
    page = lead.get("/rules/new?form=issue&kind=regex").text
    assert "标题" in page
    assert "照片" not in re.sub(r"<head>.*?</head>", "", page, flags=re.DOTALL)


def test_a_rule_made_on_the_page_stops_an_issue_at_its_field(lead: Browser) -> None:
    rule = made(lead, "length", "title", o_min="4", message_zh="标题至少四个字,写清楚是什么商品。")
    assert (rule.options, rule.level, rule.active) == ({"min": "4"}, "block", True)
    answer = lead.post("/issues", capture(title="漏"))
    assert answer.status_code == 422
    assert "标题至少四个字,写清楚是什么商品。" in answer.text
    assert issues() == []
    assert lead.post("/issues", capture(title="瓶盖漏液")).status_code == 303
    assert [issue.title for issue in issues()] == ["瓶盖漏液"]


def test_a_warning_asks_for_a_reason_once_and_keeps_it_with_the_issue(lead: Browser) -> None:
    made(lead, "length", "title", o_max="4", level="warn")
    refused = lead.post("/issues", capture(title="瓶盖在运输途中漏液"))
    assert refused.status_code == 422
    assert 'name="reason"' in refused.text
    assert lead.post("/issues", capture(title="瓶盖在运输途中漏液", reason="客户原话")).status_code == 303
    [issue] = issues()
    page = lead.get(f"/issues/{issue.number}").text
    assert "客户原话" in page
    assert "规则提醒过,说明原因后保存" in page
    edit = capture(title="瓶盖在运输途中漏液", description="补充", version=str(issue.version))
    assert lead.post(f"/issues/{issue.number}", edit).status_code == 303


def test_leaving_a_field_says_what_is_wrong_there_and_only_there(lead: Browser) -> None:
    made(lead, "length", "title", o_min="4")
    made(lead, "required", "description")
    answer = lead.post("/forms/issue/check", capture(title="漏", touched="title"))
    assert answer.status_code == 200
    assert 'hx-target="#said-title"' in answer.text
    assert "至少 4 个字" in answer.text
    assert "请填写「说明」" not in answer.text
    assert 'id="said-description" data-said="description" aria-live="polite" data-needed' in answer.text
    assert issues() == []


def test_what_a_condition_hides_is_hidden_while_typing_and_dropped_when_saved(lead: Browser) -> None:
    rule = {"when.0.field": "title", "when.0.op": "contains", "when.0.value": "漏", "when.join": "all"}
    made(lead, "show", "description", **rule)
    hidden = 'id="said-description" data-said="description" aria-live="polite" data-hidden'
    assert hidden in lead.get("/issues/new").text
    assert hidden not in lead.post("/forms/issue/check", capture(title="漏液")).text
    lead.post("/issues", capture(title="破损", description="看不见的"))
    assert issues()[-1].description == ""
    lead.post("/issues", capture(title="漏液", description="看得见的"))
    assert issues()[-1].description == "看得见的"


def test_a_form_without_rules_pays_nothing(lead: Browser) -> None:
    assert "rule-watch" not in lead.get("/issues/new").text


def test_a_wrong_rule_comes_back_with_what_was_typed_and_the_error_at_its_place(lead: Browser) -> None:
    sent = {"form": "issue", "kind": "regex", "field": "title", "o_pattern": "B(", "name": "批号写法"}
    answer = lead.post("/rules", sent)
    assert answer.status_code == 422
    assert "看不懂这个正则表达式" in answer.text
    assert 'value="B("' in answer.text
    assert 'value="批号写法"' in answer.text
    assert 'id="o_pattern-error"' in answer.text
    assert rules() == []


def test_a_formula_that_cannot_be_read_points_at_the_place(lead: Browser) -> None:
    sent = {"form": "issue", "kind": "formula", "o_formula": "len({标题}) >"}
    answer = lead.post("/rules", sent)
    assert answer.status_code == 422
    assert "^" in answer.text


def test_a_formula_is_kept_by_ids_and_shown_by_names(lead: Browser) -> None:
    rule = made(lead, "formula", o_formula="len({标题}) >= 4")
    assert rule.options == {"formula": "len({title}) >= 4"}
    assert "len({标题}) &gt;= 4" in lead.get(f"/rules/{rule.id}").text


def test_a_rule_is_tried_on_real_records_and_links_to_what_it_would_stop(lead: Browser) -> None:
    with write():
        for title in ("漏", "瓶盖漏液", "破"):
            create_issue(NewIssue(title=title), by=user_id("quality_lead"), now=NOW)
    sent = {"form": "issue", "kind": "length", "field": "title", "o_min": "4", "level": "block"}
    page = lead.post("/rules/trial", sent).text
    assert "检查了 3 条,2 条不符合。" in page
    number = issues()[0].number
    assert f'href="/issues/{number}"' in page
    assert "检查了 1 条,都符合。" in lead.post("/rules/trial", sent | {"try_number": issues()[1].number}).text
    assert "没有找到" in lead.post("/rules/trial", sent | {"try_number": "QI-0"}).text
    assert "至少 4 个字" in lead.post("/rules/trial", sent | {"try_value": "漏"}).text
    assert rules() == []


def test_rules_are_put_in_order_switched_and_removed_with_before_and_after_on_record(lead: Browser) -> None:
    first, second = made(lead, "required", "title"), made(lead, "required", "description")
    lead.post(f"/rules/{second.id}/position", {"up": "1"})
    assert [rule.id for rule in rules()] == [second.id, first.id]
    lead.post("/rules/order", {"form": "issue", "rule": [str(first.id), str(second.id)]})
    assert [rule.id for rule in rules()] == [first.id, second.id]
    lead.post(f"/rules/{first.id}/activity", {"active": "0"})
    assert [rule.active for rule in rules()] == [False, True]
    assert lead.post("/issues", capture(description="有")).status_code == 303
    version = str(rules()[0].version)
    lead.post(f"/rules/{first.id}/removal", {"version": version})
    assert [rule.id for rule in rules()] == [second.id]
    names = list(
        db.session.scalars(select(EventRow.name).where(EventRow.name.like("form_rule%")).order_by(EventRow.seq))
    )
    assert names == [
        "form_rule_added", "form_rule_added", "form_rules_ordered", "form_rules_ordered", "form_rule_switched",
        "form_rule_removed",
    ]  # fmt: skip


def test_an_issue_leaves_its_stage_only_with_what_the_gate_wants(lead: Browser) -> None:
    made(lead, "stage_gate", "description", o_stage="record")
    assert lead.post("/issues", capture(title="瓶盖漏液")).status_code == 303
    [issue] = issues()
    decide = {"verdict": "submit", "version": "1", "note": "照片齐全"}
    refused = lead.post(f"/issues/{issue.number}/decisions", decide)
    assert refused.status_code == 422
    assert "「说明」还是空的" in refused.text
    edit = capture(title="瓶盖漏液", description="运输途中", version=str(issue.version))
    assert lead.post(f"/issues/{issue.number}", edit).status_code == 303
    assert lead.post(f"/issues/{issue.number}/decisions", decide).status_code == 303
    assert issues()[0].stage == "triage"


def test_a_record_is_finished_only_with_what_the_gate_wants(lead: Browser) -> None:
    make_form()
    sent = {"form": "inspection", "kind": "stage_gate", "field": "remark", "o_stage": "close", "level": "block"}
    assert lead.post("/rules", sent).status_code == 303
    answer = lead.post("/records/inspection", {"item": "外观", "result": "pass"})
    url = answer.headers["Location"]
    assert lead.post(f"{url}/state", {"state": "done", "version": "1"}).status_code == 422
    again = {"item": "外观", "result": "pass", "remark": "无划痕", "version": "1"}
    assert lead.post(url, again).status_code == 303
    assert lead.post(f"{url}/state", {"state": "done", "version": "2"}).status_code == 303


def test_a_measured_value_is_held_to_the_quality_standard_of_its_article(lead: Browser) -> None:
    make_form([asked("sku", "sku", "商品"), asked("size", "decimal", "直径", digits=1)], key="sizes", prefix="SZ")
    with write() as session:
        shop = Shop(key="douyin", name="抖店旗舰店")
        session.add(shop)
        session.flush()
        sku = Sku(shop_id=shop.id, external_id="ROSE-30", name="玫瑰精华液 30ml")
        session.add(sku)
        session.flush()
        standard = Standard(name="瓶口", sku_id=sku.id, created_at=NOW)
        session.add(standard)
        session.flush()
        limits = [{"name": "直径", "low": "3", "high": "12", "unit": "mm"}]
        session.add(
            StandardVersion(standard_id=standard.id, version=1, effective_on=NOW.date(), limits=limits, created_at=NOW)
        )
    assert (
        lead.post("/rules", {"form": "sizes", "kind": "spec_limits", "field": "size", "level": "block"}).status_code
        == 303
    )
    assert lead.post("/records/sizes", {"sku": "ROSE-30", "size": "5"}).status_code == 303
    answer = lead.post("/records/sizes", {"sku": "ROSE-30", "size": "13"})
    assert answer.status_code == 422
    assert "「直径」标准是 3–12 mm,您填了 13" in answer.text


def test_who_was_slower_is_told_and_loses_nothing(lead: Browser) -> None:
    rule = made(lead, "length", "title", o_min="4")
    sent = {
        "kind": "length",
        "field": "title",
        "form": "issue",
        "o_min": "6",
        "level": "block",
        "version": str(rule.version),
    }
    assert lead.post(f"/rules/{rule.id}", sent).status_code == 303
    late = lead.post(f"/rules/{rule.id}", sent | {"o_min": "9"})
    assert late.status_code == 409
    assert 'value="9"' in late.text
    assert rules()[0].options == {"min": "6"}
    body = db.session.scalars(select(EventRow.body).where(EventRow.name == "form_rule_changed")).one()
    assert body == {"options": {"old": {"min": "4"}, "new": {"min": "6"}}}


def test_a_rule_nobody_can_read_any_more_says_so_in_the_list(lead: Browser) -> None:
    rule = made(lead, "required", "title")
    with write() as session:
        session.get_one(Rule, rule.id).kind = "acme_gone"
    page = lead.get("/rules?form=issue").text
    assert "没有在检查:没有这种规则:acme_gone" in page
    assert lead.post("/issues", capture()).status_code == 303


def test_the_list_says_a_rules_condition_with_the_names_of_choices_and_articles(lead: Browser) -> None:
    fields = [
        asked("result", "select", "结论", choices=RESULTS),
        asked("sku", "sku", "商品"),
        asked("remark", "text", "说明"),
    ]
    form_id = make_form(fields).id
    with write() as session:
        shop = Shop(key="douyin", name="抖店旗舰店")
        session.add(shop)
        session.flush()
        sku = Sku(shop_id=shop.id, external_id="HF-1", name="玫瑰精华液")
        session.add(sku)
        session.flush()
        when = {
            "all": [
                {"field": "result", "op": "in", "value": ["fail", "gone"]},
                {"field": "sku", "op": "eq", "value": sku.id},
            ]
        }
        session.add(Rule(form_id=form_id, kind="required", field="remark", condition=when, changed_at=NOW))
    page = lead.get("/rules?form=inspection").text
    assert "结论 是 不合格 或 gone 且 商品 是 玫瑰精华液" in page


def test_an_article_in_a_condition_is_typed_by_its_code(lead: Browser) -> None:
    make_form([asked("sku", "sku", "商品"), asked("remark", "text", "说明")])
    with write() as session:
        shop = Shop(key="douyin", name="抖店旗舰店")
        session.add(shop)
        session.flush()
        sku = Sku(shop_id=shop.id, external_id="HF-ROSE-30", name="玫瑰精华液")
        session.add(sku)
        session.flush()
        number = sku.id
    sent = {
        "form": "inspection",
        "kind": "required",
        "field": "remark",
        "level": "block",
        "when.join": "all",
        "when.0.field": "sku",
        "when.0.op": "eq",
        "when.0.value": "HF-ROSE-31",
    }
    wrong = lead.post("/rules", sent)
    assert wrong.status_code == 422
    assert "没有找到「HF-ROSE-31」" in wrong.text
    assert 'value="HF-ROSE-31"' in wrong.text
    assert lead.post("/rules", sent | {"when.0.value": "HF-ROSE-30"}).status_code == 303
    [rule] = rules()
    assert rule.condition == {"field": "sku", "op": "eq", "value": number}
    assert 'value="HF-ROSE-30"' in lead.get(f"/rules/{rule.id}").text


def test_only_who_may_configure_sees_rules(sqlite_app: Flask) -> None:
    assert log_in(sqlite_app, "customer_service").get("/rules").status_code == 403


def test_the_condition_editor_works_without_a_script_and_changes_nothing(lead: Browser) -> None:
    sent = {"form": "issue", "kind": "required", "field": "title", "level": "block", "_edit": "add-row:when"}
    page = lead.post("/rules", sent).text
    assert 'name="when.0.field"' in page
    assert rules() == []


def test_a_file_of_issues_is_held_to_the_rules_and_says_so_row_by_row(lead: Browser, sqlite_app: Flask) -> None:
    made(lead, "length", "title", o_min="4")
    made(lead, "exists", "lot", o_kind="lot", level="warn")
    made(lead, "set", "description", o_value="导入时补上", o_only_empty="1")
    with write() as session:
        shop = Shop(key="douyin", name="抖店旗舰店")
        session.add(shop)
        session.flush()
        shop_id = shop.id
    rows = [
        QualityIssue(external_id="1", title="瓶盖漏液"), QualityIssue(external_id="2", title="漏"),
        QualityIssue(external_id="3", title="瓶盖漏液", lot="B1"),
    ]  # fmt: skip
    with sqlite_app.test_request_context(), write():
        counts = store(shop_id, rows, now=NOW, by=user_id("quality_lead"), source=("import_run", 1))
    assert counts.outcomes == ("stored", "refused", "refused")
    assert "至少 4 个字" in dict(counts.refused)[1]
    assert "没有找到批次「B1」" in dict(counts.refused)[2]
    assert "需要说明原因" in dict(counts.refused)[2]
    assert [issue.description for issue in issues()] == ["导入时补上\n原编号:1"]


def test_a_stranger_sees_what_a_case_shows_and_learns_no_number(lead: Browser, sqlite_app: Flask) -> None:
    make_form([asked("code", "text", "批号", filterable=True), asked("why", "text", "原因")], key="ask", prefix="AK")
    shown = {
        "form": "ask",
        "kind": "show",
        "field": "why",
        "when.join": "all",
        "when.0.field": "code",
        "when.0.op": "contains",
    }
    assert lead.post("/rules", shown | {"when.0.value": "漏"}).status_code == 303
    assert lead.post("/rules", {"form": "ask", "kind": "unique", "field": "code", "level": "block"}).status_code == 303
    number = lead.post("/records/ask", {"code": "B1"}).headers["Location"].rpartition("/")[2]
    form = db.session.scalars(select(Form).where(Form.key == "ask")).one()
    options = LinkOptions(name="客户", company="晨光", expires_at=clock.now() + timedelta(days=1))
    with sqlite_app.test_request_context(), write():
        token = create_link(form, current_definition("ask")[1], options, by=user_id("admin"), now=clock.now())[1]
    stranger = Browser(sqlite_app.test_client(), sqlite_app)
    assert f'hx-post="/f/{token}/check"' in stranger.get(f"/f/{token}").text
    checked = stranger.post(f"/f/{token}/check", {"code": "漏液", "touched": "code"})
    assert (checked.status_code, "data-hidden" in checked.text) == (200, False)
    assert "data-hidden" in stranger.post(f"/f/{token}/check", {"code": "破损", "touched": "code"}).text
    refused = stranger.post(f"/f/{token}", {"code": "B1"})
    assert refused.status_code == 422
    assert "已经有人提交过" in refused.text
    assert number not in refused.text
