"""A colleague is called by name in a comment of an issue, in an opinion, in a question or its answer."""

import json
import re
from typing import Any

from flask import Flask
from sqlalchemy import select, update

from qtrace.accounts.models import User
from qtrace.core.db import db, table_of, write
from qtrace.core.models import EventRow
from qtrace.flows.models import FlowInstance
from qtrace.notifications.models import Notice
from qtrace.records.models import Record
from tests.conftest import NOW, USERNAMES, log_in, user_id
from tests.factories.issues import make_issue
from tests.functional.test_deciding import BOSS, LEAD, a_case, decide, operate, task_of


def rename(role: str, name: str) -> None:
    with db.engines["write"].begin() as connection:
        connection.execute(update(table_of(User)).where(table_of(User).c.id == user_id(role)).values(name=name))
    db.session.remove()


def called() -> list[list[int]]:
    db.session.remove()
    rows = db.session.scalars(select(EventRow).where(EventRow.name == "comment_mentioned").order_by(EventRow.seq))
    return [row.body["users"] for row in rows]


def test_whoever_is_called_and_may_see_the_issue_is_told(sqlite_app: Flask) -> None:
    issue = make_issue(by="quality_lead")
    rename("owner", "张三")
    rename("purchasing", "张三丰")
    lead = log_in(sqlite_app, "quality_lead")
    path = f"/issues/{issue.number}/comments"
    assert lead.post(path, {"text": "先冻结库存"}).status_code == 303
    assert called() == []
    assert lead.post(path, {"text": "＠张三 请看,@没有这个人"}).status_code == 303
    assert called() == [[user_id("owner")]]
    page = lead.get(f"/issues/{issue.number}").text
    assert "@姓名" in page and "comment_mentioned" not in page


def test_a_name_inside_a_longer_one_and_ones_own_call_nobody(sqlite_app: Flask) -> None:
    issue = make_issue(by="quality_lead")
    rename("owner", "张三")
    rename("admin", "张三丰")
    rename("quality_lead", "王姐")
    lead = log_in(sqlite_app, "quality_lead")
    lead.post(f"/issues/{issue.number}/comments", {"text": "@张三丰 请看。@王姐 记一下"})
    assert called() == [[user_id("admin")]]


def test_who_may_not_see_the_issue_is_named_to_the_writer(sqlite_app: Flask) -> None:
    issue = make_issue(by="quality_lead")
    rename("customer_service", "小陈")
    with db.engines["write"].begin() as connection:
        connection.exec_driver_sql("UPDATE role SET scope = 'own' WHERE key = 'customer_service'")
    lead = log_in(sqlite_app, "quality_lead")
    answer = lead.post(f"/issues/{issue.number}/comments", {"text": "@小陈 请看"}, headers={"HX-Request": "true"})
    assert answer.status_code == 200 and "\\u5c0f\\u9648" in answer.headers["HX-Trigger"]
    assert called() == []


def own_rows_only(role: str) -> None:
    """Let the people of a role see only what is theirs."""
    with db.engines["write"].begin() as connection:
        connection.exec_driver_sql(f"UPDATE role SET scope = 'own' WHERE key = '{role}'")
    db.session.remove()


def notices(role: str) -> list[Notice]:
    """Return what a person was told of being called."""
    db.session.remove()
    told = select(Notice).where(Notice.user_id == user_id(role), Notice.kind == "comment_mentioned")
    return list(db.session.scalars(told.order_by(Notice.id)))


def the_case() -> str:
    """Return the address of the only case."""
    db.session.remove()
    row = db.session.scalars(select(FlowInstance)).one()
    return f"/cases/{row.subject_kind}/{row.subject_id}"


def toast(answer: Any) -> str:
    """Return what is said on the page after a form was sent."""
    return str(json.loads(answer.headers["HX-Trigger"])["toast"])


def test_whoever_an_opinion_calls_is_told_and_reads_it_in_the_case(sqlite_app: Flask) -> None:
    a_case(sqlite_app, LEAD, BOSS)
    rename("owner", "张三")
    rename("purchasing", "小陈")
    own_rows_only("purchasing")
    lead, task = log_in(sqlite_app, "quality_lead"), task_of("quality_lead")
    answer = decide(lead, task, note="@小陈 @张三 金额我核过了")
    assert answer.status_code == 303
    assert called() == [[user_id("owner")]]  # the one whose turn it is now, and not who sees nothing of it
    told = notices("owner")
    assert [(one.url, one.body) for one in told] == [(f"{the_case()}#history", "@小陈 @张三 金额我核过了")]
    page = log_in(sqlite_app, "owner").get(the_case())
    assert page.status_code == 200 and "金额我核过了" in page.text and "瓶盖漏液" in page.text
    assert log_in(sqlite_app, "purchasing").get(the_case()).status_code == 404
    db.session.remove()
    number = db.session.scalars(select(Record.number)).one()
    assert "修改了" not in lead.get(f"/records/claim/{number}").text


def test_the_writer_of_an_opinion_hears_who_was_told_and_who_sees_nothing(sqlite_app: Flask) -> None:
    a_case(sqlite_app, LEAD, BOSS)
    rename("owner", "张三")
    rename("purchasing", "小陈")
    own_rows_only("purchasing")
    lead, task = log_in(sqlite_app, "quality_lead"), task_of("quality_lead")
    hx = {"HX-Request": "true"}
    asked = {"users": str(user_id("owner")), "note": "@小陈 去年怎么处理的?"}
    first = lead.post(f"/tasks/{task.id}/operations/ask", asked)
    page = lead.get(first.headers["Location"]).text
    assert '<div class="toast">已处理。小陈 看不到这件事,没有提醒到。</div>' in page
    assert "小陈 看不到" not in lead.get(first.headers["Location"]).text
    second = lead.post(f"/tasks/{task.id}/decision", {"verdict": "approve", "note": "@张三 请看"}, headers=hx)
    assert toast(second) == "已处理,已提醒 张三"


