"""The properties of a node and of a branch as the designer's form sends them: texts in, a changed node out. Pure.

Every input the panel draws for a kind of node is read here; what is not a number where one is asked for is refused at its
input. A row of people whose way was just changed loses the value that belonged to the old way.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, TypeVar, cast, get_args

from qtrace.flows.definition import (
    ASKING,
    FORKS,
    JUDGING,
    SPLITS,
    WHO_KINDS,
    AfterReturn,
    Branch,
    Definition,
    Demands,
    Helper,
    Mode,
    Nobody,
    Node,
    NodeKind,
    Order,
    Overdue,
    Policies,
    RejectTo,
    Repeated,
    SelfApproval,
    Signing,
    Who,
    WhoKind,
    Withdrawal,
)
from qtrace.flows.errors import FlowError
from qtrace.flows.wording import BUTTONS, GATES, RIGHTS
from qtrace.sdk.flow_nodes import FlowNode, NodeOption

_ = str  # marks messages for extraction; they are translated where they are shown

HOUR: Final = 60
T = TypeVar("T")
UNITS: Final[Mapping[str, str]] = {"hour": _("小时"), "day": _("天"), "minute": _("分钟")}
LENGTHS: Final = {
    True: {"minute": 1, "hour": HOUR, "day": 8 * HOUR},
    False: {"minute": 1, "hour": HOUR, "day": 24 * HOUR},
}
MOST_DIGITS: Final = 7
MOST_NAME: Final = 120
MOST_NOTICE: Final = 500
MOST_SOURCE: Final = 500
MOST_ROWS: Final = 30
NO_NODES: Final[Mapping[str, FlowNode]] = {}
DECIDE: Final = "decide"  # the button every node has
PERSONAL: Final = frozenset(
    {"fill", "handle", "approve", "countersign", "verify"}
)  # kinds that change into one another
LEVELS: Final = frozenset({"nth_head", "head_chain"})


class PropertyError(FlowError):
    """A property that cannot be read; `field` is its input."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__("property", message)
        self.field = field


@dataclass(frozen=True)
class Sent:
    """What a form sent: every input with all its texts."""

    texts: Mapping[str, Sequence[str]]

    def text(self, name: str, most: int = MOST_NAME) -> str:
        """Return the first text of an input without blanks around it."""
        return next(iter(self.texts.get(name, ())), "").strip()[:most]

    def all(self, name: str) -> list[str]:
        """Return every text of an input."""
        return list(self.texts.get(name, ()))

    def on(self, name: str) -> bool:
        """Say whether a box was ticked."""
        return bool(self.text(name))

    def number(self, name: str, fallback: int = 0) -> int:
        """Return a whole number, the fallback where nothing was typed."""
        text = self.text(name)
        if not text:
            return fallback
        if not (text.isascii() and text.isdecimal() and len(text) <= MOST_DIGITS):
            raise PropertyError(name, _("请填写整数。"))
        return int(text)

    def choice(self, name: str, choices: Sequence[T], fallback: T) -> T:
        """Return what was chosen of these, else the fallback."""
        text = self.text(name)
        return next((one for one in choices if one == text), fallback)

    def span(self, name: str, *, working: bool = True) -> int:
        """Return a length of time in minutes, typed as an amount and a unit."""
        return self.number(name) * LENGTHS[working].get(self.text(f"{name}_unit"), HOUR)


def amount_of(minutes: int, *, working: bool = True) -> tuple[int, str]:
    """Return a length of time as (amount, unit) in the largest unit that leaves nothing over."""
    lengths = LENGTHS[working]
    for unit in ("day", "hour"):
        if minutes and minutes % lengths[unit] == 0:
            return minutes // lengths[unit], unit
    return (minutes, "minute") if minutes else (0, "hour")


def read_node(node: Node, sent: Sent, known: Mapping[str, FlowNode] = NO_NODES) -> Node:
    """Return the node with the properties that were sent; `known` are the kinds of automatic nodes there are."""
    name = sent.text("name_zh")
    if not name:
        raise PropertyError("name_zh", _("请填写名称。"))
    changed = replace(node, name_zh=name, name_en=sent.text("name_en") or node.name_en, kind=_kind(node, sent))
    changed = replace(changed, notice=sent.text("notice", MOST_NOTICE))
    if changed.kind in ASKING or changed.kind == "cc":
        changed = replace(changed, who=_who(sent))
    if changed.kind in ASKING:
        changed = _asking(changed, sent)
    return replace(changed, options=_options(changed, sent, known))


