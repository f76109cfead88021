"""Flows as data: where an instance stands, what a decision makes of it, and what must happen next."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Final, Literal, TypeGuard, get_args

_ = str  # marks messages for extraction; they are translated where they are shown

NodeKind = Literal["handle", "approve", "verify"]
OwnerKind = Literal["role", "department_head", "initiator", "user", "current"]
Status = Literal["running", "closed", "terminated"]
Verdict = Literal["submit", "return", "terminate", "reopen", "close"]

NODE_KINDS: Final[tuple[str, ...]] = get_args(NodeKind)
OWNER_KINDS: Final[tuple[str, ...]] = get_args(OwnerKind)
NAMED_OWNERS: Final = ("role", "user")
LONGEST_DUE: Final = 1_000_000  # minutes; far over any stage, and short of what a calendar can reach
IDENTIFIER = re.compile(r"[a-z][a-z0-9_]{0,59}")


class FlowError(Exception):
    """A decision the flow does not allow; `message` is a msgid to be filled with `params`."""

    def __init__(self, code: str, message: str, **params: object) -> None:
        super().__init__(message % params if params else message)
        self.code = code
        self.message = message
        self.params = params


class DefinitionError(FlowError):
    """A definition that cannot run; `place` points at the wrong value, as in `nodes[2].due_minutes`."""

    def __init__(self, place: str, code: str, message: str, **params: object) -> None:
        super().__init__(code, message, **params)
        self.place = place


@dataclass(frozen=True)
class OwnerRule:
    """Who owns a node: `value` names the role or the user, or the department of a head."""

    kind: OwnerKind
    value: str = ""


@dataclass(frozen=True)
class Node:
    """One stage: its owner, its due time in working minutes, and the gates that guard leaving it."""

    id: str
    name_zh: str
    name_en: str
    kind: NodeKind
    owner: OwnerRule
    due_minutes: int
    permission: str
    gates: tuple[str, ...] = ()


@dataclass(frozen=True)
class Definition:
    """One version of a flow: its nodes in order, and where a reopened case goes on (the first node if empty)."""

    key: str
    version: int
    nodes: tuple[Node, ...]
    reopen_at: str = ""

    def __post_init__(self) -> None:
        if not self.nodes:
            raise DefinitionError("nodes", "no_nodes", _("流程至少需要一个节点。"))
        ids = [node.id for node in self.nodes]
        for index, node_id in enumerate(ids):
            if node_id in ids[:index]:
                message = _("节点编号 %(id)s 重复，请换一个。")
                raise DefinitionError(f"nodes[{index}].id", "duplicate_node", message, id=node_id)
        if self.reopen_at and self.reopen_at not in ids:
            message = _("流程里没有节点 %(id)s。")
            raise DefinitionError("reopen_at", "unknown_node", message, id=self.reopen_at)

    def index(self, node_id: str | None) -> int:
        """Return the place of the node in the flow; refuse a node that is not in it."""
        for index, node in enumerate(self.nodes):
            if node.id == node_id:
                return index
        raise FlowError("unknown_node", _("流程里没有节点 %(id)s。"), id=node_id)

    def node(self, node_id: str | None) -> Node:
        """Return the node; refuse one that is not in the flow."""
        return self.nodes[self.index(node_id)]


@dataclass(frozen=True)
class State:
    """Where an instance stands; `visits` lists the nodes it entered, `version` counts its changes."""

    node: str | None
    status: Status
    version: int
    visits: tuple[str, ...] = ()


@dataclass(frozen=True)
class Decision:
    """What somebody decided; `target` is read when returning or reopening."""

    verdict: Verdict
    target: str | None = None
    note: str = ""


@dataclass(frozen=True)
class OpenTask:
    """Give the node's owner a to-do."""

    node: str


@dataclass(frozen=True)
class CloseTasks:
    """Close the to-dos of the node."""

    node: str


@dataclass(frozen=True)
class Closed:
    """The case is closed."""


@dataclass(frozen=True)
class Reopened:
    """The closed case runs again from the node."""

    node: str


@dataclass(frozen=True)
class Terminated:
    """The case ended without a result."""


Effect = OpenTask | CloseTasks | Closed | Reopened | Terminated


@dataclass(frozen=True)
class Outcome:
    """The new state and what must happen in the same transaction, in order."""

    state: State
    effects: tuple[Effect, ...]


