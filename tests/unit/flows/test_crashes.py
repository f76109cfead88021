"""A machine that stops between any two rows loses what it was doing, whole; done again, it is there once."""

from collections import Counter

from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.unit.flows.stored_case import StoredCase
from tests.unit.flows.stored_people import make_people


def test_whatever_was_under_way_when_the_machine_stopped_is_lost_whole(sqlite_app: Flask) -> None:
    people, tally = make_people(), Counter[str]()

    @settings(max_examples=8, suppress_health_check=list(HealthCheck), database=None)
    @given(st.integers(0, 2**24 - 1))
    def many(seed: int) -> None:
        tally["drawn"] += 1
        StoredCase(sqlite_app, people, tally["drawn"], seed=seed, tally=tally).run(20)

    many()
    assert tally["crashes"] > 20
