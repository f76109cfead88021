"""One form with every control: filled in through the page, shown, corrected, and what is private stays masked."""

import pytest
from flask import Flask
from sqlalchemy import select

from qtrace.core.db import db
from qtrace.forms.registry import FieldDefinition, controls
from qtrace.records.models import Record
from tests.conftest import log_in
from tests.factories.forms import asked, make_form
from tests.unit.forms.test_registry import KEYS, stock

PRIVATE = "buyer_20261122"
SETTINGS: dict[str, dict[str, object]] = {"rollup": {"over": "sub_table.qty"}, "formula": {"formula": "{integer} + 1"}}


@pytest.fixture
def fields(sqlite_app: Flask) -> list[FieldDefinition]:
    """A published form with every control that is built."""
    stock()
    known = [controls()[key] for key in KEYS]
    settings = {one.key: one.starter() | SETTINGS.get(one.key, {}) for one in known}
    make_form([asked(one.key, one.key, one.name_zh, **settings[one.key]) for one in known], key="every", prefix="EV")
    return [FieldDefinition(one.key, one.key, one.name_zh, one.key.title(), options=settings[one.key]) for one in known]


def samples(fields: list[FieldDefinition]) -> dict[str, list[str]]:
    """Return what a browser sends when every field is filled in."""
    sent: dict[str, list[str]] = {}
    for field in fields:
        sent |= {name: list(texts) for name, texts in controls()[field.control].samples(field).valid[0].values.items()}
    return sent


def test_every_control_lives_through_a_record(sqlite_app: Flask, fields: list[FieldDefinition]) -> None:
    with sqlite_app.test_request_context():
        sent = samples(fields)
    browser = log_in(sqlite_app, "quality_lead")
    assert browser.get("/records/every/new").status_code == 200
    answer = browser.post("/records/every", sent)
    assert answer.status_code == 303, answer.text
    url = answer.headers["Location"]
    db.session.remove()
    record = db.session.scalars(select(Record).where(Record.number.startswith("EV-"))).one()
    files = {field.id for field in fields if controls()[field.control].holds_files}
    assert {field.id for field in fields} - set(record.answers) == files
    assert record.answers["autonumber"].startswith("N-")
    assert record.answers["qr_label"].endswith(record.number)

    page = browser.get(url).text
    assert "buy••••1122" in page and PRIVATE not in page
    assert "浙江省 杭州市 西湖区 ••••" in page and "文三路" not in page
    assert 'class="chip ok"' in page and 'class="qr-code"' in page and 'class="stars"' in page

    edit = browser.get(f"{url}/edit").text
    assert PRIVATE not in edit and "文三路" not in edit
    kept = {name: texts for name, texts in sent.items() if name.split(".")[0] not in ("masked_text", "address")}
    before = dict(record.answers)
    held = {"masked_text.held": ["x"], "address.held": ["x"], "version": ["1"], "integer": ["7"]}
    assert browser.post(url, kept | held).status_code == 303
    db.session.remove()
    assert db.session.scalars(select(Record).where(Record.number.startswith("EV-"))).one().answers == before | {
        "integer": 7,
        "formula": "8.00",
    }
