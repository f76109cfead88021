"""The decision page and every operation of a case, as people do them."""

import base64
import io
import re
from typing import Any

import pytest
import time_machine
from flask import Flask
from sqlalchemy import select

from qtrace.accounts.models import Department, User
from qtrace.core.db import db, write
from qtrace.core.models import EventRow
from qtrace.flows.case_models import FlowQuestion, FlowSignature
from qtrace.flows.models import FlowDecision, FlowInstance
from qtrace.records.models import Record
from qtrace.tasks.models import Task
from tests.conftest import NOW, PASSWORD, Browser, log_in, user_id
from tests.factories.api import program
from tests.factories.flows import make_flow, node
from tests.factories.forms import asked, make_form

DOT = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


def a_case(app: Flask, *nodes: dict[str, Any], **more: Any) -> None:
    """Let the inspector hand in a claim whose form goes through a flow of these nodes."""
    make_flow("claims", *nodes, **more)
    form = make_form(
        [asked("amount", "money", "金额"), asked("reason", "text", "事由")], key="claim", name="索赔单", prefix="SP"
    )
    with db.engines["write"].begin() as connection:
        connection.exec_driver_sql(f"UPDATE form SET flow = 'claims' WHERE id = {form.id}")
    db.session.remove()
    browser = log_in(app, "inspector")
    answer = browser.post("/records/claim", {"amount": "1200", "amount.currency": "CNY", "reason": "瓶盖漏液"})
    assert answer.status_code == 303, answer.text


def task_of(role: str, *, state: str = "open", kind: str = "stage") -> Task:
    """Return the newest to-do of a person."""
    db.session.remove()
    found = select(Task).where(Task.owner_id == user_id(role), Task.state == state, Task.kind == kind)
    return db.session.scalars(found.order_by(Task.id.desc()).limit(1)).one()


def decide(browser: Browser, task: Task, verdict: str = "approve", **form: Any) -> Any:
    return browser.post(f"/tasks/{task.id}/decision", {"verdict": verdict} | form)


def operate(browser: Browser, task: Task, name: str, **form: Any) -> Any:
    return browser.post(f"/tasks/{task.id}/operations/{name}", form)


def standing() -> tuple[str, str | None]:
    """Return the status and the node of the only case."""
    db.session.remove()
    row = db.session.scalars(select(FlowInstance)).one()
    return row.status, row.node


def events(name: str) -> list[EventRow]:
    db.session.remove()
    return list(db.session.scalars(select(EventRow).where(EventRow.name == name)))


LEAD = node("lead", "approve", "quality_lead", permission="record.read")
BOSS = node("boss", "approve", "owner", permission="record.read")


@pytest.fixture
def lead(sqlite_app: Flask) -> Browser:
    return log_in(sqlite_app, "quality_lead")


def test_the_page_shows_the_case_and_both_buttons_and_agreeing_moves_it_on(sqlite_app: Flask, lead: Browser) -> None:
    a_case(sqlite_app, LEAD, BOSS)
    task = task_of("quality_lead")
    page = lead.get(f"/tasks/{task.id}/decision")
    assert page.status_code == 200
    for words in ("瓶盖漏液", "¥ 1,200", "同意", "驳回", "下一步:boss", "李工"):
        assert words in page.text, words
    assert decide(lead, task).status_code == 303
    assert standing() == ("running", "boss")
    over = lead.get(f"/tasks/{task.id}/decision")
    assert "不用您处理" in over.text and "取回" in over.text


def test_rejecting_needs_an_opinion_and_keeps_what_was_typed(sqlite_app: Flask, lead: Browser) -> None:
    a_case(sqlite_app, LEAD)
    task = task_of("quality_lead")
    answer = decide(lead, task, "reject")
    assert answer.status_code == 422 and "请填写意见" in answer.text
    assert decide(lead, task, "reject", note="金额不对").status_code == 303
    assert standing() == ("running", "ask")


