"""States and operations as plain data, as they are stored, and back."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any, Final, get_args

from qtrace.flows.definition import ASKING, Tree
from qtrace.flows.state import Decide, Entry, Fork, Operation, Seat, State, TakeBack, Token

OPERATIONS: Final[dict[str, type]] = {one.__name__: one for one in get_args(Operation)}
Pair = tuple[str, int]


def dump_state(state: State) -> dict[str, Any]:
    """Return the state as plain data."""
    return asdict(state)


def stored_columns(tree: Tree, state: State) -> dict[str, object]:
    """Return the state and what of it stands in columns of its own."""
    places = sorted(state.tokens, key=lambda token: (tree.nodes[token.node].kind not in ASKING, tree.order[token.node]))
    node = places[0].node if places else None
    return {
        "state": dump_state(state), "node": node, "status": state.status, "version": state.version,
        "moved": state.moved,
    }  # fmt: skip


def load_state(data: Mapping[str, Any]) -> State:
    """Return the state that was stored."""
    last = data["last"]
    return State(
        status=data["status"], initiator=data["initiator"], version=data["version"], moved=data["moved"],
        next_id=data["next_id"], tokens=_tokens(data["tokens"]), forks=_forks(data["forks"]),
        visits=tuple(data["visits"]), approved=_pairs(data["approved"]),
        chosen=tuple((node, tuple(users)) for node, users in data["chosen"]), touched=data["touched"],
        joined=tuple((node, tuple(users)) for node, users in data.get("joined", ())),
        last=None if last is None else TakeBack(
            last["entry"], last["by"], _tokens(last["tokens"]), _forks(last["forks"]), tuple(last["visits"]),
            _pairs(last["approved"]),
        ),
    )  # fmt: skip


def dump_operation(operation: Operation) -> dict[str, Any]:
    """Return the operation as plain data."""
    return {"do": type(operation).__name__} | asdict(operation)


def load_operation(data: Mapping[str, Any]) -> Operation:
    """Return the operation that was stored."""
    values = {name: tuple(value) if isinstance(value, list) else value for name, value in data.items() if name != "do"}
    shape = OPERATIONS[data["do"]]
    if shape is Decide:
        values["chosen"] = tuple((node, tuple(users)) for node, users in values["chosen"])
    operation: Operation = shape(**values)
    return operation


def _tokens(data: Sequence[Mapping[str, Any]]) -> tuple[Token, ...]:
    return tuple(
        Token(one["id"], one["node"], tuple(one["forks"]), _seats(one["seats"]), one["straight_to"], one["reminded"])
        for one in data
    )


def _seats(data: Sequence[Mapping[str, Any]]) -> tuple[Seat, ...]:
    return tuple(
        Seat(
            tuple(Entry(**(entry | {"pool": tuple(entry["pool"])})) for entry in one["chain"]),
            one["weight"],
            one.get("joined", False),
        )
        for one in data
    )


def _forks(data: Sequence[Mapping[str, Any]]) -> tuple[Fork, ...]:
    return tuple(Fork(one["id"], one["node"], tuple(one["taken"]), tuple(one["done"])) for one in data)


def _pairs(data: Sequence[Sequence[Any]]) -> tuple[Pair, ...]:
    return tuple((node, user) for node, user in data)
