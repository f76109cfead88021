"""What holds for every page: tokens, one-use submits, headers, errors."""

from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select, text

from qtrace.accounts.models import User
from qtrace.classification.models import Term
from qtrace.core.db import db
from tests.conftest import Browser, log_in

MEMBER = {"username": "new", "name": "新人", "roles": "auditor", "password": "long enough", "active": "y"}


def test_a_write_without_the_token_is_refused(login: Callable[[str], Browser]) -> None:
    answer = login("admin").post("/config/members", MEMBER, token="")
    assert answer.status_code == 422
    assert "刷新页面" in answer.text


def test_a_write_with_another_persons_token_is_refused(app: Flask) -> None:
    stranger, admin = log_in(app, "auditor"), log_in(app, "admin")
    assert admin.post("/config/members", MEMBER, token=stranger.token()).status_code == 422


def test_a_write_from_another_site_is_refused(login: Callable[[str], Browser]) -> None:
    answer = login("admin").post("/config/members", MEMBER, headers={"Sec-Fetch-Site": "cross-site"})
    assert answer.status_code == 422


def test_a_double_tap_adds_one_person_and_both_answers_lead_to_the_same_page(login: Callable[[str], Browser]) -> None:
    admin = login("admin")
    form = MEMBER | {"submit_id": "f" * 32}
    first = admin.post("/config/members", form)
    second = admin.post("/config/members", form, headers={"Referer": "http://localhost/config/members/new"})
    assert (first.status_code, second.status_code) == (303, 303)
    assert db.session.scalar(select(func.count()).select_from(User).where(User.username == "new")) == 1


def test_a_refused_form_may_be_sent_again_with_the_same_submit_id(login: Callable[[str], Browser]) -> None:
    admin = login("admin")
    taken = MEMBER | {"username": "wangjie", "submit_id": "e" * 32}
    assert admin.post("/config/members", taken).status_code == 409
    assert admin.post("/config/members", taken | {"username": "free"}).status_code == 303


@pytest.mark.parametrize("path", ["/login", "/me", "/nope", "/config/members"])
def test_every_answer_carries_the_security_headers(app: Flask, path: str) -> None:
    headers = log_in(app, "admin").get(path).headers
    assert headers["Content-Security-Policy"].startswith("default-src 'none'; script-src 'self'; style-src 'self';")
    assert "unsafe" not in headers["Content-Security-Policy"]
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Cache-Control"] == "no-store"
    assert "Cookie" in headers["Vary"]


def test_an_unknown_host_is_refused(client: FlaskClient) -> None:
    assert client.get("/login", headers={"Host": "evil.example"}).status_code == 400


def test_a_page_is_compressed_for_a_browser_that_can(app: Flask) -> None:
    response = log_in(app, "admin").get("/config/members", headers={"Accept-Encoding": "gzip"})
    assert response.headers["Content-Encoding"] == "gzip"


def test_a_visitor_is_led_to_the_login_and_back(client: FlaskClient) -> None:
    response = client.get("/config/members?x=1")
    assert response.status_code == 303
    assert response.location == "/login?next=/config/members?x%3D1"


def test_reading_writes_nothing(app: Flask) -> None:
    admin = log_in(app, "admin")

    def state() -> tuple[object, ...]:
        db.session.remove()
        return tuple(
            db.session.execute(text(f"SELECT count(*) FROM {table}")).scalar_one()
            for table in ("event", "job", "submission", "term", "issue", "complaint", "task")
        )

    before = state()
    for path in ("/", "/login", "/me", "/config/members", "/config/status", "/config/audit"):
        admin.get(path)
    assert state() == before


def test_an_error_for_htmx_lands_beside_the_form_and_not_over_it(app: Flask) -> None:
    response = log_in(app, "admin").get("/nope", headers={"HX-Request": "true"})
    assert (response.status_code, response.headers["HX-Retarget"]) == (404, "#alerts")
    assert "<html" not in response.text


def test_a_number_no_row_can_have_leads_nowhere_and_breaks_nothing(sqlite_app: Flask) -> None:
    """王姐 opened a link with twenty-one nines in it and saw 「系统出错了」."""
    huge = "9" * 21
    admin = log_in(sqlite_app, "admin")
    pages = [f"/config/taxonomies?term={huge}", f"/config/audit?before={huge}", f"/imports?before={huge}"]
    assert {admin.get(page).status_code for page in pages} == {200}
    term = db.session.scalars(select(Term.id).limit(1)).one()
    assert admin.get(f"/config/taxonomies/terms/{term}/merger?into={huge}").status_code == 404
    assert admin.post(f"/config/taxonomies/terms/{term}/merger", {"into": huge}).status_code == 404
