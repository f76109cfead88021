"""The figures of the board equal their definitions, and name the records behind them."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qtrace.calendars.china import china_calendar
from qtrace.calendars.engine import ClockInterval
from qtrace.reports.metrics import (
    Change,
    IssueFact,
    MonthCount,
    RecurrenceRate,
    ResolvedFact,
    Score,
    Summary,
    change,
    cost_ratio,
    monthly,
    pareto,
    percentile,
    recurrence_rate,
    resolution_times,
    satisfaction,
    summarize,
)

DAY_ONE = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)  # Monday 09:00 in Shanghai
LEAK = "SKU-17|漏液"

# Montgomery's supplier data as printed in R's qcc manual
LATE_DELIVERIES = {"contact num.": 94, "price code": 80, "supplier code": 66, "part num.": 33, "schedule date": 27}


def day(number: float) -> datetime:
    return DAY_ONE + timedelta(days=number)


def case(id_: int, *stretches: tuple[float, float | None]) -> ResolvedFact:
    """A case whose clock ran in the stretches, given in hours after the first day's start."""
    return ResolvedFact(
        id_,
        tuple(
            ClockInterval("running", day(since / 24), None if until is None else day(until / 24))
            for since, until in stretches
        ),
    )


# time to resolve


@given(st.lists(st.integers(0, 10**7), min_size=1, max_size=60))
def test_median_and_p90_equal_the_linear_quantiles_of_pandas(minutes: list[int]) -> None:
    summary = summarize(dict(enumerate(minutes)))
    series = pd.Series(minutes)
    assert summary.median == pytest.approx(series.quantile(0.5, interpolation="linear"))
    assert summary.p90 == pytest.approx(series.quantile(0.9, interpolation="linear"))
    assert summary.mean == pytest.approx(series.mean())
    assert summary.n == len(minutes)


def test_percentile_worked_by_hand() -> None:
    # h = 3·0.9 = 2.7: 30 + 0.7·(100 − 30)
    assert percentile([100, 10, 30, 20], 0.9) == pytest.approx(79)
    assert percentile([7], 0.9) == 7
    assert (percentile([1, 2, 3], 0), percentile([1, 2, 3], 1)) == (1, 3)


def test_resolution_times_count_around_the_clock_without_a_calendar() -> None:
    summary = resolution_times([case(1, (0, 24)), case(2, (0, 48))])
    assert summary == Summary(2, 2160, 2160, 2736, (1, 2))


def test_resolution_times_count_working_time_with_a_calendar() -> None:
    summary = resolution_times([case(1, (0, 24))], china_calendar())
    assert summary.mean == 480


def test_open_cases_are_left_out_and_not_counted() -> None:
    assert resolution_times([case(1, (0, 10)), case(2, (0, None)), case(3)]).ids == (1,)


def test_a_reopened_case_continues_its_clock() -> None:
    assert resolution_times([case(1, (0, 10), (100, 105))]).mean == 15 * 60


def test_a_reopened_case_that_still_runs_is_not_resolved() -> None:
    assert resolution_times([case(1, (0, 10), (100, None))]).n == 0


def test_paused_time_is_not_counted() -> None:
    clock = (
        ClockInterval("running", day(0), day(1)),
        ClockInterval("paused", day(1), day(5), "等供应商回复"),
        ClockInterval("running", day(5), day(6)),
    )
    assert resolution_times([ResolvedFact(1, clock)]).mean == 2 * 24 * 60


def test_no_case_gives_no_figure() -> None:
    assert resolution_times([]) == Summary(0, None, None, None, ())


# recurrence


def test_a_cured_problem_that_opens_anew_has_come_back() -> None:
    rate = recurrence_rate(
        [
            IssueFact(1, LEAK, day(0), effective_at=day(10)),
            IssueFact(2, "SKU-20|色差", day(0), effective_at=day(10)),
            IssueFact(3, LEAK, day(40)),
        ]
    )
    assert rate == RecurrenceRate(0.5, (1,), (1, 2), ((3, 1),))
    assert rate.repeat_ids == (3,)


@pytest.mark.parametrize(
    ("opened", "counts"),
    [(9, False), (10, False), (10.001, True), (100, True), (100.001, False)],
)
def test_only_issues_inside_the_window_after_the_effective_date_count(opened: float, counts: bool) -> None:
    issues = [IssueFact(1, LEAK, day(0), effective_at=day(10)), IssueFact(2, LEAK, day(opened))]
    assert bool(recurrence_rate(issues, days=90).numerator_ids) == counts


