"""Door × right: what a node says of a field holds at every door a person can change or read a record by."""

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import time_machine
from flask import Flask
from sqlalchemy import select

from qtrace.classification.models import Term
from qtrace.complaints.models import Complaint
from qtrace.core.db import db, write
from qtrace.exchange.form_targets import FormTarget
from qtrace.flows.default import default_definition
from qtrace.flows.definition import Who
from qtrace.flows.models import FlowDefinition
from qtrace.flows.starting import NewStart, set_start
from qtrace.flows.versions import add_version
from qtrace.forms.links import LinkOptions, create_link
from qtrace.forms.models import Form
from qtrace.forms.queries import current_form, stored_definition
from qtrace.issues.models import Issue
from qtrace.records.models import Record
from qtrace.tasks.models import Task
from qtrace.tasks.standing import NewStandIn, set_stand_in
from tests.conftest import NOW, Browser, log_in, user_id
from tests.factories.api import program
from tests.factories.flows import make_flow, node
from tests.factories.forms import asked, make_form
from tests.factories.issues import make_issue
from tests.unit.flows.test_steps import AUTO, work

RIGHTS = {"paid": "write", "reason": "read", "buyer": "hidden"}
LEAD = node("lead", "approve", "quality_lead", permission="record.read", fields=RIGHTS)
CLERK = node("clerk", "approve", "customer_service", permission="record.read", fields=RIGHTS)
BEFORE = {"code": "A-1", "buyer": "神秘买家", "reason": "瓶盖漏液", "paid": "10", "note": "原来的话"}
FIELDS = [
    asked("code", "text", "单号", in_list=True, required=True), asked("buyer", "text", "买家"), asked("reason", "text", "事由"),
    asked("paid", "integer", "实赔数"), asked("note", "text", "备注"), asked("twice", "formula", "两倍", formula="{paid} * 2"),
]  # fmt: skip
Change = tuple[str, str]


@pytest.fixture(autouse=True)
def clock_stands() -> Iterator[None]:
    """Let every view see the same moment."""
    with time_machine.travel(NOW, tick=False):
        yield


def hand_in(app: Flask, *nodes: dict[str, Any]) -> Record:
    """Let the inspector hand in a claim on a flow of these nodes; a sheet knows it by its code."""
    make_flow("claims", *nodes)
    form = make_form(FIELDS, key="claim", name="索赔单", prefix="SP")
    with db.engines["write"].begin() as connection:
        connection.exec_driver_sql(f"UPDATE form SET flow = 'claims' WHERE id = {form.id}")
    db.session.remove()
    assert log_in(app, "inspector").post("/records/claim", BEFORE).status_code == 303
    with write() as session:
        session.scalars(select(Record)).one().key = BEFORE["code"]
    return record()


def record() -> Record:
    """Return the only record as it is now."""
    db.session.remove()
    return db.session.scalars(select(Record)).one()


def by_page(app: Flask, role: str, change: Change) -> str:
    """Send the whole form as a page that was opened before the turn would."""
    sent = BEFORE | dict([change]) | {"version": str(record().version)}
    answer = log_in(app, role).post(f"/records/claim/{record().number}", sent)
    return "" if answer.status_code == 303 else str(answer.text)


def by_part(app: Flask, role: str, change: Change) -> str:
    """Send only the fields nothing is said of and one more, as the page of a turn does."""
    sent = {name: BEFORE[name] for name in ("code", "note")} | dict([change]) | {"version": str(record().version)}
    answer = log_in(app, role).post(f"/records/claim/{record().number}", sent)
    return "" if answer.status_code == 303 else str(answer.text)


def by_api(app: Flask, role: str, change: Change) -> str:
    """Change one field over the API."""
    here = record()
    answer = program(app, role).patch(
        f"/records/claim/{here.number}", {"values": dict([change]), "version": here.version}
    )
    return "" if answer.status_code == 200 else str(answer.text)


def by_batch(app: Flask, role: str, change: Change) -> str:
    """Send the record again in a batch of the API, named by its code."""
    rows = [{"values": {"code": BEFORE["code"]} | dict([change])}]
    answer = program(app, role).post("/records/claim/bulk", {"key": "code", "rows": rows})
    told = answer.json.get("rows", [{"outcome": answer.text}])[0]
    return "" if told["outcome"] == "updated" else str(told)


