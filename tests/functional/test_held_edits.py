"""A change of a record or an issue that was left half done waits for the person, and tells what happened meanwhile."""

import re

import pytest
from flask import Flask
from sqlalchemy import select

from qtrace.classification.models import Term
from qtrace.core.db import db
from qtrace.forms.models import FormDraft
from qtrace.issues.models import Issue
from qtrace.records.models import Record
from tests.conftest import Browser, log_in
from tests.factories.forms import make_form
from tests.factories.issues import make_issue

GOOD = {"item": "外观", "result": "pass", "qty": "20", "day": "2026-11-20", "remark": "无划痕"}


@pytest.fixture
def lead(sqlite_app: Flask) -> Browser:
    """The quality lead, with an inspection form published."""
    make_form()
    return log_in(sqlite_app, "quality_lead")


@pytest.fixture
def number(lead: Browser) -> str:
    """The number of the one record there is."""
    return str(lead.post("/records/inspection", GOOD).location).rpartition("/")[2]


def record() -> Record:
    """Return the only record as it is now."""
    db.session.remove()
    return db.session.scalars(select(Record)).one()


def term(kind: str) -> str:
    """Return the id of a term of a tree."""
    return str(db.session.scalars(select(Term.id).where(Term.kind == kind, Term.active)).first())


def drafts() -> int:
    """Return how many kept drafts there are."""
    db.session.remove()
    return len(db.session.scalars(select(FormDraft)).all())


def leave(browser: Browser, number: str, **typed: str) -> None:
    """Type something into the form of a record and go away, as the script would keep it."""
    page = browser.get(f"/records/inspection/{number}/edit").text
    url = re.search(r'data-server-draft="([^"]+)"', page)
    version = re.search(r'name="version" value="(\d+)"', page)
    assert url and version
    sent = GOOD | {"version": version[1], "last_field": "remark"} | typed
    assert browser.post(url[1].replace("&amp;", "&"), sent).status_code == 204


def test_a_change_left_half_done_is_offered_restored_and_gone_once_saved(lead: Browser, number: str) -> None:
    leave(lead, number, remark="写到一半")
    edit = f"/records/inspection/{number}/edit"
    assert "继续上次填写?" in lead.get(edit).text
    assert "继续上次填写?" not in lead.get("/records/inspection/new").text
    restored = lead.get(f"{edit}?held=1").text
    assert "写到一半" in restored and 'id="differing"' not in restored
    saved = lead.post(f"/records/inspection/{number}", GOOD | {"version": "1", "remark": "写完了"})
    assert saved.status_code == 303 and drafts() == 0
    assert record().answers["remark"] == "写完了"


def test_what_others_changed_meanwhile_is_told_before_anything_is_overwritten(
    lead: Browser, number: str, sqlite_app: Flask
) -> None:
    leave(lead, number, remark="写到一半", result="fail")
    other = log_in(sqlite_app, "admin")
    assert other.post(f"/records/inspection/{number}", GOOD | {"version": "1", "qty": "35"}).status_code == 303
    edit = f"/records/inspection/{number}/edit"
    page = lead.get(edit).text
    assert "后来又被改过" in page and "比较后恢复" in page and "用现在的内容" in page
    restored = lead.get(f"{edit}?held=1").text
    told = restored[restored.index('id="differing"') :].partition("</dl>")[0]
    assert "现在是「35」,您填的是「20」" in told
    assert "现在是「合格」,您填的是「不合格」" in told
    assert "现在是「无划痕」,您填的是「写到一半」" in told
    assert "外观" not in told
    assert 'name="version" value="2"' in restored
    kept = GOOD | {"version": "2", "remark": "写到一半", "result": "fail", "qty": "35"}
    assert lead.post(f"/records/inspection/{number}", kept).status_code == 303
    assert (record().answers["qty"], record().answers["result"]) == (35, "fail")


def test_the_present_answers_are_chosen_by_throwing_the_old_ones_away(lead: Browser, number: str) -> None:
    leave(lead, number, remark="写到一半")
    edit = f"/records/inspection/{number}/edit"
    thrown = lead.post("/forms/inspection/held/removal", {"back": edit, "subject": number})
    assert thrown.location == edit and drafts() == 0
    assert "继续上次填写?" not in lead.get(edit).text


def test_nobody_sees_what_another_person_left(lead: Browser, number: str, sqlite_app: Flask) -> None:
    leave(lead, number, remark="只有我看得到")
    page = log_in(sqlite_app, "admin").get(f"/records/inspection/{number}/edit?held=1").text
    assert "只有我看得到" not in page and "无划痕" in page


def test_a_change_of_an_issue_is_kept_too(sqlite_app: Flask) -> None:
    with sqlite_app.test_request_context():
        number = make_issue().number
    lead = log_in(sqlite_app, "quality_lead")
    edit = f"/issues/{number}/edit"
    page = lead.get(edit).text
    version = re.search(r'name="version" value="(\d+)"', page)
    assert version and f"/forms/issue/held?subject={number}" in page
    kept = {"version": version[1], "title": "瓶盖漏液,写到一半", "type": term("type"), "severity": term("severity")}
    assert lead.post(f"/forms/issue/held?subject={number}", kept).status_code == 204
    assert "继续上次填写?" in lead.get(edit).text
    assert "瓶盖漏液,写到一半" in lead.get(f"{edit}?held=1").text
    assert lead.post(f"/issues/{number}", kept | {"title": "瓶盖漏液"}).status_code == 303
    assert drafts() == 0
    assert db.session.scalars(select(Issue.title)).one() == "瓶盖漏液"
