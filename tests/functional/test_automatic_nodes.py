"""Automatic nodes on real cases: fields set, forms filled in, an address called, each by the rules of its form."""

import json
from collections.abc import Iterator
from datetime import timedelta
from ipaddress import ip_network
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from qtrace.classification.models import Term
from qtrace.complaints.links import Links
from qtrace.complaints.models import Complaint
from qtrace.complaints.service import NewComplaint, record_complaint
from qtrace.core.db import db, write
from qtrace.core.models import EventRow
from qtrace.flows.addresses import NewAddress, add_address
from qtrace.flows.case import Case
from qtrace.flows.models import FlowDecision, FlowInstance
from qtrace.flows.starting import NewStart, set_start
from qtrace.forms.models import Form
from qtrace.forms.queries import current_form
from qtrace.investigation.models import Action
from qtrace.issues.models import Issue
from qtrace.records.models import Record
from qtrace.records.service import NewRecord, create_record
from tests.conftest import NOW, user_id
from tests.factories.flows import make_flow, node, person, submit
from tests.factories.forms import asked, make_form
from tests.factories.issues import make_issue
from tests.factories.post import Asked, Service, service
from tests.unit.flows.test_steps import AUTO, work

AFTER = node("after", "approve", "owner")
CLAIM = [
    asked("item", "text", "索赔事由", required=True), asked("amount", "decimal", "金额"), asked("ticket", "text", "ERP 单号"),
    asked("day", "date", "日期"), asked("state", "select", "状态", choices=[
        {"value": "open", "zh": "待处理", "en": "Open"}, {"value": "held", "zh": "已冻结", "en": "Held"},
    ]),
]  # fmt: skip


@pytest.fixture
def erp(app: Flask) -> Iterator[Service]:
    """A system of somebody else on loopback, registered as ERP with a secret header."""
    app.config["QTRACE_NET_ALLOW"] = (ip_network("127.0.0.0/8"),)
    with service() as found:
        new = NewAddress("ERP", f"{found.url}/api", [("Authorization", "Bearer very-secret")])
        with write():
            add_address(new, by=user_id("admin"), now=NOW)
        yield found


def auto(action: str, **settings: Any) -> dict[str, Any]:
    return node("do", "auto", options=AUTO | {"action": action, "with": settings})


def claim(*nodes: dict[str, Any], **answers: Any) -> Record:
    """Store a claim that goes through a flow of these nodes, and run what it does by itself."""
    form = make_form(CLAIM, key="claim", name="索赔", prefix="CL")
    make_flow("claiming", *nodes, AFTER)
    with write() as session:
        session.get_one(Form, form.id).flow = "claiming"
    given = {"item": "瓶盖漏液", "amount": "320.50"} | answers
    with write():
        create_record(NewRecord(form.id, current_form(form.key)[1].id, given), by=user_id("quality_lead"), now=NOW)
    work()
    return db.session.scalars(select(Record).where(Record.form_id == form.id)).one()


def stands(kind: str) -> str | None:
    return db.session.scalars(select(FlowInstance.node).where(FlowInstance.subject_kind == kind)).one()


def noted() -> list[str]:
    rows = select(FlowDecision.note).where(FlowDecision.verdict.in_(("signal", "failed"))).order_by(FlowDecision.id)
    return list(db.session.scalars(rows))