def test_an_issue_of_a_lot_made_before_the_action_is_no_recurrence() -> None:
    cured = IssueFact(1, LEAK, day(0), effective_at=day(10))
    old_lot = IssueFact(2, LEAK, day(40), lot_made_at=day(9))
    new_lot = IssueFact(3, LEAK, day(40), lot_made_at=day(11))
    assert recurrence_rate([cured, old_lot, new_lot]).pairs == ((3, 1),)


def test_another_signature_or_none_at_all_is_no_recurrence() -> None:
    issues = [
        IssueFact(1, LEAK, day(0), effective_at=day(10)),
        IssueFact(2, "SKU-17|破损", day(40)),
        IssueFact(3, "", day(0), effective_at=day(10)),
        IssueFact(4, "", day(40)),
    ]
    assert recurrence_rate(issues) == RecurrenceRate(0, (), (1, 3), ())


def test_an_issue_that_repeats_two_cured_ones_names_both() -> None:
    issues = [
        IssueFact(1, LEAK, day(0), effective_at=day(5)),
        IssueFact(2, LEAK, day(10), effective_at=day(15)),
        IssueFact(3, LEAK, day(20)),
    ]
    rate = recurrence_rate(issues)
    assert rate.pairs == ((2, 1), (3, 1), (3, 2))
    assert (rate.numerator_ids, rate.repeat_ids) == ((1, 2), (2, 3))
    assert rate.rate == 1


def test_a_problem_that_comes_back_three_times_is_one_failed_cure() -> None:
    """The board showed 300 %, which reads as if more came back than was ever cured."""
    cured = [IssueFact(1, LEAK, day(0), effective_at=day(10)), IssueFact(2, "色差", day(0), effective_at=day(10))]
    rate = recurrence_rate([*cured, *(IssueFact(id_, LEAK, day(10 + id_)) for id_ in (3, 4, 5))])
    assert (rate.rate, rate.numerator_ids, rate.repeat_ids) == (0.5, (1,), (3, 4, 5))


def test_an_action_whose_window_is_still_open_can_be_left_out() -> None:
    issues = [
        IssueFact(1, LEAK, day(0), effective_at=day(10)),
        IssueFact(2, "SKU-20|色差", day(0), effective_at=day(60)),
        IssueFact(3, "SKU-20|色差", day(70)),
    ]
    assert recurrence_rate(issues, matured_at=day(100)) == RecurrenceRate(0, (), (1,), ())


def test_without_a_verified_action_there_is_no_rate() -> None:
    assert recurrence_rate([IssueFact(1, LEAK, day(0)), IssueFact(2, LEAK, day(1))]) == RecurrenceRate(None, (), (), ())


facts = st.lists(
    st.tuples(
        st.sampled_from(["", "a", "b"]),
        st.integers(0, 200),
        st.none() | st.integers(0, 200),
        st.none() | st.integers(0, 200),
    ),
    max_size=12,
).map(
    lambda rows: [
        IssueFact(
            id_, signature, day(opened), None if cured is None else day(cured), None if made is None else day(made)
        )
        for id_, (signature, opened, cured, made) in enumerate(rows)
    ]
)


@given(facts)
def test_recurrence_equals_its_definition_over_all_pairs_in_any_order(issues: list[IssueFact]) -> None:
    pairs = {
        (later.id, earlier.id)
        for later in issues
        for earlier in issues
        if later is not earlier
        and later.signature == earlier.signature != ""
        and earlier.effective_at is not None
        and timedelta() < later.opened_at - earlier.effective_at <= timedelta(days=30)
        and (later.lot_made_at is None or later.lot_made_at >= earlier.effective_at)
    }
    rate = recurrence_rate(list(reversed(issues)), days=30)
    assert rate.numerator_ids == tuple(sorted({cured for _new, cured in pairs}))
    assert rate.repeat_ids == tuple(sorted({new for new, _cured in pairs}))
    assert rate.denominator_ids == tuple(issue.id for issue in issues if issue.effective_at)
    assert set(rate.numerator_ids) <= set(rate.denominator_ids)
    assert rate.rate is None or 0 <= rate.rate <= 1
    assert rate == recurrence_rate(issues, days=30)


# satisfaction, cost


def test_satisfaction_gives_mean_top_box_and_n() -> None:
    assert satisfaction({1: 1, 2: 0, 3: 1, 4: 2, 5: 6}) == Score(4.2, 0.8, 10)
    assert satisfaction({5: 3}) == Score(5, 1, 3)


def test_no_stars_give_no_score() -> None:
    assert satisfaction({}) == Score(None, None, 0)
    assert satisfaction({1: 0, 5: 0}) == Score(None, None, 0)


