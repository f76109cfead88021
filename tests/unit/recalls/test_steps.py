"""A recall and a drill say what is done, what is next, and whether it was in time."""

from datetime import timedelta

import pytest

from qtrace.recalls.steps import DRILL, RECALL, STEPS, Done, progress
from tests.conftest import NOW

HOUR = timedelta(hours=1)


def test_the_first_step_that_is_not_done_is_next() -> None:
    found = progress(DRILL, NOW, 4 * HOUR, [Done("source", NOW + HOUR)], NOW + 2 * HOUR)
    assert [(step.key, step.after, step.is_next) for step in found.steps[:2]] == [
        ("source", HOUR, False), ("scope", None, True),
    ]  # fmt: skip
    assert (found.took, found.in_time, found.left) == (2 * HOUR, None, ["scope", "stock", "reconcile"])


@pytest.mark.parametrize(("hours", "in_time"), [(4, True), (5, False)])
def test_the_watch_stops_at_the_end(hours: int, in_time: bool) -> None:
    done = [Done(key, NOW + HOUR) for key in STEPS[RECALL]]
    found = progress(RECALL, NOW, 4 * HOUR, done, NOW + 50 * HOUR, NOW + hours * HOUR)
    assert (found.took, found.in_time, found.left) == (hours * HOUR, in_time, [])
    assert not any(step.is_next for step in found.steps)