def test_a_second_tap_decides_once(sqlite_app: Flask, lead: Browser) -> None:
    a_case(sqlite_app, LEAD, BOSS)
    task = task_of("quality_lead")
    assert decide(lead, task).status_code == 303
    assert decide(lead, task).status_code == 409
    assert standing() == ("running", "boss")


def test_somebody_elses_turn_is_not_found(sqlite_app: Flask) -> None:
    a_case(sqlite_app, LEAD)
    stranger, task = log_in(sqlite_app, "purchasing"), task_of("quality_lead")
    assert stranger.get(f"/tasks/{task.id}/decision").status_code == 404
    assert decide(stranger, task).status_code == 404
    assert operate(stranger, task, "transfer", users=str(user_id("purchasing"))).status_code == 404


def test_it_is_returned_and_handed_in_again(sqlite_app: Flask, lead: Browser) -> None:
    a_case(sqlite_app, LEAD, BOSS)
    decide(lead, task_of("quality_lead"))
    boss, task = log_in(sqlite_app, "owner"), task_of("owner")
    assert operate(boss, task, "return", target="lead").status_code == 422
    assert operate(boss, task, "return", target="lead", note="再核一下").status_code == 303
    assert standing() == ("running", "lead")
    page = lead.get(f"/tasks/{task_of('quality_lead').id}/decision").text
    assert "您上次看过之后的变化" in page and "再核一下" in page


def test_transfer_delegate_and_signers_before_and_after(sqlite_app: Flask, lead: Browser) -> None:
    a_case(sqlite_app, LEAD)
    task = task_of("quality_lead")
    assert operate(lead, task, "delegate", users=str(user_id("owner")), note="您看看").status_code == 303
    boss = log_in(sqlite_app, "owner")
    page = boss.get(f"/tasks/{task_of('owner').id}/decision").text
    assert "给出意见" in page and "驳回" not in page.split("更多处理方式")[0].split("decide-bar")[1]
    assert decide(boss, task_of("owner"), note="可以").status_code == 303
    assert operate(lead, task_of("quality_lead"), "add_before", users=str(user_id("purchasing"))).status_code == 303
    buyer = log_in(sqlite_app, "purchasing")
    assert decide(buyer, task_of("purchasing")).status_code == 303
    assert operate(lead, task_of("quality_lead"), "add_after", users=str(user_id("owner"))).status_code == 303
    assert "减签" in lead.get(f"/tasks/{task_of('quality_lead').id}/decision").text
    assert decide(lead, task_of("quality_lead")).status_code == 303
    assert operate(boss, task_of("owner"), "transfer", users=str(user_id("purchasing"))).status_code == 303
    assert decide(buyer, task_of("purchasing")).status_code == 303
    assert standing()[0] == "closed"
    words = [row.verdict for row in db.session.scalars(select(FlowDecision).order_by(FlowDecision.version))]
    assert [word for word in words if word in ("delegate", "add_signers", "transfer")] == [
        "delegate", "add_signers", "add_signers", "transfer",
    ]  # fmt: skip


def test_an_added_signer_is_taken_out_again(sqlite_app: Flask, lead: Browser) -> None:
    a_case(sqlite_app, LEAD)
    task = task_of("quality_lead")
    operate(lead, task, "add_after", users=str(user_id("owner")))
    page = lead.get(f"/tasks/{task.id}/decision").text
    found = re.search(r'id="remove-target".*?<option value="(\d+)">老板', page, re.S)
    assert found is not None
    assert operate(lead, task, "remove", target="999999").status_code == 422
    assert operate(lead, task, "remove", target=found[1]).status_code == 303
    decide(lead, task)
    assert standing()[0] == "closed"


def test_a_pool_is_claimed_decided_or_given_back(sqlite_app: Flask, lead: Browser) -> None:
    pool = node("lead", "approve", permission="record.read", signing={"mode": "claim"}) | {
        "who": [{"kind": "role", "value": "quality_lead"}, {"kind": "role", "value": "owner"}]
    }
    a_case(sqlite_app, pool)
    task = db.session.scalars(select(Task).where(Task.state == "open", Task.kind == "stage")).one()
    assert lead.post(f"/tasks/{task.id}/claim", {"version": task.version}).status_code == 303
    assert operate(lead, task_of("quality_lead"), "release").status_code == 303
    db.session.remove()
    assert db.session.get_one(Task, task.id).owner_id is None
    assert decide(lead, task).status_code == 303
    assert standing()[0] == "closed"


