"""A flow is designed, completed and published by plain forms, and its branches decide by what the record says."""

import re
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from qtrace.accounts.models import Department, Role
from qtrace.core.db import db, write
from qtrace.flows.company import CompanyFacts
from qtrace.flows.condition_fields import groups_of
from qtrace.flows.definition import Tree, Who
from qtrace.flows.drafting import Draft, draft_of, open_draft
from qtrace.flows.editing import find_node, walk
from qtrace.flows.facts import Holds, People
from qtrace.flows.models import FlowDefinition
from qtrace.flows.reading import parse_definition
from qtrace.forms.models import Form
from qtrace.forms.queries import current_definition
from qtrace.records.models import Record
from qtrace.records.service import NewRecord, create_record
from tests.conftest import NOW, Browser, log_in, user_id
from tests.factories.forms import asked, make_form

KEY = "claims"
BLANK = {
    "key": KEY, "version": 1, "name_zh": "索赔", "name_en": "Claims",
    "nodes": [{"id": "start", "kind": "start", "name_zh": "发起", "name_en": "Start", "due_minutes": 60}],
}  # fmt: skip
FIELDS = [asked("amount", "money", "金额"), asked("buyer", "user", "采购员"), asked("area", "department", "部门")]


@pytest.fixture
def lead(sqlite_app: Flask) -> Browser:
    """The quality lead, with a flow that was just begun for the records of a form."""
    with sqlite_app.test_request_context(), write():
        open_draft(KEY, parse_definition(BLANK), by=user_id("quality_lead"), now=NOW)
    form = make_form(FIELDS, key="claim", name="索赔单", prefix="SP")
    with write() as session:
        session.get_one(type(form), form.id).flow = KEY
    return log_in(sqlite_app, "quality_lead")


def draft() -> Draft:
    """Return the draft as it is now."""
    db.session.remove()
    return draft_of(KEY)


def node(name: str) -> str:
    """Return the id of the node with this name."""
    return next(one.id for one in walk(draft().definition.nodes) if one.name_zh == name)


def change(browser: Browser, address: str, data: dict[str, Any] | None = None) -> Any:
    """Send a change of the draft as the page would."""
    return browser.post(f"/flows/{KEY}/draft{address}", {"draft_version": str(draft().version)} | (data or {}))


def add(browser: Browser, kind: str, at: str) -> str:
    """Add a node and return its id."""
    answer = change(browser, "/nodes", {"kind": kind, "at": at})
    assert answer.status_code == 303
    return str(re.search(r"node=([a-z0-9_]+)", answer.location)[1])  # type: ignore[index]  # added, so selected


def who(*rows: tuple[str, str]) -> dict[str, str]:
    """Return the inputs of ways to find people."""
    return {
        f"who.{n}.{part}": text
        for n, (kind, value) in enumerate(rows)
        for part, text in {"kind": kind, "was": kind, "value": value}.items()
    }


def test_a_flow_is_built_completed_and_published_without_scripts(lead: Browser) -> None:
    page = lead.get(f"/flows/{KEY}/design?at=:1").text
    assert page.index("审批") < page.index("更多") < page.index("等待")  # everyday ones first
    branch = add(lead, "branch", ":1")
    sign = add(lead, "countersign", f"{branch}.way_1:0")
    page = lead.get(f"/flows/{KEY}/design?node={sign}").text
    assert page.count("请选择由谁处理。") >= 2  # on the card and in the panel
    assert lead.get(f"/flows/{KEY}/impact").text.count("去修改") == 2
    with lead.app.test_request_context():
        areas = [str(one) for one in db.session.scalars(select(Department.id).order_by(Department.id).limit(3))]
    settings = {
        "name_zh": "三部门会签", "name_en": "", "mode": "all", "order": "parallel", "due": "2", "due_unit": "day",
        "overdue": "transfer", "reminders": "1", "opinion": "1", "buttons": ["transfer"], "field.amount": "read",
        "helper.0.department": areas[0], "helper.0.due": "3", "helper.0.due_unit": "hour",
    }  # fmt: skip
    assert change(lead, f"/nodes/{sign}", settings | who(*(("department", area) for area in areas))).status_code == 303
    found = find_node(draft().definition, sign)
    assert (found.due_minutes, found.policies.overdue, found.helpers[0].due_minutes) == (960, "transfer", 180)
    assert (found.buttons, dict(found.fields), found.demands.opinion) == (
        ("decide", "transfer"),
        {"amount": "read"},
        True,
    )
    assert [one.value for one in found.who] == areas
    when = {
        "name_zh": "超过一千",
        "save": "1",
        "when.join": "all",
        "when.0.field": "amount",
        "when.0.op": "gt",
        "when.0.value": "1000",
    }
    assert change(lead, f"/nodes/{branch}/ways/way_1", when).status_code == 303
    assert "金额 &gt; 1000" in lead.get(f"/flows/{KEY}/design").text
    strange = {"name_zh": "其他", "save": "1", "when.join": "all", "when.0.field": "gone", "when.0.op": "is_true"}
    assert change(lead, f"/nodes/{branch}/ways/way_2", strange).status_code == 422  # nothing here has such a field
    assert change(lead, "/settings", {"name_zh": "供应商索赔", "withdrawal": "never"}).status_code == 303
    answer = lead.post(f"/flows/{KEY}/versions", {"draft_version": str(draft().version), "note": "第一版"})
    assert answer.status_code == 303
    db.session.remove()
    row = db.session.scalars(select(FlowDefinition).where(FlowDefinition.key == KEY)).one()
    assert (row.version, row.note, parse_definition(row.definition).withdrawal) == (1, "第一版", "never")
    assert "没有未发布的改动" in lead.get(f"/flows/{KEY}/design").text


