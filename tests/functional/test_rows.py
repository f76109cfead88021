"""Rows of cells through the pages: without scripts a button changes the form, wrong cells are told, good ones stay."""

import re
from io import BytesIO

import pytest
from flask import Flask
from PIL import Image
from pypdf import PdfReader
from sqlalchemy import select

from qtrace.accounts.models import Department
from qtrace.core.db import db, write
from qtrace.core.errors import Refused
from qtrace.forms.queries import stored_definition
from qtrace.forms.registry import controls
from qtrace.issues.models import Issue
from qtrace.records.models import Record
from tests.conftest import NOW, Browser, log_in
from tests.factories.forms import asked, make_form

COLUMNS = [
    asked("part", "text", "部件", required=True),
    asked("qty", "integer", "数量", required=True, min=1),
    asked("price", "money", "单价"),
    asked("amount", "formula", "金额", formula="{数量} * {单价}"),
]
FILLED = {
    "title": "漏液", "lines.0.on": "1", "lines.0.part": "泵头", "lines.0.qty": "3", "lines.0.price": "10.10",
    "split.0.on": "1",
}  # fmt: skip


@pytest.fixture
def browser(sqlite_app: Flask) -> Browser:
    """The quality lead before a form with rows, a sum over them, a checklist and issues alike."""
    with sqlite_app.test_request_context():
        make_form(
            [
                asked("title", "text", "现象", required=True), asked("lines", "sub_table", "明细", fields=COLUMNS),
                asked("total", "rollup", "合计", over="lines.amount"), asked("split", "responsibility_split", "责任"),
                asked("check", "inspection_checklist", "检验", items=["外观", "净含量 | 29.5 | 30.5 | g"]),
                asked("alike", "similar_issues", "相似问题"),
            ],
            key="claim", prefix="CL",
        )  # fmt: skip
    return log_in(sqlite_app, "quality_lead")


def record() -> Record:
    """Return the only record."""
    db.session.remove()
    return db.session.scalars(select(Record)).one()


def test_a_button_adds_and_drops_rows_and_saves_nothing(browser: Browser) -> None:
    added = browser.post("/records/claim", FILLED | {"_rows": "add:lines"})
    assert added.status_code == 200
    assert 'name="lines.1.part"' in added.text
    assert 'value="泵头"' in added.text
    assert "请填写" not in added.text
    dropped = browser.post(
        "/records/claim", FILLED | {"lines.1.on": "1", "lines.1.part": "瓶身", "_rows": "drop:lines:0"}
    )
    assert 'value="瓶身"' in dropped.text
    assert 'name="lines.0.part"' not in dropped.text
    assert db.session.scalars(select(Record)).all() == []


def test_what_enter_presses_comes_before_the_buttons_of_rows(browser: Browser) -> None:
    page = browser.get("/records/claim/new").text
    form = page[page.index('name="title"') :]
    first = re.search(r"<button[^>]*>", form)
    assert first
    assert "_rows" not in first[0]


def test_a_wrong_cell_is_told_at_its_place_and_the_rest_stays(browser: Browser) -> None:
    answer = browser.post("/records/claim", FILLED | {"lines.0.qty": "三", "split.0.percent": "60"})
    assert answer.status_code == 422
    assert 'id="lines.0.qty-error"' in answer.text
    assert 'id="split.0.party-error"' in answer.text
    assert 'id="lines.0.part-error"' not in answer.text
    assert 'value="10.10"' in answer.text


def test_rows_are_kept_with_their_sums_and_come_back_for_a_change(browser: Browser) -> None:
    created = browser.post(
        "/records/claim", FILLED | {"lines.5.part": "瓶身", "lines.5.qty": "2", "lines.5.price": "5"}
    )
    assert created.status_code == 303, created.text
    kept = record()
    assert [row["amount"] for row in kept.answers["lines"]] == ["30.30", "10.00"]
    assert kept.answers["total"] == "40.30"
    url = created.headers["Location"]
    assert "40.3" in browser.get(url).text
    edit = browser.get(f"{url}/edit").text
    assert 'name="lines.1.part"' in edit
    answer = browser.post(
        url, {"title": "漏液", "lines.0.part": "泵头", "lines.0.qty": "1", "lines.0.price": "1", "version": "1"}
    )
    assert answer.status_code == 303
    assert record().answers["total"] == "1.00"


def test_what_was_demanded_stays_and_a_changed_note_of_it_is_not_believed(browser: Browser) -> None:
    checked = {"check.i0.result": "pass", "check.i1.measured": "30.1"}
    created = browser.post("/records/claim", FILLED | checked)
    assert created.status_code == 303
    url = created.headers["Location"]
    edit = browser.get(f"{url}/edit").text
    note = re.search(r'name="check.frozen" value="([^"]+)"', edit)
    assert note
    sent = FILLED | {"check.i0.result": "pass", "check.i1.measured": "31", "check.i1.result": "pass", "version": "1"}
    for frozen in (note[1], f"x{note[1]}", "nonsense"):
        assert "超出 29.5–30.5 g" in browser.post(url, sent | {"check.frozen": frozen}).text
    [_look, weight] = record().answers["check"]["items"]
    assert (weight["low"], weight["high"], weight["result"]) == ("29.5", "30.5", "pass")