def test_the_initiator_withdraws_and_the_decider_takes_back(sqlite_app: Flask, lead: Browser) -> None:
    a_case(sqlite_app, LEAD, BOSS)
    record = db.session.scalars(select(FlowInstance.subject_id)).one()
    decide(lead, task_of("quality_lead"))
    path = f"/cases/record/{record}/operations"
    stranger = log_in(sqlite_app, "purchasing")
    assert stranger.post(f"{path}/take_back").status_code == 404
    assert lead.post(f"{path}/take_back").status_code == 303
    assert standing() == ("running", "lead")
    inspector = log_in(sqlite_app, "inspector")
    assert lead.post(f"{path}/withdraw").status_code == 404
    assert inspector.post(f"{path}/withdraw", {"note": "填错了"}).status_code == 303
    assert standing()[0] == "withdrawn"


def test_who_keeps_the_flows_jumps_and_reopens_with_a_reason(sqlite_app: Flask, lead: Browser) -> None:
    a_case(sqlite_app, LEAD, BOSS)
    record = db.session.scalars(select(FlowInstance.subject_id)).one()
    path = f"/cases/record/{record}/operations"
    assert lead.post(f"{path}/jump", {"target": "boss"}).status_code == 422
    assert lead.post(f"{path}/jump", {"target": "boss", "note": "主管出差"}).status_code == 303
    assert standing() == ("running", "boss")
    boss = log_in(sqlite_app, "owner")
    decide(boss, task_of("owner"))
    assert boss.post(f"{path}/reopen", {"target": "lead", "note": "再看"}).status_code == 404
    assert lead.post(f"{path}/reopen", {"target": "lead", "note": "又漏了"}).status_code == 303
    assert standing() == ("running", "lead")


def test_a_colleague_is_asked_sees_the_case_and_answers(sqlite_app: Flask, lead: Browser) -> None:
    a_case(sqlite_app, LEAD)
    task = task_of("quality_lead")
    buyer = log_in(sqlite_app, "purchasing")
    assert operate(lead, task, "ask", users=str(user_id("purchasing"))).status_code == 422
    assert operate(lead, task, "ask", users=str(user_id("purchasing")), note="供应商认吗?").status_code == 303
    asked_task = task_of("purchasing", kind="question")
    page = buyer.get(f"/tasks/{asked_task.id}/decision")
    assert "供应商认吗" in page.text and "瓶盖漏液" in page.text
    db.session.remove()
    question = db.session.scalars(select(FlowQuestion)).one()
    assert lead.post(f"/questions/{question.id}/answer", {"answer": "认"}).status_code == 404
    assert (
        buyer.post(f"/questions/{question.id}/answer", {"answer": "认,下批换盖", "task": asked_task.id}).status_code
        == 303
    )
    assert "认,下批换盖" in lead.get(f"/tasks/{task.id}/decision").text
    assert [row.body["users"] for row in (*events("question_asked"), *events("question_answered"))] == [
        [user_id("purchasing")], [user_id("quality_lead")],
    ]  # fmt: skip
    again = buyer.post(f"/questions/{question.id}/answer", {"answer": "再答", "task": asked_task.id})
    assert again.status_code in (404, 409)


def test_a_copy_is_sent_at_once(sqlite_app: Flask, lead: Browser) -> None:
    a_case(sqlite_app, LEAD)
    task = task_of("quality_lead")
    sent = operate(lead, task, "cc", users=[str(user_id("owner")), str(user_id("purchasing"))], note="请知悉")
    assert sent.status_code == 303
    assert task_of("owner", state="copied", kind="copy").detail == "请知悉"
    assert events("flow_copied")[0].body["users"] == [user_id("owner"), user_id("purchasing")]


