"""Why a warning was let through stays with the record: on its page, in exports and over the API, until its value changes."""

import pytest
from flask import Flask
from sqlalchemy import select

from qtrace.accounts.models import User
from qtrace.channels.syncing import sync
from qtrace.core.db import db, write
from qtrace.exchange.export_lists import RecordExport
from qtrace.exchange.exporting import Asking
from qtrace.forms.queries import current_form
from qtrace.records.models import Record
from qtrace.rules.models import Rule
from tests.conftest import NOW, Browser, log_in, user_id
from tests.factories.api import program
from tests.factories.forms import INSPECTION, asked, make_form
from tests.unit.channels.shopfloor import FORMS, connect, form_record, serve

GOOD = {"item": "外观", "result": "pass"}
WARNING = "检查数要在 20 以内"


@pytest.fixture
def lead(app: Flask) -> Browser:
    """The quality lead, before an inspection whose count is warned of above 20 and whose buyer below 5 letters."""
    form_id = make_form([*INSPECTION, asked("buyer", "masked_text", "买家账号")]).id
    with write() as session:
        for field, kind, options in (("qty", "range", {"max": "20"}), ("buyer", "length", {"min": "5"})):
            session.add(
                Rule(
                    form_id=form_id, kind=kind, field=field, options=options, level="warn", changed_at=NOW,
                    message_zh=WARNING if field == "qty" else "", message_en="At most 20" if field == "qty" else "",
                )
            )  # fmt: skip
    return log_in(app, "quality_lead")


def record() -> Record:
    """Return the newest record."""
    db.session.remove()
    return db.session.scalars(select(Record).order_by(Record.id.desc()).limit(1)).one()


def test_the_reason_is_read_on_the_page_in_the_export_and_over_the_api(app: Flask, lead: Browser) -> None:
    assert lead.post("/records/inspection", GOOD | {"qty": "50"}).status_code == 422
    assert lead.post("/records/inspection", GOOD | {"qty": "50", "reason": "客户要求全检"}).status_code == 303
    number, told = record().number, f"{WARNING} — 客户要求全检"
    assert record().notes == {"qty": told}
    page = lead.get(f"/records/inspection/{number}").text
    assert told in page.split('id="notes"')[1]
    assert program(app).get(f"/records/inspection/{number}").json["notes"] == {"qty": told}
    with app.test_request_context():
        form, version = current_form("inspection")
        export, user = RecordExport(form, version.id), db.session.get_one(User, user_id("quality_lead"))
        assert export.columns()[-1].label == "提醒和原因"
        [row] = export.rows(Asking(user, NOW, {}), unmasked=False)
    assert row["_notes"] == f"抽检数: {told}"


def test_a_reason_stays_while_its_value_does_and_ends_with_it(lead: Browser) -> None:
    lead.post("/records/inspection", GOOD | {"qty": "50", "reason": "客户要求全检"})
    url = f"/records/inspection/{record().number}"
    assert lead.post(url, GOOD | {"qty": "50", "remark": "补充", "version": "1"}).status_code == 303
    assert record().notes == {"qty": f"{WARNING} — 客户要求全检"}
    assert lead.post(url, GOOD | {"qty": "60", "version": "2", "reason": "又加了十件"}).status_code == 303
    assert record().notes == {"qty": f"{WARNING} — 又加了十件"}
    assert "规则提醒过,说明原因后保存:检查数要在 20 以内" in lead.get(url).text
    assert lead.post(url, GOOD | {"qty": "9", "version": "3"}).status_code == 303
    assert record().notes is None
    assert 'id="notes"' not in lead.get(url).text


def test_rows_of_programs_and_connectors_keep_theirs_too(app: Flask, lead: Browser) -> None:
    erp, rows = program(app), [{"values": GOOD | {"qty": 50}}, {"values": GOOD | {"item": "气味", "qty": 5}}]
    erp.post("/records/inspection/bulk", {"key": "item", "rows": rows, "reason": "月末盘点"})
    db.session.remove()
    found = db.session.scalars(select(Record).order_by(Record.id)).all()
    assert [one.notes for one in found] == [{"qty": "At most 20 — 月末盘点"}, None]
    fine = [{"values": GOOD | {"qty": 7}}]
    assert erp.post("/records/inspection/bulk", {"key": "item", "rows": fine}).json["updated"] == 1
    db.session.remove()
    assert db.session.scalars(select(Record).where(Record.notes.is_not(None))).all() == []
    floor, account_id = connect(app)
    floor.streams = [FORMS]
    serve(floor, form_record("E1", "inspection", {**GOOD, "qty": 80}))
    sync(account_id, clock=lambda: NOW)
    assert record().notes == {"qty": f"{WARNING} — 没有人可以询问,已记下"}


def test_a_masked_value_is_not_told_by_the_note_about_it(app: Flask, lead: Browser) -> None:
    sent = GOOD | {"buyer": "wang", "reason": "就是这么短"}
    assert lead.post("/records/inspection", sent).status_code == 303
    assert record().notes == {"buyer": "就是这么短"}
