"""Changing the draft of a flow: each page action is one edit, said in words, stored as one small write."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final, cast

from flask_babel import gettext as _
from sqlalchemy import select

from qtrace.core.db import db
from qtrace.core.errors import Refused
from qtrace.flows import editing
from qtrace.flows.definition import NODE_KINDS, Branch, Definition, NodeKind
from qtrace.flows.drafting import Draft, Edited, held_draft, save
from qtrace.flows.editing import Names, Spot, Starter
from qtrace.flows.errors import FlowError
from qtrace.flows.models import FlowDefinition
from qtrace.flows.properties import Sent, read_branch, read_node, read_settings
from qtrace.forms.designing import Turn
from qtrace.sdk.flow_nodes import FlowNode

NEW: Final[Mapping[str, Names]] = {
    "handle": Names("办理", "Handle"), "approve": Names("审批", "Approve"), "countersign": Names("会签", "Countersign"),
    "cc": Names("抄送", "Copy to"), "branch": Names("条件分支", "Branch"), "fill": Names("填写", "Fill in"),
    "verify": Names("看效果", "Verify the effect"), "parallel": Names("同时进行", "In parallel"),
    "inclusive": Names("符合的都走", "All that hold"), "timer": Names("等待", "Wait"), "auto": Names("自动处理", "Automatic"),
    "subflow": Names("子流程", "Subflow"), "end": Names("结束", "End"),
}  # fmt: skip
RULED: Final = Starter(Names("条件 1", "Condition 1"), Names("其他情况", "All other cases"))
BESIDE: Final = Starter(Names("分支 1", "Branch 1"), Names("分支 2", "Branch 2"))
MOST_NAME = 120

Edit = Callable[[Draft], Edited]


def change(key: str, turn: Turn, edit: Edit) -> str:
    """Do one edit of the draft and return what to select next; an edit that changes nothing writes nothing."""
    draft = held_draft(key, turn)
    try:
        edited = edit(draft)
    except FlowError as error:
        raise refusal(error) from error
    if edited.definition != draft.definition:
        save(draft, edited, by=turn.by, now=turn.now)
    return edited.selected


def refusal(error: FlowError) -> Refused:
    """Return what the designer refuses, in the reader's language and at its input."""
    told = _(error.message)
    return Refused(told % error.params if error.params else told, getattr(error, "field", None))


def adding(kind: str, spot: Spot) -> Edit:
    """Return the edit that adds a node."""

    def edit(draft: Draft) -> Edited:
        if kind not in NODE_KINDS or kind not in NEW:
            raise Refused(_("没有这种节点:%(kind)s。", kind=kind))
        ways = BESIDE if kind == "parallel" else RULED
        names = NEW[kind]
        made, node_id = editing.add_node(
            draft.definition, cast(NodeKind, kind), spot, names, ways, taken_ids(draft.key)
        )
        return Edited(made, "add_node", names.zh, node_id)

    return edit


def copying(node_id: str) -> Edit:
    """Return the edit that copies a node."""

    def edit(draft: Draft) -> Edited:
        node = editing.find_node(draft.definition, node_id)
        names = Names(f"{node.name_zh[: MOST_NAME - 4]}(副本)", f"{node.name_en[: MOST_NAME - 7]} (copy)")
        made, copy = editing.copy_node(draft.definition, node_id, names, taken_ids(draft.key))
        return Edited(made, "copy_node", node.name_zh, copy)

    return edit


def moving(node_id: str, spot: Spot) -> Edit:
    """Return the edit that puts a node at another place."""
    return lambda draft: Edited(
        editing.move_node(draft.definition, node_id, spot), "move_node", _name(draft.definition, node_id), node_id
    )


def shifting(node_id: str, *, up: bool) -> Edit:
    """Return the edit that moves a node one place further."""
    return lambda draft: Edited(
        editing.shift_node(draft.definition, node_id, up=up), "move_node", _name(draft.definition, node_id), node_id
    )


def removing(node_id: str) -> Edit:
    """Return the edit that removes a node."""
    return lambda draft: Edited(
        editing.remove_node(draft.definition, node_id), "remove_node", _name(draft.definition, node_id)
    )


def setting(node_id: str, sent: Sent, known: Mapping[str, FlowNode]) -> Edit:
    """Return the edit that sets the properties of a node; `known` are the kinds of automatic nodes there are."""

    def edit(draft: Draft) -> Edited:
        node = editing.find_node(draft.definition, node_id)
        changed = editing.change_node(draft.definition, read_node(node, sent, known))
        return Edited(changed, "change_node", node.name_zh, node_id)

    return edit


def adding_way(split_id: str) -> Edit:
    """Return the edit that adds a way to a split."""

    def edit(draft: Draft) -> Edited:
        split = editing.find_node(draft.definition, split_id)
        n = len(split.branches) + (1 if split.kind == "parallel" else 0)
        zh, en = ("分支", "Branch") if split.kind == "parallel" else ("条件", "Condition")
        made, way = editing.add_branch(draft.definition, split_id, Names(f"{zh} {n}", f"{en} {n}"))
        return Edited(made, "add_branch", f"{zh} {n}", editing.column_name(split_id, way))

    return edit


def setting_way(split_id: str, way_id: str, sent: Sent, condition: Callable[[Branch], Any]) -> Edit:
    """Return the edit that names a way and says when it is taken."""

    def edit(draft: Draft) -> Edited:
        _split, way = editing.find_branch(draft.definition, split_id, way_id)
        changed = replace(read_branch(way, sent), condition=condition(way))
        made = editing.change_branch(draft.definition, split_id, changed)
        return Edited(made, "change_branch", way.name_zh, editing.column_name(split_id, way_id))

    return edit


def shifting_way(split_id: str, way_id: str, *, left: bool) -> Edit:
    """Return the edit that moves a way one place to the left or right."""

    def edit(draft: Draft) -> Edited:
        _split, way = editing.find_branch(draft.definition, split_id, way_id)
        made = editing.shift_branch(draft.definition, split_id, way_id, left=left)
        return Edited(made, "move_branch", way.name_zh, editing.column_name(split_id, way_id))

    return edit


def removing_way(split_id: str, way_id: str) -> Edit:
    """Return the edit that removes a way with its nodes."""

    def edit(draft: Draft) -> Edited:
        _split, way = editing.find_branch(draft.definition, split_id, way_id)
        return Edited(editing.remove_branch(draft.definition, split_id, way_id), "remove_branch", way.name_zh, split_id)

    return edit


def setting_flow(sent: Sent) -> Edit:
    """Return the edit that sets what concerns the flow as a whole."""
    return lambda draft: Edited(
        editing.change_flow(draft.definition, **read_settings(draft.definition, sent)), "change_flow"
    )


def taken_ids(key: str) -> set[str]:
    """Return the ids every published version used, so that no case finds another node under an old id."""
    rows = db.session.scalars(select(FlowDefinition.definition).where(FlowDefinition.key == key))
    return {node_id for row in rows for node_id in _stored_ids(row["nodes"])}


def _stored_ids(nodes: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Yield the ids of stored nodes; there may be a hundred versions, so they are not read whole."""
    for node in nodes:
        yield node["id"]
        for way in node.get("branches", ()):
            yield from _stored_ids(way.get("nodes", ()))


def _name(definition: Definition, node_id: str) -> str:
    return editing.find_node(definition, node_id).name_zh