def start(definition: Definition, *, submitted: bool = False) -> Outcome:
    """Return a new instance standing at the first node, or past it where the case is submitted as it is made."""
    first = definition.nodes[0].id
    opened = Outcome(State(first, "running", 1, (first,)), (OpenTask(first),))
    if not submitted:
        return opened
    moved = advance(definition, opened.state, Decision("submit"))
    return Outcome(moved.state, tuple(effect for effect in moved.effects if effect != CloseTasks(first)))


def advance(definition: Definition, state: State, decision: Decision) -> Outcome:
    """Return what the decision makes of the state; refuse an illegal one and change nothing."""
    if decision.verdict == "reopen":
        return _reopen(definition, state, decision)
    _require_running(state)
    match decision.verdict:
        case "submit":
            return _submit(definition, state)
        case "return":
            return _return(definition, state, decision)
        case "close":
            return _close_early(definition, state, decision)
        case "terminate":
            return _terminate(definition, state, decision)
        case _unknown:
            raise FlowError("unknown_verdict", _("不支持的操作，请刷新页面后重试。"))


def replay(definition: Definition, decisions: Iterable[Decision]) -> State:
    """Return the state a new instance reaches by the decisions."""
    state = start(definition).state
    for decision in decisions:
        state = advance(definition, state, decision).state
    return state


def gates_to_pass(definition: Definition, state: State, decision: Decision) -> tuple[str, ...]:
    """Return the gates the decision must pass; closing early passes those of every node it skips."""
    return tuple(dict.fromkeys(gate for node in nodes_left(definition, state, decision) for gate in node.gates))


def nodes_left(definition: Definition, state: State, decision: Decision) -> tuple[Node, ...]:
    """Return the nodes the decision leaves forwards, in order; closing early leaves every node it skips."""
    if state.status != "running" or decision.verdict not in ("submit", "close"):
        return ()
    here = definition.index(state.node)
    return tuple(definition.nodes[here:] if decision.verdict == "close" else definition.nodes[here : here + 1])


def return_targets(definition: Definition, state: State) -> tuple[str, ...]:
    """Return the visited nodes before the current one, nearest first."""
    if state.status != "running":
        return ()
    earlier = definition.nodes[: definition.index(state.node)]
    return tuple(node.id for node in reversed(earlier) if node.id in state.visits)


def reopen_target(definition: Definition) -> str:
    """Return the node at which a reopened case goes on unless another is named."""
    return definition.reopen_at or definition.nodes[0].id


def _submit(definition: Definition, state: State) -> Outcome:
    here = definition.index(state.node)
    if here == len(definition.nodes) - 1:
        return _end(definition, state, "closed", Closed())
    return _move(definition, state, definition.nodes[here + 1].id)


def _return(definition: Definition, state: State, decision: Decision) -> Outcome:
    _require_note(decision, _("退回需要填写原因。"))
    targets = return_targets(definition, state)
    if not targets:
        raise FlowError("no_earlier_node", _("前面没有可以退回的节点。"))
    target = decision.target or targets[0]
    if target not in targets:
        raise FlowError("not_an_earlier_node", _("只能退回到前面已经过的节点。"))
    return _move(definition, state, target)


def _close_early(definition: Definition, state: State, decision: Decision) -> Outcome:
    if definition.node(state.node) != definition.nodes[-1]:
        _require_note(decision, _("提前结案需要填写原因。"))
    return _end(definition, state, "closed", Closed())


def _terminate(definition: Definition, state: State, decision: Decision) -> Outcome:
    _require_note(decision, _("终止需要填写原因。"))
    return _end(definition, state, "terminated", Terminated())


def _reopen(definition: Definition, state: State, decision: Decision) -> Outcome:
    if state.status != "closed":
        raise FlowError("not_closed", _("只有已结案的才能重新打开。"))
    _require_note(decision, _("重新打开需要填写原因。"))
    target = definition.node(decision.target or reopen_target(definition)).id
    opened = State(target, "running", state.version + 1, (*state.visits, target))
    return Outcome(opened, (Reopened(target), OpenTask(target)))


def _move(definition: Definition, state: State, target: str) -> Outcome:
    here = definition.node(state.node).id
    moved = State(target, "running", state.version + 1, (*state.visits, target))
    return Outcome(moved, (CloseTasks(here), OpenTask(target)))


def _end(definition: Definition, state: State, status: Status, effect: Effect) -> Outcome:
    here = definition.node(state.node).id
    ended = replace(state, node=None, status=status, version=state.version + 1)
    return Outcome(ended, (CloseTasks(here), effect))


def _require_running(state: State) -> None:
    if state.status == "closed":
        raise FlowError("already_closed", _("已经结案，请先重新打开。"))
    if state.status == "terminated":
        raise FlowError("already_terminated", _("已经终止，不能再处理。"))


