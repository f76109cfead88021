"""A program fills in forms, brings master data and sales, and reads to-dos, traces, complaints and reports."""

import base64
import json

import pytest
from flask import Flask
from sqlalchemy import func, select

from qtrace.core.db import db
from qtrace.forms.registry import controls
from qtrace.forms.use import uses_of
from qtrace.orders.models import Order, OrderLine
from qtrace.records.models import Record
from tests.conftest import NOW, log_in, user_id
from tests.factories.api import Program, program
from tests.factories.forms import asked, make_form
from tests.factories.issues import Sale, fresh, make_goods, make_issue, sell

GOOD = {"item": "瓶盖扭矩", "result": "pass", "qty": 12, "day": "2026-11-20", "urgent": True}


@pytest.fixture
def erp(app: Flask) -> Program:
    """A program of the quality lead."""
    return program(app)


def test_a_program_fills_in_a_form_and_changes_one_answer(app: Flask, erp: Program) -> None:
    make_form()
    made = erp.post("/records/inspection", {"values": GOOD})
    assert made.status_code == 201, made.json
    path = made.headers["Location"].removeprefix("/api/v1")
    assert made.json["values"] == GOOD
    assert set(uses_of(fresh().scalars(select(Record.form_id)).one())) == set(GOOD)
    changed = erp.patch(path, {"values": {"qty": 20, "urgent": None}}, headers={"If-Match": made.headers["ETag"]})
    assert changed.status_code == 200, changed.json
    assert changed.json["values"] | {"urgent": None} == GOOD | {"qty": 20, "urgent": None}
    assert erp.get(path).json["version"] == 2
    condition = {"field": "f.qty", "op": "ge", "value": 20}
    assert [one["number"] for one in erp.get("/records/inspection", filter=condition).json["items"]] == [
        made.json["number"]
    ]


def test_a_record_under_review_is_changed_by_nobody_else_and_an_approved_one_by_nobody(
    app: Flask, erp: Program
) -> None:
    make_form()
    log_in(app, "quality_lead").post("/forms/inspection/flow", {"template": "one_check", "role": "purchasing"})
    made = erp.post("/records/inspection", {"values": GOOD})
    assert made.json["stage"] == "check"
    path = made.headers["Location"].removeprefix("/api/v1")
    change, match = {"values": {"qty": 20}}, {"If-Match": made.headers["ETag"]}
    assert erp.patch(path, change, headers=match).status_code == 403
    sent = {"verdict": "submit", "version": "2", "record_version": "1"}
    page = f"/records/inspection/{made.json['number']}"
    assert log_in(app, "purchasing").post(f"{page}/decisions", sent).status_code == 303
    assert erp.get(path).json["stage"] == "approved"
    assert erp.patch(path, change, headers=match).status_code == 422


def test_what_a_form_refuses_names_the_field(sqlite_app: Flask) -> None:
    make_form()
    answer = program(sqlite_app).post("/records/inspection", {"values": GOOD | {"result": "maybe", "qty": -1}})
    assert answer.status_code == 422
    assert {error["path"] for error in answer.json["errors"]} == {"values.result", "values.qty"}


def test_many_records_come_in_by_their_key(app: Flask, erp: Program) -> None:
    make_form()
    rows = [{"values": GOOD | {"item": f"项目 {n}"}} for n in range(3)] + [{"values": {"item": "缺结论"}}]
    first = erp.post("/records/inspection/bulk", {"key": "item", "rows": rows}).json
    assert (first["stored"], first["refused"]) == (3, 1)
    assert first["rows"][3]["outcome"] == "refused"
    assert "result" in first["rows"][3]["reason"]
    rows[0]["values"]["qty"] = 99
    again = erp.post("/records/inspection/bulk", {"key": "item", "rows": rows[:3]}).json
    assert (again["updated"], again["unchanged"]) == (1, 2)
    assert fresh().scalar(select(func.count(Record.id))) == 3


def test_sales_come_in_with_an_outcome_for_each_row(app: Flask, erp: Program) -> None:
    make_goods()
    orders = [
        {"external_id": "O-1", "paid": "12.50", "currency": "CNY", "placed_at": "2026-11-01T08:00:00+08:00"},
        {"external_id": "", "paid": 3},
        {"external_id": "O-3", "paid": 1e20},
    ]
    done = erp.post("/orders", {"shop": "douyin", "rows": orders}).json
    assert [row["outcome"] for row in done["rows"]] == ["stored", "refused", "refused"], done
    lines = [{"order": "O-1", "external_id": "1", "sku": "ROSE-30", "lot": "B2409-17", "quantity": 2, "price": "6.25"}]
    assert erp.post("/lines", {"shop": "douyin", "rows": lines}).json["stored"] == 1
    assert erp.post("/orders", {"shop": "douyin", "rows": orders[:1]}).json["unchanged"] == 1
    assert fresh().scalar(select(Order.paid_minor).where(Order.external_id == "O-1")) == 1250
    assert fresh().scalar(select(func.count(OrderLine.id))) == 1
    assert erp.get("/trace/lot/B2409-17").json["totals"]["orders"] == 1