def read_branch(branch: Branch, sent: Sent) -> Branch:
    """Return the branch under the names that were sent."""
    name = sent.text("name_zh")
    if not name:
        raise PropertyError("name_zh", _("请填写名称。"))
    return replace(branch, name_zh=name, name_en=sent.text("name_en") or branch.name_en)


def read_settings(definition: Definition, sent: Sent) -> dict[str, Any]:
    """Return what the form says of the flow as a whole."""
    name = sent.text("name_zh")
    if not name:
        raise PropertyError("name_zh", _("请填写名称。"))
    withdrawal = sent.choice("withdrawal", cast(Sequence[Withdrawal], get_args(Withdrawal)), definition.withdrawal)
    return {
        "name_zh": name, "name_en": sent.text("name_en") or definition.name_en or name, "withdrawal": withdrawal,
        "reopen_at": sent.text("reopen_at"),
    }  # fmt: skip


def fits(node: Node) -> list[str]:
    """Return the kinds a node may be changed into."""
    if node.kind in SPLITS:
        return ["branch", *sorted(FORKS, reverse=True)]
    return ["handle", "approve", "countersign", "fill", "verify"] if node.kind in PERSONAL else [node.kind]


def _kind(node: Node, sent: Sent) -> NodeKind:
    wanted = sent.text("kind")
    return cast(NodeKind, wanted) if wanted in fits(node) else node.kind


def _asking(node: Node, sent: Sent) -> Node:
    return replace(
        node, signing=_signing(sent), due_minutes=sent.span("due"), policies=_policies(node, sent),
        demands=Demands(sent.on("opinion"), sent.on("signature"), min(sent.number("level"), 2)),
        permission=sent.text("permission"), gates=tuple(one for one in sent.all("gates") if one in GATES or one in node.gates),
        fields=_rights(node, sent), buttons=_buttons(sent), helpers=_helpers(sent), print_template=sent.text("print_template"),
    )  # fmt: skip


def _who(sent: Sent) -> tuple[Who, ...]:
    found = []
    for row in range(MOST_ROWS):
        kind = sent.text(f"who.{row}.kind")
        if kind not in WHO_KINDS or sent.text("drop_who") == str(row):
            continue
        same = sent.text(f"who.{row}.was") == kind
        most = MOST_SOURCE if kind == "expression" else MOST_NAME
        value, level = (sent.text(f"who.{row}.value", most) if same else ""), sent.number(f"who.{row}.level", 1)
        weight = sent.number(f"who.{row}.weight", 1)
        found.append(Who(cast(WhoKind, kind), value, level if kind in LEVELS else 1, weight))
    return tuple(found)


def _signing(sent: Sent) -> Signing:
    mode = sent.choice("mode", cast(Sequence[Mode], get_args(Mode)), "any")
    order = sent.choice("order", cast(Sequence[Order], get_args(Order)), "parallel")
    return Signing(mode, order, sent.number("percent", 100) if mode in ("ratio", "weighted") else 100)


def _policies(node: Node, sent: Sent) -> Policies:
    old = node.policies
    nobody = sent.choice("nobody", cast(Sequence[Nobody], get_args(Nobody)), old.nobody)
    found = replace(
        old, nobody=nobody, nobody_user=sent.text("nobody_user") if nobody == "named" else "",
        after_return=sent.choice("after_return", cast(Sequence[AfterReturn], get_args(AfterReturn)), old.after_return),
        reminders=sent.number("reminders"),
        overdue=sent.choice("overdue", cast(Sequence[Overdue], get_args(Overdue)), old.overdue),
    )  # fmt: skip
    if node.kind not in JUDGING:
        return found
    return replace(
        found,
        self_approval=sent.choice("self_approval", cast(Sequence[SelfApproval], get_args(SelfApproval)), old.self_approval),
        repeated=sent.choice("repeated", cast(Sequence[Repeated], get_args(Repeated)), old.repeated),
        reject_to=sent.choice("reject_to", cast(Sequence[RejectTo], get_args(RejectTo)), old.reject_to),
    )  # fmt: skip