def by_sheet(app: Flask, role: str, change: Change, *, dry: bool = False) -> str:
    """Import a sheet with the record in it."""
    row = BEFORE | dict([change])
    with app.test_request_context(), write():
        target = FormTarget("claim")
        [told] = target.store([row], key="code", now=NOW, by=user_id(role), source=("import_run", 1), dry=dry)
    return "" if told.outcome == "updated" else f"{told.outcome} {told.reasons}"


DOORS: dict[str, Callable[[Flask, str, Change], str]] = {
    "page": by_page, "part": by_part, "api": by_api, "batch": by_batch, "sheet": by_sheet,
}  # fmt: skip
GENERAL = ("batch", "sheet")  # for these a turn is not enough: they need the right to change records


@pytest.mark.parametrize("door", list(DOORS))
def test_who_may_change_records_changes_at_the_own_turn_all_but_what_it_keeps(sqlite_app: Flask, door: str) -> None:
    hand_in(sqlite_app, LEAD)
    change = DOORS[door]
    for field in ("reason", "buyer"):
        told = change(sqlite_app, "quality_lead", (field, "改掉"))
        assert "不能改" in told or "may not change" in told, field
        assert BEFORE["buyer"] not in told
    assert {name: record().answers.get(name) for name in ("reason", "buyer")} == {
        name: BEFORE[name] for name in ("reason", "buyer")
    }
    assert change(sqlite_app, "quality_lead", ("paid", "25")) == ""
    assert (record().answers["paid"], record().answers["twice"]) == (25, "50.00")
    if door != "page":  # it would send the old number again
        assert change(sqlite_app, "quality_lead", ("note", "新的话")) == ""
        assert record().answers["note"] == "新的话"


@pytest.mark.parametrize("door", [door for door in DOORS if door not in GENERAL])
def test_who_may_not_change_records_fills_in_what_the_own_turn_lets(sqlite_app: Flask, door: str) -> None:
    hand_in(sqlite_app, CLERK)
    change = DOORS[door]
    for field in ("reason", "buyer", "note"):
        assert change(sqlite_app, "customer_service", (field, "改掉")) != "", field
    assert change(sqlite_app, "customer_service", ("paid", "25")) == ""
    assert record().answers == BEFORE | {"paid": 25, "twice": "50.00"}


@pytest.mark.parametrize("door", list(DOORS))
def test_at_somebody_elses_turn_nobody_else_changes_what_is_being_checked(sqlite_app: Flask, door: str) -> None:
    hand_in(sqlite_app, CLERK)
    for role in ("quality_lead", "inspector"):
        assert DOORS[door](sqlite_app, role, ("paid", "25")) != "", role
    assert record().answers["paid"] == 10


@pytest.mark.parametrize("door", [door for door in DOORS if door != "part"])  # then the page has every field
def test_a_node_that_says_nothing_of_fields_restricts_nothing(sqlite_app: Flask, door: str) -> None:
    hand_in(sqlite_app, LEAD | {"fields": {}})
    assert DOORS[door](sqlite_app, "quality_lead", ("reason", "少发一件")) == ""
    assert record().answers["reason"] == "少发一件"


def test_a_trial_of_a_sheet_says_what_the_sheet_would(sqlite_app: Flask) -> None:
    hand_in(sqlite_app, LEAD)
    assert "您不能改「事由」" in by_sheet(sqlite_app, "quality_lead", ("reason", "改掉"), dry=True)
    assert by_sheet(sqlite_app, "quality_lead", ("paid", "25"), dry=True) == ""
    assert record().answers["paid"] == 10