def test_every_button_of_the_designer_moves_copies_and_removes(lead: Browser) -> None:
    first, second = add(lead, "handle", ":1"), add(lead, "approve", ":2")
    split = add(lead, "inclusive", ":3")
    change(lead, f"/nodes/{second}/position", {"to": "up"})
    assert [one.id for one in draft().definition.nodes] == ["start", second, first, split]
    change(lead, f"/nodes/{first}/position", {"section": f"{split}.way_2", "index": "0"})
    assert change(lead, f"/nodes/{split}/copies").status_code == 303
    assert [one.name_zh for one in walk(draft().definition.nodes)].count("办理") == 2
    change(lead, f"/nodes/{split}/ways")
    change(lead, f"/nodes/{split}/ways/way_3/position", {"to": "left"})
    assert [one.id for one in find_node(draft().definition, split).branches] == ["way_3", "way_1", "way_2"]
    change(lead, f"/nodes/{split}/ways/way_3/removal")
    assert change(lead, f"/nodes/{split}/ways/way_1/removal").status_code == 422  # two ways stay
    change(lead, f"/nodes/{split}/removal")
    for _step in range(7):
        assert change(lead, "/undo").status_code == 303
    assert [one.id for one in draft().definition.nodes] == ["start", first, second, split]
    assert change(lead, "/redo").status_code == 303
    stale = lead.post(f"/flows/{KEY}/draft/nodes/{first}/removal", {"draft_version": "1"})
    assert (stale.status_code, "您的这一步没有保存" in stale.text) == (409, True)
    assert change(lead, "/nodes", {"kind": "start", "at": ":1"}).status_code == 422
    assert change(lead, "/nodes/gone", {"name_zh": "无"}).status_code == 422
    assert change(lead, f"/nodes/{second}", {"name_zh": "审批", "due": "两天"}).status_code == 422
    assert lead.post(f"/flows/{KEY}/draft/removal", {"draft_version": str(draft().version)}).location.endswith("/flows")
    assert lead.get(f"/flows/{KEY}/design").status_code == 404


def test_a_condition_half_typed_is_kept_on_the_page_and_not_in_the_draft(lead: Browser) -> None:
    branch = add(lead, "branch", ":1")
    before, address = draft().version, f"/nodes/{branch}/ways/way_1"
    half = {"name_zh": "条件 1", "when.join": "all", "when.0.field": "amount", "when.0.op": "gt", "when.0.value": ""}
    typed = change(lead, address, half)
    assert (typed.status_code, "条件改了还没有保存" in typed.text) == (200, True)
    assert change(lead, address, half | {"save": "1"}).status_code == 422
    assert change(lead, address, half | {"_edit": "add-row:when"}).text.count("condition-row") == 2
    assert draft().version == before


def test_a_condition_on_a_field_nobody_has_is_pointed_at(lead: Browser) -> None:
    flow = asking({"field": "gone", "op": "gt", "value": 1})
    with lead.app.test_request_context(), write():
        open_draft("lost", parse_definition(flow | {"key": "lost"}), by=None, now=NOW)
    for page in ("design", "impact", "design?way=split.over"):
        assert "没有字段「gone」" in lead.get(f"/flows/lost/{page}").text


