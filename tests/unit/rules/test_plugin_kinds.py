"""A plugin adds a kind of rule by the hook the product itself uses; one that fails stops nobody."""

from types import SimpleNamespace
from typing import Any

import pytest
from flask import Flask

from qtrace.plugins import add_plugin, installed, rule_kinds
from qtrace.rules.builtin import KINDS
from qtrace.rules.engine import Rule, check
from qtrace.sdk import Fault, RuleCase, RuleKind, Text, hookimpl
from tests.factories.rules import subject


def no_test_orders(case: RuleCase) -> list[Fault]:
    """Find order numbers that begin with TEST."""
    if str(case.value).startswith("TEST"):
        return [Fault(Text("这是测试订单。请填真实的订单号。", "This is a test order. Please use a real one."))]
    return []


def broken(case: RuleCase) -> list[Fault]:
    """Fail."""
    raise RuntimeError(case.field)


def kind_of(key: str, judge: Any) -> RuleKind:
    """Return a kind with this key and function."""
    return RuleKind(
        key=key, name=Text("不收测试订单", "No test orders"), hint=Text("拦住测试订单。", "Stops test orders."),
        family="text", judge=judge, fits=frozenset({"text"}),
    )  # fmt: skip


def plugin_with(*kinds: RuleKind) -> object:
    """Return a plugin that registers these kinds."""

    @hookimpl
    def qtrace_register_rule_kinds() -> tuple[RuleKind, ...]:
        return kinds

    return SimpleNamespace(qtrace_register_rule_kinds=qtrace_register_rule_kinds)


def test_the_products_own_kinds_come_by_the_hook_and_are_no_plugin(sqlite_app: Flask) -> None:
    assert list(rule_kinds(sqlite_app))[: len(KINDS)] == [kind.key for kind in KINDS]
    assert all(plugin.name != "qtrace-rules" for plugin in installed(sqlite_app))


def test_a_plugins_kind_judges_like_any_other(sqlite_app: Flask) -> None:
    plugin = add_plugin(sqlite_app, "acme", lambda: plugin_with(kind_of("acme_no_test", no_test_orders)))
    assert (plugin.rule_kinds, plugin.error) == (("acme_no_test",), "")
    asked = Rule(id=1, kind=rule_kinds(sqlite_app)["acme_no_test"], field="code")
    assert [one.message.zh for one in check([asked], subject({"code": "TEST-1"})).findings] == [
        "这是测试订单。请填真实的订单号。"
    ]
    assert check([asked], subject({"code": "691"})).findings == ()


def test_a_kind_that_fails_says_so_and_stops_nobody(sqlite_app: Flask) -> None:
    add_plugin(sqlite_app, "acme", lambda: plugin_with(kind_of("acme_broken", broken)))
    asked = Rule(id=1, kind=rule_kinds(sqlite_app)["acme_broken"], field="code", level="block")
    [finding] = check([asked], subject({"code": "691"})).findings
    assert finding.level == "info"
    assert "没有检查" in finding.message.zh


@pytest.mark.parametrize("kinds", [(kind_of("required", no_test_orders),), ("nonsense",)], ids=["taken", "no kind"])
def test_a_kind_that_cannot_be_used_is_told_on_the_plugins_page(sqlite_app: Flask, kinds: Any) -> None:
    with sqlite_app.test_request_context():
        plugin = add_plugin(sqlite_app, "acme", lambda: plugin_with(*kinds))
        assert str(plugin.error)
    assert rule_kinds(sqlite_app)["required"].name.zh == "必填"
