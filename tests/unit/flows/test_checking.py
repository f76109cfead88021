"""A definition is not used while a node in it is never reached, never left, or asks nobody."""

import pytest

from qtrace.flows.checking import faults
from qtrace.flows.definition import Branch, Definition, Node, Policies, Signing, Who
from qtrace.flows.nodes import NODES

LEAD = (Who("role", "quality_lead"),)


def node(name: str, kind: str = "approve", **more: object) -> Node:
    """Return a node that has what its kind needs."""
    given = {"who": () if kind == "start" else LEAD, "due_minutes": 60} | more
    return Node(name, kind, name, name, **given)  # type: ignore[arg-type]


def branch(name: str, *nodes: Node, condition: object = None) -> Branch:
    """Return one way through a split."""
    return Branch(name, name, name, condition, nodes)


def flow(*nodes: Node, **more: str) -> Definition:
    """Return a flow that begins with its start."""
    return Definition("claim", 1, (node("ask", "start"), *nodes), **more)  # type: ignore[arg-type]


DIM = {"field": "amount"}


def test_a_flow_of_every_kind_of_node_may_run() -> None:
    ways = (branch("big", node("boss"), condition=DIM), branch("other"))
    whole = flow(
        node("write", "fill"),
        node("by_amount", "branch", branches=ways),
        node("all_three", "parallel", branches=(branch("a", node("quality")), branch("b", node("buying")))),
        node("some", "inclusive", branches=(*ways[1:], branch("c", node("shop"), condition=DIM))),
        node("told", "cc"),
        node("pause", "timer", options={"minutes": 5}),
        node("make", "auto", options={"action": "set_field"}),
        node("child", "subflow", options={"flow": "recall", "timeout_minutes": 60}),
        node("proof", "verify"),
        node("over", "end"),
        reopen_at="proof",
    )
    assert faults(whole) == []


@pytest.mark.parametrize(
    ("wrong", "place"),
    [
        (Definition("claim", 1, ()), "nodes"),
        (Definition("claim", 1, (node("boss"),)), "nodes[0].kind"),
        (flow(node("again", "start")), "nodes[1].kind"),
        (flow(node("ask")), "nodes[1].id"),
        (flow(node("over", "end"), node("boss")), "nodes[2]"),
        (flow(node("split", "branch", branches=(branch("a", condition=DIM), branch("b", condition=DIM)))), "nodes[1].branches"),
        (flow(node("split", "branch", branches=(branch("a"), branch("b")))), "nodes[1].branches"),
        (flow(node("split", "branch", branches=(branch("a"),))), "nodes[1].branches"),
        (flow(node("split", "parallel", branches=(branch("a"), branch("b", condition=DIM)))), "nodes[1].branches"),
        (flow(node("split", "parallel", branches=(branch("a"), branch("a")))), "nodes[1].branches[1].id"),
        (
            flow(
                node("split", "branch", branches=(branch("a", node("e", "end"), condition=DIM), branch("b", node("f", "end")))),
                node("boss"),
            ),
            "nodes[2]",
        ),
        (
            flow(node("split", "parallel", branches=(branch("a", node("e", "end")), branch("b"))), node("boss")),
            "nodes[2]",
        ),
        (flow(node("boss", who=())), "nodes[1].who"),
        (flow(node("boss", who=(Who("user"),))), "nodes[1].who[0].value"),
        (flow(node("boss", who=(Who("head_chain", level=0),))), "nodes[1].who[0]"),
        (flow(node("boss", signing=Signing("ratio", percent=0))), "nodes[1].signing.percent"),
        (flow(node("boss", policies=Policies(nobody="named"))), "nodes[1].policies.nobody_user"),
        (flow(node("work", "handle", policies=Policies(overdue="reject"))), "nodes[1].policies.overdue"),
        (flow(node("boss", due_minutes=0)), "nodes[1].due_minutes"),
        (flow(node("pause", "timer")), "nodes[1].options.minutes"),
        (flow(node("make", "auto")), "nodes[1].options.action"),
        (flow(node("make", "auto", options={"action": "callback"})), "nodes[1].options.timeout_minutes"),
        (flow(node("child", "subflow", options={"timeout_minutes": 5})), "nodes[1].options.flow"),
        (flow(node("boss", branches=(branch("a"),))), "nodes[1].branches"),
        (flow(reopen_at="gone"), "reopen_at"),
        (
            flow(
                node("split", "parallel", branches=(branch("a", node("in_it")), branch("b"))), reopen_at="in_it"
            ),
            "reopen_at",
        ),
    ],
)  # fmt: skip
def test_a_flow_that_cannot_run_is_told_where(wrong: Definition, place: str) -> None:
    assert place in [fault.place for fault in faults(wrong)]


def test_an_automatic_node_needs_a_kind_that_is_there_and_what_that_kind_asks_for() -> None:
    known = {one.key: one for one in NODES}
    for options, place in (
        ({"action": "acme"}, "nodes[1].options.action"),
        ({"action": "make_record", "with": {"values": [["a", "b"]]}}, "nodes[1].options.with.form"),
        ({"action": "make_record", "with": "nothing"}, "nodes[1].options.with.values"),
        ({"action": "http", "with": {"address": "ERP", "wait": True}}, "nodes[1].options.timeout_minutes"),
    ):
        assert place in [fault.place for fault in faults(flow(node("do", "auto", options=options)), known)]
    good = {"action": "make_record", "with": {"form": "inspection", "values": [["a", "b"]]}}
    assert faults(flow(node("do", "auto", options=good)), known) == []
    assert faults(flow(node("do", "auto", options={"action": "acme"}))) == []  # without a site nobody knows