def test_an_unknown_shop_and_an_unknown_name_are_refused(sqlite_app: Flask) -> None:
    erp = program(sqlite_app)
    answer = erp.post("/products", {"shop": "nowhere", "rows": [{"external_id": "A"}]})
    assert (answer.status_code, answer.json["errors"][0]["path"]) == (422, "shop")
    answer = erp.post("/products", {"shop": "nowhere", "rows": [{"external_id": "A", "colour": "red"}]})
    assert answer.json["errors"][0]["path"] == "rows.0.colour"


def test_a_program_decides_on_its_persons_to_do(app: Flask) -> None:
    issue = make_issue(by="quality_lead", owner_id=user_id("quality_lead"))
    erp = program(app)
    (task,) = [one for one in erp.get("/tasks").json["items"] if one["issue"] == issue.number]
    stale = {"verdict": "submit", "flow_version": task["flow_version"] + 5, "note": "查过了"}
    assert erp.post(f"/tasks/{task['id']}/decision", stale).status_code == 409
    missing = erp.post(f"/tasks/{task['id']}/decision", stale | {"flow_version": task["flow_version"]})
    assert missing.status_code in (200, 422), missing.json
    other = program(app, "customer_service")
    assert other.post(f"/tasks/{task['id']}/decision", stale).status_code == 404


def test_complaints_reports_shops_and_forms_are_read(sqlite_app: Flask) -> None:
    goods = make_goods()
    sell(goods, [Sale("O1", NOW, complaints=(goods.kind, goods.kind_below))])
    make_form()
    erp = program(sqlite_app)
    found = erp.get("/complaints", filter={"field": "sku", "op": "eq", "value": "ROSE-30"}, limit=1).json
    assert len(found["items"]) == 1
    assert found["next_cursor"]
    assert erp.get(f"/complaints/{found['items'][0]['number']}").json["order"] == "O1"
    assert erp.get("/reports/quality", period="90d").json["report"] == "quality"
    assert erp.get("/reports/weather").status_code == 404
    assert erp.get("/shops").json["items"][0]["key"] == "douyin"
    assert {one["key"] for one in erp.get("/forms").json["items"]} == {"issue", "inspection"}
    fields = erp.get("/forms/inspection").json["sections"][0]["fields"]
    assert [one["id"] for one in fields][:2] == ["item", "result"]
    assert db.session.scalar(select(func.count(Record.id))) == 0


def test_many_at_once_change_no_record_their_person_may_not_see(app: Flask, erp: Program) -> None:
    make_form()
    row = {"key": "item", "rows": [{"values": GOOD}]}
    assert erp.post("/records/inspection/bulk", row).json["stored"] == 1
    other = program(app, "inspector")
    row["rows"][0]["values"] = GOOD | {"qty": 1}
    refused = other.post("/records/inspection/bulk", row).json
    assert (refused["refused"], refused["updated"]) == (1, 0)
    assert fresh().scalars(select(Record)).one().answers["qty"] == 12


def test_texts_no_database_keeps_are_refused_and_foreign_cursors_too(app: Flask, erp: Program) -> None:
    make_form()
    assert erp.post("/records/inspection", {"values": GOOD}).status_code == 201
    for value in ("x\x00y", "\ud800", "' OR 1=1 --"):
        title = {"field": "title", "op": "contains", "value": value}
        for path in ("/issues", "/complaints", "/records/inspection"):
            assert erp.get(path, filter=title if path != "/complaints" else title | {"field": "text"}).status_code in (
                200,
                422,
            )
    assert erp.get("/trace/order/%00").status_code == 422
    for cursor in (
        ["value", "\x00", 1],
        ["rest", None, 2**70],
        ["value", 5, 1],
        ["-opened_at", "0001-01-01T00:00:00+14:00", 1],
    ):
        text = base64.urlsafe_b64encode(json.dumps(cursor).encode()).decode()
        assert erp.get("/records/inspection", cursor=text, sort="f.item").status_code in (200, 422), cursor
        assert erp.get("/issues", cursor=text).status_code in (200, 422), cursor


def test_a_masked_value_stays_masked_and_is_kept_when_something_else_changes(sqlite_app: Flask) -> None:
    """A change of one answer used to lose what nobody types and what was shown masked."""
    fields = [
        asked("item", "text", "项目", required=True), asked("phone", "masked_text", "联系电话"),
        asked("serial", "autonumber", "流水号", **controls()["autonumber"].starter()),
    ]  # fmt: skip
    make_form(fields, key="visit", prefix="VS")
    erp = program(sqlite_app)
    made = erp.post("/records/visit", {"values": {"item": "回访", "phone": "13800138000"}})
    assert made.status_code == 201, made.json
    assert "13800138000" not in made.text
    path = made.headers["Location"].removeprefix("/api/v1")
    changed = erp.patch(path, {"values": {"item": "再次回访"}, "version": 1})
    assert changed.status_code == 200, changed.json
    answers = fresh().scalars(select(Record)).one().answers
    assert (answers["item"], answers["phone"]) == ("再次回访", "13800138000")
    assert answers["serial"] == made.json["values"]["serial"]
    assert erp.patch(path, {"values": {"serial": "X"}, "version": 2}).status_code == 422