def test_a_signature_and_a_password_are_asked_for_and_kept(sqlite_app: Flask, lead: Browser) -> None:
    a_case(sqlite_app, LEAD | {"demands": {"opinion": True, "signature": True, "level": 2}})
    task = task_of("quality_lead")

    def sign(**form: Any) -> Any:
        data = {"note": "同意", "signature": (io.BytesIO(DOT), "signature.png")} | form
        return lead.post(
            f"/tasks/{task.id}/decision", {"verdict": "approve"} | data, content_type="multipart/form-data"
        )

    assert "再输入一次" in lead.get(f"/tasks/{task.id}/decision").text
    assert sign(password="wrong", password_again="wrong").status_code == 422
    assert sign(password=PASSWORD, password_again="other").status_code == 422
    unsigned = decide(lead, task, note="同意", password=PASSWORD, password_again=PASSWORD)
    assert unsigned.status_code == 422 and "请先签名" in unsigned.text
    assert sign(password=PASSWORD, password_again=PASSWORD).status_code == 303
    db.session.remove()
    signature = db.session.scalars(select(FlowSignature)).one()
    assert (signature.name, signature.with_password, signature.meaning) == ("王姐", True, "approve")
    decision = db.session.scalars(select(FlowDecision).order_by(FlowDecision.version.desc()).limit(1)).one()
    assert signature.version == decision.version
    with lead.get(f"/signatures/{signature.id}") as shown:
        assert shown.status_code == 200 and shown.mimetype == "image/png"
    assert log_in(sqlite_app, "customer_service").get(f"/signatures/{signature.id}").status_code == 404


def test_the_next_approver_is_chosen_where_the_flow_asks(sqlite_app: Flask, lead: Browser) -> None:
    picked = node("picked", "approve", permission="record.read") | {"who": [{"kind": "previous_choice"}]}
    a_case(sqlite_app, LEAD, picked)
    task = task_of("quality_lead")
    assert "「picked」由谁处理" in lead.get(f"/tasks/{task.id}/decision").text
    assert decide(lead, task, **{"chosen.picked": str(user_id("purchasing"))}).status_code == 303
    assert task_of("purchasing").node == "picked"


def test_a_node_shows_only_the_buttons_it_names(sqlite_app: Flask, lead: Browser) -> None:
    a_case(sqlite_app, LEAD | {"buttons": ["transfer"]})
    task = task_of("quality_lead")
    page = lead.get(f"/tasks/{task.id}/decision").text
    assert "转交" in page and "委派" not in page and "前加签" not in page and "/report" not in page
    assert operate(lead, task, "delegate", users=str(user_id("owner"))).status_code == 422


def test_hidden_fields_are_not_shown(sqlite_app: Flask, lead: Browser) -> None:
    a_case(sqlite_app, LEAD | {"fields": {"amount": "hidden"}})
    page = lead.get(f"/tasks/{task_of('quality_lead').id}/decision").text
    assert "瓶盖漏液" in page and "1,200" not in page


def test_opinions_are_kept_for_oneself_and_for_everybody(sqlite_app: Flask, lead: Browser) -> None:
    assert lead.post("/me/opinions", {"text": "同意,按方案执行"}).status_code == 303
    assert lead.post("/me/opinions", {"text": "请补照片", "for_all": "1"}).status_code == 303
    assert lead.post("/me/opinions", {"text": " "}).status_code == 422
    boss = log_in(sqlite_app, "owner")
    boss.post("/me/opinions", {"text": "大家好", "for_all": "1"})
    assert "请补照片" in boss.get("/me/opinions").text and "同意,按方案" not in boss.get("/me/opinions").text
    assert "大家好" not in lead.get("/me/opinions").text
    a_case(sqlite_app, LEAD)
    assert 'data-opinion="同意,按方案执行"' in lead.get(f"/tasks/{task_of('quality_lead').id}/decision").text
    found = re.findall(r"/me/opinions/(\d+)/removal", lead.get("/me/opinions").text)
    assert lead.post(f"/me/opinions/{found[0]}/removal").status_code == 303
    assert boss.post(f"/me/opinions/{found[1]}/removal").status_code == 404


