"""The job's end depends on the class of the error."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import select

from qtrace.channels.service import queue_sync
from qtrace.core.db import db, read, write
from qtrace.core.jobs import run_one
from qtrace.core.models import JobRow
from qtrace.sdk import Misconfigured, Page, Permanent, RateLimited, Reauth, Retry
from tests.unit.channels.shopfloor import NOW, Floor, account, connect


def run_with(app: Flask, error: Exception | None) -> tuple[Floor, int]:
    floor, account_id = connect(app)

    def pull(*_args: object) -> Page:
        if error:
            raise error
        return Page()

    floor.pull = pull
    with write():
        queue_sync(account_id, now=NOW)
    assert run_one(clock=lambda: NOW)
    return floor, account_id


def jobs() -> list[tuple[str, object]]:
    with read():
        return [(row.state, row.run_at) for row in db.session.scalars(select(JobRow).order_by(JobRow.id))]


def test_a_good_sync_ends_its_job(app: Flask) -> None:
    _floor, account_id = run_with(app, None)
    assert [state for state, _ in jobs()] == ["done"]
    assert account(account_id).synced_at == NOW


def test_what_may_pass_is_tried_again_after_a_pause(app: Flask) -> None:
    run_with(app, Retry("no answer"))
    assert jobs() == [("ready", NOW + timedelta(seconds=5))]


def test_after_the_last_try_nothing_is_parked_and_the_account_says_why(app: Flask) -> None:
    _floor, account_id = run_with(app, Retry("no answer"))
    for hours in range(1, 5):
        assert run_one(clock=lambda hours=hours: NOW + timedelta(hours=hours))  # type: ignore[misc]  # bound at once
    assert [state for state, _ in jobs()] == ["done"]
    assert "no answer" in account(account_id).error


def test_a_rate_limit_moves_the_rest_to_when_the_source_allows(app: Flask) -> None:
    run_with(app, RateLimited("slow down", seconds=90))
    assert jobs()[0][0] == "done"
    assert jobs()[1] == ("ready", NOW + timedelta(seconds=90))


@pytest.mark.parametrize("make", [Misconfigured, Permanent, Reauth])
def test_what_only_a_person_can_mend_is_not_tried_again(app: Flask, make: Callable[[str], Exception]) -> None:
    _floor, account_id = run_with(app, make("wrong"))
    assert [state for state, _ in jobs()] == ["done"]
    assert "wrong" in account(account_id).error
