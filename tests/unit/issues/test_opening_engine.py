"""The opening rules decide what their docstring says; a second program written from it comes to the same issues."""

from datetime import UTC, datetime, timedelta
from random import Random

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qtrace.issues.opening_engine import ComplaintFact, Join, Open, OpenIssueFact, RuleFact, Step, assign, signature_of

START = datetime(2026, 1, 1, tzinfo=UTC)
BUYER = "buyer"
RULES = (
    RuleFact(1, "safety", 1, 30),
    RuleFact(2, "lot", 3, 30, frozenset({BUYER})),
    RuleFact(3, "sku", 3, 30, frozenset({BUYER})),
    RuleFact(4, "supplier", 3, 30, frozenset({BUYER})),
    RuleFact(5, "courier_line", 3, 30, frozenset({BUYER})),
)
LOT_ONLY = (RULES[1],)


def leak(number: int, day: float, **known: object) -> ComplaintFact:
    """A complaint about a leak of lot B, `day` days after the start."""
    values = {"type": "leak", "lot": "B"} | known
    return ComplaintFact(id=number, occurred_at=START + timedelta(days=day), **values)  # type: ignore[arg-type]


def held(steps: list[Step]) -> dict[int, object]:
    """Return which issue each complaint went to; a new one is named by its first complaint."""
    found: dict[int, object] = {}
    for step in steps:
        if isinstance(step, Open):
            found |= dict.fromkeys(step.complaints, ("new", step.complaints[0]))
        else:
            found[step.complaint] = ("old", step.issue)
    return found


def test_the_third_complaint_of_a_lot_opens_an_issue_that_holds_all_three() -> None:
    assert assign([leak(1, 0), leak(2, 10), leak(3, 20)], (), RULES) == [Open(2, "lot|B|leak", (1, 2, 3))]


def test_two_are_not_enough() -> None:
    assert assign([leak(1, 0), leak(2, 10)], (), RULES) == []


def test_the_window_is_open_at_its_old_end() -> None:
    assert assign([leak(1, 0), leak(2, 10), leak(3, 30)], (), LOT_ONLY) == []


def test_a_hair_less_than_the_window_counts() -> None:
    assert assign([leak(1, 0), leak(2, 10), leak(3, 29.999)], (), LOT_ONLY) == [Open(2, "lot|B|leak", (1, 2, 3))]


def test_complaints_of_another_type_or_lot_do_not_count() -> None:
    facts = [leak(1, 0), leak(2, 1), leak(3, 2, type="broken"), leak(4, 3, lot="C"), leak(5, 4, lot="")]
    assert assign(facts, (), LOT_ONLY) == []


def test_buyers_reasons_do_not_count_but_unclassified_ones_do() -> None:
    assert assign([leak(n, n, type=BUYER) for n in range(5)], (), RULES) == []
    assert len(assign([leak(n, n, type="") for n in range(5)], (), RULES)) == 1


def test_a_later_complaint_joins_the_open_issue_until_it_has_been_quiet_for_the_span() -> None:
    issue = OpenIssueFact(7, "lot|B|leak", START, START + timedelta(days=5))
    assert assign([leak(1, 35)], [issue], RULES) == [Join(7, 1)]
    assert assign([leak(1, 35.001)], [issue], RULES) == []


def test_joining_keeps_the_issue_awake() -> None:
    issue = OpenIssueFact(7, "lot|B|leak", START, START)
    assert assign([leak(1, 25), leak(2, 50), leak(3, 75)], [issue], RULES) == [Join(7, 1), Join(7, 2), Join(7, 3)]


def test_one_safety_complaint_opens_at_once_and_the_next_of_that_article_joins() -> None:
    facts = [leak(1, 0, safety=True, sku="S"), leak(2, 5, safety=True, sku="S"), leak(3, 6, safety=True, order="O")]
    steps = assign(facts, (), RULES)
    assert steps == [Open(1, "safety|S|leak", (1, 2)), Open(1, "safety|O|leak", (3,))]


