"""The product's own kinds of rules, offered through the same hook as a plugin's."""

from collections.abc import Sequence

from qtrace.rules.kinds import facts, files, formulas, logic, numbers, presence, tables, texts, times
from qtrace.sdk import hookimpl
from qtrace.sdk.rules import RuleKind

KINDS: tuple[RuleKind, ...] = (
    *presence.KINDS, *texts.KINDS, *numbers.KINDS, *times.KINDS, *files.KINDS, *facts.KINDS, *tables.KINDS, *logic.KINDS,
    *formulas.KINDS,
)  # fmt: skip


@hookimpl
def qtrace_register_rule_kinds() -> Sequence[RuleKind]:
    """Return the kinds of this package."""
    return KINDS
