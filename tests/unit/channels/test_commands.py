"""The command line's data: plain dicts, one clear line for each mistake."""

import json

import pytest
from flask import Flask

from qtrace.channels.commands import channel_add, channel_list, channel_status, channel_sync
from qtrace.core.errors import Refused
from qtrace.sdk import Page
from tests.unit.channels.shopfloor import NOW, connect, order


def test_an_account_is_added_synced_and_reported_without_its_secret(app: Flask) -> None:
    floor, _account_id = connect(app)
    floor.pull = lambda *_: Page(records=(order("A1"),))
    added = channel_add(app, "二店", connector="fake", settings={"token": "s3cret"}, now=NOW)
    assert (added["name"], added["shop"], added["records"]) == ("二店", "二店", 0)
    assert channel_sync("二店", clock=lambda: NOW)["streams"]["orders"]["stored"] == 1
    assert [row["name"] for row in channel_list()] == ["fake 旗舰店", "二店"]
    status = channel_status("二店")
    assert (status["records"], status["streams"][0]["name"]) == (1, "orders")
    assert "s3cret" not in json.dumps([channel_list(), status], ensure_ascii=False)


@pytest.mark.parametrize(
    ("connector", "shop", "settings", "says"),
    [
        ("nothing", "", {}, "没有连接器 nothing"),
        ("fake", "", {}, "请填写"),
        ("fake", "", {"token": "x", "colour": "red"}, "colour"),
        ("fake", "mars", {"token": "x"}, "没有店铺 mars"),
    ],
)
def test_each_mistake_is_one_line(
    sqlite_app: Flask, connector: str, shop: str, settings: dict[str, str], says: str
) -> None:
    connect(sqlite_app)
    with pytest.raises(Refused, match=says):
        channel_add(sqlite_app, "二店", connector=connector, shop_key=shop, settings=settings, now=NOW)


def test_an_unknown_account_names_the_known_ones(sqlite_app: Flask) -> None:
    connect(sqlite_app)
    with pytest.raises(Refused, match="fake 旗舰店"):
        channel_sync("三店", clock=lambda: NOW)
    with pytest.raises(Refused, match="fake 旗舰店"):
        channel_status("三店")
