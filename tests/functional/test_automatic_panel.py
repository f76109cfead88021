"""The designer of flows lets people set what an automatic node does, and says what is missing or nobody can answer."""

from typing import Any

import pytest
from flask import Flask

from qtrace.core.db import write
from qtrace.flows.drafting import open_draft
from qtrace.flows.editing import find_node
from qtrace.flows.reading import parse_definition
from tests.conftest import NOW, Browser, log_in, user_id
from tests.factories.forms import asked, make_form
from tests.functional.test_flow_designer import BLANK, FIELDS, KEY, change, draft

NODE = {"id": "do", "kind": "auto", "name_zh": "自动", "name_en": "Automatic", "options": {"action": "callback"}}


@pytest.fixture
def lead(sqlite_app: Flask) -> Browser:
    """The quality lead, with a draft that has one automatic node, for the records of a form."""
    with sqlite_app.test_request_context(), write():
        definition = parse_definition(BLANK | {"nodes": [*BLANK["nodes"], NODE]})  # type: ignore[misc]  # plain data
        open_draft(KEY, definition, by=user_id("quality_lead"), now=NOW)
    form = make_form(
        [*FIELDS, asked("sum", "formula", "合计", formula="{amount} * 2")], key="claim", name="索赔单", prefix="SP"
    )
    with write() as session:
        session.get_one(type(form), form.id).flow = KEY
    make_form()
    return log_in(sqlite_app, "quality_lead")


def send(browser: Browser, action: str, was: str | None = None, **more: str) -> Any:
    """Send the panel of the node."""
    sent = {"name_zh": "自动", "action": action, "was_action": action if was is None else was}
    return change(browser, "/nodes/do", sent | {name.replace("__", "."): text for name, text in more.items()})


def options() -> Any:
    return find_node(draft().definition, "do").options


def panel(browser: Browser) -> str:
    return str(browser.get(f"/flows/{KEY}/design?node=do").text)


def test_every_kind_is_offered_with_the_inputs_its_description_asks_for(lead: Browser) -> None:
    page = panel(lead)
    for name in (
        "改字段",
        "填一张表",
        "为这条客诉立案",
        "给负责人安排一项整改",
        "调用外部地址",
        "通知外部系统并等它回话",
    ):
        assert f">{name}</option>" in page
    assert send(lead, "set_fields", was="callback").status_code == 303
    page = panel(lead)
    assert '<option value="amount">金额</option>' in page
    assert '<option value="sum">' not in page  # worked out, so nobody sets it
    assert "{合计}" in page
    assert "自动处理还没有设置完" in page


def test_pairs_are_kept_added_and_removed(lead: Browser) -> None:
    send(lead, "set_fields", was="callback")
    send(lead, "set_fields", **{"with__values__0__name": "amount", "with__values__0__value": "={金额} * 2"})
    assert options()["with"] == {"values": [["amount", "={金额} * 2"]]}
    more = {"with__values__0__name": "amount", "with__values__0__value": "9", "with__values__1__name": "buyer"}
    send(lead, "set_fields", **more)
    assert options()["with"] == {"values": [["amount", "9"], ["buyer", ""]]}
    send(lead, "set_fields", **more, drop_pair="with.values.0")
    assert options()["with"] == {"values": [["buyer", ""]]}


def test_another_kind_forgets_the_settings_of_the_one_before(lead: Browser) -> None:
    send(lead, "set_fields", was="callback")
    send(lead, "set_fields", **{"with__values__0__name": "amount", "with__values__0__value": "1"})
    send(lead, "make_record", was="set_fields", **{"with__values__0__name": "amount", "with__values__0__value": "1"})
    assert "with" not in options()
    send(lead, "make_record", with__form="inspection")
    page = panel(lead)
    assert '<option value="item">检验项目</option>' in page  # the fields of the form that is filled in
    assert "到货质检" in page


def test_a_number_out_of_its_bounds_is_refused_at_its_input(lead: Browser) -> None:
    send(lead, "plan_action", was="callback")
    answer = send(lead, "plan_action", with__days="1000")
    assert (answer.status_code, "这个数太大了" in answer.text) == (422, True)
    send(lead, "plan_action", with__days="3", with__text="换瓶盖")
    assert options()["with"] == {"days": 3, "text": "换瓶盖"}


@pytest.mark.parametrize(
    ("text", "says"),
    [("{哪里}", "没有字段「哪里」"), ("=如果(", "算式看不懂"), ("{编号}-{金额}", ""), ("={金额} + 1", "")],
)
def test_a_value_nobody_can_answer_is_pointed_at_before_it_is_published(lead: Browser, text: str, says: str) -> None:
    send(lead, "set_fields", was="callback")
    send(lead, "set_fields", **{"with__values__0__name": "amount", "with__values__0__value": text})
    page = panel(lead)
    assert (says in page) if says else ("没有字段" not in page and "算式看不懂" not in page)


def test_a_node_of_a_plugin_that_is_gone_keeps_its_settings_and_stops_publishing(lead: Browser) -> None:
    gone = NODE | {"options": {"action": "acme_hold", "with": {"lot": "{批次}"}, "timeout_minutes": 60}}
    with lead.app.test_request_context(), write():
        definition = parse_definition(BLANK | {"key": "gone", "nodes": [*BLANK["nodes"], gone]})  # type: ignore[misc]
        open_draft("gone", definition, by=None, now=NOW)
    page = lead.get("/flows/gone/design?node=do").text
    assert "acme_hold(已不在)" in page
    assert "没有这种自动处理" in page
    sent = {"draft_version": "1", "name_zh": "改名", "action": "acme_hold", "was_action": "acme_hold"}
    lead.post("/flows/gone/draft/nodes/do", sent)
    page = lead.get("/flows/gone/design?node=do").text
    assert "{批次}" in page


def test_a_subflow_may_run_beside_the_case(lead: Browser) -> None:
    part = NODE | {"kind": "subflow", "options": {"flow": "quality_issue", "timeout_minutes": 60}}
    with lead.app.test_request_context(), write():
        definition = parse_definition(BLANK | {"key": "part", "nodes": [*BLANK["nodes"], part]})  # type: ignore[misc]
        open_draft("part", definition, by=None, now=NOW)
    lead.post("/flows/part/draft/nodes/do", {"draft_version": "1", "name_zh": "子流程", "flow": "quality_issue"})
    page = lead.get("/flows/part/design?node=do").text
    assert "等子流程结束再往下走" in page
    assert "最多等多久" not in page
