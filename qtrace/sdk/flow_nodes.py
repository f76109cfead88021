"""What an automatic node of a flow is: settings, and a function that says what is to be done; the product does it.

A node touches nothing itself. `run` gets what is known of the case and returns effects; all of them and the case going on
are one transaction, so a node is done once or not at all. An `HttpCall` is made before that, outside any transaction, and
may be made again after a crash with the same `NodeCase.id`.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from qtrace.sdk.senders import Answer, HttpCall, Outcome
from qtrace.sdk.text import Text

# How a setting of a node is asked for, and what `run` gets: text, long, choice, form, address and paper are str, number
# int, yes bool. A value may name fields as {field} or begin with "=" and be a formula: `run` gets the text worked out.
# Pairs are fields with such values, worked out too: of the case, of the form another setting names (`of`), or free names
# (`of` is "*"). Names are fields of the case with texts as they are.
NodeOptionKind = Literal[
    "text", "long", "number", "yes", "choice", "form", "address", "paper", "value", "pairs", "names",
]  # fmt: skip
NodeValue = str | int | bool | tuple[tuple[str, str], ...]


@dataclass(frozen=True, kw_only=True)
class NodeOption:
    """A setting of a node, described so fully that its input is drawn from this alone."""

    name: str
    label: Text
    kind: NodeOptionKind = "text"
    hint: Text | None = None
    required: bool = False
    default: str | int | bool = ""
    choices: tuple[tuple[str, Text], ...] = ()
    least: int | None = None
    most: int | None = None
    of: str = ""


@dataclass(frozen=True, kw_only=True)
class NodeCase:
    """The case a node works on, as it is at this moment.

    `id` is the same however often this node of this case is tried. `kind` is issue, complaint or record; `values` are its
    fields as conditions see them; `callback` is where another system may answer once, for nodes that wait.
    """

    id: str
    kind: str
    number: str
    title: str
    url: str
    node: Text
    now: datetime
    callback: str = ""
    values: Mapping[str, object] = field(default_factory=dict)
    options: Mapping[str, NodeValue] = field(default_factory=dict)


@dataclass(frozen=True)
class SetFields:
    """Give fields of the case new values, by the rules of its form; names are ids or what people call the fields."""

    values: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class MakeRecord:
    """Fill in a form, by its rules; names are ids or what people call the fields."""

    form: str
    values: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class OpenIssue:
    """Open a quality issue for a complaint, or leave it with the one that holds it."""


@dataclass(frozen=True)
class PlanAction:
    """Give whoever has the issue an action to do within so many days."""

    text: str
    days: int = 7


@dataclass(frozen=True)
class FilePaper:
    """Print the case on one of the company's papers and keep the file with the case."""

    paper: str


@dataclass(frozen=True)
class CallAddress:
    """Call an address the administrator registered: with its secret headers, at a path below it."""

    address: str
    body: bytes = b""
    method: str = "POST"
    path: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class WaitForAnswer:
    """Let the case wait until another system answers at `NodeCase.callback`, or the node's time is over."""


NodeEffect = SetFields | MakeRecord | OpenIssue | PlanAction | FilePaper | CallAddress | HttpCall | WaitForAnswer


def taken(_case: NodeCase, answer: Answer) -> Outcome | Sequence[NodeEffect]:
    """Return what an answer usually means: 2xx is taken, busy and broken servers are tried again, the rest is refused."""
    if 200 <= answer.status < 300:
        return ()
    if answer.status in (408, 425, 429) or answer.status >= 500:
        return Outcome("retry", Text(f"对方回答 {answer.status}", f"The other side answered {answer.status}"))
    return Outcome("permanent", Text(f"对方拒绝:{answer.status}", f"The other side refused: {answer.status}"))


@dataclass(frozen=True, kw_only=True)
class FlowNode:
    """A kind of automatic node: data with two functions.

    `run` returns what to do, in order, or raises Misconfigured where a setting is wrong; the case then goes the node's way
    for a failure, with the reason. `read` says what came back from a call: an Outcome, or further effects where all is well.
    `about` are the kinds of cases it fits, all of them where it is empty.
    """

    key: str
    name: Text
    hint: Text
    run: Callable[[NodeCase], Sequence[NodeEffect]]
    options: tuple[NodeOption, ...] = ()
    about: frozenset[str] = frozenset()
    read: Callable[[NodeCase, Answer], Outcome | Sequence[NodeEffect]] = taken