def test_an_expression_nobody_can_read_is_told_and_one_that_can_is_not(lead: Browser) -> None:
    made = add(lead, "approve", ":1")
    for source, wrong in (("如果(金额 > ", True), ('如果(金额 > 1000, "zhaozong", "zhoumin")', False)):
        sent = who(("expression", source)) | {"name_zh": "审批", "due": "1"}
        assert change(lead, f"/nodes/{made}", sent).status_code == 303
        assert find_node(draft().definition, made).who == (Who("expression", source.strip()),)
        page = lead.get(f"/flows/{KEY}/design?node={made}").text
        assert ("找人的算式看不懂" in page) is wrong


def test_each_kind_of_node_keeps_what_its_panel_sets(lead: Browser) -> None:
    sent = {
        "timer": {"minutes": "3", "minutes_unit": "day"}, "auto": {"action": "callback", "timeout": "2", "timeout_unit": "day"},
        "subflow": {"flow": "quality_issue", "wait": "1", "timeout": "1", "timeout_unit": "day"}, "end": {"outcome": "rejected"},
        "verify": {"fail_to": "start", "wait_days": "14", "wait_units": "", "due": "30", "due_unit": "day"},
    }  # fmt: skip
    for kind, settings in sent.items():
        made = add(lead, kind, ":1")
        assert change(lead, f"/nodes/{made}", {"name_zh": kind} | settings).status_code == 303
        assert kind in lead.get(f"/flows/{KEY}/design?node={made}").text
    found = {one.kind: dict(one.options) for one in draft().definition.nodes}
    assert found["timer"] == {"minutes": 3 * 1440, "working": False}
    assert found["auto"] == {"action": "callback", "timeout_minutes": 2880}
    assert found["subflow"] == {"flow": "quality_issue", "timeout_minutes": 1440}
    assert (found["end"], found["verify"]) == ({"outcome": "rejected"}, {"fail_to": "start", "wait_days": 14})


def test_people_of_another_way_forget_the_value_of_the_old_one(lead: Browser) -> None:
    made = add(lead, "approve", ":1")
    with lead.app.test_request_context():
        role = db.session.scalars(select(Role.key)).first() or ""
    rows = who(("role", role), ("nth_head", "")) | {"who.1.level": "2", "name_zh": "审批", "due": "1"}
    change(lead, f"/nodes/{made}", rows)
    assert find_node(draft().definition, made).who == (Who("role", role), Who("nth_head", "", 2))
    change(lead, f"/nodes/{made}", rows | {"who.0.kind": "user"})
    assert find_node(draft().definition, made).who[0] == Who("user", "")
    change(lead, f"/nodes/{made}", rows | {"drop_who": "0"})
    assert find_node(draft().definition, made).who == (Who("nth_head", "", 2),)


@pytest.mark.usefixtures("lead")
def test_a_branch_asks_the_record_and_finds_the_people_it_names(sqlite_app: Flask) -> None:
    buyer = user_id("inspector")
    with sqlite_app.test_request_context():
        assert [group.name for group in groups_of(KEY)] == ["索赔单"]
        assert {"质量问题", "客诉", "索赔单"} <= {group.name for group in groups_of("nobody_uses_it")}
        with write() as session:
            area = session.scalars(select(Department)).first()
            assert area is not None
            form = session.scalars(select(Form).where(Form.key == "claim")).one()
            area.head_id, form.flow = buyer, ""  # which is only being designed
            version = current_definition("claim")[0]
            answers = {"amount": {"minor": 150000, "currency": "CNY"}, "buyer": buyer, "area": area.id}
            create_record(NewRecord(form.id, version, answers), by=None, now=NOW)
        record = db.session.scalars(select(Record.id)).one()
        tree = Tree(parse_definition(asking({"field": "amount", "op": "gt", "value": 1000})))
        facts = CompanyFacts(tree, ("record", record), None, None)
        assert facts.answer(Holds("split", "over"))
        assert facts.answer(People("start", Who("user_field", "buyer"))) == (buyer,)
        assert facts.answer(People("start", Who("department_field_head", "area"))) == (buyer,)
        unknown = Tree(parse_definition(asking({"field": "gone", "op": "gt", "value": 1})))
        assert not CompanyFacts(unknown, ("record", record), None, None).answer(Holds("split", "over"))


def asking(condition: dict[str, object]) -> dict[str, object]:
    """Return a flow with a branch that asks this."""
    ways = [
        {"id": "over", "name_zh": "多", "name_en": "Over", "condition": condition},
        {"id": "rest", "name_zh": "少", "name_en": "Rest"},
    ]
    split = {"id": "split", "kind": "branch", "name_zh": "按金额", "name_en": "By amount", "branches": ways}
    return BLANK | {"nodes": [*BLANK["nodes"], split]}
