"""Photos of a complaint: added when it is recorded, shown with it and with the issue that holds it."""

import io
import re
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from PIL import Image
from sqlalchemy import func, select

from qtrace.complaints.models import Complaint, ComplaintPhoto
from qtrace.core.db import db
from qtrace.core.models import StoredFileRow
from tests.conftest import Browser


def photo(kind: str = "PNG") -> tuple[io.BytesIO, str]:
    """Return a photo as a form sends it."""
    out = io.BytesIO()
    Image.new("RGB", (80, 60), "teal").save(out, kind)
    return io.BytesIO(out.getvalue()), "瓶口.png"


@pytest.fixture
def service(app: Flask, login: Callable[[str], Browser]) -> Browser:
    """Somebody of customer service."""
    return login("customer_service")


def record(browser: Browser, **form: Any) -> Any:
    """Record a complaint by the form."""
    return browser.post("/complaints", {"text": "瓶口漏液"} | form)


def address_in(page: str) -> str:
    """Return the address of the first photo of a page."""
    found = re.search(r'src="(/complaints/[^"]+/photos/\d+)"', page)
    assert found, page
    return found[1]


def test_a_photo_is_kept_small_and_shown_with_its_complaint(service: Browser) -> None:
    answer = record(service, photos=photo())
    assert answer.status_code == 303
    page = service.get(answer.location).text
    with service.get(address_in(page)) as shown:
        assert (shown.status_code, shown.mimetype) == (200, "image/jpeg")
        assert shown.headers["Content-Security-Policy"] == "default-src 'none'; sandbox"
        assert Image.open(io.BytesIO(shown.data)).size == (80, 60)


def test_a_complaint_without_a_photo_shows_no_box(service: Browser) -> None:
    assert "/photos/" not in service.get(record(service).location).text
    assert db.session.scalar(select(func.count()).select_from(ComplaintPhoto)) == 0


def test_an_invalid_form_comes_back_with_its_photo(service: Browser) -> None:
    refused = record(service, text=" ", photos=photo())
    assert refused.status_code == 422
    note = re.search(r'name="photos.kept" value="([^"]+)" checked', refused.text)
    assert note
    assert db.session.scalar(select(func.count()).select_from(StoredFileRow)) == 0
    answer = record(service, **{"photos.kept": note[1]})
    with service.get(address_in(service.get(answer.location).text)) as shown:
        assert shown.status_code == 200


def test_what_is_no_photo_and_what_is_too_many_is_refused(service: Browser) -> None:
    assert record(service, photos=(io.BytesIO(b"MZ not a photo"), "x.png")).status_code == 422
    many = record(service, photos=[photo() for _each in range(10)])
    assert many.status_code == 422
    assert "最多 9 张照片" in many.text
    assert db.session.scalar(select(func.count()).select_from(Complaint)) == 0


def test_nobody_reaches_a_photo_through_another_complaint(service: Browser) -> None:
    with_photo = address_in(service.get(record(service, photos=photo()).location).text)
    other = record(service).location
    assert service.get(f"{other}/photos/{with_photo.rsplit('/', 1)[1]}").status_code == 404
    assert service.get(f"{other}/photos/999").status_code == 404


def test_the_issue_that_holds_the_complaint_shows_the_photo(app: Flask, login: Callable[[str], Browser]) -> None:
    lead = login("quality_lead")
    number = record(lead, photos=photo()).location.rsplit("/", 1)[1]
    complaint_id = db.session.scalars(select(Complaint.id).where(Complaint.number == number)).one()
    opened = lead.post("/issues/openings", {"ids": [str(complaint_id)], "title": "漏液"})
    assert opened.status_code == 303
    page = lead.get(opened.location).text
    assert 'id="held-photos"' in page
    assert address_in(page).startswith(f"/complaints/{number}/photos/")
