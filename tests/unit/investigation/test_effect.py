"""The judgement of an effect agrees with published figures and with counting every table."""

import math
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qtrace.investigation.effect import Count, Interval, compare, fisher_exact, two_proportion_z, wilson

counts = st.integers(0, 60).flatmap(lambda n: st.builds(Count, st.integers(0, n), st.just(n)))
filled = st.integers(1, 60).flatmap(lambda n: st.builds(Count, st.integers(0, n), st.just(n)))
large = st.integers(1, 5_000_000).flatmap(lambda n: st.builds(Count, st.integers(0, n), st.just(n)))


# published: R. G. Newcombe, Statistics in Medicine 17 (1998) 857, table I, method 3
@pytest.mark.parametrize(
    ("events", "n", "low", "high"),
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_wilson_interval_equals_the_published_one(events: int, n: int, low: float, high: float) -> None:
    interval = wilson(events, n)
    assert (round(interval.low, 4), round(interval.high, 4)) == (low, high)


def test_wilson_interval_worked_by_hand() -> None:
    # p = 0.5, n = 10, z = 2: (0.5 + 0.2 ± 2·√(0.025 + 0.01)) / 1.4
    interval = wilson(5, 10, z=2)
    assert interval.low == pytest.approx((0.7 - 2 * math.sqrt(0.035)) / 1.4, abs=1e-15)
    assert interval.high == pytest.approx((0.7 + 2 * math.sqrt(0.035)) / 1.4, abs=1e-15)


def test_without_data_every_rate_is_possible() -> None:
    assert wilson(0, 0) == Interval(0.0, 1.0)


@given(large)
def test_wilson_interval_holds_the_rate_and_stays_between_zero_and_one(count: Count) -> None:
    interval = wilson(count.events, count.units)
    assert count.rate is not None
    assert 0 <= interval.low <= count.rate <= interval.high <= 1


@given(large)
def test_wilson_intervals_of_events_and_of_the_rest_mirror_each_other(count: Count) -> None:
    interval, rest = wilson(count.events, count.units), wilson(count.units - count.events, count.units)
    assert interval.low == pytest.approx(1 - rest.high, abs=1e-12)


@given(filled)
def test_wilson_interval_ends_where_the_score_test_ends(count: Count) -> None:
    """Its limits are the rates π with |p − π| = z·√(π(1−π)/n)."""
    interval = wilson(count.events, count.units)
    p = count.events / count.units
    for limit in (interval.low, interval.high):
        assert abs(p - limit) == pytest.approx(1.96 * math.sqrt(limit * (1 - limit) / count.units), abs=1e-9)


# published: R's help page of fisher.test (tea tasting of Fisher 1935, convictions of twins) and a small table by hand
@pytest.mark.parametrize(
    ("before", "after", "p_value"),
    [
        (Count(3, 4), Count(1, 4), 0.4857),
        (Count(2, 12), Count(15, 18), 0.0005367),
        (Count(0, 3), Count(3, 3), 0.1),
    ],
)
def test_fisher_p_value_equals_the_published_one(before: Count, after: Count, p_value: float) -> None:
    assert fisher_exact(before, after) == pytest.approx(p_value, rel=1.1e-4)


@given(counts, counts)
def test_fisher_p_value_equals_the_count_over_every_table(before: Count, after: Count) -> None:
    events, units = before.events + after.events, before.units + after.units
    chances = {
        k: Fraction(math.comb(before.units, k) * math.comb(after.units, events - k), math.comb(units, events))
        for k in range(events + 1)
    }
    expected = sum(chance for chance in chances.values() if chance <= chances[before.events])
    assert fisher_exact(before, after) == pytest.approx(float(expected), rel=1e-12)


@given(counts, counts)
def test_fisher_p_value_is_a_probability_that_ignores_the_order(before: Count, after: Count) -> None:
    p_value = fisher_exact(before, after)
    assert 0 < p_value <= 1
    assert p_value == fisher_exact(after, before)


def test_fisher_p_value_of_rare_events_among_millions_is_exact() -> None:
    # with no event after, the p-value is that of all four falling before or the mirrored tail: here only one tail
    p_value = fisher_exact(Count(4, 1_000_000), Count(0, 3_000_000))
    assert p_value == pytest.approx(math.comb(1_000_000, 4) / math.comb(4_000_000, 4), rel=1e-12)


def test_a_handful_of_units_beside_millions_is_judged_at_once() -> None:
    # nine units, half of five million others with the event: the chances are those of nine tosses
    p_value = fisher_exact(Count(9, 9), Count(2_500_000, 5_000_000))
    assert p_value == pytest.approx(2 / 2**9, rel=1e-4)


# published: aspirin and heart attacks, Agresti (2013) table 2.3: z = 5.00; the second by hand: z = 0.2/√0.0096
@pytest.mark.parametrize(
    ("before", "after", "z"),
    [(Count(189, 11034), Count(104, 11037), 5.0014), (Count(25, 50), Count(15, 50), 0.2 / math.sqrt(0.0096))],
)
def test_z_test_equals_the_published_one(before: Count, after: Count, z: float) -> None:
    assert two_proportion_z(before, after) == pytest.approx(math.erfc(z / math.sqrt(2)), rel=1e-3)


@given(filled, filled)
def test_z_test_is_the_chi_square_of_the_table(before: Count, after: Count) -> None:
    cells = [before.events, before.units - before.events, after.events, after.units - after.events]
    columns = [cells[0] + cells[2], cells[1] + cells[3]]
    rows, units = [before.units, after.units], before.units + after.units
    expected = [rows[row] * columns[column] / units for row in (0, 1) for column in (0, 1)]
    chi = sum((o - e) ** 2 / e for o, e in zip(cells, expected, strict=True) if e)
    assert two_proportion_z(before, after) == pytest.approx(math.erfc(math.sqrt(chi / 2)), abs=1e-12)


def test_a_rate_that_fell_clearly_is_an_improvement() -> None:
    verdict = compare(Count(60, 1000), Count(20, 1000), minimum_units=200)
    assert (verdict.verdict, verdict.reason, verdict.method) == ("improved", "rate_fell", "z")
    assert (verdict.before_rate, verdict.after_rate) == (0.06, 0.02)
    assert verdict.p_value is not None
    assert verdict.p_value < 0.001
    assert verdict.before_interval == wilson(60, 1000)
    assert verdict.after_interval == wilson(20, 1000)


def test_a_rate_that_rose_clearly_is_worse() -> None:
    verdict = compare(Count(20, 1000), Count(60, 1000), minimum_units=200)
    assert (verdict.verdict, verdict.reason) == ("worse", "rate_rose")


def test_a_small_difference_may_be_chance() -> None:
    verdict = compare(Count(10, 500), Count(8, 500), minimum_units=200)
    assert (verdict.verdict, verdict.reason) == ("no_change", "may_be_chance")


def test_rare_events_are_judged_exactly() -> None:
    verdict = compare(Count(6, 300), Count(0, 300), minimum_units=100)
    assert (verdict.verdict, verdict.method) == ("improved", "fisher")
    assert verdict.p_value == fisher_exact(Count(6, 300), Count(0, 300))


def test_five_against_none_is_not_yet_proof() -> None:
    assert compare(Count(5, 300), Count(0, 300), minimum_units=100).verdict == "no_change"


def test_no_events_at_all_prove_nothing() -> None:
    verdict = compare(Count(0, 400), Count(0, 400), minimum_units=100)
    assert (verdict.verdict, verdict.reason, verdict.p_value) == ("no_change", "no_events", 1.0)


@pytest.mark.parametrize(
    ("before", "after", "reason"),
    [
        (Count(5, 99), Count(0, 1000), "few_units_before"),
        (Count(50, 1000), Count(0, 99), "few_units_after"),
        (Count(0, 0), Count(0, 0), "few_units_before"),
    ],
)
def test_too_few_units_give_no_verdict(before: Count, after: Count, reason: str) -> None:
    verdict = compare(before, after, minimum_units=100)
    assert (verdict.verdict, verdict.reason, verdict.p_value) == ("too_little_data", reason, None)


def test_no_units_are_too_little_data_whatever_the_minimum() -> None:
    verdict = compare(Count(3, 10), Count(0, 0), minimum_units=0)
    assert (verdict.verdict, verdict.after_rate, verdict.after_interval) == ("too_little_data", None, Interval(0, 1))


@pytest.mark.parametrize(("events", "units"), [(-1, 5), (6, 5), (0, -1)])
def test_impossible_counts_are_refused(events: int, units: int) -> None:
    with pytest.raises(ValueError, match="between zero"):
        Count(events, units)


@given(large, large)
def test_swapping_before_and_after_turns_the_verdict_round(before: Count, after: Count) -> None:
    mirrored = {"improved": "worse", "worse": "improved"}
    verdict = compare(before, after, minimum_units=100).verdict
    assert compare(after, before, minimum_units=100).verdict == mirrored.get(verdict, verdict)


@given(large, large)
def test_a_verdict_of_change_needs_a_difference_and_a_small_p_value(before: Count, after: Count) -> None:
    verdict = compare(before, after, minimum_units=1)
    if verdict.verdict in ("improved", "worse"):
        assert verdict.p_value is not None
        assert verdict.p_value < 0.05
        assert verdict.before_rate != verdict.after_rate