def test_nobody_goes_on_without_the_people_the_next_stage_waits_for(sqlite_app: Flask, lead: Browser) -> None:
    picked = node("picked", "approve", permission="record.read") | {"who": [{"kind": "previous_choice"}]}
    a_case(sqlite_app, LEAD, picked)
    task = task_of("quality_lead")
    answer = decide(lead, task, note="金额属实")
    assert answer.status_code == 422 and "请选择「picked」由谁处理" in answer.text and "金额属实" in answer.text
    assert decide(lead, task, "reject", note="金额不对").status_code == 303


def test_a_program_decides_on_a_record_and_says_who_is_next(sqlite_app: Flask, lead: Browser) -> None:
    picked = node("picked", "approve", permission="record.read") | {"who": [{"kind": "previous_choice"}]}
    a_case(sqlite_app, LEAD, picked)
    erp, task = program(sqlite_app), task_of("quality_lead")
    path = f"/tasks/{task.id}/decide"
    assert erp.post(path, {"verdict": "approve"}).status_code == 422
    assert erp.post(path, {"verdict": "reject"}).status_code == 422
    nobody = [{"stage": "picked", "users": ["nobody"]}]
    assert erp.post(path, {"verdict": "approve", "chosen": nobody}).status_code == 422
    db.session.remove()
    name = db.session.get_one(User, user_id("purchasing")).username
    assert program(sqlite_app, "purchasing").post(path, {"verdict": "approve"}).status_code == 404
    chosen = [{"stage": "picked", "users": [name]}]
    answer = erp.post(path, {"verdict": "approve", "chosen": chosen})
    assert (answer.status_code, answer.json["status"], answer.json["stage"]) == (200, "running", "picked")
    assert task_of("purchasing").node == "picked"
    assert erp.post(path, {"verdict": "approve", "chosen": chosen}).status_code in (404, 409)


def test_a_program_cannot_sign_with_a_password(sqlite_app: Flask, lead: Browser) -> None:
    a_case(sqlite_app, LEAD | {"demands": {"level": 1}})
    answer = program(sqlite_app).post(f"/tasks/{task_of('quality_lead').id}/decide", {"verdict": "approve"})
    assert answer.status_code == 422 and standing() == ("running", "lead")


def test_the_record_tells_every_operation_by_its_own_name(sqlite_app: Flask, lead: Browser) -> None:
    a_case(sqlite_app, LEAD, BOSS)
    task = task_of("quality_lead")
    operate(lead, task, "cc", users=str(user_id("owner")))
    operate(lead, task, "ask", users=str(user_id("purchasing")), note="供应商认吗?")
    operate(lead, task, "delegate", users=str(user_id("owner")), note="您看看")
    boss = log_in(sqlite_app, "owner")
    decide(boss, task_of("owner"), note="可以")
    operate(lead, task_of("quality_lead"), "transfer", users=str(user_id("owner")), note="我在外地")
    decide(boss, task_of("owner"), "reject", note="金额不对")
    db.session.remove()
    page = lead.get(db.session.scalars(select(FlowInstance.url)).one()).text
    for words in ("委派「lead」", "转交「lead」", "驳回「lead」", "抄送给 老板", "问 ", "供应商认吗"):
        assert words in page, words
    assert "修改了 <" not in page and "转交了待办" not in page


