"""The administrator connects a folder, sees what came in and what was refused, on a page and without JavaScript."""

import os
from collections.abc import Callable
from pathlib import Path

from flask import Flask
from sqlalchemy import select

from qtrace.channels.models import ChannelAccount
from qtrace.core import clock
from qtrace.core.db import db, read
from qtrace.core.jobs import run_one
from qtrace.plugins import add_plugin
from tests.conftest import Browser
from tests.unit.channels.shopfloor import account, connect

Login = Callable[[str], Browser]


def test_only_people_who_manage_channels_reach_the_pages(app: Flask, login: Login) -> None:
    _floor, account_id = connect(app)
    for url in ("/channels", "/channels/new", f"/channels/{account_id}"):
        assert login("admin").get(url).status_code == 200
        assert login("quality_lead").get(url).status_code == 403
        assert app.test_client().get(url).status_code == 303
    for url in (
        "/channels",
        f"/channels/{account_id}",
        f"/channels/{account_id}/syncs",
        f"/channels/{account_id}/pause",
    ):
        assert login("quality_lead").post(url).status_code == 403


def test_the_story_of_a_dropped_file(app: Flask, login: Login) -> None:
    admin = login("admin")
    form = admin.get("/channels/new?connector=folder_drop").text
    assert 'name="setting-settle_seconds"' in form
    answer = admin.post("/channels", {"connector": "folder_drop", "name": "天猫店", "setting-settle_seconds": "0"})
    assert answer.status_code == 303
    folder = Path(app.config["QTRACE_DATA_DIR"]) / "drop" / "天猫店"
    folder.mkdir(parents=True)
    path = folder / "orders.csv"
    path.write_text("订单号,下单时间,心情\nT1,2026-11-01 10:00,好\nT2,昨天,坏\n", encoding="utf-8")
    os.utime(path, (1_700_000_000, 1_700_000_000))
    assert run_one(clock=clock.now)
    page = admin.get(answer.location).text
    assert 'id="stream-orders"' in page
    assert "orders.csv #3" in page
    assert "心情" in page
    assert "drop/天猫店" in page
    assert "天猫店" in admin.get("/channels").text


def test_a_wrong_setting_is_shown_beside_its_field_and_nothing_is_saved(app: Flask, login: Login) -> None:
    answer = login("admin").post(
        "/channels", {"connector": "folder_drop", "name": "店", "setting-settle_seconds": "soon"}
    )
    assert answer.status_code == 422
    assert 'id="setting-settle_seconds-error"' in answer.text
    with read():
        assert db.session.scalars(select(ChannelAccount)).all() == []


def test_a_name_that_is_taken_is_said_beside_the_name(app: Flask, login: Login) -> None:
    connect(app)
    answer = login("admin").post("/channels", {"connector": "folder_drop", "name": "fake 旗舰店"})
    assert answer.status_code == 422
    assert 'id="name-error"' in answer.text


def test_a_secret_is_never_shown_and_stays_when_left_empty(app: Flask, login: Login) -> None:
    _floor, account_id = connect(app)
    admin = login("admin")
    assert "s3cret" not in admin.get(f"/channels/{account_id}").text
    answer = admin.post(f"/channels/{account_id}", {"setting-token": "", "setting-limit": "9"})
    assert answer.status_code == 303
    assert account(account_id).settings == {"token": "s3cret", "limit": 9}
    wrong = admin.post(f"/channels/{account_id}", {"setting-token": "n3w", "setting-limit": "none"})
    assert wrong.status_code == 422
    assert "n3w" not in wrong.text


def test_pausing_stops_the_schedule_and_resuming_starts_it(app: Flask, login: Login) -> None:
    _floor, account_id = connect(app)
    admin = login("admin")
    admin.post(f"/channels/{account_id}/pause", {"paused": "1"})
    assert account(account_id).enabled is False
    admin.post(f"/channels/{account_id}/pause", {"paused": "0"})
    assert account(account_id).enabled is True


def test_sync_now_is_queued_once(app: Flask, login: Login) -> None:
    floor, account_id = connect(app)
    admin = login("admin")
    assert admin.post(f"/channels/{account_id}/syncs").status_code == 303
    admin.post(f"/channels/{account_id}/syncs")
    assert run_one(clock=clock.now)
    assert not run_one(clock=clock.now)
    assert len(floor.calls) == 1


def test_a_plugin_that_cannot_be_used_is_named_with_its_reason(app: Flask, login: Login) -> None:
    connect(app, key="late", api_version="9.0")
    add_plugin(app, "broken", lambda: 1 / 0)
    page = login("admin").get("/channels").text
    assert "需要接口版本 9.0" in page
    assert "division by zero" in page
    assert "连接器不可用" in page


def test_an_account_that_does_not_exist_is_not_found(app: Flask, login: Login) -> None:
    assert login("admin").get("/channels/99").status_code == 404
    assert login("admin").post("/channels/99/syncs").status_code == 404
    assert login("admin").get("/channels/new?connector=nothing").status_code == 404
