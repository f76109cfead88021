"""Every hook the product calls, declared once; docs/plugins/hooks.md is compared with this file.

Hooks only register: what they return does the work.
"""

from collections.abc import Sequence

import pluggy

from qtrace.sdk.connector import Connector
from qtrace.sdk.flow_nodes import FlowNode
from qtrace.sdk.rules import RuleKind
from qtrace.sdk.senders import Sender

PROJECT = "qtrace"

hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)


@hookspec
def qtrace_register_connectors() -> Sequence[type[Connector]]:  # type: ignore[empty-body]  # a declaration only
    """Return the connector classes this plugin adds."""


@hookspec
def qtrace_register_rule_kinds() -> Sequence[RuleKind]:  # type: ignore[empty-body]  # a declaration only
    """Return the kinds of form rules this plugin adds."""


@hookspec
def qtrace_register_senders() -> Sequence[Sender]:  # type: ignore[empty-body]  # a declaration only
    """Return the senders of notices this plugin adds."""


@hookspec
def qtrace_register_flow_nodes() -> Sequence[FlowNode]:  # type: ignore[empty-body]  # a declaration only
    """Return the kinds of automatic flow nodes this plugin adds."""
