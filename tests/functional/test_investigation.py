"""One issue from its record to a proven close, by forms alone, the way 王姐 walks it."""

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from flask import Flask
from sqlalchemy import select

from qtrace.accounts.models import Role, User
from qtrace.core.db import write
from qtrace.investigation.models import CostLine, EffectCheck, Responsibility, Why
from qtrace.issues.models import Issue
from qtrace.tasks.models import Task
from tests.conftest import NOW, Browser, user_id
from tests.factories.issues import (
    Goods,
    Sale,
    actions_of,
    anew,
    decide_on,
    fresh,
    make_goods,
    make_issue,
    party,
    sell,
)

VERSION = re.compile(r'<input type="hidden" name="version" value="([0-9]+)"')
PIECE = {"HX-Request": "true", "HX-Request-Type": "partial"}
CHECKBOX = re.compile(r'<input type="checkbox" name="is_root" value="([^"]*)"')


@pytest.fixture(autouse=True)
def clock_stands(app: Flask) -> Iterator[None]:
    """Let every view see the same moment."""
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def lead(login: Any) -> Browser:
    """王姐."""
    browser: Browser = login("quality_lead")
    return browser


def advance(browser: Browser, issue: Issue, *, to: str) -> None:
    """Submit and expect the next stage."""
    assert decide_on(browser, issue).status_code == 303
    assert anew(Issue, issue.id).stage == to


def version_on(page: str) -> str:
    """Return the version the last form of a page carries."""
    return str(VERSION.findall(page)[-1])


def add_root(browser: Browser, issue: Issue, kind: str, statement: str) -> int:
    """Ask, then prove the answer and mark it as a root by the answer's own page."""
    answer = browser.post(f"/issues/{issue.number}/whys", {"statement": statement, "kind": kind})
    assert answer.status_code == 303
    why_id = fresh().scalars(select(Why.id).where(Why.statement == statement)).one()
    page = browser.get(f"/issues/{issue.number}/whys/{why_id}").text
    found = CHECKBOX.search(page)
    assert found is not None
    form = {"statement": statement, "evidence": "抽测 32 件", "tested": "true", "kind": kind, "is_root": found[1]}
    form["version"] = version_on(page)
    assert browser.post(f"/issues/{issue.number}/whys/{why_id}", form).status_code == 303
    return why_id


def plan(browser: Browser, issue: Issue, kind: str, text: str, *, owner: str = "quality_lead", **form: Any) -> Any:
    """Plan an action as the card's form does."""
    data = {"kind": kind, "text": text, "owner_id": user_id(owner), "due": "2026-11-27"} | form
    return browser.post(f"/issues/{issue.number}/actions", data)


def finish(browser: Browser, issue: Issue, place: int, **form: Any) -> Any:
    """Finish an action as its row's form does."""
    action = actions_of(issue.id)[place]
    data = {"version": action.version, "proof": "点检表已回传", "effective": ""} | form
    return browser.post(f"/issues/{issue.number}/actions/{action.id}/completion", data)


def at_stage(browser: Browser, stage: str, **values: Any) -> Issue:
    """Walk a new issue to a stage."""
    issue = make_issue(**values)
    if stage == "record":
        return issue
    advance(browser, issue, to="triage")
    if stage == "triage":
        return issue
    supplier = party("p_hm", "测试供应商")
    browser.post(f"/issues/{issue.number}/responsibility", {"party": [supplier], "percent": ["100"], "reason": "来料"})
    advance(browser, issue, to="investigate")
    if stage == "investigate":
        return issue
    add_root(browser, issue, "occurrence", "换线点检表没有扭矩项")
    add_root(browser, issue, "escape", "来料检验只看外观")
    advance(browser, issue, to="act")
    if stage == "act":
        return issue
    plan(browser, issue, "corrective", "点检表加入扭矩项")
    finish(browser, issue, 0, effective="2026-10-10")
    advance(browser, issue, to="verify")
    return issue


