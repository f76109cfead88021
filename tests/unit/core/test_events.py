"""The event chain."""

from typing import Any

import pytest
from flask import Flask
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from qtrace.core import events
from qtrace.core.db import WRITE, db, is_sqlite, write
from tests.conftest import NOW


def record_three() -> None:
    for n in range(3):
        with write():
            events.record("tested", subject=("thing", n), by=None, now=NOW, body={"n": n, "名": "破损"})


def tamper(*statements: tuple[str, dict[str, Any]]) -> None:
    """Change the table behind the program's back, as an attacker with the database would."""
    with db.engines[WRITE].begin() as connection:
        if is_sqlite():
            connection.execute(text("DROP TRIGGER event_no_update"))
            connection.execute(text("DROP TRIGGER event_no_delete"))
        else:
            connection.execute(text("SET LOCAL session_replication_role = replica"))
        for statement, values in statements:
            connection.execute(text(statement), values)


@pytest.mark.parametrize("statement", ["UPDATE event SET reason = 'x'", "DELETE FROM event"])
def test_the_database_itself_refuses_to_change_a_fact(app: Flask, statement: str) -> None:
    record_three()
    with pytest.raises(DBAPIError, match="append-only"), db.engines[WRITE].begin() as connection:
        connection.execute(text(statement))


def test_a_chain_of_facts_verifies(app: Flask) -> None:
    start = events.head()[0]
    record_three()
    verdict = events.verify_chain()
    assert verdict.broken_at is None
    assert verdict.count == start + 3


def test_a_changed_fact_is_found_at_its_place(app: Flask) -> None:
    record_three()
    seq = events.head()[0] - 1
    tamper(("UPDATE event SET reason = 'x' WHERE seq = :seq", {"seq": seq}))
    assert events.verify_chain().broken_at == seq


def test_a_cut_tail_is_found_by_the_anchor(app: Flask) -> None:
    record_three()
    anchor = events.head()
    with db.engines[WRITE].connect() as connection:
        previous = connection.execute(text("SELECT hash FROM event WHERE seq = :n"), {"n": anchor[0] - 1}).scalar_one()
        connection.rollback()
    tamper(
        ("DELETE FROM event WHERE seq = :seq", {"seq": anchor[0]}),
        ("UPDATE event_head SET seq = seq - 1, hash = :hash", {"hash": previous}),
    )
    assert events.verify_chain().broken_at is None
    assert events.verify_chain(anchor=anchor).broken_at == anchor[0]


def test_a_failed_write_leaves_no_fact(app: Flask) -> None:
    before = events.head()
    with pytest.raises(ValueError, match="half way"), write():
        events.record("tested", subject=("thing", 1), by=None, now=NOW)
        raise ValueError("half way")
    assert events.head() == before
