"""The story of a form: made, designed, published, changed, brought back, all without JavaScript."""

import re
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from qtrace.core.db import db
from qtrace.forms.designing import draft_of
from qtrace.forms.models import Form, FormVersion
from tests.conftest import Browser, log_in

NEW = {"name_zh": "到货质检", "name_en": "Incoming inspection", "kind": "inspection", "prefix": "QC", "start": ""}


@pytest.fixture
def lead(sqlite_app: Flask) -> Browser:
    """The quality lead, who designs forms."""
    return log_in(sqlite_app, "quality_lead")


def anew() -> Any:
    """Return a session that sees what the last request wrote."""
    db.session.remove()
    return db.session


def form(key: str) -> Form:
    """Return a form as it is now."""
    return anew().scalars(select(Form).where(Form.key == key)).one()


def change(browser: Browser, address: str, data: dict[str, str] | None = None, key: str = "qc") -> Any:
    """Send a change of the draft as the page would."""
    version = form(key).draft_version
    return browser.post(f"/forms/{key}/draft{address}", {"draft_version": str(version)} | (data or {}))


def labels(key: str = "qc") -> list[list[str]]:
    """Return the labels of the draft, section by section."""
    anew()
    return [[field.label_zh for field in section.fields] for section in draft_of(key).definition.sections]


def test_a_form_is_made_designed_published_and_filled_in(lead: Browser, sqlite_app: Flask) -> None:
    made = lead.post("/forms", NEW)
    assert made.status_code == 303
    assert made.location.endswith("/forms/qc/design")
    assert change(lead, "/fields", {"control": "text", "section": "section_1"}).status_code == 303
    assert change(lead, "/fields", {"control": "integer", "section": "section_1"}).status_code == 303
    named = change(lead, "/fields/field_1", {"label_zh": "检验项目", "id": "item", "required": "1", "in_list": "1"})
    assert named.location.endswith("?field=item")
    page = lead.get("/forms/qc/design?field=item")
    assert page.status_code == 200
    assert "检验项目" in page.text
    assert change(lead, "/fields/item/position", {"to": "down"}).status_code == 303
    assert labels() == [["整数", "检验项目"]]
    assert lead.get("/forms/qc/preview").status_code == 200
    assert lead.get("/forms/qc/impact").status_code == 200
    version = form("qc").draft_version
    done = lead.post("/forms/qc/versions", {"draft_version": str(version), "note": "第一版"})
    assert done.status_code == 303, done.text
    assert form("qc").current_version == 1
    filled = lead.post("/records/qc", {"item": "外观", "field_2": "3"})
    assert filled.status_code == 303, filled.text
    assert re.search(r'id="form-qc".*?<a href="/records/qc">1</a>', lead.get("/forms").text, re.S)
    assert [row.note for row in db.session.scalars(select(FormVersion)) if row.form_id == form("qc").id] == ["第一版"]


@pytest.mark.parametrize("template", ["inspection", "warehouse", "survey", "supplier_request"])
def test_every_shipped_template_can_be_published_as_it_is(lead: Browser, template: str) -> None:
    assert lead.post("/forms", NEW | {"start": f"template:{template}"}).status_code == 303
    published = lead.post("/forms/qc/versions", {"draft_version": "1"})
    assert published.status_code == 303, published.text
    assert lead.get("/records/qc/new").status_code == 200
