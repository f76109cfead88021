"""People make and end tokens on their account; the administrator keeps endpoints and sees what was sent."""

import html
import re

from flask import Flask
from sqlalchemy import select

from qtrace.api.models import ApiToken, WebhookDelivery, WebhookEndpoint
from qtrace.api.webhooks import switch_endpoint
from qtrace.core import clock
from qtrace.core.db import write
from qtrace.core.jobs import run_one
from tests.conftest import NOW, log_in
from tests.factories.api import make_token
from tests.factories.issues import fresh

TOKEN = {"name": "ERP 同步", "scopes": ["issues:read"], "days": "90"}


def test_a_new_token_is_shown_once_and_works_until_it_is_revoked(sqlite_app: Flask) -> None:
    browser = log_in(sqlite_app, "quality_lead")
    page = browser.post("/me/tokens", TOKEN).text
    key = html.unescape(re.search(r'data-testid="token">([^<]+)<', page).group(1))  # type: ignore[union-attr]
    assert key not in browser.get("/me/tokens").text
    client = sqlite_app.test_client()
    headers = {"Authorization": f"Bearer {key}"}
    assert client.get("/api/v1/issues", headers=headers).status_code == 200
    token = fresh().scalars(select(ApiToken)).one()
    assert browser.post(f"/me/tokens/{token.id}/revocation").status_code == 303
    assert client.get("/api/v1/issues", headers=headers).status_code == 401


def test_a_token_without_a_scope_or_a_name_is_not_made(sqlite_app: Flask) -> None:
    browser = log_in(sqlite_app, "quality_lead")
    for wrong in ({"scopes": []}, {"name": " "}, {"days": "366"}, {"scopes": ["everything"]}):
        assert browser.post("/me/tokens", TOKEN | wrong).status_code == 422
    assert fresh().scalars(select(ApiToken)).all() == []


def test_nobody_ends_another_persons_token_but_the_administrator(sqlite_app: Flask) -> None:
    make_token("quality_lead")
    token_id = fresh().scalars(select(ApiToken.id)).one()
    assert log_in(sqlite_app, "inspector").post(f"/me/tokens/{token_id}/revocation").status_code == 404
    assert log_in(sqlite_app, "inspector").post(f"/config/api/tokens/{token_id}/revocation").status_code == 403
    admin = log_in(sqlite_app, "admin")
    assert "ERP" in admin.get("/config/api").text
    assert admin.post(f"/config/api/tokens/{token_id}/revocation").status_code == 303
    assert fresh().get_one(ApiToken, token_id).revoked_at is not None


def test_an_endpoint_is_added_tested_rotated_and_removed(sqlite_app: Flask) -> None:
    admin = log_in(sqlite_app, "admin")
    form = {"name": "ERP", "url": "https://127.0.0.1/hook", "events": ["issue_opened"]}
    assert admin.post("/config/api/webhooks", form | {"url": "ftp://example.com/"}).status_code == 422
    url = admin.post("/config/api/webhooks", form).location
    assert admin.post(f"{url}/tests").status_code == 303
    while run_one(clock=clock.now):
        pass
    delivery = fresh().scalars(select(WebhookDelivery)).one()
    assert delivery.tries[0]["error"].startswith("这个网址指向内部网络")
    shown = admin.get(f"{url}/deliveries/{delivery.id}").text
    assert delivery.message_id in shown
    assert "whsec_" not in shown
    assert admin.post(f"{url}/deliveries/{delivery.id}/redelivery").status_code == 303
    assert admin.post(f"{url}/secret").status_code == 303
    assert admin.get(url).text.count("whsec_") >= 2
    assert admin.post(url, form | {"name": "仓库系统", "events": ["issue_opened", "flow_closed"]}).status_code == 303
    assert "仓库系统" in admin.get("/config/api").text
    assert admin.post(f"{url}/removal").status_code == 303
    assert fresh().scalars(select(WebhookEndpoint)).all() == []
    assert admin.get(url).status_code == 404


def test_the_status_page_names_an_endpoint_that_was_given_up(sqlite_app: Flask) -> None:
    admin = log_in(sqlite_app, "admin")
    form = {"name": "ERP 推送", "url": "https://receiver.example/hook", "events": ["issue_opened"]}
    endpoint_id = int(admin.post("/config/api/webhooks", form).location.rsplit("/", 1)[1])
    with write():
        switch_endpoint(endpoint_id, enabled=False, by=None, now=NOW, reason="连续多次推送失败,已自动停用。")
    assert "ERP 推送" in admin.get("/config/status").text
    assert admin.post(f"/config/api/webhooks/{endpoint_id}/state", {"enabled": "1"}).status_code == 303
    assert "ERP 推送" not in admin.get("/config/status").text


def test_only_those_who_may_keep_the_api_see_it(sqlite_app: Flask) -> None:
    assert log_in(sqlite_app, "quality_lead").get("/config/api").status_code == 403
    assert log_in(sqlite_app, "admin").get("/config/api").status_code == 200
