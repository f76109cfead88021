"""Accounts are added, changed and paused, and one account never has two syncs waiting or running."""

from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import select, update

from qtrace.channels.service import (
    NewAccount,
    add_account,
    change_settings,
    continue_later,
    pause,
    queue_due,
    queue_sync,
    resume,
)  # fmt: skip
from qtrace.core.db import db, read, write
from qtrace.core.errors import NotFound, Refused
from qtrace.core.events import timeline
from qtrace.core.models import JobRow
from tests.unit.channels.shopfloor import NOW, account, connect


def end_job(job_id: int | None, state: str = "done") -> None:
    with write() as session:
        session.execute(update(JobRow).where(JobRow.id == job_id).values(state=state))


def queued(account_id: int) -> int | None:
    with write():
        return queue_sync(account_id, now=NOW)


def test_an_account_without_a_shop_opens_one_of_its_name(app: Flask) -> None:
    _floor, account_id = connect(app)
    with read():
        assert account(account_id).name == "fake 旗舰店"
        assert db.session.merge(account(account_id), load=True).shop.name == "fake 旗舰店"


@pytest.mark.parametrize("name", ["", "a/b", "a\\b", "..", ".x", "x ", "a\nb", "x" * 61, "../../etc"])
def test_a_name_that_cannot_name_a_folder_is_refused(sqlite_app: Flask, name: str) -> None:
    with pytest.raises(Refused), write():
        add_account(NewAccount(name=name, connector="fake", shop_id=None, settings={}), by=None, now=NOW)


def test_a_name_is_given_once(sqlite_app: Flask) -> None:
    connect(sqlite_app)
    with pytest.raises(Refused, match="已有"), write():
        add_account(NewAccount(name="fake 旗舰店", connector="fake", shop_id=None, settings={}), by=None, now=NOW)


def test_changed_settings_are_recorded_by_name_never_by_value(app: Flask) -> None:
    _floor, account_id = connect(app)
    with write():
        change_settings(account_id, {"token": "n3w", "limit": 5}, by=None, now=NOW)
    with read():
        bodies = [row.body for row in timeline("channel_account", account_id)]
    assert {"fields": ["token"]} in bodies
    assert "n3w" not in repr(bodies)
    assert "s3cret" not in repr(bodies)


def test_a_second_sync_is_not_queued_while_one_waits_or_runs(app: Flask) -> None:
    _floor, account_id = connect(app)
    first = queued(account_id)
    assert first is not None
    assert queued(account_id) is None
    end_job(first, "running")
    assert queued(account_id) is None
    end_job(first)
    second = queued(account_id)
    assert second not in (None, first)


def test_accounts_with_like_numbers_do_not_block_each_other(app: Flask) -> None:
    ids = [connect(app, key=f"k{n}")[1] for n in range(12)]
    assert queued(ids[11]) is not None
    assert all(queued(one) is not None for one in ids[:11])


def test_a_running_sync_queues_its_own_rest(app: Flask) -> None:
    _floor, account_id = connect(app)
    first = queued(account_id)
    assert first is not None
    end_job(first, "running")
    later = NOW + timedelta(minutes=3)
    with write():
        rest = continue_later(account_id, now=NOW, run_at=later, job_id=first)
    with read():
        assert db.session.scalar(select(JobRow.run_at).where(JobRow.id == rest)) == later


def test_the_schedule_leaves_paused_accounts_alone(app: Flask) -> None:
    _floor, first = connect(app, key="one")
    connect(app, key="two")
    with write():
        pause(first, by=None, now=NOW)
    with write():
        assert queue_due(now=NOW) == 1
    with write():
        resume(first, by=None, now=NOW)
    with write():
        assert queue_due(now=NOW) == 1


def test_an_unknown_account_is_not_found(sqlite_app: Flask) -> None:
    with pytest.raises(NotFound), write():
        queue_sync(99, now=NOW)
