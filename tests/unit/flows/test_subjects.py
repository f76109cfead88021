"""What flows ask of their subjects: conditions, fields that name people, expressions, and who is responsible."""

from typing import Any

import pytest
from flask import Flask, current_app
from sqlalchemy import select

from qtrace.accounts.models import Department, User
from qtrace.accounts.service import ensure_department
from qtrace.catalog.models import Shop
from qtrace.classification.duties import duties, give_duty, responsible_for, take_duty
from qtrace.complaints.links import Links
from qtrace.complaints.models import Complaint
from qtrace.complaints.service import NewComplaint, record_complaint
from qtrace.core.db import db, write
from qtrace.core.errors import NotFound, Refused
from qtrace.flows.company import CompanyFacts
from qtrace.flows.condition_fields import EXTENSION
from qtrace.flows.definition import Tree, Who
from qtrace.flows.facts import People
from qtrace.flows.models import FlowInstance
from qtrace.flows.reading import parse_definition
from qtrace.flows.starting import NewStart, drop_start, set_start, starts_for
from qtrace.flows.subject_facts import holds
from qtrace.flows.subjects import flow_subjects
from qtrace.forms.models import Form
from qtrace.forms.queries import current_form
from qtrace.records.models import Record
from qtrace.records.service import NewRecord, create_record
from qtrace.tasks.models import Task
from tests.conftest import NOW, user_id
from tests.factories.flows import make_flow, node, person
from tests.factories.forms import asked, make_form
from tests.factories.issues import make_goods, make_issue

TREE = Tree(parse_definition({"key": "any", "version": 1, "nodes": [node("ask", "start")]}))


def meant(subject: tuple[str, int], kind: str, value: str = "") -> tuple[int, ...]:
    """Return whom a way to find people finds for a subject."""
    return CompanyFacts(TREE, subject, None, None).answer(People("x", Who(kind, value)))  # type: ignore[arg-type]


def a_complaint(**values: Any) -> Complaint:
    """Store a complaint of 350 yuan about an article."""
    goods = make_goods()
    with write() as session:
        complaint = Complaint(
            **{
                "number": "CP-1", "source_kind": "after_sale", "source_id": 1, "occurred_at": NOW, "created_at": NOW,
                "amount_minor": 35000, "sku_id": goods.sku, "shop_id": goods.shop, "supplier_id": goods.supplier,
                "text": "瓶盖漏液",
            } | values
        )  # fmt: skip
        session.add(complaint)
    return complaint


def test_a_condition_reads_a_complaint_in_yuan(app: Flask) -> None:
    complaint = a_complaint()
    assert holds("complaint", complaint.id, {"field": "amount", "op": "gt", "value": 349})
    assert not holds("complaint", complaint.id, {"field": "amount", "op": "gt", "value": 350})
    assert holds("complaint", complaint.id, {"not": {"field": "safety", "op": "is_true"}})


def test_a_condition_reads_the_answers_of_an_issue_and_its_complaints(app: Flask) -> None:
    issue = make_issue(safety=True)
    assert holds("issue", issue.id, {"field": "safety", "op": "is_true"})
    assert holds("issue", issue.id, {"field": "complaint_count", "op": "eq", "value": 0})


def test_a_field_nobody_has_is_empty_and_holds_for_nothing(sqlite_app: Flask) -> None:
    issue = make_issue()
    assert not holds("issue", issue.id, {"field": "colour_of_the_cap", "op": "eq", "value": "red"})
    assert not holds("thing", 1, {"field": "amount", "op": "gt", "value": 1})


@pytest.mark.parametrize("kind", ["issue", "complaint", "record"])
def test_every_kind_names_its_fields_with_a_label_and_a_kind(sqlite_app: Flask, kind: str) -> None:
    make_form([asked("amount", "money", "金额")])
    fields = [field for group in current_app.extensions[EXTENSION][kind]("") for field in group.fields]
    assert kind in flow_subjects()
    assert fields and all(field.label and field.kind for field in fields)


def a_record(flow: str = "", **answers: Any) -> tuple[str, int]:
    """Store a record of a form that names a colleague, a department and an amount; return it as a subject."""
    fields = [asked("who", "user", "经办人"), asked("team", "department", "部门"), asked("amount", "money", "金额")]
    form = make_form(fields, key="claim", name="索赔", prefix="SP")
    version = current_form("claim")[1].id
    with write() as session:
        session.get_one(Form, form.id).flow = flow
        number = create_record(NewRecord(form.id, version, answers), by=user_id("inspector"), now=NOW)
    return "record", db.session.scalars(select(Record.id).where(Record.number == number)).one()


def test_fields_of_a_record_name_people_and_heads_of_departments(app: Flask) -> None:
    with write():
        team = ensure_department("采购部")
    with write() as session:
        session.get_one(Department, team).head_id = user_id("purchasing")
    subject = a_record(who=user_id("inspector"), team=team)
    assert meant(subject, "user_field", "who") == (user_id("inspector"),)
    assert meant(subject, "department_field_head", "team") == (user_id("purchasing"),)
    assert meant(subject, "user_field", "amount") == ()


@pytest.mark.parametrize(("amount", "role"), [(120_000, "owner"), (9_900, "quality_lead")])
def test_an_expression_names_whom_by_the_amount(sqlite_app: Flask, amount: int, role: str) -> None:
    subject = a_record(amount={"minor": amount, "currency": "CNY"})
    names = {"owner": "laoban", "quality_lead": "王姐"}
    assert meant(subject, "expression", 'if({amount} > 1000, "laoban", "王姐")') == (user_id(role),), names[role]
    assert meant(subject, "expression", "{amount") == ()
    assert meant(subject, "expression", "{nothing}") == ()


