"""Settings are checked by their type, and a secret is never shown again."""

import pytest
from flask import Flask
from flask_babel import force_locale

from qtrace.core.setting_fields import check_settings, say, shown_fields
from qtrace.sdk import SettingField, Text

FIELDS = (
    SettingField(name="token", label=Text("密钥", "Token"), kind="secret", required=True),
    SettingField(name="limit", label=Text("每页", "Page"), kind="number", default=5, least=1, most=50),
    SettingField(name="live", label=Text("正式", "Live"), kind="switch"),
    SettingField(name="site", label=Text("站点", "Site"), kind="choice", choices=(("cn", Text("中国", "China")),)),
)


def test_good_settings_are_kept_typed(sqlite_app: Flask) -> None:
    checked = check_settings(FIELDS, {"token": " s ", "limit": "7", "live": "on", "site": "cn"}, {})
    assert checked.errors == {}
    assert checked.values == {"token": "s", "limit": 7, "live": True, "site": "cn"}


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("token", "", "请填写"),
        ("limit", "many", "整数"),
        ("limit", "٣", "整数"),
        ("limit", "0", "最小是 1"),
        ("limit", "51", "最大是 50"),
        ("site", "mars", "从列表里选"),
        ("token", "x" * 501, "最多 500"),
    ],
)
def test_each_wrong_setting_is_named(sqlite_app: Flask, name: str, value: str, says: str) -> None:
    given = {"token": "s", "limit": "7", "site": "cn"} | {name: value}
    assert says in check_settings(FIELDS, given, {}).errors[name]


def test_a_secret_left_empty_stays_as_it_was(sqlite_app: Flask) -> None:
    assert check_settings(FIELDS, {"token": "", "site": "cn"}, {"token": "old"}).values["token"] == "old"


def test_a_secret_is_never_shown_back(sqlite_app: Flask) -> None:
    shown = shown_fields(FIELDS, {"token": "s3cret"}, given={"token": "s3cret"})[0]
    assert (shown.value, shown.kept) == ("", True)
    assert "s3cret" not in repr(shown)


def test_a_plugins_sentence_is_said_in_the_readers_language(sqlite_app: Flask) -> None:
    sentence = Text("你好", "hello")
    with force_locale("en"):
        assert say(sentence) == "hello"
    with force_locale("zh"):
        assert say(sentence) == "你好"