def generated_sales(goods: Goods) -> list[Sale]:
    """Forty pieces before 10 October with ten leaks, sixty after it with one."""
    day = NOW - timedelta(days=41)  # 10 October, 10:00 in Shanghai
    before = [
        Sale(f"b{n}", day - timedelta(days=1 + n % 20), complaints=(goods.kind_below,) if n < 10 else ())
        for n in range(40)
    ]
    after = [
        Sale(f"a{n}", day + timedelta(days=1 + n % 20), complaints=(goods.kind,) if n == 7 else ()) for n in range(60)
    ]
    late = [Sale(f"l{n}", NOW - timedelta(days=3), complaints=(goods.kind,)) for n in range(30)]
    return before + after + late


def test_the_whole_way_from_the_record_to_a_proven_close(lead: Browser) -> None:
    goods = make_goods()
    sell(goods, generated_sales(goods))
    issue = at_stage(lead, "triage", sku_id=goods.sku, type_id=goods.kind)
    supplier, courier = party("p_hm", "测试供应商"), party("p_zt", "测试快递")
    answer = lead.post(
        f"/issues/{issue.number}/responsibility",
        {"party": [supplier, courier, ""], "percent": ["80", "20%", ""], "reason": "外箱完好"},
    )
    assert answer.location == f"/issues/{issue.number}#responsibility"
    assert anew(Issue, issue.id).responsible_party_id == supplier
    advance(lead, issue, to="investigate")
    add_root(lead, issue, "occurrence", "换线点检表没有扭矩项")
    add_root(lead, issue, "escape", "来料检验只看外观")
    advance(lead, issue, to="act")
    assert plan(lead, issue, "containment", "在库 229 件冻结", owner="inspector").status_code == 303
    assert plan(lead, issue, "corrective", "点检表加入扭矩项").status_code == 303
    assert finish(lead, issue, 0).status_code == 303
    assert finish(lead, issue, 1, effective="2026-10-10").status_code == 303
    advance(lead, issue, to="verify")
    page = lead.get(f"/issues/{issue.number}").text
    assert "投诉率从 25.00% 降到 1.67%,不像是偶然。" in page
    assert (
        lead.post(
            f"/issues/{issue.number}/effect", {"effective": "2026-10-10", "mature": "14", "accepted": "y"}
        ).status_code
        == 303
    )
    assert decide_on(lead, issue).status_code == 303
    closed = anew(Issue, issue.id)
    assert (closed.status, closed.closed_at) == ("closed", NOW)
    page = lead.get(f"/issues/{issue.number}").text
    for text in (
        "测试供应商 80%",
        "根因 · 为什么会坏",
        "根因 · 为什么没查出来",
        "2 / 2 完成",
        "看效果:确认成立",
        "结案",
    ):
        assert text in page
    assert 'data-testid="plan-action"' not in page
    assert fresh().scalars(select(Task.id).where(Task.state == "open")).all() == []


@pytest.mark.parametrize(
    ("stage", "missing"),
    [
        ("triage", "还没有定责:请先填写责任方和占比。"),
        ("investigate", "还没有查到根因"),
        ("act", "还没有完成的整改措施"),
        ("verify", "还没有看效果"),
    ],
)
def test_a_shut_gate_says_what_is_missing_and_keeps_the_note(lead: Browser, stage: str, missing: str) -> None:
    issue = at_stage(lead, stage)
    answer = decide_on(lead, issue, note="可以往下走了")
    assert answer.status_code == 422
    assert missing in answer.text
    assert "可以往下走了" in answer.text
    assert anew(Issue, issue.id).stage == stage


def test_closing_early_lists_everything_that_is_missing(lead: Browser) -> None:
    issue = at_stage(lead, "triage")
    answer = decide_on(lead, issue, "close", note="太小")
    assert answer.status_code == 422
    for missing in ("还没有定责", "还没有查到根因", "还没有完成的整改措施", "还没有看效果"):
        assert missing in answer.text


def test_the_escape_cause_is_asked_for_too(lead: Browser) -> None:
    issue = at_stage(lead, "investigate")
    add_root(lead, issue, "occurrence", "换线点检表没有扭矩项")
    answer = decide_on(lead, issue)
    assert answer.status_code == 422
    assert "还没有回答为什么没查出来" in answer.text