def test_a_node_sets_fields_of_a_record_by_value_by_field_and_by_formula(app: Flask) -> None:
    record = claim(
        auto("set_fields", values=[["状态", "已冻结"], ["amount", "={金额} * 2"], ["ticket", "T-{编号}/{索赔事由}"]])
    )
    assert record.answers["state"] == "held"
    assert str(record.answers["amount"]) in ("641", "641.00", "641.0")
    assert record.answers["ticket"] == f"T-{record.number}/瓶盖漏液"
    assert stands("record") == "after"
    assert noted() == ["改了 状态、金额、ERP 单号"]
    changed = db.session.scalars(select(EventRow).where(EventRow.name == "record_changed")).one()
    assert (changed.actor_id, changed.reason) == (None, "流程「do」自动修改")


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ([["状态", "飞走了"]], "状态"),
        ([["没有", "1"]], "没有「没有」这一项"),
        ([["amount", "=1 / 0"]], "算式算不出来"),
        ([["ticket", "{哪里}"]], "没有字段「哪里」"),
        ([["item", ""]], "索赔事由"),
    ],
)
def test_what_cannot_be_set_says_why_and_changes_nothing(sqlite_app: Flask, values: list[list[str]], says: str) -> None:
    record = claim(auto("set_fields", values=values))
    assert says in noted()[0]
    assert record.answers["item"] == "瓶盖漏液"
    assert record.version == 1


def test_a_node_fills_in_another_form_in_the_name_of_who_began(app: Flask) -> None:
    make_form(key="inspection")
    claim(
        auto(
            "make_record", form="inspection", values=[["检验项目", "复检 {编号}"], ["结论", "不合格"], ["抽检数", "20"]]
        )
    )
    made = db.session.scalars(select(Record).where(Record.number.startswith("IQ"))).one()
    assert (made.answers["item"], made.answers["result"], made.answers["qty"]) == ("复检 CL-2611-0001", "fail", 20)
    assert (made.source, made.created_by) == ("flow", user_id("quality_lead"))
    assert noted() == [f"填了 到货质检 {made.number}"]


@pytest.mark.parametrize(("form", "says"), [("nothing", "没有「nothing」这张表"), ("issue", "不能由流程填写")])
def test_a_form_that_is_gone_or_the_products_own_is_not_filled_in(sqlite_app: Flask, form: str, says: str) -> None:
    claim(auto("make_record", form=form, values=[["title", "x"]]))
    assert says in noted()[0]


def test_a_node_sets_fields_of_an_issue_and_plans_an_action(app: Flask) -> None:
    make_flow(
        "plain", auto("set_fields", values=[["title", "冻结批次:{编号}"]]) | {"id": "title"},
        auto("plan_action", text="换瓶盖:{编号}", days=3), AFTER,
    )  # fmt: skip
    with write():
        set_start(NewStart("plain", "issue"), by=user_id("admin"), now=NOW)
    issue = make_issue()
    number = issue.number
    submit(Case(("issue", issue.id), issue.title, f"/issues/{number}", issue.created_by, None))
    work()
    assert db.session.scalars(select(Issue.title)).one() == f"冻结批次:{number}"
    action = db.session.scalars(select(Action)).one()
    assert (action.text, action.due_at, action.kind) == (f"换瓶盖:{number}", NOW + timedelta(days=3), "corrective")
    assert action.owner_id == user_id("quality_lead")
    assert noted() == ["改了 标题", f"安排了整改:换瓶盖:{number}"]


def send_complaint(*nodes: dict[str, Any]) -> Complaint:
    make_flow("safety", *nodes, AFTER)
    with write():
        set_start(NewStart("safety", "complaint"), by=user_id("admin"), now=NOW)
    with write():
        record_complaint(NewComplaint(text="过敏", links=Links(), safety=False), by=person("customer_service"), now=NOW)
    work()
    return db.session.scalars(select(Complaint)).one()


def test_a_node_classifies_a_complaint_and_opens_its_issue(app: Flask) -> None:
    high = db.session.scalars(select(Term).where(Term.kind == "severity").order_by(Term.id)).all()[-1]
    high_id, name = high.id, high.name_zh
    complaint = send_complaint(auto("set_fields", values=[["严重程度", name]]) | {"id": "sort"}, auto("open_issue"))
    assert complaint.severity_id == high_id
    assert complaint.issue_id is not None
    assert db.session.get_one(Issue, complaint.issue_id).complaint_count == 1
    assert (stands("complaint"), noted()) == ("after", ["改了 严重程度", "已立案"])