def test_taking_back_reaches_no_further_than_the_turn(sqlite_app: Flask) -> None:
    here = hand_in(sqlite_app, LEAD | {"fields": {}}, LEAD | {"id": "again", "name_zh": "再看"})
    assert by_page(sqlite_app, "quality_lead", ("reason", "少发一件")) == ""
    lead = log_in(sqlite_app, "quality_lead")
    task = db.session.scalars(select(Task).where(Task.state == "open")).one()
    assert lead.post(f"/tasks/{task.id}/decision", {"verdict": "approve"}).status_code == 303
    undo = {"version": str(record().version)}
    assert "不能改「事由」" in lead.post(f"/records/claim/{here.number}/undo", undo).text
    assert record().answers["reason"] == "少发一件"
    assert by_api(sqlite_app, "quality_lead", ("paid", "25")) == ""
    undone = lead.post(f"/records/claim/{here.number}/undo", {"version": str(record().version)})
    assert undone.status_code == 303 and record().answers["paid"] == 10


def test_a_deputy_fills_in_what_the_person_may(sqlite_app: Flask) -> None:
    hand_in(sqlite_app, CLERK)
    with write():
        days = {"begins": NOW.date(), "ends": NOW.date()}
        new = NewStandIn(user_id=user_id("customer_service"), deputy_id=user_id("purchasing"), **days)
        set_stand_in(new, zone=ZoneInfo("Asia/Shanghai"), by=user_id("admin"), now=NOW)
    assert by_part(sqlite_app, "purchasing", ("reason", "改掉")) != ""
    assert by_part(sqlite_app, "purchasing", ("paid", "25")) == ""
    assert record().answers["paid"] == 25


def test_in_a_flow_inside_its_own_nodes_say_who_fills_in_what(sqlite_app: Flask) -> None:
    make_flow("inner", CLERK)
    here = hand_in(sqlite_app, node("part", "subflow", options=AUTO | {"flow": "inner"}), LEAD)
    work()
    begun = db.session.scalars(select(Task).where(Task.owner_id == user_id("inspector"), Task.state == "open")).one()
    assert (
        log_in(sqlite_app, "inspector").post(f"/tasks/{begun.id}/decision", {"verdict": "approve"}).status_code == 303
    )
    db.session.remove()
    task = db.session.scalars(select(Task).where(Task.owner_id == user_id("customer_service"))).one()
    clerk = log_in(sqlite_app, "customer_service")
    decision = clerk.get(f"/tasks/{task.id}/decision").text
    assert "填写:实赔数" in decision and f'href="/records/claim/{here.number}/edit?task={task.id}"' in decision
    assert by_part(sqlite_app, "customer_service", ("reason", "改掉")) != ""
    assert by_part(sqlite_app, "customer_service", ("paid", "25")) == ""
    assert record().answers["paid"] == 25


def test_the_decision_page_leads_to_the_fields_to_fill_in(sqlite_app: Flask) -> None:
    here = hand_in(sqlite_app, CLERK | {"fields": RIGHTS | {"note": "write"}})
    clerk = log_in(sqlite_app, "customer_service")
    task = db.session.scalars(select(Task).where(Task.state == "open")).one()
    decision = clerk.get(f"/tasks/{task.id}/decision").text
    assert "填写:实赔数、备注" in decision and f'href="/records/claim/{here.number}/edit?task={task.id}"' in decision
    page = clerk.get(f"/records/claim/{here.number}/edit?task={task.id}").text
    assert 'name="paid"' in page and 'name="note"' in page
    assert not re.search(r'name="(code|buyer|reason)"', page) and "神秘买家" not in page
    kept = page[page.index('id="read-only"') :]
    assert "瓶盖漏液" in kept and "A-1" in kept
    wrong = clerk.post(f"/records/claim/{here.number}", {"paid": "很多", "version": "1", "task": str(task.id)})
    assert wrong.status_code == 422 and "很多" in wrong.text and not re.search(r'name="reason"', wrong.text)
    sent = {"paid": "25", "version": "1", "task": re.search(r'name="task" value="(\d+)"', wrong.text)[1]}  # type: ignore[index]
    assert clerk.post(f"/records/claim/{here.number}", sent).location == f"/tasks/{task.id}/decision"


