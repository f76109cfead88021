"""Labels of lots and boxes: printed, read again by a camera, and led back to the lot."""

import io
import re
from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from flask import Flask
from PIL import Image
from pypdf import PdfReader
from sqlalchemy import func, select

from qtrace.catalog.models import Shop
from qtrace.core.codes import read_codes
from qtrace.core.db import db, write
from qtrace.core.models import EventRow
from qtrace.gs1.digits import is_checked
from qtrace.orders.models import Lot
from qtrace.orders.upsert import store
from qtrace.printing.labels import carton_label, lot_code, lot_label
from qtrace.sdk import records as r
from qtrace.trace.events import CARTONS_NUMBERED
from qtrace.trace.models import Carton
from tests.conftest import NOW
from tests.factories.codes import photo_of

LOT = "B2409/17"
SITE = "http://127.0.0.1:8000"
RECORDS: list[r.Record] = [
    r.Product(external_id="ROSE-30", name="玫瑰精华液 30ml", barcode="6901234567892"),
    r.Product(external_id="CAP", name="瓶盖"),
    r.Lot(external_id=LOT, sku="ROSE-30", made_on=date(2026, 9, 1), expires_on=date(2029, 8, 31)),
    r.Lot(external_id="批1", sku="CAP"),
]
Login = Callable[[str], Any]


@pytest.fixture(autouse=True)
def told(app: Flask) -> None:
    """A lot of an article with a bar code, and one without."""
    with write() as session:
        shop = Shop(key="douyin", name="抖店")
        session.add(shop)
        session.flush()  # the records belong to it
        assert not store(shop.id, RECORDS, now=NOW, by=None, source=("test", 0)).refused


def lot(number: str) -> Lot:
    """Return a lot."""
    return db.session.scalars(select(Lot).where(Lot.external_id == number)).one()


def seen(drawing: str, *, scale: int = 6) -> Image.Image:
    """Return a label's drawing as a camera sees it: every dot of its paths."""
    side = int(re.findall(r'viewBox="0 0 (\d+)', drawing)[0])
    image = Image.new("L", (side * scale, side * scale), 255)
    for left, top, width, height in re.findall(r"M(\d+) (\d+)h(\d+)v(\d+)h-", drawing):
        size = (int(width) * scale, int(height) * scale)
        image.paste(0, (int(left) * scale, int(top) * scale, int(left) * scale + size[0], int(top) * scale + size[1]))
    return image


def test_a_lot_with_an_article_number_carries_a_digital_link() -> None:
    assert lot_code(lot(LOT), site=SITE) == f"{SITE}/01/06901234567892/10/B2409%2F17?17=290831"
    assert lot_code(lot("批1"), site=SITE) == f"{SITE}/trace/lot/%E6%89%B91"


@pytest.mark.parametrize("number", [LOT, "批1"])
def test_what_is_printed_is_read_and_leads_to_the_lot(number: str, login: Login) -> None:
    (code,) = read_codes(photo_of([seen(str(lot_label(lot(number), site=SITE).drawing))]))
    answer = login("quality_lead").get("/scan", query_string={"text": code.text})
    assert answer.status_code == 303
    page = login("quality_lead").get(answer.location)
    assert number in page.text
    assert "/trace/lot/" in answer.location
    # a phone's own camera opens the address itself
    opened = login("quality_lead").get(code.text.removeprefix(SITE))
    assert opened.status_code == 200 or "/trace/lot/" in opened.location


def test_the_page_and_the_pdf_hold_the_copies(login: Login) -> None:
    browser = login("quality_lead")
    assert "玫瑰精华液 30ml" in browser.get(f"/trace/lot/{LOT}/labels").text
    page = browser.get(f"/trace/lot/{LOT}/labels/print?copies=25&sheet=a4&quantity=48").text
    assert page.count('class="label-page a4') == 2
    assert page.count('class="label l60x40"') == 25
    for word in (LOT, "ROSE-30", "2026-09-01", "2029-08-31", "数量 48"):
        assert word in page
    for sheet, size, pages, measures in (
        ("roll", "60x40", 3, (170, 113)), ("roll", "100x50", 3, (283, 142)), ("a4", "60x40", 1, (595, 842)),
    ):  # fmt: skip
        answer = browser.get(f"/trace/lot/{LOT}/labels.pdf?copies=3&sheet={sheet}&size={size}")
        assert answer.mimetype == "application/pdf"
        found = PdfReader(io.BytesIO(answer.data)).pages
        assert len(found) == pages
        assert (round(float(found[0].mediabox.width)), round(float(found[0].mediabox.height))) == measures
        assert LOT in found[0].extract_text()


@pytest.mark.parametrize("prefix", ["", "6901234"])
def test_boxes_get_numbers_of_their_own_that_lead_to_the_lot(app: Flask, login: Login, prefix: str) -> None:
    app.config["QTRACE_GS1_PREFIX"] = prefix
    browser = login("quality_lead")
    answer = browser.post(f"/trace/lot/{LOT}/cartons", {"count": "3", "quantity": "48"})
    assert answer.status_code == 303
    page = browser.get(answer.location).text
    boxes = db.session.scalars(select(Carton).order_by(Carton.id)).all()
    assert [box.quantity for box in boxes] == [48, 48, 48]
    assert len({box.number for box in boxes}) == 3
    assert all(box.number in page for box in boxes)
    assert all(is_checked(box.number, (18,)) == bool(prefix) for box in boxes)
    code = carton_label(boxes[1], lot(LOT), site=SITE).code
    for text in (code, boxes[1].number, f"(00){boxes[1].number}"):
        if text.startswith("(00)") and not prefix:
            continue
        assert browser.get("/scan", query_string={"text": text}).location in {
            f"/trace/lot/{LOT}",
            f"/cartons/{boxes[1].number}",
        }
    assert browser.get(code.removeprefix(SITE)).location == f"/trace/lot/{LOT}"
    assert db.session.scalar(select(func.count()).where(EventRow.name == CARTONS_NUMBERED)) == 1


def test_a_double_tap_numbers_the_boxes_once(login: Login) -> None:
    browser = login("quality_lead")
    form = {"count": "2", "submit_id": "a" * 32}
    first, second = (browser.post(f"/trace/lot/{LOT}/cartons", dict(form)) for _ in range(2))
    assert first.location == second.location
    assert db.session.scalar(select(func.count()).select_from(Carton)) == 2


@pytest.mark.parametrize(("form", "word"), [
    ({"count": "0"}, "1 到 200"), ({"count": "201"}, "1 到 200"), ({"count": "x"}, "不是整数"),
    ({"count": "1", "quantity": "99999999"}, "每箱件数"),
])  # fmt: skip
def test_a_wrong_number_of_boxes_is_refused_in_words(login: Login, form: dict[str, str], word: str) -> None:
    answer = login("quality_lead").post(f"/trace/lot/{LOT}/cartons", form)
    assert (answer.status_code, word in answer.text) == (422, True)


def test_who_only_reads_numbers_no_boxes(login: Login) -> None:
    browser = login("auditor")
    assert browser.get(f"/trace/lot/{LOT}/labels").status_code == 200
    assert browser.post(f"/trace/lot/{LOT}/cartons", {"count": "1"}).status_code == 403
    for path in ("/trace/lot/none/labels", "/cartons/none", "/00/1", "/01/1/10/none"):
        assert browser.get(path).status_code == 404