def test_an_open_containment_action_keeps_the_issue_in_its_stage(lead: Browser) -> None:
    issue = at_stage(lead, "act")
    plan(lead, issue, "corrective", "点检表加入扭矩项")
    plan(lead, issue, "containment", "在库冻结")
    finish(lead, issue, 0)
    answer = decide_on(lead, issue)
    assert answer.status_code == 422
    assert "还有 1 项措施没有完成(临时措施也要收尾)。" in answer.text
    finish(lead, issue, 1)
    advance(lead, issue, to="verify")


def test_after_reopening_the_effect_is_judged_anew(lead: Browser) -> None:
    issue = at_stage(lead, "verify")
    form = {"effective": "2026-10-10", "accepted": "y", "note": "同批次已停用"}
    assert lead.post(f"/issues/{issue.number}/effect", form).status_code == 303
    assert decide_on(lead, issue).status_code == 303
    with time_machine.travel(NOW + timedelta(hours=1), tick=False):
        assert decide_on(lead, issue, "reopen").status_code == 422, "a reason is needed"
        x = decide_on(lead, issue, "reopen", note="又漏了")
        assert x.status_code == 303
        assert anew(Issue, issue.id).stage == "investigate"
        advance(lead, issue, to="act")
        advance(lead, issue, to="verify")
        answer = decide_on(lead, issue)
        assert answer.status_code == 422
        assert "还没有看效果" in answer.text
        assert "重新打开之前,不再算数" in answer.text
        lead.post(f"/issues/{issue.number}/effect", form)
        assert decide_on(lead, issue).status_code == 422, "not made after the reopening, but in the same moment"
    with time_machine.travel(NOW + timedelta(hours=2), tick=False):
        lead.post(f"/issues/{issue.number}/effect", form)
        assert decide_on(lead, issue).status_code == 303
    assert anew(Issue, issue.id).status == "closed"


def test_a_later_no_takes_an_earlier_yes_back(lead: Browser) -> None:
    issue = at_stage(lead, "verify")
    form = {"effective": "2026-10-10", "note": "看过数据"}
    lead.post(f"/issues/{issue.number}/effect", form | {"accepted": "y"})
    lead.post(f"/issues/{issue.number}/effect", form | {"accepted": "n"})
    answer = decide_on(lead, issue)
    assert answer.status_code == 422
    assert "最近一次看效果没有通过" in answer.text


def test_too_little_data_is_accepted_with_a_reason_only(lead: Browser) -> None:
    issue = at_stage(lead, "verify")
    form = {"effective": "2026-10-10", "accepted": "y"}
    answer = lead.post(f"/issues/{issue.number}/effect", form)
    assert answer.status_code == 422
    assert "请写明理由" in answer.text
    assert lead.post(f"/issues/{issue.number}/effect", form | {"note": "已换供应商"}).status_code == 303
    check = fresh().scalars(select(EffectCheck)).one()
    assert (check.verdict, check.accepted, check.note) == ("too_little_data", True, "已换供应商")


def test_the_figures_that_are_kept_are_those_that_were_shown(lead: Browser) -> None:
    goods = make_goods()
    sell(goods, generated_sales(goods))
    issue = at_stage(lead, "verify", sku_id=goods.sku, type_id=goods.kind)
    page = lead.get(f"/issues/{issue.number}").text
    shown = re.findall(r'<td>生效[前后]</td><td class="r num">(\d+)</td><td class="r num">(\d+)</td>', page)
    lead.post(f"/issues/{issue.number}/effect", {"effective": "2026-10-10", "mature": "14", "accepted": "y"})
    figures = fresh().scalars(select(EffectCheck)).one().figures
    assert shown == [("40", "10"), ("60", "1")]
    assert (figures["before"], figures["after"]) == ({"events": 10, "units": 40}, {"events": 1, "units": 60})


