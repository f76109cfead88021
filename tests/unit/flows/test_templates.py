"""Every shipped flow may run, says who and until when in words, and comes to its end whatever the judges say."""

import pytest

from qtrace.accounts.permissions import PERMISSIONS, ROLES
from qtrace.flows.checking import faults
from qtrace.flows.definition import ASKING, JUDGING, Definition, Tree
from qtrace.flows.engine import act, start
from qtrace.flows.facts import Answer, Draw, HeadOf, Holds, Keepers, People, Question
from qtrace.flows.reading import dump_definition, parse_definition
from qtrace.flows.state import Decide, Operation, Signal, State
from qtrace.flows.templates import TEMPLATES, FlowTemplate
from qtrace.flows.wording import Names, Wording

ROLE_IDS = {role.key: (10 + 2 * place, 11 + 2 * place) for place, role in enumerate(ROLES)}
INITIATOR, HEAD, KEEPER = 1, 2, 3


class Company:
    """Two people of each role; the conditions of the named branches hold."""

    def __init__(self, *taken: str) -> None:
        self.taken = taken

    def answer(self, question: Question, /) -> Answer:
        """Answer the same every time."""
        match question:
            case People(_node, who):
                known = {"initiator": (INITIATOR,), "head": (HEAD,), "role": ROLE_IDS.get(who.value, ())}
                return known[who.kind]
            case Holds(_node, branch):
                return (1,) if branch in self.taken else ()
            case HeadOf():
                return (HEAD,)
            case Keepers():
                return (KEEPER,)
            case Draw():
                return (0,)


def turn(tree: Tree, state: State, *, reject: bool = False) -> Operation:
    """Return what the first who may act does: agree, reject, or the wait is over."""
    token = min(state.tokens, key=lambda one: tree.order[one.node])
    if tree.nodes[token.node].kind not in ASKING:
        return Signal(token.id, passed=True)
    entry = next(entry for seat in token.seats for entry in seat.chain if entry.state == "open")
    by = entry.user or entry.pool[0]
    return Decide(entry.id, by, "reject" if reject else "approve", "看过了", signed=True)


def walk(definition: Definition, facts: Company, reject_at: str = "") -> State:
    """Go from the start to the end, rejecting once at one node."""
    tree = Tree(definition)
    state, rejected = start(tree, facts, initiator=INITIATOR).state, False
    for _step in range(200):
        if state.status != "running":
            break
        here = min(state.tokens, key=lambda one: tree.order[one.node]).node
        reject = here == reject_at and not rejected
        rejected = rejected or reject
        state = act(tree, state, turn(tree, state, reject=reject), facts).state
    assert rejected == bool(reject_at)
    return state


def ways(definition: Definition) -> list[tuple[str, ...]]:
    """Return the branches with a condition: none of them, each alone, all together."""
    names = [branch.id for node in Tree(definition).walk() for branch in node.branches if branch.condition is not None]
    return [(), *((name,) for name in names), tuple(names)]


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda one: one.key)
def test_a_shipped_flow_may_run_and_is_stored_as_it_is(template: FlowTemplate) -> None:
    definition = template.definition
    assert faults(definition) == []
    assert parse_definition(dump_definition(definition)) == definition
    assert (definition.key, bool(definition.name_zh), bool(definition.name_en)) == (template.key, True, True)
    for node in Tree(definition).walk():
        assert node.name_zh and node.name_en
        assert node.kind not in ASKING or node.permission in PERMISSIONS
        assert all(who.value in ROLE_IDS for who in node.who if who.kind == "role")


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda one: one.key)
def test_a_shipped_flow_comes_to_its_end_on_every_way(template: FlowTemplate) -> None:
    for taken in ways(template.definition):
        assert walk(template.definition, Company(*taken)).status == "closed", taken


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda one: one.key)
def test_a_rejection_at_each_judging_node_is_corrected_or_ends_the_flow(template: FlowTemplate) -> None:
    judges = [node for node in Tree(template.definition).walk() if node.kind in JUDGING]
    for node in judges:
        taken = [way for way in ways(template.definition) if node.id in walk(template.definition, Company(*way)).visits]
        assert taken, f"no way leads to {node.id}"
        end = walk(template.definition, Company(*taken[0]), node.id)
        assert end.status == ("rejected" if node.policies.reject_to == "terminate" else "closed")


def test_a_node_is_told_in_one_short_line() -> None:
    words = Wording(Names(roles={"quality_lead": "质量主管", "owner": "老板", "purchasing": "采购"}))
    told = {node.id: words.line(node) for one in TEMPLATES for node in Tree(one.definition).walk()}
    assert told["investigate"] == "质量主管 一人领取 · 3 个工作日"
    assert told["three"] == "质量主管、采购、老板 全部 · 2 个工作日"
    assert told["head"] == "发起人的部门负责人 · 1 个工作日"
    assert told["answer"] == "customer_service 一人领取 · 4 工作小时"
    assert told["by_amount"] == "只走一条"
    assert told["wait"] == "等 3 个自然日"


def test_what_is_unusual_of_a_node_is_told_and_what_is_usual_is_not() -> None:
    words = Wording(Names(roles={"quality_lead": "质量主管"}))
    nodes = {node.id: node for one in TEMPLATES for node in Tree(one.definition).walk()}
    assert words.unusual(nodes["investigate"]) == [("离开的条件", "根本原因已查明")]
    told = dict(words.unusual(nodes["review"]))
    assert told == {"发起人是自己": "跳过发起人自己", "驳回后": "回到审批人选的一步", "必须有": "意见、手写签名"}
