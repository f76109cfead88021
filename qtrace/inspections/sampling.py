"""Single sampling by attributes: lot size, level, AQL and state lead to a sample size and the numbers that decide.

The tables are GB/T 2828.1-2012 (ISO 2859-1:1999) as data of this package; every cell is resolved, arrows followed.
"""

import csv
import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from enum import StrEnum
from functools import cache
from importlib.resources import files

STANDARD = "GB/T 2828.1-2012"
LEVELS = ("I", "II", "III", "S-1", "S-2", "S-3", "S-4")
USUAL_LEVEL = "II"
NONE_ALLOWED = "0"  # no nonconformity at all is accepted; not an AQL of the standard
AQLS = (
    "0.010", "0.015", "0.025", "0.040", "0.065", "0.10", "0.15", "0.25", "0.40", "0.65", "1.0", "1.5", "2.5", "4.0",
    "6.5", "10", "15", "25", "40", "65", "100", "150", "250", "400", "650", "1000",
)  # fmt: skip
MOST_PERCENT = Decimal(10)  # above it an AQL can only mean nonconformities per hundred items
MOST_LOT = 100_000_000


class State(StrEnum):
    """How closely the lots of a series are looked at."""

    NORMAL = "normal"
    TIGHTENED = "tightened"
    REDUCED = "reduced"
    DISCONTINUED = "discontinued"


@dataclass(frozen=True)
class Plan:
    """How many to look at, and up to how many nonconforming ones the lot is accepted."""

    letter: str  # of the lot size and level
    code: str  # of the plan itself: another letter where an arrow was followed
    n: int
    ac: int
    re: int
    every: bool = False  # the sample would be the whole lot

    def accepts(self, found: int) -> bool:
        """Say whether a lot with so many found in its sample is accepted."""
        return found <= self.ac


class OutsideTheTablesError(ValueError):
    """A lot size, level, AQL or state the standard has no plan for."""


def letter_of(lot: int, level: str = USUAL_LEVEL) -> str:
    """Return the code letter of a lot of this size; the standard's lots begin at two."""
    if lot < 1 or level not in LEVELS:
        raise OutsideTheTablesError(f"no code letter for a lot of {lot} at level {level}")
    for low, high, letters in _letters():
        if (lot >= low or low == 2) and (high is None or lot <= high):
            return letters[level]
    raise AssertionError("the last range is open")


def plan_for(lot: int, aql: str, *, level: str = USUAL_LEVEL, state: State = State.NORMAL) -> Plan:
    """Return the plan of a lot; a sample as large as the lot means that every piece is looked at."""
    letter = letter_of(lot, level)
    plan = cell(letter, aql, state)
    return replace(plan, n=lot, every=True) if plan.n >= lot else plan


def cell(letter: str, aql: str, state: State = State.NORMAL) -> Plan:
    """Return one cell of the tables with its arrows followed: size, numbers and letter move together."""
    if aql == NONE_ALLOWED:
        return Plan(letter, letter, _sizes(state)[letter], 0, 1)
    found = _cells().get((state, letter, aql))
    if found is None:
        raise OutsideTheTablesError(f"no plan for letter {letter}, AQL {aql}, {state}")
    return found


def tighter(aql: str) -> str | None:
    """Return the AQL one step tighter; None where there is none."""
    place = AQLS.index(aql) if aql in AQLS else 0
    return AQLS[place - 1] if place else None


def acceptance(plan: Plan, rate: Decimal, *, per_hundred: bool = False) -> float:
    """Return how likely a lot with this many percent nonconforming is accepted; or with so many defects per hundred."""
    share = float(rate) / 100
    return _poisson(plan.n * share, plan.ac) if per_hundred else _binomial(plan.n, share, plan.ac)


def counts_defects(aql: str) -> bool:
    """Say whether an AQL can only count nonconformities per hundred items, of which one piece may have several."""
    return Decimal(aql) > MOST_PERCENT


def _binomial(n: int, share: float, most: int) -> float:
    if most >= n or share <= 0:
        return 1.0
    if share >= 1:
        return 0.0
    ratio = math.log(share) - math.log1p(-share)
    logs = [n * math.log1p(-share)]
    for found in range(most):
        logs.append(logs[-1] + math.log((n - found) / (found + 1)) + ratio)
    return min(math.fsum(math.exp(one) for one in logs), 1.0)


def _poisson(mean: float, most: int) -> float:
    if mean <= 0:
        return 1.0
    logs = [-mean]
    for found in range(most):
        logs.append(logs[-1] + math.log(mean / (found + 1)))
    return min(math.fsum(math.exp(one) for one in logs), 1.0)


def _rows(name: str) -> list[dict[str, str]]:
    text = files("qtrace.inspections").joinpath("data", name).read_text(encoding="utf-8-sig")
    return list(csv.DictReader(text.splitlines()))


@cache
def _letters() -> tuple[tuple[int, int | None, Mapping[str, str]], ...]:
    return tuple(
        (int(row["lot_min"]), int(row["lot_max"]) if row["lot_max"] else None, {level: row[level] for level in LEVELS})
        for row in _rows("aql_code_letters.csv")
    )


@cache
def _cells() -> Mapping[tuple[State, str, str], Plan]:
    return {
        (State(row["state"]), row["code"], row["aql"]): Plan(
            row["code"], row["final_code"], int(row["n"]), int(row["ac"]), int(row["re"])
        )
        for row in _rows("aql_single_plans.csv")
    }


@cache
def _sizes(state: State) -> Mapping[str, int]:
    """Return the sample size each letter stands for."""
    return {letter: plan.n for (of, letter, _aql), plan in _cells().items() if of == state and plan.code == letter}
