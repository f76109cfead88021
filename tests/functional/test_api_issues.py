"""A program lists, opens, changes and comments issues by the same rules as people on the page."""

import pytest
from flask import Flask
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from qtrace.accounts.service import ensure_department
from qtrace.classification.models import Term
from qtrace.core.db import db, write
from qtrace.issues.models import Issue
from tests.conftest import user_id
from tests.factories.api import program
from tests.factories.issues import anew, make_goods, make_issue

PAYLOADS = [
    "' OR '1'='1",
    "1; DROP TABLE issue",
    "number) UNION SELECT password_hash FROM user --",
    "{{7*7}}",
    "-number",
    "1e400",
    "NaN",
    "[]",
    "{}",
    "null",
]


def test_a_program_opens_an_issue_reads_it_changes_it_and_comments(app: Flask) -> None:
    make_goods()
    erp = program(app)
    made = erp.post(
        "/issues",
        {
            "values": {
                "type": "t_leak",
                "severity": "major",
                "lot": "B2409-17",
                "affected": {"bad": 3, "checked": 20},
                "description": "瓶口漏液",
            }
        },
    )
    assert made.status_code == 201, made.json
    number = made.json["number"]
    assert made.headers["Location"] == f"/api/v1/issues/{number}"
    assert (made.json["type"], made.json["lot"], made.json["sku"]) == ("t_leak", "B2409-17", "ROSE-30")
    assert (made.json["bad_qty"], made.json["checked_qty"], made.json["version"]) == (3, 20, 1)

    changed = erp.patch(
        f"/issues/{number}", {"values": {"title": "玫瑰精华漏液"}}, headers={"If-Match": made.headers["ETag"]}
    )
    assert changed.status_code == 200, changed.json
    assert (changed.json["title"], changed.json["description"], changed.json["version"]) == (
        "玫瑰精华漏液",
        "瓶口漏液",
        2,
    )
    assert changed.headers["ETag"] == '"2"'

    assert erp.post(f"/issues/{number}/comments", {"text": "已通知供应商"}).status_code == 201
    listed = erp.get("/issues", filter={"field": "lot", "op": "eq", "value": "B2409-17"}).json
    assert [item["number"] for item in listed["items"]] == [number]


def test_a_list_goes_on_behind_its_cursor_in_each_order(app: Flask) -> None:
    numbers = [make_issue(title=f"问题 {n}").number for n in range(5)]
    erp = program(app)
    for sort in ("number", "-number", "opened_at", "-closed_at", "due_at"):
        found: list[str] = []
        cursor = {}
        while True:
            page = erp.get("/issues", sort=sort, limit=2, **cursor).json
            found += [item["number"] for item in page["items"]]
            if not page["next_cursor"]:
                break
            cursor = {"cursor": page["next_cursor"]}
        assert sorted(found) == sorted(numbers), sort
        if sort.endswith("number"):
            assert found == sorted(numbers, reverse=sort.startswith("-"))


def test_a_change_needs_the_version_it_is_meant_for(sqlite_app: Flask) -> None:
    terms = {term.code: term.id for term in db.session.scalars(select(Term))}
    issue = make_issue(type_id=terms["leaking"], severity_id=terms["major"])
    erp, path = program(sqlite_app), f"/issues/{issue.number}"
    values = {"values": {"title": "新的标题"}}
    assert erp.patch(path, values).status_code == 428
    assert erp.patch(path, values, headers={"If-Match": '"9"'}).status_code == 412
    assert erp.patch(path, values | {"version": 9}).status_code == 409
    assert anew(Issue, issue.id).title == issue.title
    assert erp.patch(path, values | {"version": 1}).status_code == 200


def test_what_the_page_would_refuse_is_refused_with_its_path(sqlite_app: Flask) -> None:
    erp = program(sqlite_app)
    answer = erp.post("/issues", {"values": {"type": "no_such_type", "affected": {"bad": -1}, "colour": "red"}})
    assert answer.status_code == 422
    assert answer.content_type == "application/problem+json"
    paths = {error["path"] for error in answer.json["errors"]}
    assert {"values.type", "values.severity", "values.colour"} <= paths, answer.json


def test_a_program_sees_no_more_than_its_person(sqlite_app: Flask) -> None:
    with write():
        elsewhere = ensure_department("别的部门")
    issue = make_issue(department_id=elsewhere, owner_id=user_id("quality_lead"))
    program_of_service = program(sqlite_app, "customer_service")
    assert program_of_service.get(f"/issues/{issue.number}").status_code == 404
    assert program_of_service.get("/issues").json["items"] == []
    assert program_of_service.patch(f"/issues/{issue.number}", {"values": {}, "version": 1}).status_code == 404
    assert program(sqlite_app).get(f"/issues/{issue.number}").status_code == 200


@pytest.mark.parametrize("name", ["filter", "sort", "cursor", "limit"])
def test_whatever_a_list_is_asked_it_answers_or_names_what_is_wrong(sqlite_app: Flask, name: str) -> None:
    """Payloads of other products' holes are values here, never SQL."""
    sqlite_app.config["QTRACE_RATE_FACTOR"] = 0
    make_issue()
    erp = program(sqlite_app)
    cursor = erp.get("/issues", limit=1, sort="number").json["next_cursor"] or "WyJudW1iZXIiLCAiUUkiLCAxXQ"
    texts = st.text(max_size=60) | st.sampled_from([*PAYLOADS, cursor, cursor[:-3], f"{cursor}=="])

    @settings(max_examples=40, deadline=None, database=None)
    @given(asked=texts)
    def ask(asked: str) -> None:
        answer = erp.client.get("/api/v1/issues", query_string={name: asked}, headers=erp._headers(None))
        assert answer.status_code in (200, 422), (asked, answer.text)

    ask()
    for value in ("x\x00y", "\ud800", "' OR 1=1 --"):
        asked = {"field": "title", "op": "eq", "value": value}
        assert erp.get("/issues", filter=asked).status_code in (200, 422)
        assert erp.get("/issues", filter=asked).json.get("items", []) == []
