"""Two versions of a flow differ in words: added, removed, moved as few as possible, from and to."""

from dataclasses import replace

from qtrace.flows.comparing import Difference, compare, grouped
from qtrace.flows.definition import Definition, Node, Signing
from qtrace.flows.templates import template_of
from qtrace.flows.wording import Wording


def shipped(key: str) -> Definition:
    """Return a shipped flow."""
    template = template_of(key)
    assert template is not None
    return template.definition


CLAIM = shipped("claim_approval")


def told(new: Definition, old: Definition = CLAIM) -> list[tuple[str, str, str, str, str]]:
    """Return what differs, flat."""
    return [(one.kind, one.name, one.words, one.old, one.new) for one in compare(old, new, Wording())]


def with_nodes(*nodes: Node) -> Definition:
    """Return the claim flow with other nodes."""
    return replace(CLAIM, nodes=nodes)


def test_equal_versions_do_not_differ() -> None:
    assert told(replace(CLAIM, version=7)) == []


def test_a_setting_is_told_from_and_to() -> None:
    start, head, split, collect = CLAIM.nodes
    changed = replace(head, due_minutes=240, signing=Signing("all"), demands=split.branches[0].nodes[0].demands)
    assert told(with_nodes(start, changed, split, collect)) == [
        ("changed", "部门负责人同意", "时限", "1 个工作日", "4 工作小时"),
        ("changed", "部门负责人同意", "必须有", "没有", "意见、手写签名"),
    ]


def test_one_moved_node_is_one_difference() -> None:
    start, head, split, collect = CLAIM.nodes
    assert told(with_nodes(start, split, collect, head)) == [
        ("moved", "部门负责人同意", "移到「采购收款或抵扣」之后", "", "")
    ]


def test_a_node_that_goes_into_a_branch_is_moved_there() -> None:
    start, head, split, collect = CLAIM.nodes
    low = replace(split.branches[2], nodes=(head,))
    inside = replace(split, branches=(*split.branches[:2], low))
    assert told(with_nodes(start, inside, collect)) == [
        ("moved", "部门负责人同意", "移到分支「1000 元以内」的最前面", "", "")
    ]


def test_added_and_removed_nodes_and_branches_are_told() -> None:
    start, head, split, collect = CLAIM.nodes
    fewer = replace(split, branches=split.branches[1:])
    copy = replace(head, id="again", name_zh="再看一次", due_minutes=60)
    found = told(with_nodes(start, head, copy, fewer, collect))
    assert ("added", "再看一次", "新增审批:发起人的部门负责人 · 1 工作小时", "", "") in found
    assert ("removed", "质量、采购、老板会签", "去掉了会签", "", "") in found
    assert any(one[2] == "分支「超过 2 万元」" and one[4] == "没有" for one in found)


def test_the_flow_as_a_whole_is_compared_too() -> None:
    found = told(replace(CLAIM, withdrawal="never", reopen_at="head", name_zh="索赔"))
    assert found == [
        ("flow", "整个流程", "名称", "索赔审批", "索赔"),
        ("flow", "整个流程", "撤回", "没人处理过才能撤回", "不能撤回"),
        ("flow", "整个流程", "重新打开后从哪里继续", "填写索赔单", "部门负责人同意"),
    ]


def test_differences_of_one_node_stand_together() -> None:
    rows = [
        Difference("changed", "a", "甲", "时限"),
        Difference("moved", "a", "甲", "x"),
        Difference("added", "b", "乙", "y"),
    ]
    assert [(name, len(found)) for name, found in grouped(rows)] == [("甲", 2), ("乙", 1)]