def test_another_effective_date_and_maturity_can_be_tried(lead: Browser) -> None:
    goods = make_goods()
    sell(goods, generated_sales(goods))
    issue = at_stage(lead, "verify", sku_id=goods.sku, type_id=goods.kind)
    page = lead.get(f"/issues/{issue.number}?effective=2026-11-15&mature=0").text
    assert "生效前同样长的时间里只发了 0 件(至少要 30 件),不能下结论。" in page
    assert 'name="effective" value="2026-11-15"' in page
    assert "还没有满 60 天" in lead.get(f"/issues/{issue.number}?mature=60").text
    assert "生效日 2027-01-01 还没有到。" in lead.get(f"/issues/{issue.number}?effective=2027-01-01").text
    assert lead.get(f"/issues/{issue.number}?effective=0001-01-01&mature=x").status_code == 200


def test_an_effective_date_in_the_future_is_refused(lead: Browser) -> None:
    issue = at_stage(lead, "verify")
    answer = lead.post(f"/issues/{issue.number}/effect", {"effective": "2026-11-25", "accepted": "y", "note": "先过"})
    assert answer.status_code == 422
    assert "生效日不能在将来" in answer.text


def test_shares_that_do_not_add_up_are_refused(lead: Browser) -> None:
    issue = at_stage(lead, "triage")
    ours = party("p_hm", "测试供应商")
    for shares in (["80"], ["101"], ["-1"], ["八十"], ["9" * 30]):
        answer = lead.post(f"/issues/{issue.number}/responsibility", {"party": [ours], "percent": shares})
        assert answer.status_code == 422, shares
    assert (
        lead.post(f"/issues/{issue.number}/responsibility", {"party": ["9" * 25], "percent": ["100"]}).status_code
        == 422
    )
    assert fresh().scalars(select(Responsibility)).all() == []


def test_an_action_is_a_to_do_of_its_owner_until_it_is_done(lead: Browser, login: Any) -> None:
    issue = at_stage(lead, "act")
    assert plan(lead, issue, "containment", "在库 229 件冻结", owner="inspector").status_code == 303
    task = fresh().scalars(select(Task).where(Task.kind == "action")).one()
    assert (task.owner_id, task.state) == (user_id("inspector"), "open")
    assert task.due_at is not None
    assert task.due_at.isoformat() == "2026-11-27T10:00:00+00:00", "the end of that day in Shanghai"
    assert "在库 229 件冻结" in login("inspector").get("/").text
    finish(lead, issue, 0)
    assert anew(Task, task.id).state == "done"


def test_the_owner_of_another_department_reaches_the_issue_and_finishes_the_action(lead: Browser, login: Any) -> None:
    """李工 got a to-do whose link answered 404, because the issue belongs to the quality department."""
    department = fresh().get_one(User, user_id("quality_lead")).department_id
    issue = at_stage(lead, "act", department_id=department)
    browser = login("inspector")
    assert browser.get(f"/issues/{issue.number}").status_code == 404
    plan(lead, issue, "containment", "在库 229 件冻结", owner="inspector")
    assert browser.get(f"/issues/{issue.number}").status_code == 200
    answer = finish(browser, issue, 0)
    assert (answer.status_code, answer.location) == (303, "/"), "his part is done, so he is led home"
    assert browser.get(f"/issues/{issue.number}").status_code == 404


def test_people_who_could_not_finish_an_action_are_not_given_one(lead: Browser) -> None:
    issue = at_stage(lead, "act")
    answer = plan(lead, issue, "containment", "说明", owner="auditor")
    assert answer.status_code == 422
    assert "审计 的角色" in answer.text
    form = lead.get(f"/issues/{issue.number}").text.split('id="action-owner"')[1].split("</select>")[0]
    assert "小陈" in form
    assert "审计" not in form


def test_a_handed_over_to_do_takes_its_action_along(lead: Browser) -> None:
    issue = at_stage(lead, "act")
    plan(lead, issue, "corrective", "点检表加入扭矩项")
    task = fresh().scalars(select(Task).where(Task.kind == "action")).one()
    lead.post(f"/tasks/{task.id}/transfer", {"to": user_id("purchasing"), "version": task.version, "note": "请跟进"})
    assert actions_of(issue.id)[0].owner_id == user_id("purchasing")
    assert anew(Issue, issue.id).owner_id == user_id("quality_lead"), "the stage stays with its owner"


