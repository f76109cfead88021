"""Many people decide at the same moment: every node ends once, and every decision has exactly one effect.

`python -m bench.flow_races` runs the same races with 300 nodes each and prints what came of them.
"""

from flask import Flask

from bench.flow_races import Race, add_people, approve_and_reject, approve_and_withdraw, contest, double_tap

CASES = 40


def test_three_voices_given_twice_each_at_once_move_every_case_once(app: Flask) -> None:
    found = double_tap(contest(app, add_people(), "twice", CASES))
    assert found == Race(CASES, decided=3 * CASES, refused=3 * CASES, one_effect=CASES, doubled=0, lost=0)


def test_of_a_yes_and_a_no_at_once_the_first_counts(app: Flask) -> None:
    found = approve_and_reject(contest(app, add_people(), "both", CASES))
    assert (found.one_effect, found.doubled, found.lost) == (CASES, 0, 0)
    assert found.decided + found.refused == 6 * CASES


def test_a_case_is_approved_or_withdrawn_but_never_both(app: Flask) -> None:
    found = approve_and_withdraw(contest(app, add_people(), "either", CASES))
    assert (found.one_effect, found.doubled, found.lost) == (CASES, 0, 0)
    assert found.decided + found.refused == 4 * CASES