def test_what_a_flow_may_not_change_of_a_complaint_is_refused(sqlite_app: Flask) -> None:
    send_complaint(auto("set_fields", values=[["买家的话", "没事了"]]))
    assert noted() == ["客诉的「买家的话」不能由流程修改。"]


def test_a_node_calls_a_registered_address_and_takes_what_it_answers(app: Flask, erp: Service) -> None:
    erp.answer = lambda _asked: (201, {"data": {"tickets": [{"id": "ERP-77"}]}})
    record = claim(
        auto("http", address="ERP", method="PUT", path="/lots/{索赔事由}/hold", body=[["why", "{编号}"], ["sum", "={金额} + 1"]],
             take=[["ticket", "data.tickets.0.id"]])
    )  # fmt: skip
    asked = erp.asked[0]
    assert (asked.method, asked.path) == ("PUT", "/api/lots/%E7%93%B6%E7%9B%96%E6%BC%8F%E6%B6%B2/hold")
    sent = json.loads(asked.body)
    assert (sent["why"], sent["sum"]) == (record.number, "321.5")
    assert asked.headers["authorization"] == "Bearer very-secret"
    assert asked.headers["idempotency-key"] == sent["id"]
    assert record.answers["ticket"] == "ERP-77"
    assert stands("record") == "after"
    kept = " ".join(f"{row.body} {row.reason}" for row in db.session.scalars(select(EventRow)))
    assert "very-secret" not in kept


def test_a_busy_system_is_asked_again_with_the_same_id_and_one_that_refuses_is_believed(
    app: Flask, erp: Service
) -> None:
    answers = iter([(503, {}), (429, {}), (422, {"error": "no such lot"})])

    def answer(_asked: Asked) -> tuple[int, Any]:
        return next(answers)

    erp.answer = answer
    claim(auto("http", address="ERP"))
    for minutes in (1, 5, 30):
        work(NOW + timedelta(minutes=minutes))
    assert [json.loads(one.body)["number"] for one in erp.asked] == ["CL-2611-0001"] * 3
    assert len({one.headers["idempotency-key"] for one in erp.asked}) == 1
    assert noted() == ["对方拒绝:422"]


def test_a_call_that_waits_goes_on_when_the_other_system_answers_at_the_address_it_was_given(
    app: Flask, erp: Service
) -> None:
    erp.answer = lambda _asked: (202, {})
    claim(auto("http", address="ERP", wait=True))
    assert stands("record") == "do"
    callback = json.loads(erp.asked[0].body)["callback"]
    path = "/in/flows/" + callback.rsplit("/", 1)[1]
    answered = app.test_client().post(path, json={"passed": True, "note": "已冻结 120 件"})
    assert answered.status_code == 200
    db.session.remove()
    assert (stands("record"), noted()) == ("after", ["已冻结 120 件"])


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"address": "仓库"}, "没有登记"),
        ({"address": "ERP", "path": "/../admin"}, "后面的部分不对"),
        ({"address": "ERP", "take": [["ticket", "data.none"]]}, "没有要取的内容"),
        ({}, "还没有设置完"),
    ],
)
def test_a_call_that_cannot_be_made_says_why(sqlite_app: Flask, settings: dict[str, Any], says: str) -> None:
    sqlite_app.config["QTRACE_NET_ALLOW"] = (ip_network("127.0.0.0/8"),)
    with service() as found:
        found.answer = lambda _asked: (200, {"data": {}})
        with write():
            add_address(NewAddress("ERP", f"{found.url}/api", []), by=user_id("admin"), now=NOW)
        claim(auto("http", **settings))
    assert says in noted()[0]


def test_an_address_inside_the_network_is_not_called_unless_the_operator_allows_it(sqlite_app: Flask) -> None:
    with write():
        add_address(NewAddress("ERP", "https://127.0.0.1/api", []), by=user_id("admin"), now=NOW)
    claim(auto("http", address="ERP"))
    assert "内部网络" in noted()[0]
