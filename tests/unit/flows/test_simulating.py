"""A simulation goes the way the engine goes, says who and why at each stop, and ends whatever is decided."""

from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from qtrace.flows.definition import Definition, Tree
from qtrace.flows.facts import Answer, Holds, People, Question
from qtrace.flows.simulating import LETTERS, Simulation, described, simulate
from qtrace.flows.templates import template_of
from tests.unit.flows import trees
from tests.unit.flows.test_templates import HEAD, INITIATOR, KEEPER, ROLE_IDS, Company

PEOPLE = {INITIATOR: "小陈", HEAD: "组长", KEEPER: "管理员"}
NAMES = {"quality_lead": "质", "owner": "老", "purchasing": "采", "customer_service": "客", "inspector": "检"}
PEOPLE |= {user: f"{NAMES[role]}{place}" for role in NAMES for place, user in enumerate(ROLE_IDS[role], 1)}


def shipped(key: str) -> Definition:
    """Return a shipped flow."""
    template = template_of(key)
    assert template is not None
    return template.definition


def way(key: str, *taken: str, path: str = "") -> list[str]:
    """Return the way of a shipped flow in words."""
    return described(run(key, *taken, path=path), PEOPLE)


def run(key: str, *taken: str, path: str = "") -> Simulation:
    """Walk a shipped flow in which the conditions of these branches hold."""
    return simulate(Tree(shipped(key)), Company(*taken), initiator=INITIATOR, path=path)


def test_the_whole_way_is_shown_though_nobody_decided_anything() -> None:
    assert way("claim_approval", "middle") == [
        "fill 小陈 a", "head 组长 a", "by_amount middle", "two 质1,质2 a", "collect 采1|采2 a",
    ]  # fmt: skip
    assert run("claim_approval").status == "closed"


def test_a_rejection_is_followed_back_and_the_way_down_again() -> None:
    told = way("claim_approval", "high", path="aar")
    assert told[:7] == [
        "fill 小陈 a", "head 组长 a", "by_amount high", "three 质1,质2,采1,采2,老1,老2 r", "fill 小陈 a",
        "head 组长 a", "by_amount high",
    ]  # fmt: skip


def test_a_time_out_reminds_and_then_does_what_the_node_says() -> None:
    told = run("claim_approval", path="at").stops
    assert (told[1].jumped, told[1].reminders, told[1].told["transferred"]) == (["reminded", "transferred"], 3, (HEAD,))
    assert (told[2].node, told[2].again, told[2].path) == ("head", True, "at")
    assert run("listing_change", "plain", path="at").stops[2].jumped == ["reminded", "late_pass"]
    assert run("small_company", path="t").stops[0].told["escalated"] == (HEAD,)


def test_an_approval_given_once_is_not_asked_again() -> None:
    """The head of the initiator is the quality lead, who agreed already when the claim gets there."""

    class LeadIsHead(Company):
        def answer(self, question: Question, /) -> Answer:
            if isinstance(question, People) and question.who.kind == "head":
                return ROLE_IDS["quality_lead"][:1]
            return super().answer(question)

    found = simulate(Tree(shipped("claim_approval")), LeadIsHead("high"), initiator=INITIATOR)
    three = next(stop for stop in found.stops if stop.node == "three")
    assert "repeated" in three.jumped and [one.before for one in three.asked[:2]] == [True, False]


def test_where_nobody_is_found_the_policy_is_named() -> None:
    class Empty(Company):
        def answer(self, question: Question, /) -> Answer:
            return () if isinstance(question, People) and question.who.kind == "role" else super().answer(question)

    found = simulate(Tree(shipped("recall")), Empty(), initiator=INITIATOR)
    judge = found.stops[1]
    assert (judge.jumped, judge.told["nobody_admin"], judge.asked[0].user) == (["nobody_admin"], (KEEPER,), KEEPER)


def test_who_started_it_does_not_judge_it_where_the_node_says_so() -> None:
    lead = ROLE_IDS["quality_lead"][0]
    found = simulate(Tree(shipped("supplier_action")), Company(), initiator=lead)
    approve = found.stops[1]
    assert (approve.jumped, [one.user for one in approve.asked]) == (["self_skip"], [ROLE_IDS["quality_lead"][1]])


def test_branches_say_whether_their_condition_held() -> None:
    split = run("claim_approval", "middle").stops[2]
    assert [(one.branch, one.holds, one.taken) for one in split.taken] == [
        ("high", False, False), ("middle", True, True), ("low", None, False),
    ]  # fmt: skip


@settings(max_examples=60)
@given(st.integers(0, 10**6), st.text("art", max_size=12))
def test_any_drawn_flow_is_walked_and_the_path_that_is_told_leads_there_again(seed: int, path: str) -> None:
    tree = Tree(trees.tree(Random(seed)))
    found = simulate(tree, Fixed(seed), initiator=1, path=path)
    assert found.cut or found.problem or found.status != "running"
    decided = [stop for stop in found.stops if stop.choice]
    assert all(stop.choice in stop.choices and set(stop.choices) <= LETTERS for stop in decided)
    if decided:
        last = max(decided, key=lambda stop: len(stop.path))
        again = simulate(tree, Fixed(seed), initiator=1, path=last.path + last.choice)
        assert described(again, {})[: len(found.stops)] == described(found, {})


class Fixed(trees.Company):
    """A drawn company whose conditions hold or not for good."""

    def __init__(self, seed: int) -> None:
        super().__init__(Random(seed), 1)
        self.seed = seed

    def answer(self, question: Question, /) -> Answer:
        """Answer the same every time."""
        if isinstance(question, Holds):
            return (1,) if Random(f"{self.seed}{question.node}{question.branch}").random() < 0.5 else ()
        return super().answer(question)
