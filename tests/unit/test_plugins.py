"""Plugins live apart: one that fails harms nobody, and says why."""

from typing import Any

import pytest
from flask import Flask

from qtrace.plugins import add_plugin, connectors, init_plugins, installed, plugin_rows
from qtrace.sdk import hookimpl
from tests.unit.channels.shopfloor import Floor, connector_of, plugin_of


@pytest.fixture
def bare(sqlite_app: Flask) -> Flask:
    """An app without any plugin."""
    init_plugins(sqlite_app, [])
    return sqlite_app


def raises() -> object:
    raise ImportError("libsomething is missing")


def exits() -> object:
    raise SystemExit(3)


class RaisingHook:
    @hookimpl
    def qtrace_register_connectors(self) -> Any:
        raise RuntimeError("boom")


class UnknownHook:
    @hookimpl
    def qtrace_make_coffee(self) -> None:
        return None


class WrongArguments:
    @hookimpl
    def qtrace_register_connectors(self, sugar: int) -> Any:
        return []


class NoList:
    @hookimpl
    def qtrace_register_connectors(self) -> Any:
        return "folder"


class NoConnector:
    @hookimpl
    def qtrace_register_connectors(self) -> Any:
        return [int]


@pytest.mark.parametrize(
    ("load", "says"),
    [
        (raises, "libsomething is missing"),
        (exits, "SystemExit"),
        (RaisingHook, "boom"),
        (UnknownHook, "qtrace_make_coffee"),
        (WrongArguments, "sugar"),
        (NoList, "a list of classes was expected"),
        (NoConnector, "no connector class with a manifest"),
        (object, "implements no hook"),
    ],
)
def test_a_plugin_that_fails_is_listed_with_its_error_and_the_others_work(bare: Flask, load: Any, says: str) -> None:
    add_plugin(bare, "bad", load)
    add_plugin(bare, "good", lambda: plugin_of(connector_of(Floor(), key="good")))
    assert list(connectors(bare)) == ["good"]
    bad, good = plugin_rows(bare)
    assert says in bad["error"]
    assert good == {
        "name": "good", "version": "", "hooks": ["qtrace_register_connectors"], "connectors": ["good"], "rule_kinds": [], "senders": [], "flow_nodes": [],
            "error": "",
    }  # fmt: skip


@pytest.mark.parametrize("needed", ["2.0", "1.9", "0.9", "1", "new"])
def test_a_connector_for_another_api_version_is_refused_with_a_clear_line(bare: Flask, needed: str) -> None:
    add_plugin(bare, "late", lambda: plugin_of(connector_of(Floor(), key="late", api_version=needed)))
    assert connectors(bare) == {}
    assert plugin_rows(bare)[0]["error"] == (
        f"连接器 late 需要接口版本 {needed},本系统提供 1.0。请安装与之相配的版本。"
    )


def test_two_plugins_cannot_share_a_key(bare: Flask) -> None:
    first = connector_of(Floor(), key="same")
    add_plugin(bare, "a", lambda: plugin_of(first))
    add_plugin(bare, "b", lambda: plugin_of(connector_of(Floor(), key="same")))
    assert connectors(bare) == {"same": first}
    assert "另一个插件" in plugin_rows(bare)[1]["error"]


def test_every_app_has_its_own_plugins(bare: Flask) -> None:
    other = Flask("other")
    init_plugins(other, [])
    add_plugin(bare, "good", lambda: plugin_of(connector_of(Floor(), key="good")))
    assert installed(other) == []


def test_an_app_finds_the_installed_plugins_by_itself(sqlite_app: Flask) -> None:
    assert "folder_drop" in connectors(sqlite_app)
