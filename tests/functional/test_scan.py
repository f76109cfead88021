"""A photo instead of typing: the camera button's answer, the page without scripts, and who may."""

import io
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask

from qtrace.catalog.models import Shop
from qtrace.core.codes import Code
from qtrace.core.db import write
from qtrace.orders.scanning import Choice, choices
from qtrace.orders.upsert import store
from qtrace.sdk import records as r
from qtrace.web.limits import LIMITS, Limit
from tests.conftest import NOW
from tests.factories.codes import photo_of, symbol

RECORDS: list[r.Record] = [
    r.Supplier(external_id="HM", name="恒美包材"),
    r.Product(external_id="ROSE-30", name="玫瑰精华液 30ml", supplier="HM", barcode="6901234567892"),
    r.Lot(external_id="B2409", sku="ROSE-30", supplier="HM"),
]
HTMX = {"HX-Request": "true"}
Login = Callable[[str], Any]


@pytest.fixture(autouse=True)
def told(app: Flask) -> None:
    """One article of one supplier, and a lot of it."""
    with write() as session:
        shop = Shop(key="douyin", name="抖店")
        session.add(shop)
        session.flush()
        assert not store(shop.id, RECORDS, now=NOW, by=None, source=("test", 0)).refused


def sent(content: bytes, name: str = "photo.jpg") -> dict[str, Any]:
    """Return the form that carries a photo."""
    return {"photo": (io.BytesIO(content), name)}


def test_the_camera_button_gets_the_one_code_to_fill_in(login: Login) -> None:
    answer = login("inspector").post("/scan", sent(photo_of([symbol("B2409")])), headers=HTMX)
    assert answer.status_code == 200
    assert 'data-scan-text="B2409"' in answer.text
    assert "data-scan-pick" not in answer.text
    assert "<html" not in answer.text


def test_of_several_codes_the_person_chooses_and_the_known_one_is_first(login: Login) -> None:
    photo = photo_of([symbol("NOBODY-1"), symbol("6901234567892", "EAN13")])
    text = login("customer_service").post("/scan", sent(photo), headers=HTMX).text
    assert text.count("data-scan-pick") == 2
    assert text.index('data-scan-text="6901234567892"') < text.index('data-scan-text="NOBODY-1"')
    assert text.count("有记录") == 1


def test_without_scripts_the_page_leads_on_from_each_code(login: Login) -> None:
    browser = login("inspector")
    assert 'enctype="multipart/form-data"' in browser.get("/scan").text
    page = browser.post("/scan", sent(photo_of([symbol("B2409 & co")])))
    assert page.status_code == 200
    assert "<html" in page.text
    for address in ("/issues/new?source=B2409+%26+co", "/complaints/new?code=B2409+%26+co", "/trace?q=B2409+%26+co"):
        assert address in page.text
    assert browser.get("/trace?q=B2409").location == "/trace/lot/B2409"


def test_the_page_offers_only_what_the_person_may_do(login: Login) -> None:
    page = login("auditor").post("/scan", sent(photo_of([symbol("B2409")]))).text
    assert "/trace?q=B2409" in page
    assert "/issues/new?source" not in page
    assert "/complaints/new?code" not in page


@pytest.mark.parametrize("headers", [{}, HTMX])
def test_a_photo_without_a_code_says_what_to_do(login: Login, headers: dict[str, str]) -> None:
    answer = login("inspector").post("/scan", sent(photo_of()), headers=headers)
    assert answer.status_code == 200
    assert "靠近一点" in answer.text
    assert "手工输入" in answer.text


@pytest.mark.parametrize("headers", [{}, HTMX])
@pytest.mark.parametrize(
    ("form", "words"), [(sent(b"just text"), "不是照片"), (sent(b"", ""), "请先拍照"), ({}, "请先拍照")]
)
def test_what_is_no_photo_is_refused_in_words(
    login: Login, headers: dict[str, str], form: dict[str, Any], words: str
) -> None:
    fresh = {name: (io.BytesIO(file.getvalue()), called) for name, (file, called) in form.items()}
    answer = login("inspector").post("/scan", fresh, headers=headers)
    assert answer.status_code == 422
    assert words in answer.text


def test_what_a_code_says_is_never_markup(login: Login) -> None:
    photo = photo_of([symbol('"><img src=x onerror=alert(1)>')])
    for headers in ({}, HTMX):
        text = login("inspector").post("/scan", sent(photo), headers=headers).text
        assert "<img" not in text
        assert "&lt;img" in text or "%3Cimg" in text


def test_a_post_from_elsewhere_is_refused(login: Login) -> None:
    answer = login("inspector").post("/scan", sent(photo_of([symbol("B2409")])), token="wrong", headers=HTMX)
    assert answer.status_code == 422
    assert "B2409" not in answer.text


def test_visitors_are_led_to_the_login(client: Any) -> None:
    assert client.get("/scan").location.startswith("/login")


def test_too_many_photos_are_slowed_down(login: Login, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(LIMITS, "scan", Limit(1, 10**9, "", shared=True))
    browser = login("inspector")
    assert browser.post("/scan", headers=HTMX).status_code == 422
    assert browser.post("/scan", headers=HTMX).status_code == 429


@pytest.mark.parametrize("path", ["/issues/new", "/complaints/new", "/trace"])
def test_each_box_has_its_camera(login: Login, path: str) -> None:
    page = login("inspector").get(path).text
    assert page.count("data-scan-photo=") == page.count("data-scan-area=") >= 1
    assert 'capture="environment"' in page
    assert 'href="/scan"' in page  # without scripts


def test_a_gs1_code_offers_its_serial_lot_and_article() -> None:
    code = Code("010690123456789210B2409\x1d21S1", "Data Matrix", gs1=True)
    assert choices([code]) == [
        Choice("B2409", "批号", known=True),
        Choice("6901234567892", "商品条码", known=True),
        Choice("S1", "序列号", known=False),
    ]


def test_a_gs1_code_without_number_of_ours_is_shown_as_it_is_printed() -> None:
    assert choices([Code("17271231", "GS1 DataBar", gs1=True)]) == [Choice("(17)271231", "GS1 DataBar", known=False)]


def test_a_plain_code_with_separators_loses_them() -> None:
    assert choices([Code("AB\x1dCD", "QR Code")])[0].text == "AB CD"