def _rights(node: Node, sent: Sent) -> dict[str, str]:
    """Return what was chosen for the fields that were shown; the others keep what they have."""
    shown = {name.removeprefix("field."): sent.text(name) for name in sent.texts if name.startswith("field.")}
    kept = {name: right for name, right in node.fields.items() if name not in shown}
    return kept | {name: right for name, right in shown.items() if right in RIGHTS}


def _buttons(sent: Sent) -> tuple[str, ...]:
    chosen = tuple(name for name in BUTTONS if name in sent.all("buttons"))
    return () if len(chosen) == len(BUTTONS) else (DECIDE, *chosen)


def _helpers(sent: Sent) -> tuple[Helper, ...]:
    rows = range(MOST_ROWS)
    return tuple(
        Helper(sent.text(f"helper.{row}.department"), sent.span(f"helper.{row}.due") or 8 * HOUR)
        for row in rows
        if sent.text(f"helper.{row}.department")
    )


def _options(node: Node, sent: Sent, known: Mapping[str, FlowNode]) -> dict[str, Any]:
    """Return the options with those of the node's kind as they were sent; nothing typed is nothing set."""
    read: dict[str, Callable[[], dict[str, Any]]] = {
        "timer": lambda: {
            "minutes": sent.span("minutes", working=sent.on("working")), "working": None if sent.on("working") else False,
        },
        "auto": lambda: {
            "action": sent.text("action"), "timeout_minutes": sent.span("timeout", working=False),
            "with": _settings(node, sent, known.get(sent.text("action"))),
        },
        "subflow": lambda: {
            "flow": sent.text("flow"), "timeout_minutes": sent.span("timeout", working=False),
            "wait": None if sent.on("wait") else False,
        },
        "verify": lambda: {
            "wait_days": sent.number("wait_days"), "wait_units": sent.number("wait_units"), "fail_to": sent.text("fail_to"),
        },
        "end": lambda: {"outcome": "rejected" if sent.text("outcome") == "rejected" else ""},
    }  # fmt: skip
    if node.kind not in read:
        return dict(node.options)
    found = dict(node.options) | read[node.kind]()
    return {name: value for name, value in found.items() if value is False or value}


def _settings(node: Node, sent: Sent, kind: FlowNode | None) -> dict[str, Any]:
    """Return the settings of an automatic node's kind as they were sent; of a kind that is gone they stay as they are."""
    held = node.options.get("with")
    if kind is None:
        return dict(held) if isinstance(held, Mapping) else {}
    if sent.text("was_action") != kind.key:  # the inputs were another kind's
        return {}
    found = {option.name: _setting(option, sent) for option in kind.options}
    return {name: value for name, value in found.items() if value not in ("", [], None)}


def _setting(option: NodeOption, sent: Sent) -> object:
    name = f"with.{option.name}"
    match option.kind:
        case "yes":
            return sent.on(name)
        case "number":
            return _bounded(option, name, sent)
        case "pairs" | "names":
            return _pairs(name, sent)
        case "choice":
            return sent.choice(name, [value for value, _label in option.choices], "")
        case "long":
            return sent.text(name, MOST_NOTICE)
        case _:
            return sent.text(name, MOST_SOURCE)


def _bounded(option: NodeOption, name: str, sent: Sent) -> int | None:
    if not sent.text(name):
        return None
    number = sent.number(name)
    if option.least is not None and number < option.least:
        raise PropertyError(name, _("这个数太小了。"))
    if option.most is not None and number > option.most:
        raise PropertyError(name, _("这个数太大了。"))
    return number


def _pairs(name: str, sent: Sent) -> list[list[str]]:
    rows = (
        (sent.text(f"{name}.{row}.name"), sent.text(f"{name}.{row}.value", MOST_SOURCE)) for row in range(MOST_ROWS)
    )
    drop = sent.text("drop_pair")
    return [[key, value] for row, (key, value) in enumerate(rows) if key and drop != f"{name}.{row}"]
