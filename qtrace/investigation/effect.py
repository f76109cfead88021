"""The effect of an action judged on data: the rate after it against the rate before it."""

import math
from dataclasses import dataclass
from typing import Literal

Z95 = 1.96
SIGNIFICANCE = 0.05
SMALL_EXPECTED = 5  # Cochran's rule: below it the normal approximation is not trusted

Verdict = Literal["improved", "no_change", "worse", "too_little_data"]
Reason = Literal["rate_fell", "rate_rose", "may_be_chance", "no_events", "few_units_before", "few_units_after"]
Method = Literal["fisher", "z"]


@dataclass(frozen=True)
class Count:
    """So many of the units had the event."""

    events: int
    units: int

    def __post_init__(self) -> None:
        if not 0 <= self.events <= self.units:
            raise ValueError("events must lie between zero and the number of units")

    @property
    def rate(self) -> float | None:
        """Return the share of units with the event, or nothing without units."""
        return self.events / self.units if self.units else None


@dataclass(frozen=True)
class Interval:
    """A range of rates that holds the true one with the confidence asked for."""

    low: float
    high: float


@dataclass(frozen=True)
class EffectVerdict:
    """The judgement and every figure it rests on; no p-value is shown on too little data."""

    verdict: Verdict
    reason: Reason
    before_rate: float | None
    after_rate: float | None
    before_interval: Interval
    after_interval: Interval
    p_value: float | None
    method: Method | None


def wilson(events: int, n: int, z: float = Z95) -> Interval:
    """Return the Wilson score interval of a proportion; without data nothing is excluded.

    (p + z²/2n ± z·√(p(1−p)/n + z²/4n²)) / (1 + z²/n), p = events/n.
    E. B. Wilson, J. Am. Stat. Assoc. 22 (1927) 209; method 3 of R. G. Newcombe, Stat. Med. 17 (1998) 857.
    """
    p = Count(events, n).rate
    if p is None:
        return Interval(0.0, 1.0)
    centre = p + z * z / (2 * n)
    half = z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    scale = 1 + z * z / n
    low = 0.0 if events == 0 else max(0.0, (centre - half) / scale)
    high = 1.0 if events == n else min(1.0, (centre + half) / scale)
    return Interval(low, high)


def fisher_exact(before: Count, after: Count) -> float:
    """Return the two-sided p-value of Fisher's exact test, computed in whole numbers.

    With all margins fixed, drawing n units finds k of the m marked and n−k of the r others with weight
    C(m,k)·C(r,n−k); the p-value is the share of the tables that weigh no more than the observed one.
    R. A. Fisher, The Design of Experiments (1935), ch. 2; two-sided as in R's fisher.test.
    """
    events, units = before.events + after.events, before.units + after.units
    rest = units - events
    # the table may be turned and mirrored; drawing its smallest margin keeps the numbers small
    if min(events, rest) <= min(before.units, after.units):
        rare_before = before.events if events <= rest else before.units - before.events
        return _share_of_tables(min(events, rest), before.units, after.units, rare_before)
    few = before if before.units <= after.units else after
    return _share_of_tables(few.units, events, rest, few.events)


def _share_of_tables(drawn: int, marked: int, others: int, found: int) -> float:
    """Return the share of the draws that are no likelier than the one that found so many marked."""
    observed = math.comb(marked, found) * math.comb(others, drawn - found)
    lowest, highest = max(0, drawn - others), min(drawn, marked)
    weight = math.comb(marked, lowest) * math.comb(others, drawn - lowest)
    no_likelier = 0
    for k in range(lowest, highest + 1):
        no_likelier += weight if weight <= observed else 0
        # the neighbouring table's weight; the division leaves no remainder
        weight = weight * (marked - k) * (drawn - k) // ((k + 1) * (others - drawn + k + 1))
    return no_likelier / math.comb(marked + others, drawn)


def two_proportion_z(before: Count, after: Count) -> float:
    """Return the two-sided p-value of the pooled two-proportion z-test.

    z = (p₁ − p₂) / √(p(1−p)(1/n₁ + 1/n₂)) with the pooled rate p; its square is Pearson's χ² of the 2×2 table
    without continuity correction, as in R's prop.test(correct = FALSE).
    A. Agresti, Categorical Data Analysis (2013), section 3.2.
    """
    units = before.units + after.units
    pooled = (before.events + after.events) / units
    spread = math.sqrt(pooled * (1 - pooled) * (1 / before.units + 1 / after.units))
    if not spread:
        return 1.0
    z = (before.events / before.units - after.events / after.units) / spread
    return math.erfc(abs(z) / math.sqrt(2))


def compare(before: Count, after: Count, *, minimum_units: int, significance: float = SIGNIFICANCE) -> EffectVerdict:
    """Return whether the rate changed by more than chance explains; too few units give no verdict."""
    reason, p_value, method = _judge(before, after, max(minimum_units, 1), significance)
    return EffectVerdict(
        verdict=_VERDICTS[reason],
        reason=reason,
        before_rate=before.rate,
        after_rate=after.rate,
        before_interval=wilson(before.events, before.units),
        after_interval=wilson(after.events, after.units),
        p_value=p_value,
        method=method,
    )


_VERDICTS: dict[Reason, Verdict] = {
    "rate_fell": "improved",
    "rate_rose": "worse",
    "may_be_chance": "no_change",
    "no_events": "no_change",
    "few_units_before": "too_little_data",
    "few_units_after": "too_little_data",
}


def _judge(
    before: Count, after: Count, minimum_units: int, significance: float
) -> tuple[Reason, float | None, Method | None]:
    if before.units < minimum_units:
        return "few_units_before", None, None
    if after.units < minimum_units:
        return "few_units_after", None, None
    method: Method = "fisher" if _smallest_expected(before, after) < SMALL_EXPECTED else "z"
    p_value = fisher_exact(before, after) if method == "fisher" else two_proportion_z(before, after)
    if before.events == after.events == 0:
        return "no_events", p_value, method
    if p_value >= significance:
        return "may_be_chance", p_value, method
    fell = after.events * before.units < before.events * after.units
    return ("rate_fell" if fell else "rate_rose"), p_value, method


def _smallest_expected(before: Count, after: Count) -> float:
    units = before.units + after.units
    events = before.events + after.events
    return min(events, units - events) * min(before.units, after.units) / units