def test_what_is_hidden_is_shown_nowhere_to_whose_turn_it_is(sqlite_app: Flask) -> None:
    here = hand_in(sqlite_app, LEAD | {"fields": {"buyer": "hidden", "code": "hidden"}})
    lead, boss = log_in(sqlite_app, "quality_lead"), log_in(sqlite_app, "owner")
    url = f"/records/claim/{here.number}"
    for address in (url, f"{url}/edit", "/records/claim", f"{url}/report", f"/papers/record/{here.number}"):
        page = lead.get(address).text
        assert "神秘买家" not in page and "A-1" not in page, address
    assert "神秘买家" in boss.get(url).text and "神秘买家" in boss.get(f"{url}/report").text
    reader = program(sqlite_app)
    for found in (reader.get(f"/records/claim/{here.number}").json, reader.get("/records/claim").json["items"][0]):
        assert "神秘买家" not in str(found) and "A-1" not in str(found) and found["values"]["reason"] == "瓶盖漏液"
    assert reader.get(f"/records/claim/{here.number}").json["title"] == ""
    task = db.session.scalars(select(Task).where(Task.state == "open")).one()
    assert lead.post(f"/tasks/{task.id}/decision", {"verdict": "approve"}).status_code == 303
    assert "神秘买家" in lead.get(url).text, "the turn is over"


def test_what_was_wrong_before_stops_nobody_who_cannot_put_it_right(sqlite_app: Flask) -> None:
    hand_in(sqlite_app, CLERK)
    with write() as session:
        row = session.scalars(select(Record)).one()
        row.answers = {name: value for name, value in row.answers.items() if name != "code"}
    clerk, url = log_in(sqlite_app, "customer_service"), f"/records/claim/{record().number}"
    assert clerk.post(url, {"paid": "25", "version": "1"}).status_code == 303
    assert record().answers["paid"] == 25


def test_who_helps_or_was_asked_may_fill_in_nothing(sqlite_app: Flask) -> None:
    hand_in(sqlite_app, LEAD)
    task = db.session.scalars(select(Task).where(Task.state == "open")).one()
    sent = {"users": str(user_id("customer_service")), "note": "多少?"}
    assert log_in(sqlite_app, "quality_lead").post(f"/tasks/{task.id}/operations/ask", sent).status_code == 303
    assert by_part(sqlite_app, "customer_service", ("paid", "25")) != ""
    page = log_in(sqlite_app, "customer_service").get(f"/records/claim/{record().number}").text
    assert "瓶盖漏液" in page and "神秘买家" not in page
    assert record().answers["paid"] == 10


START = node("ask", "start", fields={"paid": "hidden", "note": "read"})
NEW = {"code": "A-1", "paid": "10", "note": "先写上"}


def form_with_start(*nodes: dict[str, Any]) -> None:
    """Publish a claim whose paid amount is required, on a flow whose first node hides it."""
    make_flow("claims", *nodes)
    with write() as session:
        row = session.scalars(select(FlowDefinition).where(FlowDefinition.key == "claims")).one()
        row.definition = row.definition | {"nodes": [START, *row.definition["nodes"][1:]]}
    form = make_form([FIELDS[0], FIELDS[3] | {"required": True}, FIELDS[4]], key="claim", name="索赔单", prefix="SP")
    with write() as session:
        session.get_one(Form, form.id).flow = "claims"


def test_what_the_first_node_keeps_is_neither_asked_nor_taken_and_is_asked_where_it_is_filled_in(
    sqlite_app: Flask,
) -> None:
    form_with_start(LEAD)
    inspector = log_in(sqlite_app, "inspector")
    page = inspector.get("/records/claim/new").text
    assert 'name="code"' in page and not re.search(r'name="(paid|note)"', page)
    refused = program(sqlite_app, "inspector").post("/records/claim", {"values": NEW})
    assert sorted(one["path"] for one in refused.json["errors"]) == ["values.note", "values.paid"]
    assert inspector.post("/records/claim", NEW).status_code == 303
    assert record().answers == {"code": "A-1"}
    lead = log_in(sqlite_app, "quality_lead")
    task = db.session.scalars(select(Task).where(Task.state == "open")).one()
    assert "请先填写「实赔数」" in lead.post(f"/tasks/{task.id}/decision", {"verdict": "approve"}).text
    assert (
        lead.post(f"/records/claim/{record().number}", {"code": "A-1", "paid": "", "version": "1"}).status_code == 422
    )
    assert by_api(sqlite_app, "quality_lead", ("paid", "25")) == ""
    assert lead.post(f"/tasks/{task.id}/decision", {"verdict": "approve"}).status_code == 303


