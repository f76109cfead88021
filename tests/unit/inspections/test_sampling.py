"""The tables of single sampling, held against the files they came from and against figures worked out by others."""

import csv
import math
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qtrace.inspections import sampling
from qtrace.inspections.sampling import (
    AQLS,
    LEVELS,
    OutsideTheTablesError,
    Plan,
    State,
    acceptance,
    cell,
    plan_for,
    tighter,
)
from tests.conftest import SHARED

SOURCE = SHARED / "data" / "aql"
OWN = Path(sampling.__file__).parent / "data"
STATES = (State.NORMAL, State.TIGHTENED, State.REDUCED)


def rows(name: str) -> list[dict[str, str]]:
    """Read a file of the tables: the original where it is at hand, else what is shipped."""
    folder = SOURCE if SOURCE.is_dir() else OWN
    with (folder / name).open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def test_every_cell_of_the_three_tables_is_the_standards() -> None:
    found = rows("aql_single_plans.csv")
    assert len(found) == 1249
    for row in found:
        plan = cell(row["code"], row["aql"], State(row["state"]))
        assert (plan.code, plan.n, plan.ac, plan.re) == (
            row["final_code"],
            int(row["n"]),
            int(row["ac"]),
            int(row["re"]),
        )


def test_every_code_letter_holds_at_both_ends_of_its_range() -> None:
    found = rows("aql_code_letters.csv")
    assert len(found) == 15
    for row in found:
        for size in (row["lot_min"], row["lot_max"] or "100000000"):
            for level in LEVELS:
                assert sampling.letter_of(int(size), level) == row[level]


@pytest.mark.parametrize(
    ("lot", "level", "aql", "state", "expected"),
    [
        (150, "II", "1.5", State.NORMAL, Plan("F", "G", 32, 1, 2)),  # the cell holds an arrow down
        (150, "II", "2.5", State.NORMAL, Plan("F", "F", 20, 1, 2)),
        (3201, "II", "1.5", State.NORMAL, Plan("L", "L", 200, 7, 8)),
        (10_000, "II", "1.5", State.NORMAL, Plan("L", "L", 200, 7, 8)),
        (500, "II", "1.5", State.NORMAL, Plan("H", "H", 50, 2, 3)),
        (10, "II", "1.5", State.NORMAL, Plan("B", "D", 8, 0, 1)),
        (1000, "III", "0.40", State.NORMAL, Plan("K", "K", 125, 1, 2)),
    ],
)
def test_the_worked_cases_hold(lot: int, level: str, aql: str, state: State, expected: Plan) -> None:
    assert plan_for(lot, aql, level=level, state=state) == expected


def test_reduced_inspection_is_the_standards_and_not_the_older_american_one() -> None:
    plan = cell("K", "1.0", State.REDUCED)
    assert (plan.n, plan.ac, plan.re) == (50, 2, 3)


def test_a_sample_as_large_as_the_lot_means_every_piece() -> None:
    plan = plan_for(5, "1.5")
    assert (plan.n, plan.every) == (5, True)
    assert not plan_for(10, "1.5").every
    assert plan_for(1, "1.5").n == 1


def test_none_allowed_takes_the_sample_of_the_letter_and_accepts_nothing() -> None:
    assert plan_for(500, sampling.NONE_ALLOWED) == Plan("H", "H", 50, 0, 1)
    assert plan_for(500, sampling.NONE_ALLOWED, state=State.REDUCED).n == 20


@pytest.mark.parametrize(("n", "ac", "expected"), [(20, 1, 0.964254), (200, 7, 0.988740), (50, 2, 0.960754)])
def test_the_chance_of_acceptance_at_an_aql_of_one_and_a_half_is_the_published_one(
    n: int, ac: int, expected: float
) -> None:
    assert acceptance(Plan("", "", n, ac, ac + 1), Decimal("1.5")) == pytest.approx(expected, abs=5e-7)


def test_the_chance_of_acceptance_of_a_large_sample_is_the_published_one() -> None:
    assert acceptance(Plan("K", "K", 125, 1, 2), Decimal("0.4")) == pytest.approx(0.910101, abs=5e-7)


@given(st.integers(1, 300), st.integers(0, 44), st.integers(1, 99))
def test_the_chance_is_the_sum_of_exact_fractions(n: int, ac: int, percent: int) -> None:
    share = Fraction(percent, 100)
    exact = sum(math.comb(n, d) * share**d * (1 - share) ** (n - d) for d in range(min(ac, n) + 1))
    assert acceptance(Plan("", "", n, ac, ac + 1), Decimal(percent)) == pytest.approx(float(exact), abs=1e-9)


@given(st.sampled_from(AQLS), st.integers(2, 3_000_000), st.sampled_from(LEVELS), st.sampled_from(STATES))
def test_every_lot_has_one_plan_that_decides(aql: str, lot: int, level: str, state: State) -> None:
    plan = plan_for(lot, aql, level=level, state=state)
    assert plan.re == plan.ac + 1 and 1 <= plan.n <= lot
    assert plan.every == (plan.n == lot)
    assert plan.accepts(plan.ac) and not plan.accepts(plan.re)


@given(st.sampled_from(AQLS), st.integers(2, 3_000_000), st.sampled_from(LEVELS))
def test_tightened_inspection_never_accepts_more_easily(aql: str, lot: int, level: str) -> None:
    normal, tightened = (plan_for(lot, aql, level=level, state=state) for state in (State.NORMAL, State.TIGHTENED))
    per_hundred = sampling.counts_defects(aql)
    chances = [acceptance(plan, Decimal(aql), per_hundred=per_hundred) for plan in (normal, tightened)]
    assert chances[1] <= chances[0] + 1e-9 or tightened.every


@given(st.sampled_from(AQLS[1:]))
def test_one_step_tighter_is_the_neighbour(aql: str) -> None:
    neighbour = tighter(aql)
    assert neighbour is not None and Decimal(neighbour) < Decimal(aql)


def test_what_the_standard_has_no_plan_for_is_refused() -> None:
    assert tighter(AQLS[0]) is None
    for call in (lambda: plan_for(0, "1.5"), lambda: plan_for(10, "1.7"), lambda: plan_for(10, "1.5", level="IV"),
                 lambda: plan_for(10, "1.5", state=State.DISCONTINUED)):  # fmt: skip
        with pytest.raises(OutsideTheTablesError):
            call()


def test_defects_per_hundred_may_exceed_the_sample() -> None:
    plan = Plan("A", "A", 2, 44, 45)
    assert acceptance(plan, Decimal(1000), per_hundred=True) > 0.99
    assert sampling.counts_defects("15") and not sampling.counts_defects("10")
