"""What is wrong with a definition before it may be used: nodes nobody reaches, nodes nobody gets out of, missing settings."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from qtrace.flows.definition import ASKING, CHOSEN, JUDGING, NAMED, SPLITS, Branch, Definition, Node, Tree
from qtrace.sdk.flow_nodes import FlowNode

_ = str  # marks messages for extraction; they are translated where they are shown

MOST_NODES = 300
MOST_MINUTES = 1_000_000  # far over any stage, and short of what a calendar can reach


@dataclass(frozen=True)
class Fault:
    """One thing to put right; `place` points at it, as in `nodes[2].branches[0].nodes[1].who`."""

    place: str
    node: str
    message: str


def faults(definition: Definition, automatic: Mapping[str, FlowNode] | None = None) -> list[Fault]:
    """Return everything that keeps the definition from being used, empty when it may run.

    `automatic` are the kinds of automatic nodes there are; without them their settings are not looked at.
    """
    found = list(_column(definition.nodes, "nodes", definition.first.id if definition.nodes else ""))
    if not definition.nodes:
        return [Fault("nodes", "", _("流程至少需要一个节点。"))]
    found += _ids(definition)
    if automatic is not None:
        found += [
            fault for place, node in _all(definition.nodes, "nodes") for fault in _automatic(node, place, automatic)
        ]
    if found:
        return found
    tree = Tree(definition)
    if len(tree.nodes) > MOST_NODES:
        found.append(Fault("nodes", "", _("节点太多,请拆成子流程。")))
    if definition.first.kind != "start":
        found.append(Fault("nodes[0].kind", definition.first.id, _("第一个节点必须是「发起」。")))
    reopen = definition.reopen_at
    if reopen and (reopen not in tree.nodes or tree.inside_forks(reopen) or tree.nodes[reopen].kind not in ASKING):
        found.append(Fault("reopen_at", reopen, _("重新打开后要从一个有人处理、不在并行分支里的节点继续。")))
    return found


def _ids(definition: Definition) -> Iterator[Fault]:
    seen: set[str] = set()
    for place, node in _all(definition.nodes, "nodes"):
        if node.id in seen:
            yield Fault(f"{place}.id", node.id, _("节点编号重复，请换一个。"))
        seen.add(node.id)


def _all(nodes: tuple[Node, ...], place: str) -> Iterator[tuple[str, Node]]:
    for here, node in enumerate(nodes):
        yield f"{place}[{here}]", node
        for side, branch in enumerate(node.branches):
            yield from _all(branch.nodes, f"{place}[{here}].branches[{side}].nodes")


def _column(nodes: tuple[Node, ...], place: str, first: str) -> Iterator[Fault]:
    for here, node in enumerate(nodes):
        at = f"{place}[{here}]"
        if here + 1 < len(nodes) and _never_passed(node):
            yield Fault(f"{place}[{here + 1}]", nodes[here + 1].id, _("到不了这个节点:前面的每条路都已结束。"))
        if node.kind == "start" and (node.id != first or place != "nodes" or here):
            yield Fault(f"{at}.kind", node.id, _("「发起」只能是第一个节点。"))
        yield from _own(node, at)
        for side, branch in enumerate(node.branches):
            yield from _column(branch.nodes, f"{at}.branches[{side}].nodes", first)


def _never_passed(node: Node) -> bool:
    """Say whether nothing comes out of a node: it ends the case, or every way through it does."""
    if node.kind == "end":
        return True
    if node.kind not in SPLITS or not node.branches:
        return False
    ends = [any(_never_passed(inner) for inner in branch.nodes) for branch in node.branches]
    return all(ends) if node.kind == "branch" else any(ends) if node.kind == "parallel" else all(ends)


def _own(node: Node, at: str) -> Iterator[Fault]:
    if node.kind in SPLITS:
        yield from _split(node, at)
    elif node.branches:
        yield Fault(f"{at}.branches", node.id, _("只有分支节点才有分支。"))
    if node.kind in ASKING or node.kind == "cc":
        yield from _people(node, at)
    if node.kind in ASKING and not 0 < node.due_minutes <= MOST_MINUTES:
        yield Fault(f"{at}.due_minutes", node.id, _("请填写处理时限。"))
    if node.kind == "timer" and not _positive(node.options.get("minutes")):
        yield Fault(f"{at}.options.minutes", node.id, _("请填写等待多久。"))
    if node.kind == "auto" and not node.options.get("action"):
        yield Fault(f"{at}.options.action", node.id, _("请选择自动做什么。"))
    if node.kind == "subflow" and not node.options.get("flow"):
        yield Fault(f"{at}.options.flow", node.id, _("请选择子流程。"))
    if waits_for_word(node) and not _positive(node.options.get("timeout_minutes")):
        yield Fault(f"{at}.options.timeout_minutes", node.id, _("等外部结果要有期限,不然会一直停在这里。"))


def waits_for_word(node: Node) -> bool:
    """Say whether a node waits for what somebody outside the flow says or does."""
    if node.kind == "subflow":
        return node.options.get("wait") is not False
    settings = node.options.get("with")
    asks = isinstance(settings, Mapping) and settings.get("wait") is True
    return node.kind == "auto" and (asks or node.options.get("action") == "callback")


def _automatic(node: Node, at: str, known: Mapping[str, FlowNode]) -> Iterator[Fault]:
    action = node.options.get("action")
    if node.kind != "auto" or not action:
        return
    if action not in known:
        yield Fault(f"{at}.options.action", node.id, _("没有这种自动处理:提供它的插件可能已卸载。请另选一种。"))
        return
    given = node.options.get("with")
    settings = given if isinstance(given, Mapping) else {}
    for option in known[str(action)].options:
        if option.required and not settings.get(option.name) and not option.default:
            yield Fault(f"{at}.options.with.{option.name}", node.id, _("自动处理还没有设置完。"))


def _people(node: Node, at: str) -> Iterator[Fault]:
    if not node.who and node.kind != "start":
        yield Fault(f"{at}.who", node.id, _("请选择由谁处理。"))
    for here, who in enumerate(node.who):
        if who.kind in NAMED and not who.value:
            yield Fault(f"{at}.who[{here}].value", node.id, _("请选择是谁。"))
        if who.kind in CHOSEN and node.kind == "start":
            yield Fault(f"{at}.who[{here}].kind", node.id, _("发起节点还没有人可以选人。"))
        if who.level < 1 or who.weight < 1:
            yield Fault(f"{at}.who[{here}]", node.id, _("级数和权重至少是 1。"))
    if not 1 <= node.signing.percent <= 100:
        yield Fault(f"{at}.signing.percent", node.id, _("比例应在 1 到 100 之间。"))
    if node.policies.nobody == "named" and not node.policies.nobody_user:
        yield Fault(f"{at}.policies.nobody_user", node.id, _("请选择找不到人时由谁处理。"))
    if node.policies.reminders < 0:
        yield Fault(f"{at}.policies.reminders", node.id, _("提醒次数不能小于 0。"))
    if node.kind not in JUDGING and node.policies.overdue == "reject":
        yield Fault(f"{at}.policies.overdue", node.id, _("只有审批可以超时驳回。"))


def _split(node: Node, at: str) -> Iterator[Fault]:
    if len(node.branches) < 2:
        yield Fault(f"{at}.branches", node.id, _("至少要有两条分支。"))
    names = [branch.id for branch in node.branches]
    for side, branch in enumerate(node.branches):
        if branch.id in names[:side]:
            yield Fault(f"{at}.branches[{side}].id", node.id, _("分支编号重复，请换一个。"))
    others = [branch for branch in node.branches if branch.condition is None]
    if node.kind == "parallel" and len(others) < len(node.branches):
        yield Fault(f"{at}.branches", node.id, _("并行分支每条都走,不需要条件。"))
    if node.kind != "parallel":
        yield from _otherwise(node, at, others)


def _otherwise(node: Node, at: str, others: list[Branch]) -> Iterator[Fault]:
    if not others:
        yield Fault(f"{at}.branches", node.id, _("要有一条没有条件的「其他情况」,不然会卡在这里。"))
    elif len(others) > 1:
        yield Fault(f"{at}.branches", node.id, _("没有条件的分支只能有一条,其余的请填写条件。"))


def _positive(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 < value <= MOST_MINUTES