def test_issues_alike_are_shown_to_those_who_may_see_them(browser: Browser, sqlite_app: Flask) -> None:
    with write() as session:
        elsewhere = Department(name="别处")
        session.add(elsewhere)
        session.flush()  # the issue names it
        session.add(Issue(number="QI-2611-0001", title="别的部门的漏液", opened_at=NOW, department_id=elsewhere.id))
    assert browser.get("/issues/alike?field=alike&text_field=title&title=漏液").status_code == 200
    assert browser.post("/records/claim", FILLED | {"alike.more": "QI-2611-0001"}).status_code == 303
    stranger = log_in(sqlite_app, "inspector")
    answer = stranger.post("/records/claim", FILLED | {"alike.more": "QI-2611-0001"})
    assert answer.status_code == 422
    assert "没有编号为" in answer.text
    assert "别的部门" not in answer.text


def test_a_typed_number_offers_what_it_may_mean(browser: Browser) -> None:
    assert browser.get("/forms/controls/link/found?box=x&x=CL").status_code == 200
    assert browser.get("/forms/controls/text/found?box=x&x=CL").status_code == 404
    assert browser.get("/scan/gs1?text=(01)06901234567892(17)261200").get_json() == {
        "gtin": "06901234567892",
        "expiry": "2026-12-31",
    }
    assert browser.get("/scan/gs1?text=hello").status_code == 422


def photo() -> tuple[BytesIO, str]:
    """Return a small photo as a browser uploads it."""
    out = BytesIO()
    Image.new("RGB", (40, 30), (200, 30, 30)).save(out, "JPEG")
    return BytesIO(out.getvalue()), "scratch.jpg"


@pytest.fixture
def strict(sqlite_app: Flask) -> Browser:
    """The quality lead before a checklist whose items need photos."""
    items = ["外观 | | | | fail", "封口 | | | | always", "净含量 | 29.5 | 30.5 | g"]
    with sqlite_app.test_request_context():
        make_form([asked("check", "inspection_checklist", "检验", items=items)], key="claim", prefix="CL")
    return log_in(sqlite_app, "quality_lead")


SAID = {"check.i0.result": "fail", "check.i1.result": "pass", "check.i2.measured": "30"}


def test_an_item_that_needs_a_photo_is_not_stored_without_and_keeps_what_was_sent(strict: Browser) -> None:
    sent = strict.post("/records/claim", SAID | {"check.i0.photo": photo()})
    assert sent.status_code == 422 and "这一项要有照片" in sent.text and "不合格的这一项" not in sent.text
    kept = re.search(r'name="check.i0.photo.kept" value="([^"]+)"', sent.text)
    assert kept and "scratch.jpg" in sent.text
    again = SAID | {"check.i0.photo.kept": kept[1], "check.i1.photo": photo()}
    assert strict.post("/records/claim", again).status_code == 303
    photos = [row.get("photos", []) for row in record().answers["check"]["items"]]
    assert [len(one) for one in photos] == [1, 1, 0]


def test_photos_of_items_are_shown_kept_by_a_change_and_named_in_a_sheet(strict: Browser) -> None:
    strict.post("/records/claim", SAID | {"check.i0.photo": photo(), "check.i1.photo": photo()})
    row = record()
    page = strict.get(f"/records/claim/{row.number}").text
    assert re.search(r'alt="外观".*?<small class="caption">外观</small>', page, re.S)
    first = row.answers["check"]["items"][0]["photos"][0]
    with strict.get(f"/records/claim/{row.number}/files/{first}") as file:
        assert file.status_code == 200
    printed = strict.get(f"/records/claim/{row.number}/report").text
    assert "29.5–30.5 g" in printed and "<figcaption>外观</figcaption>" in printed
    pages = PdfReader(BytesIO(strict.get(f"/records/claim/{row.number}/report.pdf").data)).pages
    assert sum(len(page.images) for page in pages) == 2 and "29.5–30.5" in pages[0].extract_text()
    edit = strict.get(f"/records/claim/{row.number}/edit").text
    assert edit.count("已有 1 张照片") == 2
    frozen = re.search(r'name="check.frozen" value="([^"]+)"', edit)
    assert frozen
    change = SAID | {"version": "1", "check.frozen": frozen[1], "check.i0.photo": photo(), "check.i0.note": "两处"}
    assert strict.post(f"/records/claim/{row.number}", change).status_code == 303
    after = record().answers["check"]
    assert [len(one.get("photos", [])) for one in after["items"]] == [2, 1, 0]
    assert after["items"][0]["photos"][0] == first
    control, field = controls()["inspection_checklist"], stored_definition("claim", row.form_version_id).field("check")
    assert field is not None
    assert "2 张照片" in control.to_print(field, after)
    cell = control.to_cell(field, after)
    assert control.from_cell(field, cell) == after
    with pytest.raises(Refused, match="照片和文件不能从表格导入"):
        control.from_cell(field, str(cell).replace(first, "f" * 32))


def test_nobody_gives_an_item_the_photo_of_another_record(strict: Browser) -> None:
    sent = SAID | {"check.i0.photos": "a" * 32, "check.i1.photos": "a" * 32, "check.frozen": "made up"}
    assert strict.post("/records/claim", sent).status_code == 422
