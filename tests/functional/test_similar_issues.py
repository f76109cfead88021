"""Issues alike while a form is filled in: shown to those who may see them, and what was picked stays picked."""

from flask import Flask
from sqlalchemy import select

from qtrace.core.db import db
from qtrace.records.models import Record
from tests.conftest import log_in
from tests.factories.forms import asked, make_form
from tests.factories.issues import make_issue

ALIKE = "/issues/alike?field=same&sku_field=sku&lot_field=lot&text_field=title"
FIELDS = [asked("title", "text", "标题"), asked("same", "similar_issues", "相似问题")]


def test_hits_are_asked_for_when_a_field_that_counts_changes(sqlite_app: Flask) -> None:
    make_form(FIELDS)
    db.session.remove()
    page = log_in(sqlite_app, "quality_lead").get("/records/inspection/new").text
    assert "change from:#sku delay" in page and "change from:#title delay" in page  # htmx knows no "from:closest form"
    assert "这里列出相似的问题" in page


def test_what_is_picked_stays_when_the_hits_are_asked_for_anew(sqlite_app: Flask) -> None:
    first, second = (make_issue(title=text).number for text in ("瓶盖漏液,外包装浸湿", "瓶盖漏液严重"))
    lead = log_in(sqlite_app, "quality_lead")
    page = lead.get(f"{ALIKE}&title=瓶盖漏液&same={first}").text
    assert page.count("checked") == 1
    assert f'value="{first}" checked' in page and f'value="{second}"' in page and page.count(first) == 3
    assert "没有相似的问题" in lead.get(f"{ALIKE}&title=完全无关").text
    assert "这里列出相似的问题" in lead.get(ALIKE).text


def test_a_form_that_comes_back_shows_hits_and_picks_without_scripts(sqlite_app: Flask) -> None:
    number = make_issue(title="瓶盖漏液,外包装浸湿").number
    make_form([*FIELDS, asked("qty", "integer", "数量")])
    db.session.remove()
    lead = log_in(sqlite_app, "quality_lead")
    sent = {"title": "瓶盖漏液", "same": number}
    refused = lead.post("/records/inspection", sent | {"qty": "很多"})
    assert refused.status_code == 422 and f'value="{number}" checked' in refused.text
    assert lead.post("/records/inspection", sent).status_code == 303
    db.session.remove()
    assert len(db.session.scalars(select(Record)).one().answers["same"]) == 1
