"""A colleague is called by name in a comment of an issue."""

from flask import Flask
from sqlalchemy import select, update

from qtrace.accounts.models import User
from qtrace.core.db import db, table_of
from qtrace.core.models import EventRow
from tests.conftest import log_in, user_id
from tests.factories.issues import make_issue


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
