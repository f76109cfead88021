"""Load plugins into a manager of their own per app; one that fails is left out, logged, and listed with its error."""

import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from importlib.metadata import EntryPoint, entry_points
from typing import Any

import pluggy
from flask import Flask
from flask_babel import LazyString, lazy_gettext

from qtrace.sdk import hookspecs
from qtrace.sdk.connector import Connector, Manifest
from qtrace.sdk.flow_nodes import FlowNode
from qtrace.sdk.rules import Fault, RuleCase, RuleKind
from qtrace.sdk.senders import Sender
from qtrace.sdk.text import Text
from qtrace.sdk.version import API_VERSION, fits

EXTENSION = "qtrace_plugins"
OWN = "qtrace_own_parts"
GROUP = "qtrace"
CONNECTORS, RULE_KINDS, SENDERS, FLOW_NODES = (
    "qtrace_register_connectors", "qtrace_register_rule_kinds", "qtrace_register_senders", "qtrace_register_flow_nodes",
)  # fmt: skip
CONNECTOR_PARTS = ("manifest", "settings", "streams", "pull", "to_record", "health")

log = logging.getLogger("qtrace.plugins")


@dataclass
class Plugin:
    """A plugin that was found: what it adds, or why it does not work."""

    name: str
    version: str = ""
    hooks: tuple[str, ...] = ()
    connectors: tuple[str, ...] = ()
    rule_kinds: tuple[str, ...] = ()
    senders: tuple[str, ...] = ()
    flow_nodes: tuple[str, ...] = ()
    error: LazyString | str = ""


@dataclass
class _State:
    """The plugins of one app."""

    manager: pluggy.PluginManager
    plugins: dict[str, Plugin] = field(default_factory=dict)
    connectors: dict[str, type[Connector]] = field(default_factory=dict)
    rule_kinds: dict[str, RuleKind] = field(default_factory=dict)
    senders: dict[str, Sender] = field(default_factory=dict)
    flow_nodes: dict[str, FlowNode] = field(default_factory=dict)


class _UnfitError(Exception):
    """A plugin's part cannot be used; the message is shown on the plugins page."""

    def __init__(self, message: LazyString) -> None:
        super().__init__()
        self.message = message


def init_plugins(app: Flask, found: Iterable[EntryPoint] | None = None) -> None:
    """Load every plugin of the entry-point group into a fresh manager."""
    state = app.extensions[EXTENSION] = _State(_new_manager())
    for name, part in app.extensions.get(OWN, {}).items():
        state.manager.register(part, name)
        _add_rule_kinds(state, Plugin(name))
        _add_senders(state, Plugin(name))
        _add_flow_nodes(state, Plugin(name))
    for entry in sorted(entry_points(group=GROUP) if found is None else found, key=lambda one: one.name):
        version = entry.dist.version if entry.dist else ""
        add_plugin(app, entry.name, entry.load, version=version)
    _state(app).manager.check_pending()


def offer(app: Flask, name: str, part: object) -> None:
    """Have a part of the product answer the hooks a plugin answers; call it before the plugins are loaded."""
    app.extensions.setdefault(OWN, {})[name] = part


def add_plugin(app: Flask, name: str, load: Callable[[], object], *, version: str = "") -> Plugin:
    """Add what `load` returns as a plugin of this app; whatever it does wrong ends up in its `error`."""
    state = _state(app)
    plugin = Plugin(name, version)
    state.plugins[name] = plugin
    try:
        loaded = load()
        _check(loaded, name)
        state.manager.register(loaded, name)
    except (Exception, SystemExit) as error:
        log.exception("plugin %s cannot be loaded", name)
        plugin.error = lazy_gettext("无法加载:%(why)s", why=_line(error))
        return plugin
    plugin.hooks = tuple(sorted(caller.name for caller in state.manager.get_hookcallers(loaded) or ()))
    for hook, add in (
        (CONNECTORS, _add_connectors), (RULE_KINDS, _add_rule_kinds), (SENDERS, _add_senders), (FLOW_NODES, _add_flow_nodes),
    ):  # fmt: skip
        with _kept_apart(plugin, hook):
            add(state, plugin)
    _guard_rule_kinds(state, plugin)
    return plugin


def installed(app: Flask) -> list[Plugin]:
    """Return every plugin that was found, by name, those that do not work included."""
    return [plugin for _name, plugin in sorted(_state(app).plugins.items())]


def connectors(app: Flask) -> dict[str, type[Connector]]:
    """Return the usable connector classes by key."""
    return dict(_state(app).connectors)


def rule_kinds(app: Flask) -> dict[str, RuleKind]:
    """Return the usable kinds of rules by key, the product's own first."""
    return dict(_state(app).rule_kinds)


def senders(app: Flask) -> dict[str, Sender]:
    """Return the usable senders of notices by key, the product's own first."""
    return dict(_state(app).senders)


def flow_nodes(app: Flask) -> dict[str, FlowNode]:
    """Return the usable kinds of automatic flow nodes by key, the product's own first."""
    return dict(_state(app).flow_nodes)


def plugin_rows(app: Flask) -> list[dict[str, Any]]:
    """Return the plugins as plain data, for `qtrace plugin list`; call it inside an app context."""
    return [
        {
            "name": plugin.name,
            "version": plugin.version,
            "hooks": list(plugin.hooks),
            "connectors": list(plugin.connectors),
            "rule_kinds": list(plugin.rule_kinds),
            "senders": list(plugin.senders),
            "flow_nodes": list(plugin.flow_nodes),
            "error": str(plugin.error),
        }
        for plugin in installed(app)
    ]