def test_a_stranger_is_not_asked_what_the_first_node_keeps(sqlite_app: Flask) -> None:
    form_with_start(LEAD)
    form = db.session.scalars(select(Form).where(Form.key == "claim")).one()
    options = LinkOptions(name="客户", company="晨光", expires_at=NOW + timedelta(days=1))
    with sqlite_app.test_request_context(), write():
        definition = stored_definition("claim", current_form("claim")[1].id)
        token = create_link(form, definition, options, by=user_id("quality_lead"), now=NOW)[1]
    stranger = Browser(sqlite_app.test_client(), sqlite_app)
    assert not re.search(r'name="(paid|note)"', stranger.get(f"/f/{token}").text)
    assert stranger.post(f"/f/{token}", NEW).status_code == 303
    assert record().answers == {"code": "A-1"}


def issue_with(**rights: str) -> Issue:
    """Let an issue stand at an approval of the quality lead with these rights."""
    flow = default_definition()
    ask = replace(flow.nodes[0], fields=rights, who=(Who("role", "quality_lead"),))
    with write():
        add_version(replace(flow, nodes=(ask, *flow.nodes[1:])), by=user_id("quality_lead"), now=NOW)
    return make_issue()


def test_an_issue_is_held_to_the_turn_on_its_page_and_over_the_api(sqlite_app: Flask) -> None:
    issue = issue_with(title="read", severity="read", description="write")
    lead, url = log_in(sqlite_app, "quality_lead"), f"/issues/{issue.number}"
    page = lead.get(f"{url}/edit").text
    assert 'name="description"' in page and not re.search(r'name="(title|severity)"', page)
    kind = str(issue.type_id or db.session.scalars(select(Term.id).where(Term.kind == "type", Term.active)).first())
    refused = lead.post(url, {"title": "改掉", "type": kind, "version": "1"})
    assert refused.status_code == 422 and "您不能改「标题」" in refused.text
    assert lead.post(url, {"description": "漏在箱里", "type": kind, "version": "1"}).status_code == 303
    reader = program(sqlite_app)
    answer = reader.patch(f"/issues/{issue.number}", {"values": {"title": "改掉"}, "version": 2})
    assert answer.status_code == 422, answer.text
    assert reader.patch(f"/issues/{issue.number}", {"values": {"description": "再写"}, "version": 2}).status_code == 200
    other = log_in(sqlite_app, "admin")  # without a turn
    assert 'name="title"' in other.get(f"{url}/edit").text
    db.session.remove()
    assert db.session.scalars(select(Issue.title)).one() == issue.title


def test_a_complaint_is_classified_as_far_as_the_turn_lets(sqlite_app: Flask) -> None:
    make_flow("said", node("cs", "approve", "customer_service", permission="", fields={"severity": "read"}))
    with write():
        set_start(NewStart("said", "complaint", None), by=user_id("admin"), now=NOW)
    service = log_in(sqlite_app, "customer_service")
    kinds = {row.kind: str(row.id) for row in db.session.scalars(select(Term).where(Term.active))}
    assert service.post("/complaints", {"text": "瓶盖漏液", "type": kinds["type"]}).status_code == 303
    db.session.remove()
    number = db.session.scalars(select(Complaint.number)).one()
    page = service.get(f"/complaints/{number}").text
    assert 'name="type"' in page and 'name="severity"' not in page
    sent = {"severity": kinds["severity"], "version": "1"}
    assert "您不能改" in service.post(f"/complaints/{number}/classification", sent).text
    sent = {"responsible_party": kinds["responsible_party"], "version": "1"}
    assert service.post(f"/complaints/{number}/classification", sent).status_code == 303
    task = db.session.scalars(select(Task).where(Task.node == "cs", Task.state == "open")).one()
    assert service.post(f"/tasks/{task.id}/decision", {"verdict": "approve"}).status_code == 303
    assert 'name="severity"' in service.get(f"/complaints/{number}").text, "the turn is over"