@pytest.mark.parametrize("stars", [{0: 1}, {6: 1}, {5: -1}])
def test_impossible_stars_are_refused(stars: dict[int, int]) -> None:
    with pytest.raises(ValueError, match="1 to 5"):
        satisfaction(stars)


def test_cost_ratio_is_exact_and_keeps_its_amounts() -> None:
    ratio = cost_ratio(1_200_00, 150_00, 150_00, 100_000_00)
    assert ratio is not None
    assert (ratio.numerator_minor, ratio.denominator_minor, ratio.value) == (150_000, 10_000_000, Decimal("0.015"))


@pytest.mark.parametrize("sales", [0, -1])
def test_without_sales_there_is_no_cost_ratio(sales: int) -> None:
    assert cost_ratio(100, 0, 0, sales) is None


# Pareto


def test_pareto_equals_the_published_figures() -> None:
    rows = pareto(LATE_DELIVERIES)
    assert [(row.key, row.count) for row in rows] == list(LATE_DELIVERIES.items())
    assert [round(100 * row.share, 2) for row in rows] == [31.33, 26.67, 22, 11, 9]
    assert [round(100 * row.cumulative, 2) for row in rows] == [31.33, 58, 80, 91, 100]


def test_class_a_is_the_fewest_keys_that_reach_eighty_per_cent() -> None:
    assert [row.class_ for row in pareto(LATE_DELIVERIES)] == ["A", "A", "A", "B", "B"]


def test_one_key_that_holds_nearly_all_is_class_a() -> None:
    assert [row.class_ for row in pareto({"漏液": 97, "破损": 2, "色差": 1})] == ["A", "C", "C"]


def test_ties_are_ordered_by_name_and_the_rest_comes_last() -> None:
    rows = pareto({"其他": 50, "b": 3, "a": 3, "c": 9})
    assert [(row.key, row.class_) for row in rows] == [("c", "A"), ("a", "A"), ("b", "A"), ("其他", "C")]


def test_the_rest_may_have_another_name() -> None:
    assert [row.key for row in pareto({"Other": 5, "leak": 1}, other="Other")] == ["leak", "Other"]


def test_pareto_of_nothing_is_empty_and_zeros_have_no_share() -> None:
    assert pareto({}) == []
    assert [(row.share, row.cumulative, row.class_) for row in pareto({"漏液": 0})] == [(0, 0, "C")]


def test_a_negative_count_is_refused() -> None:
    with pytest.raises(ValueError, match="below zero"):
        pareto({"漏液": -1})


@given(st.dictionaries(st.text(max_size=3), st.integers(0, 1000), min_size=1, max_size=20))
def test_pareto_falls_and_adds_up(counts: dict[str, int]) -> None:
    rows = pareto(counts)
    named = [row.count for row in rows if row.key != "其他"]
    assert named == sorted(named, reverse=True)
    assert {row.key: row.count for row in rows} == counts
    assert rows[-1].cumulative == (1 if sum(counts.values()) else 0)
    assert [row.class_ for row in rows if row.key != "其他"] == sorted(row.class_ for row in rows if row.key != "其他")


# months, change


def test_months_without_a_count_are_zero() -> None:
    rows = monthly({"2026-02": 4, "2025-11": 2})
    assert rows == [
        MonthCount("2025-11", 2),
        MonthCount("2025-12", 0),
        MonthCount("2026-01", 0),
        MonthCount("2026-02", 4),
    ]


def test_the_range_of_months_can_be_widened() -> None:
    rows = monthly({"2026-02": 4}, first="2026-01", last="2026-03")
    assert [row.count for row in rows] == [0, 4, 0]
    assert [row.month for row in monthly({}, first="2025-12", last="2026-01")] == ["2025-12", "2026-01"]


def test_no_months_give_no_rows() -> None:
    assert monthly({}) == []


@pytest.mark.parametrize("month", ["2026-13", "2026-00", "2026/01", "2026-3", "", "今年"])
def test_something_that_is_no_month_is_refused(month: str) -> None:
    with pytest.raises(ValueError, match="written as"):
        monthly({month: 1})


def test_change_tells_difference_ratio_and_direction() -> None:
    assert change(12, 10) == Change(2, 0.2, "up")
    assert change(5, 10) == Change(-5, -0.5, "down")
    assert change(10, 10) == Change(0, 0, "flat")
    assert change(-5, -10) == Change(5, 0.5, "up")


def test_change_from_zero_has_no_ratio() -> None:
    assert change(3, 0) == Change(3, None, "up")


def test_change_needs_both_figures() -> None:
    assert change(None, 1) is None
    assert change(1, None) is None