def test_the_first_rule_that_applies_decides() -> None:
    facts = [leak(n, n, sku="S", supplier="V") for n in range(1, 4)]
    assert assign(facts, (), RULES) == [Open(2, "lot|B|leak", (1, 2, 3))]


def test_what_one_issue_holds_no_other_counts() -> None:
    facts = [leak(n, n, sku="S") for n in range(1, 4)] + [leak(4, 4, lot="C", sku="S"), leak(5, 5, lot="C", sku="S")]
    assert held(assign(facts, (), RULES)) == dict.fromkeys((1, 2, 3), ("new", 1))


def test_a_threshold_and_a_span_can_be_changed() -> None:
    facts = [leak(1, 0), leak(2, 6)]
    assert len(assign(facts, (), [RuleFact(2, "lot", 2, 7)])) == 1
    assert assign(facts, (), [RuleFact(2, "lot", 2, 6)]) == []


def test_the_signature_is_empty_where_the_key_is_unknown() -> None:
    assert signature_of(leak(1, 0, lot=""), RULES[1]) == ""
    assert signature_of(leak(1, 0), RULES[0]) == ""
    assert signature_of(leak(1, 0, safety=True), RULES[0]) == "safety|c1|leak"


def pandas_oracle(facts: list[ComplaintFact], rules: tuple[RuleFact, ...]) -> dict[int, int]:
    """Return complaint → issue, recomputed on a table from the rule's text alone, without any bookkeeping."""
    table = pd.DataFrame([vars(fact) for fact in facts]).sort_values(["occurred_at", "id"]).reset_index(drop=True)
    table["issue"], table["under"] = 0, ""
    for rule in rules:
        keys = table[rule.scope] if rule.scope != "safety" else table["sku"].where(table["sku"] != "", table["order"])
        if rule.scope == "safety":
            keys = keys.where(keys != "", "c" + table["id"].astype(str)).where(table["safety"], "")
        counted = (keys != "") & ~table["type"].isin(list(rule.not_types))
        table[f"sign{rule.id}"] = (rule.scope + "|" + keys + "|" + table["type"]).where(counted, "")
    issues = 0
    for place in range(len(table)):
        if table.at[place, "issue"]:
            continue
        at = table.at[place, "occurred_at"]
        past = table.iloc[: place + 1]
        for rule in rules:
            sign, span = table.at[place, f"sign{rule.id}"], pd.Timedelta(days=rule.days)
            if not sign:
                continue
            members = past[past["under"] == sign].groupby("issue")["occurred_at"]
            awake = [issue for issue, times in members if times.min() <= at <= times.max() + span]
            if awake:
                table.loc[place, ["issue", "under"]] = [min(awake), sign]
                break
            free = past[(past["issue"] == 0) & (past[f"sign{rule.id}"] == sign) & (past["occurred_at"] > at - span)]
            if len(free) >= rule.threshold:
                issues += 1
                table.loc[free.index, ["issue", "under"]] = [issues, sign]
                break
    return {int(row.id): int(row.issue) for row in table.itertuples() if row.issue}