def test_terminating_leaves_no_action_and_no_to_do_behind(lead: Browser) -> None:
    issue = at_stage(lead, "act")
    plan(lead, issue, "corrective", "点检表加入扭矩项")
    assert decide_on(lead, issue, "terminate", note="重复登记").status_code == 303
    assert actions_of(issue.id)[0].cancelled_at == NOW
    assert fresh().scalars(select(Task.id).where(Task.state == "open")).all() == []


def test_a_cancelled_action_needs_a_reason_and_closes_its_to_do(lead: Browser) -> None:
    issue = at_stage(lead, "act")
    plan(lead, issue, "corrective", "点检表加入扭矩项")
    action = actions_of(issue.id)[0]
    url = f"/issues/{issue.number}/actions/{action.id}/cancellation"
    assert lead.post(url, {"version": action.version, "reason": " "}).status_code == 422
    assert lead.post(url, {"version": action.version, "reason": "改由供应商做"}).status_code == 303
    assert fresh().scalars(select(Task.state).where(Task.kind == "action")).one() == "cancelled"


def test_an_action_finished_twice_tells_the_second_person(lead: Browser) -> None:
    issue = at_stage(lead, "act")
    plan(lead, issue, "corrective", "点检表加入扭矩项")
    assert finish(lead, issue, 0, version=1).status_code == 303
    answer = finish(lead, issue, 0, version=1)
    assert answer.status_code == 409
    assert "别人" in answer.text


def test_answers_are_asked_below_answers_and_only_leaves_are_removed(lead: Browser) -> None:
    issue = at_stage(lead, "investigate")
    lead.post(f"/issues/{issue.number}/whys", {"statement": "瓶盖渗漏", "kind": "occurrence"})
    top = fresh().scalars(select(Why)).one()
    lead.post(f"/issues/{issue.number}/whys", {"statement": "扭矩太低", "kind": "occurrence", "parent_id": top.id})
    below = fresh().scalars(select(Why).where(Why.parent_id == top.id)).one()
    for why_id, status in ((top.id, 422), (below.id, 303), (top.id, 303)):
        answer = lead.post(f"/issues/{issue.number}/whys/{why_id}/removal", {"version": "1"})
        assert answer.status_code == status
    assert fresh().scalars(select(Why)).all() == []


def test_what_is_not_proven_cannot_be_a_root(lead: Browser) -> None:
    issue = at_stage(lead, "investigate")
    lead.post(f"/issues/{issue.number}/whys", {"statement": "瓶盖渗漏", "kind": "occurrence"})
    why = fresh().scalars(select(Why)).one()
    url = f"/issues/{issue.number}/whys/{why.id}"
    form = {
        "statement": "瓶盖渗漏",
        "evidence": "照片 4",
        "tested": "open",
        "kind": "occurrence",
        "is_root": "y",
        "version": 1,
    }
    assert lead.post(url, form).status_code == 422
    assert lead.post(url, form | {"tested": "true", "evidence": ""}).status_code == 422
    assert lead.post(url, form | {"tested": "maybe"}).status_code == 422
    assert lead.post(url, form | {"tested": "true"}).status_code == 303
    assert anew(Why, why.id).is_root


def test_of_two_who_decide_the_shares_the_second_keeps_what_was_typed(lead: Browser, login: Any) -> None:
    """王姐 saved 100 % over what 李工 had decided a minute before, and nobody noticed."""
    issue = at_stage(lead, "triage")
    supplier, courier = party("p_hm", "测试供应商"), party("p_zt", "测试快递")
    url = f"/issues/{issue.number}/responsibility"
    seen = version_on(lead.get(f"/issues/{issue.number}").text.split('id="responsibility"')[1].split("</section>")[0])
    first = {"party": [supplier, courier], "percent": ["70", "30"], "reason": "外箱压扁", "version": seen}
    assert login("inspector").post(url, first).status_code == 303
    mine = {"party": [supplier], "percent": ["100"], "reason": "瓶盖来料不良", "version": seen}
    for headers in ({}, PIECE):
        answer = lead.post(url, mine, headers=headers)
        assert answer.status_code == 409
        assert "李工 刚刚把定责改为 测试供应商 70%、测试快递 30%" in answer.text
        assert f'<option value="{supplier}" selected>' in answer.text
        assert "瓶盖来料不良</textarea>" in answer.text
        assert answer.text.lstrip().startswith("<section" if headers else "<!doctype html>")
    assert {row.percent for row in fresh().scalars(select(Responsibility))} == {70, 30}
    assert lead.post(url, mine | {"version": version_on(answer.text)}).status_code == 303
    assert [row.percent for row in fresh().scalars(select(Responsibility))] == [100]