def test_a_deputy_answers_a_question_for_who_is_away(sqlite_app: Flask) -> None:
    with time_machine.travel(NOW, tick=False):
        lead = log_in(sqlite_app, "quality_lead")
        a_case(sqlite_app, LEAD)
        away = {"deputy_id": user_id("owner"), "begins": "2026-11-20", "ends": "2026-11-21", "reach": "all"}
        assert log_in(sqlite_app, "purchasing").post("/me/stand-ins", away).status_code == 303
        task = task_of("quality_lead")
        operate(lead, task, "ask", users=str(user_id("purchasing")), note="供应商认吗?")
        question, boss = task_of("purchasing", kind="question"), log_in(sqlite_app, "owner")
        assert "由您代为答复" in boss.get(f"/tasks/{question.id}/decision").text
        found = db.session.scalars(select(FlowQuestion.id)).one()
        db.session.remove()
        sent = {"answer": "认", "task": question.id}
        assert boss.post(f"/questions/{found}/answer", sent).status_code == 303
        assert "等待答复" not in lead.get(f"/tasks/{task.id}/decision").text


def test_the_records_own_box_is_no_way_around_the_password(sqlite_app: Flask, lead: Browser) -> None:
    a_case(sqlite_app, LEAD | {"demands": {"level": 1}})
    db.session.remove()
    row = db.session.scalars(select(FlowInstance)).one()
    sent = {"verdict": "submit", "version": row.moved, "record_version": 1}
    answer = lead.post(f"{row.url}/decisions", sent)
    assert answer.status_code == 422 and "输入密码确认" in answer.text
    assert standing() == ("running", "lead")
    assert decide(lead, task_of("quality_lead"), password=PASSWORD).status_code == 303


def test_the_list_says_where_a_record_stands_and_how_its_flow_ended(sqlite_app: Flask, lead: Browser) -> None:
    a_case(sqlite_app, LEAD | {"policies": {"reject_to": "terminate"}, "name_zh": "主管看"})
    assert "主管看" in lead.get("/records/claim").text
    decide(lead, task_of("quality_lead"), "reject", note="不赔")
    page = lead.get("/records/claim").text
    assert "已驳回" in page
    db.session.remove()
    assert db.session.scalars(select(Record.stage)).one() == "rejected"
    assert lead.get("/records/claim?stage=rejected").status_code == 200


def test_a_department_beside_a_node_hands_in_its_part(sqlite_app: Flask, lead: Browser) -> None:
    with write() as session:
        buying = session.scalars(select(Department).where(Department.name == "采购部")).one()
        store = session.scalars(select(Department).where(Department.name == "仓储部")).one()
        buying.head_id = user_id("purchasing")
        helpers = [{"department": str(one.id), "due_minutes": 120} for one in (buying, store)]
    a_case(sqlite_app, LEAD | {"helpers": helpers}, BOSS)
    task = task_of("purchasing", kind="help")
    assert task.due_at is not None
    buyer = log_in(sqlite_app, "purchasing")
    assert f"/tasks/{task.id}/decision" in buyer.get("/").text
    assert "请您的部门协助" in buyer.get(f"/tasks/{task.id}/decision").text
    assert buyer.post(f"/tasks/{task.id}/help", {"answer": ""}).status_code == 422
    assert buyer.post(f"/tasks/{task.id}/help", {"answer": "供应商已换盖"}).status_code == 303
    assert [event.reason for event in events("flow_helped")] == ["供应商已换盖"]
    decide(lead, task_of("quality_lead"))
    db.session.remove()
    kinds = db.session.execute(select(Task.state).where(Task.kind == "help").order_by(Task.id)).all()
    assert sorted(row.state for row in kinds) == ["cancelled", "done"]
    record = db.session.scalars(select(Record)).one()
    assert "完成了协助" in lead.get(f"/records/claim/{record.number}").text


def test_the_box_on_the_records_page_does_not_get_around_choosing(sqlite_app: Flask, lead: Browser) -> None:
    picked = node("picked", "approve", permission="record.read") | {"who": [{"kind": "previous_choice"}]}
    a_case(sqlite_app, LEAD, picked)
    db.session.remove()
    record = db.session.scalars(select(Record)).one()
    moved = db.session.scalars(select(FlowInstance.moved)).one()
    sent = {"verdict": "submit", "version": moved, "record_version": record.version}
    answer = lead.post(f"/records/claim/{record.number}/decisions", sent)
    assert answer.status_code == 422 and "请从待办打开" in answer.text
    assert standing() == ("running", "lead")
