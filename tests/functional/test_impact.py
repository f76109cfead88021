"""Before a publication the page counts what would break on real records and names what goes by the changed fields."""

import re
from collections.abc import Mapping
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from qtrace.core.db import db, write
from qtrace.exchange.models import ImportMapping
from qtrace.forms.models import Form, FormLink, FormVersion
from qtrace.records.service import NewRecord, create_record
from tests.conftest import NOW, Browser, log_in
from tests.factories.forms import INSPECTION, RESULTS, asked, make_form

OLD, NEW = 20, 500  # the page reads the newest 500


@pytest.fixture
def lead(sqlite_app: Flask) -> Browser:
    """The quality lead, with a form and more records of it than are read."""
    plain = [one for one in INSPECTION if one["id"] not in ("item", "result")]
    form = make_form(
        [asked("item", "text", "检验项目", in_list=True), asked("result", "select", "结论", choices=RESULTS), *plain]
    )
    version = db.session.scalars(select(FormVersion.id).where(FormVersion.form_id == form.id)).one()
    with write():
        for n in range(OLD + NEW):
            create_record(NewRecord(form.id, version, answers_of(n)), by=None, now=NOW)
    return log_in(sqlite_app, "quality_lead")


def answers_of(n: int) -> dict[str, Any]:
    """Return the answers of a record: all of the oldest would break, of the newest a known share."""
    old = n < OLD
    found: dict[str, Any] = {"result": "fail" if old or n % 10 == 0 else "pass", "qty": 80 if old or n % 4 == 0 else 20}
    return found if old or n % 5 == 0 else found | {"item": f"第 {n} 件"}


def tighten(lead: Browser, field: str, sent: Mapping[str, str], key: str = "inspection") -> None:
    """Change a field of the draft in its panel."""
    db.session.remove()
    version = db.session.scalars(select(Form.draft_version).where(Form.key == key)).one()
    answer = lead.post(f"/forms/{key}/draft/fields/{field}", {"draft_version": str(version), **sent})
    assert answer.status_code == 303, answer.text


def broken(page: str) -> dict[str, int]:
    """Return how many records each field would break."""
    found = re.findall(r'id="broken-(\w+)">.*?(\d+) 条记录', page, re.S)
    return {field: int(count) for field, count in found}


def test_the_newest_five_hundred_records_are_counted_field_by_field(lead: Browser) -> None:
    assert broken(lead.get("/forms/inspection/impact").text) == {}
    tighten(lead, "item", {"label_zh": "检验项目", "required": "1"})
    tighten(lead, "qty", {"label_zh": "抽检数", "option.min": "0", "option.max": "50"})
    kept = {"option.choices.0.value": "pass", "option.choices.0.zh": "合格"}
    tighten(lead, "result", {"label_zh": "结论"} | kept)
    page = lead.get("/forms/inspection/impact").text
    assert broken(page) == {"item": 100, "qty": 125, "result": 50}
    assert "读了 500 条" in page
    assert "改为必填" in page and "不能大于 50" in page and "请从列表中选择" in page
    assert len(re.findall(r'href="/records/inspection/IQ-', page)) == 30  # the ten newest of each
    lead.post("/forms/inspection/versions", {"draft_version": draft_version()})
    tighten(lead, "item", {"label_zh": "检验项目名", "required": "1"})
    again = lead.get("/forms/inspection/impact").text
    assert broken(again) == {} and "另有 275 处按现在的版本就已经不合格" in again


def draft_version() -> str:
    """Return the number of the draft as it is now."""
    db.session.remove()
    return str(db.session.scalars(select(Form.draft_version).where(Form.key == "inspection")).one())


def test_a_public_link_and_a_drop_folder_that_name_the_field_are_found(sqlite_app: Flask) -> None:
    form_id = make_form().id
    with write() as session:
        mapping = {"columns": {"remark": {"header": "备注"}}}
        session.add(
            ImportMapping(name="质检台账", kind="form:inspection", definition=mapping, dropped=True, created_at=NOW)
        )
        for name, preset, revoked in (
            ("供应商自检", {"remark": ["自检"]}, None),
            ("旧链接", {"remark": ["旧"]}, NOW),
            ("别的", {"qty": ["1"]}, None),
        ):
            session.add(
                FormLink(
                    form_id=form_id, token_digest=name, name=name, preset=preset, created_at=NOW, revoked_at=revoked
                )
            )
    lead = log_in(sqlite_app, "quality_lead")
    tighten(lead, "remark", {"label_zh": "备注"})
    touched = lead.get("/forms/inspection/impact").text.partition('id="touched"')[2].partition("</section>")[0]
    assert re.search(r"公开链接.*供应商自检", touched) and re.search(r"投放设置.*质检台账", touched)
    assert "旧链接" not in touched and "别的" not in touched


def test_the_issue_report_and_the_board_are_named_where_they_go_by_a_field(sqlite_app: Flask) -> None:
    lead = log_in(sqlite_app, "quality_lead")
    tighten(lead, "type", {"label_zh": "问题分类", "required": "1"}, key="issue")
    touched = lead.get("/forms/issue/impact").text.partition('id="touched"')[2].partition("</section>")[0]
    assert "质量问题报告" in touched and "重复问题发生率" in touched