def test_shares_that_do_not_add_up_stay_in_the_form(lead: Browser) -> None:
    issue = at_stage(lead, "triage")
    supplier = party("p_hm", "测试供应商")
    form = {"party": [supplier], "percent": ["60"], "reason": "瓶盖来料不良", "version": 0}
    answer = lead.post(f"/issues/{issue.number}/responsibility", form)
    assert answer.status_code == 422
    for kept in ("现在是 60%", 'value="60"', "瓶盖来料不良</textarea>"):
        assert kept in answer.text


def test_of_two_who_change_an_answer_the_second_keeps_what_was_typed(lead: Browser, login: Any) -> None:
    issue = at_stage(lead, "investigate")
    lead.post(f"/issues/{issue.number}/whys", {"statement": "瓶盖渗漏", "kind": "occurrence"})
    why = fresh().scalars(select(Why)).one()
    url = f"/issues/{issue.number}/whys/{why.id}"
    seen = version_on(lead.get(url).text)
    first = {"statement": "瓶盖渗漏", "evidence": "抽测 32 件", "tested": "true", "kind": "occurrence", "version": seen}
    assert login("inspector").post(url, first).status_code == 303
    mine = first | {"evidence": "照片 4 张", "tested": "false"}
    answer = lead.post(url, mine)
    assert answer.status_code == 409
    for told in ("李工 刚刚改了证据、结论,您填写的没有保存", "抽测 32 件", "照片 4 张</textarea>"):
        assert told in answer.text
    assert anew(Why, why.id).evidence == "抽测 32 件"
    assert lead.post(url, mine | {"version": version_on(answer.text)}).status_code == 303
    assert anew(Why, why.id).evidence == "照片 4 张"


def test_who_edits_a_removed_answer_can_add_it_again(lead: Browser, login: Any) -> None:
    issue = at_stage(lead, "investigate")
    lead.post(f"/issues/{issue.number}/whys", {"statement": "瓶盖渗漏", "kind": "occurrence"})
    why = fresh().scalars(select(Why)).one()
    url = f"/issues/{issue.number}/whys/{why.id}"
    assert login("inspector").post(f"{url}/removal", {"version": 1}).status_code == 303
    answer = lead.post(url, {"statement": "瓶盖渗漏", "evidence": "照片 4 张", "kind": "occurrence", "version": 1})
    assert answer.status_code == 409
    for told in ("李工 刚刚删除了这一条", "照片 4 张</textarea>", f'action="/issues/{issue.number}/whys"'):
        assert told in answer.text


def test_htmx_gets_the_changed_card_with_everything_that_changed_with_it(lead: Browser) -> None:
    issue = at_stage(lead, "act")
    form = {"kind": "corrective", "text": "点检表加入扭矩项", "owner_id": user_id("quality_lead"), "due": "2026-11-27"}
    answer = lead.post(f"/issues/{issue.number}/actions", form, headers=PIECE)
    assert (answer.status_code, answer.headers["HX-Trigger"]) == (200, '{"toast": "\\u5df2\\u4fdd\\u5b58"}')
    card, rest = answer.text.split("<hx-partial", 1)
    assert card.strip().startswith('<section class="card" id="actions">')
    assert "点检表加入扭矩项" in card
    assert re.findall(r'hx-target="#([a-z-]+)"', f"<hx-partial{rest}".replace("hx-post", ""))[-3:] == [
        "issue-party", "stages", "timeline",
    ]  # fmt: skip
    assert "安排措施:点检表加入扭矩项(王姐)" in rest
    action = actions_of(issue.id)[0]
    done = {"version": action.version, "proof": "点检表已回传", "effective": "2026-10-10"}
    answer = lead.post(f"/issues/{issue.number}/actions/{action.id}/completion", done, headers=PIECE)
    assert '<hx-partial hx-target="#effect"' in answer.text
    assert "生效后" in answer.text


