"""Gates: synchronous vetoes that upper packages register and a stage must pass to be left."""

from collections.abc import Callable, Iterable, Sequence

from flask import Flask, current_app
from flask_babel import gettext as _

from qtrace.core.errors import Refused
from qtrace.flows.definition import ASKING, Node, Tree
from qtrace.flows.state import Decide, Finish, Operation, State
from qtrace.flows.subjects import flow_subjects

WRITE = "write"
CLOSE = "close"  # what watches are asked besides the stages when the flow ends
EXTENSION, WATCHES = "qtrace_gates", "qtrace_stage_watches"
Gate = Callable[[str, int], str | None]
Watch = Callable[[int, Sequence[str]], Sequence[str]]


def register_gate(app: Flask, name: str, gate: Gate) -> None:
    """Name a gate; it returns what is missing, or None when it is open."""
    app.extensions.setdefault(EXTENSION, {})[name] = gate


def shut_gates(names: Iterable[str], subject_kind: str, subject_id: int) -> list[str]:
    """Return what is missing, one line for each gate that is shut; an unknown gate is a programming error."""
    gates: dict[str, Gate] = current_app.extensions.get(EXTENSION, {})
    lines = [gates[name](subject_kind, subject_id) for name in names]
    return [line for line in lines if line]


def register_watch(app: Flask, subject_kind: str, watch: Watch) -> None:
    """Ask `watch` whenever a subject of this kind leaves stages: it gets their ids and returns what is missing."""
    app.extensions.setdefault(WATCHES, {}).setdefault(subject_kind, []).append(watch)


def held_back(subject_kind: str, subject_id: int, stages: Sequence[str]) -> list[str]:
    """Return what the watches miss, one line each."""
    known: dict[str, list[Watch]] = current_app.extensions.get(WATCHES, {})
    return [line for watch in known.get(subject_kind, ()) for line in watch(subject_id, stages)] if stages else []


def check_gates(left: Sequence[Node], subject: tuple[str, int], after: State | None = None) -> None:
    """Refuse to leave nodes while something is missing, with every line of what is."""
    if not left:
        return
    names = [node.id for node in left]
    if after is not None and after.status == "closed":
        names.append(CLOSE)
    gates = dict.fromkeys(gate for node in left for gate in node.gates)
    missing = [*shut_gates(gates, *subject), *held_back(*subject, names), *_unfilled(left, subject)]
    if missing:
        raise Refused("\n".join(missing), field="gates")


def _unfilled(left: Sequence[Node], about: tuple[str, int]) -> list[str]:
    """Return what the nodes let their people fill in, the form requires and nobody filled in."""
    asked = [name for node in left for name, right in node.fields.items() if right == WRITE]
    subject = flow_subjects().get(about[0]) if asked else None
    return [_("请先填写「%(field)s」。", field=name) for name in subject.missing(about[1], asked)] if subject else []


def nodes_left(tree: Tree, before: State, operation: Operation, after: State) -> tuple[Node, ...]:
    """Return the nodes an operation leaves forwards; closing early leaves all that follow in the main column."""
    if isinstance(operation, Finish) and operation.status == "closed":
        first = min((tree.order[token.node] for token in before.tokens), default=0)
        return tuple(
            node for node in tree.walk()
            if tree.order[node.id] >= first and node.kind in ASKING
            and (not tree.places[node.id] or node.id in before.visits)
        )  # fmt: skip
    if not isinstance(operation, Decide) or operation.verdict != "approve":
        return ()
    still = {token.id for token in after.tokens}
    gone = [token for token in before.tokens if token.id not in still]
    return tuple(
        tree.nodes[token.node]
        for token in gone
        if any(entry.id == operation.entry for seat in token.seats for entry in seat.chain)
    )
