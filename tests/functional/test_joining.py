"""People join a step ahead: by the initiator or an approver, heard first, and taken out by who let them join."""

import re
from typing import Any

from flask import Flask

from tests.conftest import Browser, log_in, user_id
from tests.factories.issues import make_issue
from tests.functional.test_deciding import BOSS, LEAD, a_case, decide, operate, standing, task_of
from tests.functional.test_mentions import the_case


def test_the_initiator_lets_somebody_join_who_decides_before_the_boss(sqlite_app: Flask) -> None:
    a_case(sqlite_app, LEAD, BOSS)
    starter, lead = log_in(sqlite_app, "inspector"), log_in(sqlite_app, "quality_lead")
    page = starter.get(the_case()).text
    assert "追加到" in page and ">boss</option>" in page and ">lead</option>" not in page
    joined = {"target": "boss", "users": str(user_id("purchasing")), "note": "请看价格"}
    answer = starter.post(f"{the_case()}/operations/join", joined)
    assert answer.status_code == 303 and answer.headers["Location"].endswith(f"{the_case()}#history")
    page = starter.get(the_case()).text
    assert "后面追加的人:" in page and "追加 周敏" in page and "请看价格" in page
    assert starter.post(f"{the_case()}/operations/join", joined).status_code == 422
    task = task_of("quality_lead")
    assert "后面追加的人:" in lead.get(f"/tasks/{task.id}/decision").text
    decide(lead, task)
    assert decide(log_in(sqlite_app, "purchasing"), task_of("purchasing")).status_code == 303
    assert standing() == ("running", "boss")
    decide(log_in(sqlite_app, "owner"), task_of("owner"))
    assert standing() == ("closed", None)


def test_an_approver_lets_somebody_join_whom_the_initiator_cannot_take_out(sqlite_app: Flask) -> None:
    a_case(sqlite_app, LEAD, BOSS)
    starter, lead, task = log_in(sqlite_app, "inspector"), log_in(sqlite_app, "quality_lead"), task_of("quality_lead")
    own, buyer = (
        {"target": "boss", "users": str(user_id("admin"))},
        {"target": "boss", "users": str(user_id("purchasing"))},
    )
    assert operate(lead, task, "join", **buyer).status_code == 303
    assert starter.post(f"{the_case()}/operations/join", own).status_code == 303
    assert starter.post(f"{the_case()}/operations/unjoin", buyer).status_code == 422
    assert starter.post(f"{the_case()}/operations/unjoin", own).status_code == 303
    assert "去掉追加的" in starter.get(the_case()).text
    assert lead.post(f"{the_case()}/operations/unjoin", buyer).status_code == 303
    assert log_in(sqlite_app, "customer_service").post(f"{the_case()}/operations/join", own).status_code == 404
    decide(lead, task)
    assert task_of("owner").node == "boss"


def test_a_node_without_the_button_and_one_at_the_end_offer_no_joining(sqlite_app: Flask) -> None:
    a_case(sqlite_app, LEAD | {"buttons": ["transfer"]}, BOSS)
    lead, task = log_in(sqlite_app, "quality_lead"), task_of("quality_lead")
    assert operate(lead, task, "join", target="boss", users=str(user_id("admin"))).status_code == 422
    decide(lead, task)
    assert "追加到" not in log_in(sqlite_app, "owner").get(f"/tasks/{task_of('owner').id}/decision").text
    assert "追加到" not in log_in(sqlite_app, "inspector").get(the_case()).text


def test_nobody_answers_on_the_page_of_an_issue_for_whoever_joined(sqlite_app: Flask) -> None:
    issue = make_issue(by="quality_lead")
    lead, owner = log_in(sqlite_app, "quality_lead"), log_in(sqlite_app, "owner")
    case = f"/cases/issue/{issue.id}"
    stage = re.findall(r'<option value="(\w+)">', lead.get(case).text.partition('id="join-node"')[2])[0]
    joined = {"target": stage, "users": str(user_id("owner"))}
    assert lead.post(f"{case}/operations/join", joined).status_code == 303

    def submit(browser: Browser) -> Any:
        page = browser.get(f"/issues/{issue.number}").text
        version = re.search(r'name="version" value="(\d+)"', page.partition('id="decision"')[2])
        sent = {"verdict": "submit", "version": version[1] if version else "0", "note": "好"}
        return browser.post(f"/issues/{issue.number}/decisions", sent)

    assert submit(lead).status_code == 303
    assert standing() == ("running", stage)
    refused = submit(lead)
    assert refused.status_code == 422 and "先由追加的人办" in refused.text
    assert decide(owner, task_of("owner")).status_code == 303
    assert standing() == ("running", stage)