def random_complaints(seed: int, count: int, days: int) -> list[ComplaintFact]:
    """Return complaints with few keys, so that rules meet often; every tenth is at the very time of another."""
    rng = Random(seed)
    return [
        ComplaintFact(
            id=number,
            occurred_at=START + timedelta(hours=rng.randrange(days * 24) // 5 * 5),
            type=rng.choice(("leak", "broken", BUYER, "")),
            safety=rng.random() < 0.03,
            lot=rng.choice(("", "", "A", "B")),
            sku=rng.choice(("", "S", "T", "U")),
            supplier=rng.choice(("", "V", "W")),
            courier_line=rng.choice(("", "X", "Y")),
            order=rng.choice(("", "O1", "O2")),
        )
        for number in range(1, count + 1)
    ]


@pytest.mark.parametrize("seed", range(8))
def test_an_independent_program_comes_to_the_same_issues(seed: int) -> None:
    facts = random_complaints(seed, 160, (40, 200, 600)[seed % 3])
    expected = pandas_oracle(facts, RULES)
    groups: dict[int, set[int]] = {}
    for complaint, issue in expected.items():
        groups.setdefault(issue, set()).add(complaint)
    steps = assign(facts, (), RULES)
    assert [set(step.complaints) for step in steps if isinstance(step, Open)] == [groups[n] for n in sorted(groups)]
    assert all(isinstance(step, Open) for step in steps)


FACTS = st.builds(random_complaints, st.integers(0, 10**6), st.integers(1, 60), st.integers(1, 200))


@settings(max_examples=60, deadline=None)
@given(FACTS, st.integers(1, 5), st.integers(1, 60))
def test_each_complaint_is_in_one_issue_and_every_opened_issue_holds_enough(
    facts: list[ComplaintFact], threshold: int, days: int
) -> None:
    rules = [RuleFact(rule.id, rule.scope, threshold, days, rule.not_types) for rule in RULES]
    needed = {rule.id: rule.threshold for rule in rules}
    steps = assign(facts, (), rules)
    every = [number for step in steps for number in (step.complaints if isinstance(step, Open) else (step.complaint,))]
    assert len(every) == len(set(every))
    assert all(len(step.complaints) >= needed[step.rule] for step in steps if isinstance(step, Open))


@settings(max_examples=60, deadline=None)
@given(FACTS, st.randoms())
def test_the_order_in_which_complaints_are_given_does_not_matter(facts: list[ComplaintFact], rng: Random) -> None:
    shuffled = list(facts)
    rng.shuffle(shuffled)
    assert assign(shuffled, (), RULES) == assign(facts, (), RULES)


@settings(max_examples=60, deadline=None)
@given(FACTS, st.integers(1, 7))
def test_batches_in_the_order_of_time_open_the_same_issues_as_one_run(facts: list[ComplaintFact], size: int) -> None:
    """Batches that come out of order may not: a window looks back only."""
    ordered = sorted(facts, key=lambda fact: (fact.occurred_at, fact.id))
    assert grouped(in_batches(ordered, size)) == grouped(
        {complaint: str(issue) for complaint, issue in held(assign(facts, (), RULES)).items()}
    )


@settings(max_examples=30, deadline=None)
@given(FACTS)
def test_judging_the_rest_again_changes_nothing(facts: list[ComplaintFact]) -> None:
    steps = assign(facts, (), RULES)
    taken = {number for step in steps if isinstance(step, Open) for number in step.complaints}
    by_id = {fact.id: fact for fact in facts}
    issues = [
        OpenIssueFact(place, step.signature, *span([by_id[number] for number in step.complaints]))
        for place, step in enumerate(steps)
        if isinstance(step, Open)
    ]
    assert assign([fact for fact in facts if fact.id not in taken], issues, RULES) == []


def span(members: list[ComplaintFact]) -> tuple[datetime, datetime]:
    """Return the first and the last time of these complaints."""
    times = [fact.occurred_at for fact in members]
    return min(times), max(times)


def grouped(places: dict[int, str]) -> set[frozenset[int]]:
    """Return the groups of complaints that are together."""
    groups: dict[str, set[int]] = {}
    for complaint, issue in places.items():
        groups.setdefault(issue, set()).add(complaint)
    return {frozenset(group) for group in groups.values()}


def in_batches(ordered: list[ComplaintFact], size: int) -> dict[int, str]:
    """Return complaint → issue when the complaints come in batches, as the service keeps them in between."""
    places: dict[int, str] = {}
    issues: dict[str, list[ComplaintFact]] = {}
    signatures: dict[str, str] = {}
    for begin in range(0, len(ordered), size):
        seen = ordered[: begin + size]
        names = list(issues)
        known = [OpenIssueFact(place, signatures[name], *span(issues[name])) for place, name in enumerate(names)]
        by_id = {fact.id: fact for fact in seen}
        for step in assign([fact for fact in seen if fact.id not in places], known, RULES):
            name = f"new{len(issues)}" if isinstance(step, Open) else names[step.issue]
            members = step.complaints if isinstance(step, Open) else (step.complaint,)
            if isinstance(step, Open):
                signatures[name] = step.signature
            issues.setdefault(name, []).extend(by_id[number] for number in members)
            places |= dict.fromkeys(members, name)
    return places