def test_a_question_and_its_answer_call_others_too_but_nobody_twice(sqlite_app: Flask) -> None:
    a_case(sqlite_app, LEAD)
    rename("owner", "张三")
    rename("admin", "小陈")
    rename("quality_lead", "王姐")
    lead, task = log_in(sqlite_app, "quality_lead"), task_of("quality_lead")
    operate(lead, task, "ask", users=str(user_id("owner")), note="@张三 去年怎么处理的?@小陈 也请想想")
    assert called() == [[user_id("admin")]]  # the one asked has the question itself
    question = task_of("owner", kind="question")
    answer = log_in(sqlite_app, "owner").post(
        "/questions/1/answer", {"task": question.id, "answer": "@王姐 @小陈 去年赔的"}
    )
    assert answer.status_code == 303
    assert called() == [[user_id("admin")], [user_id("admin")]]
    assert [one.url for one in notices("admin")] == [f"{the_case()}#question-1"] * 2
    assert "去年赔的" in log_in(sqlite_app, "admin").get(the_case()).text


def test_who_sees_a_case_by_a_to_do_only_is_led_to_it_and_called_as_long_as_it_is_open(sqlite_app: Flask) -> None:
    a_case(sqlite_app, LEAD, BOSS)
    rename("owner", "张三")
    with db.engines["write"].begin() as connection:
        connection.exec_driver_sql("UPDATE role SET permissions = '[]' WHERE key = 'owner'")
    db.session.remove()
    lead, boss = log_in(sqlite_app, "quality_lead"), log_in(sqlite_app, "owner")
    task = task_of("quality_lead")
    assert boss.get(the_case()).status_code == 404
    operate(lead, task, "ask", users=str(user_id("owner")), note="去年怎么处理的?")
    question = task_of("owner", kind="question")
    assert boss.get(the_case()).headers["Location"].endswith(f"/tasks/{question.id}/decision")
    operate(lead, task, "cc", users=str(user_id("purchasing")), note="@张三 也看看")
    assert called() == [[user_id("owner")]]
    boss.post("/questions/1/answer", {"task": question.id, "answer": "没有过"})
    operate(lead, task, "cc", users=str(user_id("inspector")), note="@张三 谢谢")
    assert called() == [[user_id("owner")]] and boss.get(the_case()).status_code == 404


def test_what_a_turn_hides_stands_neither_in_the_notice_nor_on_the_page_of_the_case(sqlite_app: Flask) -> None:
    a_case(sqlite_app, LEAD | {"fields": {"amount": "hidden"}}, BOSS)
    rename("quality_lead", "王姐")
    rename("owner", "张三")
    instance = the_case()
    log_in(sqlite_app, "inspector").post(f"{instance}/operations/join", {
        "target": "boss", "users": str(user_id("admin")), "note": "@王姐 @张三 请看",
    })  # fmt: skip
    assert sorted(called()) == sorted([[user_id("quality_lead")], [user_id("owner")]])
    title = notices("quality_lead")[0].title
    assert title and "1,200" not in title
    assert "1,200" in log_in(sqlite_app, "owner").get(instance).text
    assert "1,200" not in log_in(sqlite_app, "quality_lead").get(instance).text


def names_in(page: str) -> list[str]:
    return re.findall(r'data-name="([^"]+)"', page)


def test_names_are_completed_with_those_who_see_the_case(sqlite_app: Flask) -> None:
    a_case(sqlite_app, LEAD, BOSS)
    rename("owner", "张三")
    rename("admin", "张三丰")
    rename("inspector", "小张")
    lead, people = log_in(sqlite_app, "quality_lead"), f"{the_case()}/people"
    assert names_in(lead.get(f"{people}?q=张").text) == ["小张", "张三", "张三丰"]  # first who began the case
    assert names_in(lead.get(f"{people}?q=三丰").text) == ["张三丰"]
    assert names_in(lead.get(f"{people}?q={USERNAMES['owner'][:4].upper()}").text) == ["张三"]
    assert lead.get(f"{people}?q=没有这个人").text.strip() == ""
    own_rows_only("admin")
    assert names_in(lead.get(f"{people}?q=张").text) == ["小张", "张三"]
    assert log_in(sqlite_app, "admin").get(f"{people}?q=张").status_code == 404
    assert lead.get("/cases/record/999/people").status_code == 404
    assert lead.get("/cases/nothing/1/people").status_code == 404


def test_a_few_names_are_offered_at_most(sqlite_app: Flask) -> None:
    issue = make_issue(by="quality_lead")
    with write() as session:
        boss = session.get_one(User, user_id("owner"))
        for number in range(12):
            more = User(username=f"zhang{number}", name=f"张{number}", password_hash="-", created_at=NOW)
            more.roles = list(boss.roles)
            session.add(more)
    lead = log_in(sqlite_app, "quality_lead")
    assert len(names_in(lead.get(f"/cases/issue/{issue.id}/people?q=张&on_page=1").text)) == 8
    page = lead.get(f"/issues/{issue.number}").text
    assert page.count(f"/cases/issue/{issue.id}/people") >= 1