def test_who_is_responsible_is_found_by_article_then_shop(app: Flask) -> None:
    complaint = a_complaint()
    subject = ("complaint", complaint.id)
    by = user_id("admin")
    assert meant(subject, "sku_owner") == ()
    with write():
        give_duty("shop", complaint.shop_id, user_id("customer_service"), by=by, now=NOW)
        give_duty("supplier", complaint.supplier_id, user_id("purchasing"), by=by, now=NOW)
    assert meant(subject, "sku_owner") == meant(subject, "shop_owner") == (user_id("customer_service"),)
    assert meant(subject, "supplier_contact") == meant(subject, "responsible_contact") == (user_id("purchasing"),)
    with write():
        give_duty("sku", complaint.sku_id, user_id("inspector"), by=by, now=NOW)
        give_duty("sku", complaint.sku_id, user_id("inspector"), by=by, now=NOW)
    assert meant(subject, "sku_owner") == (user_id("inspector"),)
    assert len(duties()) == 3


def test_who_has_left_is_responsible_no_more(sqlite_app: Flask) -> None:
    with write() as session:
        shop = Shop(key="s", name="店")
        session.add(shop)
        session.flush()
        give_duty("shop", shop.id, user_id("inspector"), by=user_id("admin"), now=NOW)
        session.get_one(User, user_id("inspector")).active = False
    assert responsible_for("shop", shop.id) == []
    with pytest.raises(Refused, match="在职"), write():
        give_duty("shop", shop.id, user_id("inspector"), by=user_id("admin"), now=NOW)
    with write():
        take_duty(duties()[0].duty.id, by=user_id("admin"), now=NOW)
    with pytest.raises(NotFound), write():
        take_duty(1, by=user_id("admin"), now=NOW)


def flow_of(kind: str, subject_id: int) -> list[str]:
    """Return the keys of the flows a subject goes through."""
    db.session.remove()
    rows = db.session.scalars(
        select(FlowInstance).where(FlowInstance.subject_kind == kind, FlowInstance.subject_id == subject_id)
    )
    return [row.definition.key for row in rows]


def let_begin(flow: str, kind: str, condition: object = None) -> None:
    with write():
        set_start(NewStart(flow, kind, condition), by=user_id("admin"), now=NOW)


def record_one(*, safety: bool = False) -> int:
    with write():
        new = NewComplaint(text="瓶盖漏液", links=Links(), safety=safety)
        return record_complaint(new, by=person("customer_service"), now=NOW)


def test_a_complaint_begins_the_first_flow_whose_condition_holds(app: Flask) -> None:
    make_flow("safety", node("boss", "approve", "owner"))
    make_flow("plain", node("lead", "approve", "quality_lead"))
    let_begin("safety", "complaint", {"field": "safety", "op": "is_true"})
    let_begin("plain", "complaint", {"field": "text", "op": "contains", "value": "漏"})
    safe, unsafe = record_one(), record_one(safety=True)
    assert (flow_of("complaint", safe), flow_of("complaint", unsafe)) == (["plain"], ["safety"])
    rows = db.session.execute(select(Task.subject_id, Task.owner_id).where(Task.subject_kind == "complaint"))
    owners = {row.subject_id: row.owner_id for row in rows}
    assert owners == {safe: user_id("quality_lead"), unsafe: user_id("owner")}


def test_a_complaint_begins_nothing_where_nothing_is_to_begin(sqlite_app: Flask) -> None:
    assert flow_of("complaint", record_one()) == []


def test_an_issue_begins_another_flow_where_its_condition_holds(app: Flask) -> None:
    make_flow("dangerous", node("boss", "approve", "owner"))
    let_begin("dangerous", "issue", {"field": "safety", "op": "is_true"})
    assert flow_of("issue", make_issue(safety=True).id) == ["dangerous"]
    assert flow_of("issue", make_issue().id) == ["quality_issue"]


def test_what_begins_can_be_changed_and_taken_away(sqlite_app: Flask) -> None:
    make_flow("dangerous", node("boss", "approve", "owner"))
    let_begin("dangerous", "issue", {"field": "safety", "op": "is_true"})
    let_begin("dangerous", "issue")
    (row,) = starts_for("issue")
    assert row.condition is None
    with write():
        drop_start(row.id, by=user_id("admin"), now=NOW)
    assert not starts_for("issue")
    with pytest.raises(NotFound), write():
        drop_start(row.id, by=user_id("admin"), now=NOW)
    with pytest.raises(NotFound), write():
        set_start(NewStart("unknown", "issue"), by=user_id("admin"), now=NOW)
    with pytest.raises(Refused, match="用在什么上"), write():
        set_start(NewStart("dangerous", "weather"), by=user_id("admin"), now=NOW)


def test_a_record_goes_the_way_its_amount_opens(app: Flask) -> None:
    make_flow(
        "by_amount",
        node("split", "branch", branches=[
            {"id": "high", "name_zh": "大额", "name_en": "High", "nodes": [node("boss", "approve", "owner")],
             "condition": {"field": "amount", "op": "gt", "value": 1000}},
            {"id": "low", "name_zh": "小额", "name_en": "Low", "nodes": [node("lead", "approve", "quality_lead")]},
        ]),
    )  # fmt: skip
    kind, high = a_record("by_amount", amount={"minor": 120_000, "currency": "CNY"})
    assert flow_of(kind, high) == ["by_amount"]
    assert db.session.scalars(select(FlowInstance.node)).all() == ["boss"]