@pytest.mark.parametrize(
    ("path", "form", "card"),
    [
        ("responsibility", {"percent": ["100"], "version": 0}, "responsibility"),
        ("whys", {"statement": "瓶盖渗漏", "kind": "occurrence"}, "whys"),
        ("effect", {"effective": "2026-10-10", "accepted": "y", "note": "看过"}, "effect"),
        ("costs", {"category": "external", "payer": "supplier", "amount": "12.50"}, "costs"),
    ],
)
def test_every_card_answers_htmx_with_itself(lead: Browser, path: str, form: dict[str, Any], card: str) -> None:
    issue = at_stage(lead, "triage")
    plan(lead, issue, "corrective", "点检表加入扭矩项")
    finish(lead, issue, 0, effective="2026-10-10")
    data = form | ({"party": [party("p_hm", "测试供应商")]} if path == "responsibility" else {})
    answer = lead.post(f"/issues/{issue.number}/{path}", data, headers=PIECE)
    assert answer.status_code == 200
    assert answer.text.strip().startswith(f'<section class="card" id="{card}">')


def test_a_refusal_is_told_inside_the_card_it_came_from(lead: Browser) -> None:
    issue = at_stage(lead, "act")
    url = f"/issues/{issue.number}"
    for path, form, card in (
        ("costs", {"category": "external", "payer": "supplier", "amount": "0"}, "costs"),
        ("actions", {"kind": "corrective", "text": " "}, "actions"),
        ("whys", {"statement": " ", "kind": "occurrence"}, "whys"),
        ("effect", {"effective": ""}, "effect"),
    ):
        answer = lead.post(f"{url}/{path}", form, headers=PIECE)
        assert (answer.status_code, answer.headers["HX-Retarget"]) == (422, f"#{card}-alert")
        assert "<html" not in answer.text


def test_customer_service_sees_the_issue_of_its_action_and_finishes_it(lead: Browser, login: Any) -> None:
    """小陈 could not be given an action at all: only people who investigate could tell that one is done."""
    department = fresh().get_one(User, user_id("quality_lead")).department_id
    issue = at_stage(lead, "act", department_id=department)
    browser = login("customer_service")
    assert browser.get(f"/issues/{issue.number}").status_code == 404
    assert plan(lead, issue, "correction", "给 12 位买家补寄", owner="customer_service").status_code == 303
    plan(lead, issue, "corrective", "点检表加入扭矩项")
    mine, other = actions_of(issue.id)
    assert f'href="/issues/{issue.number}#action-{mine.id}"' in browser.get("/").text
    page = browser.get(f"/issues/{issue.number}").text
    assert f"/actions/{mine.id}/completion" in page
    for theirs in (f"/actions/{other.id}/completion", f"/actions/{mine.id}/cancellation", 'data-testid="plan-action"'):
        assert theirs not in page
    assert finish(browser, issue, 1).status_code == 403
    answer = finish(browser, issue, 0)
    assert (answer.status_code, answer.location) == (303, "/")
    assert actions_of(issue.id)[0].done_by == user_id("customer_service")
    assert "给 12 位买家补寄" not in browser.get("/").text
    assert browser.get(f"/issues/{issue.number}").status_code == 404


def test_an_action_is_not_handed_to_who_could_not_finish_it(lead: Browser) -> None:
    issue = at_stage(lead, "act")
    plan(lead, issue, "corrective", "点检表加入扭矩项")
    task = fresh().scalars(select(Task).where(Task.kind == "action")).one()
    answer = lead.post(f"/tasks/{task.id}/transfer", {"to": user_id("auditor"), "version": task.version})
    assert answer.status_code == 422
    assert "审计 的角色" in answer.text
    assert anew(Task, task.id).owner_id == user_id("quality_lead")