def _require_note(decision: Decision, message: str) -> None:
    if not decision.note.strip():
        raise FlowError("note_required", message)


def dump_definition(definition: Definition) -> dict[str, object]:
    """Return the definition as plain data that `parse_definition` reads back the same."""
    nodes = [{**asdict(node), "gates": list(node.gates)} for node in definition.nodes]
    return {**asdict(definition), "nodes": nodes}


def parse_definition(data: object) -> Definition:
    """Return the definition held by plain data; refuse wrong data and point at the place."""
    top = _mapping(data, "", Definition)
    return Definition(
        key=_identifier(top, "key", ""),
        version=_positive(top, "version", ""),
        nodes=tuple(_parse_node(node, f"nodes[{index}]") for index, node in enumerate(_list(top, "nodes", ""))),
        reopen_at=_text(top, "reopen_at", "") if top.get("reopen_at") else "",
    )


def _parse_node(data: object, place: str) -> Node:
    node = _mapping(data, place, Node)
    kind = node.get("kind")
    if not _is_node_kind(kind):
        raise _unknown_choice(f"{place}.kind", NODE_KINDS)
    return Node(
        id=_identifier(node, "id", place),
        name_zh=_text(node, "name_zh", place),
        name_en=_text(node, "name_en", place),
        kind=kind,
        owner=_parse_owner(node.get("owner"), f"{place}.owner"),
        due_minutes=_positive(node, "due_minutes", place, most=LONGEST_DUE),
        permission=_text(node, "permission", place),
        gates=_parse_gates(node, place),
    )


def _parse_owner(data: object, place: str) -> OwnerRule:
    owner = _mapping(data, place, OwnerRule)
    kind = owner.get("kind")
    if not _is_owner_kind(kind):
        raise _unknown_choice(f"{place}.kind", OWNER_KINDS)
    named = kind in NAMED_OWNERS or bool(owner.get("value"))
    return OwnerRule(kind, _text(owner, "value", place) if named else "")


def _parse_gates(node: Mapping[str, object], place: str) -> tuple[str, ...]:
    gates = _list(node, "gates", place) if "gates" in node else []
    return tuple(_identifier({str(i): gate}, str(i), f"{place}.gates") for i, gate in enumerate(gates))


def _is_node_kind(value: object) -> TypeGuard[NodeKind]:
    return value in NODE_KINDS


def _is_owner_kind(value: object) -> TypeGuard[OwnerKind]:
    return value in OWNER_KINDS


def _mapping(data: object, place: str, shape: type[Definition | Node | OwnerRule]) -> Mapping[str, object]:
    if not isinstance(data, Mapping):
        raise DefinitionError(place, "not_an_object", _("这里应为一组带名称的值。"))
    known = {field.name for field in fields(shape)}
    for key in data:
        if key not in known:
            raise DefinitionError(_at(place, str(key)), "unknown_key", _("不认识的设置项 %(key)s。"), key=key)
    return data


def _list(data: Mapping[str, object], key: str, place: str) -> list[object]:
    value = data.get(key)
    if not isinstance(value, list | tuple):
        raise DefinitionError(_at(place, key), "not_a_list", _("这里应为一个列表。"))
    return list(value)


def _text(data: Mapping[str, object], key: str, place: str) -> str:
    value = data.get(key)
    if not isinstance(value, str) or not value.strip():
        raise DefinitionError(_at(place, key), "text_required", _("这里需要填写文字。"))
    return value


def _identifier(data: Mapping[str, object], key: str, place: str) -> str:
    value = _text(data, key, place)
    if not IDENTIFIER.fullmatch(value):
        message = _("编号只能用小写字母、数字和下划线，并以字母开头，最多 60 个字符。")
        raise DefinitionError(_at(place, key), "bad_identifier", message)
    return value


def _positive(data: Mapping[str, object], key: str, place: str, *, most: int | None = None) -> int:
    value = data.get(key)
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise DefinitionError(_at(place, key), "positive_required", _("这里应为大于 0 的整数。"))
    if most is not None and value > most:
        raise DefinitionError(_at(place, key), "too_large", _("这里最大为 %(most)s。"), most=most)
    return value


def _unknown_choice(place: str, choices: tuple[str, ...]) -> DefinitionError:
    return DefinitionError(place, "unknown_choice", _("只能是其中之一：%(choices)s。"), choices=", ".join(choices))


def _at(place: str, key: str) -> str:
    if key.isdigit():
        return f"{place}[{key}]"
    return f"{place}.{key}" if place else key