def _state(app: Flask) -> _State:
    state: _State = app.extensions[EXTENSION]
    return state


def _new_manager() -> pluggy.PluginManager:
    manager = pluggy.PluginManager(hookspecs.PROJECT)
    manager.add_hookspecs(hookspecs)
    return manager


def _check(loaded: object, name: str) -> None:
    """Refuse a plugin with unknown hooks or wrong arguments, on a manager of its own so that the app's stays clean."""
    trial = _new_manager()
    trial.register(loaded, name)
    trial.check_pending()
    if not trial.get_hookcallers(loaded):
        raise LookupError("it implements no hook of qtrace")


def _answers(state: _State, plugin: Plugin, hook: str) -> Iterator[object]:
    """Call one plugin's implementation alone, so that one that raises harms nobody else."""
    caller = getattr(state.manager.hook, hook)
    for implementation in caller.get_hookimpls():
        if implementation.plugin_name == plugin.name:
            yield implementation.function()


@contextmanager
def _kept_apart(plugin: Plugin, hook: str) -> Iterator[None]:
    """Let a plugin that offers something unfit, or raises, say so on the plugins page instead of stopping the site."""
    try:
        yield
    except _UnfitError as error:
        plugin.error = error.message
        log.error("plugin %s offers in %s what cannot be used; the plugins page says why", plugin.name, hook)
    except Exception as error:
        log.exception("plugin %s failed in %s", plugin.name, hook)
        plugin.error = lazy_gettext("%(hook)s 出错:%(why)s", hook=hook, why=_line(error))


def _add_connectors(state: _State, plugin: Plugin) -> None:
    classes = [one for answer in _answers(state, plugin, CONNECTORS) for one in _sequence(answer)]
    for connector in classes:
        manifest = _manifest_of(connector, state)
        state.connectors[manifest.key] = connector  # type: ignore[assignment]  # _manifest_of checked its parts
        plugin.connectors += (manifest.key,)


def _guard_rule_kinds(state: _State, plugin: Plugin) -> None:
    """Let a plugin's kind of rule whose function raises tell so instead of stopping what people save."""
    for key in plugin.rule_kinds:
        state.rule_kinds[key] = replace(state.rule_kinds[key], judge=_guarded(state.rule_kinds[key]))


def _add_rule_kinds(state: _State, plugin: Plugin) -> None:
    for answer in _answers(state, plugin, RULE_KINDS):
        for kind in _sequence(answer):
            if not isinstance(kind, RuleKind):
                raise TypeError(f"{kind!r} is no kind of rule")
            if kind.key in state.rule_kinds:
                raise _UnfitError(lazy_gettext("规则种类 %(key)s 已由另一处提供。请卸载其中一个插件。", key=kind.key))
            state.rule_kinds[kind.key] = kind
            plugin.rule_kinds += (kind.key,)


def _add_senders(state: _State, plugin: Plugin) -> None:
    for answer in _answers(state, plugin, SENDERS):
        for sender in _sequence(answer):
            if not isinstance(sender, Sender):
                raise TypeError(f"{sender!r} is no sender")
            if sender.key in state.senders:
                raise _UnfitError(lazy_gettext("通知方式 %(key)s 已由另一处提供。请卸载其中一个插件。", key=sender.key))
            state.senders[sender.key] = sender
            plugin.senders += (sender.key,)


def _add_flow_nodes(state: _State, plugin: Plugin) -> None:
    for answer in _answers(state, plugin, FLOW_NODES):
        for node in _sequence(answer):
            if not isinstance(node, FlowNode):
                raise TypeError(f"{node!r} is no kind of flow node")
            if node.key in state.flow_nodes:
                raise _UnfitError(lazy_gettext("自动处理 %(key)s 已由另一处提供。请卸载其中一个插件。", key=node.key))
            state.flow_nodes[node.key] = node
            plugin.flow_nodes += (node.key,)


def _guarded(kind: RuleKind) -> Callable[[RuleCase], Sequence[Fault]]:
    def judge(case: RuleCase) -> Sequence[Fault]:
        try:
            return list(kind.judge(case))
        except Exception:
            log.exception("the rule kind %s of a plugin failed", kind.key)
            zh, en = (
                "规则「%s」出错,没有检查。请告诉管理员。",
                "The rule “%s” failed and checked nothing. Please tell the administrator.",
            )
            return [Fault(Text(zh % kind.name.zh, en % kind.name.en), level="info")]

    return judge


def _sequence(answer: object) -> list[object]:
    if not isinstance(answer, (list, tuple)):
        raise TypeError(f"a list of classes was expected, not {type(answer).__name__}")
    return list(answer)


def _manifest_of(connector: object, state: _State) -> Manifest:
    manifest = getattr(connector, "manifest", None)
    if not isinstance(manifest, Manifest) or not isinstance(connector, type):
        raise TypeError(f"{connector!r} is no connector class with a manifest")
    missing = [part for part in CONNECTOR_PARTS if not hasattr(connector, part)]
    if missing:
        raise TypeError(f"connector {manifest.key} lacks {', '.join(missing)}")
    if not fits(manifest.api_version):
        raise _UnfitError(
            lazy_gettext(
                "连接器 %(key)s 需要接口版本 %(needed)s,本系统提供 %(offered)s。请安装与之相配的版本。",
                key=manifest.key, needed=manifest.api_version, offered=API_VERSION,
            )
        )  # fmt: skip
    if manifest.key in state.connectors:
        raise _UnfitError(lazy_gettext("连接器 %(key)s 已由另一个插件提供。请卸载其中一个。", key=manifest.key))
    return manifest


def _line(error: BaseException) -> str:
    text = " ".join(str(error).split())[:400]
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
