"""Records of any form on paper: a page to print, a PDF with what it holds, and an empty form."""

import io
import re

import pytest
from flask import Flask
from PIL import Image
from pypdf import PdfReader

from qtrace.core.db import db
from qtrace.core.errors import NotFound
from qtrace.printing.service import pdf_of
from tests.conftest import NOW, Browser, log_in
from tests.factories.forms import RESULTS, asked, make_form

LINES = [asked("part", "text", "部件", required=True), asked("qty", "integer", "数量", min=1)]
FIELDS = [
    asked("item", "text", "检验项目", required=True, in_list=True, filterable=True),
    asked("result", "radio", "结论", choices=RESULTS),
    asked("who", "masked_text", "身份证号"),
    asked("lines", "sub_table", "明细", fields=LINES),
    asked("photos", "photo", "照片"),
    asked("weight", "integer", "净重"),
]
FILLED = {
    "item": "泵头漏液", "result": "fail", "who": "110101199003071234", "lines.0.on": "1", "lines.0.part": "泵头<b>",
    "lines.0.qty": "3",
}  # fmt: skip


@pytest.fixture
def lead(sqlite_app: Flask) -> Browser:
    """The quality lead before an inspection form with a sub-table, photos and a masked field."""
    with sqlite_app.test_request_context():
        make_form(FIELDS)
    return log_in(sqlite_app, "quality_lead")


def fill_in(browser: Browser) -> str:
    """Fill in the form with a photo and return the record's address."""
    photo = io.BytesIO()
    Image.new("RGB", (60, 40), "red").save(photo, "JPEG")
    photo.seek(0)
    answer = browser.post("/records/inspection", FILLED | {"photos": (photo, "正面.jpg")})
    assert answer.status_code == 303, answer.text
    return str(answer.headers["Location"])


def text_of(pdf: bytes) -> str:
    """Return the words of a PDF without the spaces its lines brought in."""
    return "".join("".join(page.extract_text() for page in PdfReader(io.BytesIO(pdf)).pages).split())


def test_a_record_is_printed_with_its_tables_photos_and_what_happened(lead: Browser) -> None:
    url = fill_in(lead)
    page = lead.get(url).text
    assert f'href="{url}/report"' in page
    printed = lead.get(f"{url}/report").text
    for words in ("到货质检", "泵头漏液", "不合格", "泵头&lt;b&gt;", "部件", "提交", "事件链头", 'class="qr-code"'):
        assert words in printed, words
    assert re.search(rf'<img src="{url}/files/[0-9a-f]{{32}}"', printed)
    assert "199003071234" not in printed and "净重" not in printed


def test_the_pdf_of_a_record_holds_the_same_and_its_photo(lead: Browser) -> None:
    url = fill_in(lead)
    answer = lead.get(f"{url}/report.pdf")
    assert answer.status_code == 200 and answer.headers["Content-Type"] == "application/pdf"
    words = text_of(answer.data)
    for one in ("检验项目", "不合格", "泵头<b>", "数量", "打印人", url.rpartition("/")[2]):
        assert one in words, one
    pictures = [image for page in PdfReader(io.BytesIO(answer.data)).pages for image in page.images]
    assert len(pictures) == 1


def test_the_command_line_prints_any_record_by_its_number(lead: Browser, sqlite_app: Flask) -> None:
    number = fill_in(lead).rpartition("/")[2]
    db.session.remove()
    with sqlite_app.test_request_context():
        assert "泵头漏液" in text_of(pdf_of("record", number, now=NOW))
        with pytest.raises(NotFound):
            pdf_of("record", "IQ-0001-9999", now=NOW)
        with pytest.raises(NotFound):
            pdf_of("issue", number, now=NOW)


def test_an_empty_form_is_printed_to_be_filled_in_by_hand(lead: Browser) -> None:
    page = lead.get("/records/inspection/blank").text
    assert "检验项目 *" in page and "<i></i>不合格" in page and "<th>部件</th>" in page
    assert "身份证号" in text_of(lead.get("/records/inspection/blank.pdf").data)


def test_who_does_not_see_a_record_can_not_print_it(lead: Browser, sqlite_app: Flask) -> None:
    url = fill_in(lead)
    assert log_in(sqlite_app, "purchasing").get(f"{url}/report").status_code == 404
    assert log_in(sqlite_app, "customer_service").get(f"{url}/report").status_code == 403
    assert lead.get("/records/issue/blank").status_code == 404