def test_costs_are_kept_in_cents_with_their_payer(lead: Browser) -> None:
    issue = at_stage(lead, "act")
    form = {"category": "external", "payer": "supplier", "amount": "1,280.50", "note": "退款"}
    assert lead.post(f"/issues/{issue.number}/costs", form).status_code == 303
    line = fresh().scalars(select(CostLine)).one()
    assert (line.amount_minor, line.payer, line.category) == (128050, "supplier", "external")
    for amount in ("0", "-5", "1.234", "很多", "NaN", "1e99"):
        assert lead.post(f"/issues/{issue.number}/costs", form | {"amount": amount}).status_code == 422, amount


def test_broken_input_is_refused_and_never_a_crash(lead: Browser) -> None:
    issue = at_stage(lead, "act")
    url = f"/issues/{issue.number}"
    assert plan(lead, issue, "corrective", "空\x00字", due="0001-01-01").status_code == 422
    assert plan(lead, issue, "corrective", "空\x00字", due="不知道").status_code == 422
    assert plan(lead, issue, "corrective", "空\x00字", owner_id="9" * 25).status_code == 422
    assert plan(lead, issue, "x", "字").status_code == 422
    assert plan(lead, issue, "corrective", "空\x00字").status_code == 303
    assert actions_of(issue.id)[0].text == "空字"
    assert lead.post(f"{url}/whys", {"statement": "\x00 ", "kind": "occurrence"}).status_code == 422
    assert lead.post(f"{url}/whys", {"statement": "x", "parent_id": "9" * 18}).status_code == 404
    for path in ("whys/99999999999999999999", "whys/7"):
        assert lead.get(f"{url}/{path}").status_code == 404
        assert lead.post(f"{url}/{path}/removal").status_code == 404
    assert (
        lead.post(f"{url}/actions/99999999999999999999/completion", {"version": "1", "proof": "x"}).status_code == 404
    )


def test_a_chain_of_answers_has_an_end(lead: Browser) -> None:
    issue = at_stage(lead, "investigate")
    parent: int | None = None
    for depth in range(12):
        lead.post(
            f"/issues/{issue.number}/whys", {"statement": f"因为 {depth}", "kind": "system", "parent_id": parent or ""}
        )
        parent = fresh().scalars(select(Why.id).order_by(Why.id.desc())).first()
    answer = lead.post(f"/issues/{issue.number}/whys", {"statement": "再深", "kind": "system", "parent_id": parent})
    assert answer.status_code == 422
    assert "12 层" in answer.text
    assert lead.get(f"/issues/{issue.number}").status_code == 200


def test_a_closed_issue_is_not_investigated_any_more(lead: Browser) -> None:
    issue = at_stage(lead, "act")
    decide_on(lead, issue, "terminate", note="重复登记")
    assert plan(lead, issue, "corrective", "点检表加入扭矩项").status_code == 422
    assert actions_of(issue.id) == []


def test_a_foreign_department_finds_no_issue_to_investigate(lead: Browser, login: Any) -> None:
    department = fresh().get_one(User, user_id("quality_lead")).department_id
    issue = at_stage(lead, "act", department_id=department)
    browser = login("purchasing")
    assert plan(browser, issue, "corrective", "点检表加入扭矩项").status_code == 404
    for path in ("responsibility", "whys", "effect", "costs"):
        assert browser.post(f"/issues/{issue.number}/{path}", {"effective": "2026-10-10"}).status_code == 404, path


def test_who_may_not_investigate_sees_the_cards_without_their_forms(lead: Browser, login: Any) -> None:
    issue = at_stage(lead, "act")
    page = login("owner").get(f"/issues/{issue.number}").text
    assert "换线点检表没有扭矩项" in page
    assert 'data-testid="plan-action"' not in page
    assert plan(login("owner"), issue, "corrective", "x").status_code == 403
    with write() as session:
        role = session.scalars(select(Role).where(Role.key == "owner")).one()
        role.permissions = [*role.permissions, "issue.investigate"]
    assert 'data-testid="plan-action"' in login("owner").get(f"/issues/{issue.number}").text
