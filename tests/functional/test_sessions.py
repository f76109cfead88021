"""Logging in and out."""

from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from qtrace.accounts.models import UserSession
from qtrace.core.db import db
from qtrace.web.csrf import safe_path
from tests.conftest import PASSWORD, Browser


def log_in_by_form(app: Flask, client: FlaskClient, username: str, password: str, **extra: str) -> object:
    return Browser(client, app).post("/login", {"username": username, "password": password, **extra})


def test_the_right_password_opens_a_session_and_leads_to_the_wanted_page(app: Flask, client: FlaskClient) -> None:
    response = log_in_by_form(app, client, "wangjie", PASSWORD, next="/me")
    assert (response.status_code, response.location) == (303, "/me")
    cookie = client.get_cookie("qt")
    assert cookie is not None
    assert cookie.http_only
    stored = db.session.scalars(select(UserSession.id)).one()
    assert cookie.value != stored, "only the digest of the token may be stored"


@pytest.mark.parametrize(("username", "password"), [("wangjie", "wrong password"), ("nobody", PASSWORD)])
def test_a_wrong_name_and_a_wrong_password_answer_the_same(
    app: Flask, client: FlaskClient, username: str, password: str
) -> None:
    response = log_in_by_form(app, client, username, password)
    assert response.status_code == 422
    assert "用户名或密码不对" in response.text
    assert client.get_cookie("qt") is None


def test_a_session_ends_on_the_server_when_its_person_logs_out(login: Callable[[str], Browser]) -> None:
    browser = login("quality_lead")
    kept = browser.client.get_cookie("qt")
    assert browser.get("/me").status_code == 200
    assert browser.post("/logout").status_code == 303
    browser.client.set_cookie("qt", kept.value)
    assert browser.get("/me").location.startswith("/login")


def test_the_sixth_try_within_a_minute_is_refused_with_the_waiting_time(app: Flask, client: FlaskClient) -> None:
    answers = [log_in_by_form(app, client, "wangjie", "wrong password").status_code for _ in range(6)]
    assert answers[:5] == [422] * 5
    assert answers[5] == 429


def test_changing_the_password_ends_the_other_logins(login: Callable[[str], Browser]) -> None:
    here, there = login("quality_lead"), login("quality_lead")
    answer = here.post("/me/password", {"current": PASSWORD, "password": "a new long password"})
    assert answer.status_code == 303
    assert there.get("/me").status_code == 303
    assert here.get("/me").status_code == 200


@pytest.mark.parametrize(
    "target",
    [
        "//evil.example",
        "/\\evil.example",
        "https:evil.example",
        "http:///evil.example",
        "javascript:alert(1)",
        "/a\nb",
        "",
    ],
)
def test_only_a_path_of_this_site_is_followed_after_the_login(target: str) -> None:
    assert safe_path(target) == "/"


def test_a_role_change_ends_the_persons_logins(login: Callable[[str], Browser]) -> None:
    admin, other = login("admin"), login("inspector")
    page = admin.get("/config/members")
    assert "李工" in page.text
    row = next(part for part in page.text.split("/config/members/") if "李工" in part[:80])
    user = row.split('"')[0]
    answer = admin.post(
        f"/config/members/{user}", {"username": "ligong", "name": "李工", "roles": "auditor", "active": "y"}
    )
    assert answer.status_code == 303
    assert other.get("/me").location.startswith("/login")
