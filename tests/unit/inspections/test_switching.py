"""The switching rules, walked by hand and held to laws over any series of lots."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qtrace.inspections.sampling import State
from qtrace.inspections.switching import LotResult, Series, after, agree, resume, unsettle

GOOD, BAD = LotResult(accepted=True, ac=2, tighter=True), LotResult(accepted=False, ac=2)
LOTS = st.builds(
    LotResult, accepted=st.booleans(), ac=st.integers(0, 21), tighter=st.booleans(), original=st.booleans()
)


def walk(lots: str, series: Series | None = None) -> Series:
    """Return the series after lots written as + and -."""
    found = series or Series()
    for lot in lots:
        found = after(found, GOOD if lot == "+" else BAD)
    return found


@pytest.mark.parametrize("lots", ["--", "-+-", "-+++-", "+-+-", "+++++++--"])
def test_two_refused_within_five_tighten(lots: str) -> None:
    assert walk(lots).state == State.TIGHTENED
    assert walk(lots[:-1]).state == State.NORMAL


def test_two_refused_further_apart_change_nothing() -> None:
    assert walk("-++++-").state == State.NORMAL


def test_five_accepted_in_a_row_lead_back_to_normal() -> None:
    assert walk("--++++").state == State.TIGHTENED
    assert walk("--+++++") == Series()
    assert walk("--++++-+++++").state == State.NORMAL


def test_five_refused_in_all_while_tightened_stop_inspection() -> None:
    assert walk("--" + "-+-+-+-+").state == State.TIGHTENED
    assert walk("--" + "-+-+-+-+-").state == State.DISCONTINUED
    assert walk("--" + "-----" + "+++++").state == State.DISCONTINUED


def test_a_stopped_series_begins_again_tightened_and_counts_anew() -> None:
    again = resume(walk("-------"))
    assert again == Series(state=State.TIGHTENED)
    assert walk("----", again).state == State.TIGHTENED
    assert resume(Series()) == Series()


def test_thirty_points_without_somebodys_word_stay_normal() -> None:
    ten = walk("+" * 10)
    assert (ten.score, ten.state, ten.may_relax) == (30, State.NORMAL, True)
    assert agree(ten, steady=False).state == State.NORMAL
    assert agree(ten, steady=True).state == State.REDUCED


def test_agreeing_early_relaxes_when_the_score_is_reached() -> None:
    agreed = agree(walk("+" * 9), steady=True)
    assert agreed.state == State.NORMAL
    assert walk("+", agreed).state == State.REDUCED


def test_one_refused_or_unsteady_production_ends_reduced_inspection() -> None:
    reduced = agree(walk("+" * 10), steady=True)
    assert walk("++++", reduced).state == State.REDUCED
    assert walk("++-", reduced) == Series()
    assert unsettle(reduced) == Series()
    assert not unsettle(agree(walk("+"), steady=True)).agreed


@pytest.mark.parametrize(
    ("lot", "score"),
    [
        (LotResult(accepted=True, ac=2, tighter=True), 9),
        (LotResult(accepted=True, ac=2, tighter=False), 0),
        (LotResult(accepted=True, ac=1), 8),
        (LotResult(accepted=True, ac=0), 8),
        (LotResult(accepted=False, ac=0), 0),
        (LotResult(accepted=False, ac=3), 0),
    ],
)
def test_the_score_grows_by_the_size_of_the_acceptance_number(lot: LotResult, score: int) -> None:
    assert after(Series(score=6), lot).score == score


@given(st.lists(LOTS, max_size=60))
def test_lots_shown_again_never_count(lots: list[LotResult]) -> None:
    series = counted = Series()
    for lot in lots:
        series = after(series, lot)
        if lot.original:
            counted = after(counted, lot)
    assert series == counted


@given(st.lists(LOTS, max_size=80), st.lists(st.booleans(), max_size=80))
def test_a_series_is_in_one_state_and_moves_only_to_neighbours(lots: list[LotResult], words: list[bool]) -> None:
    allowed = {
        State.NORMAL: {State.NORMAL, State.TIGHTENED, State.REDUCED}, State.TIGHTENED: {State.TIGHTENED, State.NORMAL, State.DISCONTINUED},
        State.REDUCED: {State.REDUCED, State.NORMAL}, State.DISCONTINUED: {State.DISCONTINUED},
    }  # fmt: skip
    series = Series()
    for place, lot in enumerate(lots):
        before = series
        series = after(series, lot)
        assert series.state in allowed[before.state]
        if series.state == State.REDUCED and before.state == State.NORMAL:
            assert before.steady and before.agreed and lot.accepted
        if series.state != before.state:
            assert series.recent == () or series.state == State.DISCONTINUED
        if place < len(words) and words[place]:
            series = agree(series, steady=True)
        assert series.score == 0 or series.state == State.NORMAL
        assert series.refused == 0 or series.state in {State.TIGHTENED, State.DISCONTINUED}
        assert len(series.recent) <= 5


@given(st.lists(LOTS, max_size=40))
def test_no_series_relaxes_by_itself(lots: list[LotResult]) -> None:
    series = Series()
    for lot in lots:
        series = after(series, lot)
        assert series.state != State.REDUCED


@given(LOTS)
def test_a_stopped_series_does_not_move_by_lots(lot: LotResult) -> None:
    stopped = replace(Series(), state=State.DISCONTINUED, refused=5)
    assert after(stopped, lot) == stopped
