"""What happened, in sentences."""

from collections.abc import Callable

from flask import Flask

from qtrace.core.db import db, write
from qtrace.core.events import record
from qtrace.issues.models import Issue
from qtrace.issues.service import edit_issue
from qtrace.issues.timeline import Entry, entries, register_sentence
from tests.conftest import NOW, user_id
from tests.unit.issues.conftest import Goods


def told(app: Flask, issue: Issue) -> list[Entry]:
    """Return the timeline as a reader of Chinese sees it."""
    db.session.remove()
    with app.test_request_context():
        return entries(issue.id, {"record": "录入与分类"})


def test_an_opened_issue_begins_its_story(app: Flask, open_issue: Callable[..., Issue]) -> None:
    lines = told(app, open_issue())
    assert [(line.who, line.text) for line in lines] == [
        ("王姐", "进入「录入与分类」,由 王姐 负责"),
        ("王姐", "登记了这个问题"),
    ]


def test_a_change_names_fields_and_values(app: Flask, open_issue: Callable[..., Issue], goods: Goods) -> None:
    issue = open_issue()
    changes = {"severity_id": goods.terms["s_severe"], "lot_id": goods.lot, "description": "湿"}
    with write():
        edit_issue(issue.id, changes, expected_version=1, by=user_id("inspector"), now=NOW)
    line = told(app, issue)[0]
    assert line.who == "李工"
    assert line.text == "修改了 说明:空 → 湿;严重程度:空 → 测试重大;批次:空 → B2409-17"


def test_an_event_of_another_package_reads_as_it_says(app: Flask, open_issue: Callable[..., Issue]) -> None:
    issue = open_issue()
    register_sentence(app, "action_added", lambda event, _names: f"安排了整改:{event.body['text']}")
    with write():
        record("action_added", subject=("issue", issue.id), by=None, now=NOW, body={"text": "换垫圈"})
        record("moon_landed", subject=("issue", issue.id), by=None, now=NOW, reason="为了测试")
    lines = told(app, issue)
    assert [(line.who, line.text, line.reason) for line in lines[:2]] == [
        ("系统", "moon_landed", "为了测试"),
        ("系统", "安排了整改:换垫圈", ""),
    ]


def test_complaints_that_left_are_told_in_words(app: Flask, open_issue: Callable[..., Issue]) -> None:
    issue = open_issue()
    with write():
        body = {"complaints": [1, 2], "count": 2, "into": "QI-2611-0007"}
        record("complaints_split", subject=("issue", issue.id), by=user_id("inspector"), now=NOW, body=body)
        body = {"complaints": [3], "count": 1}
        record("complaints_given_back", subject=("issue", issue.id), by=user_id("inspector"), now=NOW, body=body)
    assert [(line.who, line.text) for line in told(app, issue)[:2]] == [
        ("李工", "移出了 1 起客诉,之后不会再自动并入"),
        ("李工", "把 2 起客诉拆出到新问题 QI-2611-0007"),
    ]
