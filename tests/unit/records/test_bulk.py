"""Many records at once: outcomes by row, keys that name a record again, and the same rules as the page."""

from collections.abc import Sequence

import pytest
from flask import Flask
from sqlalchemy import func, select

from qtrace.core.db import db, read, write
from qtrace.forms.models import Form
from qtrace.forms.queries import current_definition
from qtrace.forms.registry import Cell, controls
from qtrace.forms.use import Use, uses_of
from qtrace.records.bulk import RowOutcome, Sender, Target, read_cells, rehearse_rows, take_rows
from qtrace.records.models import Record, RecordEdit
from tests.conftest import NOW
from tests.factories.forms import asked, make_form

COLUMNS = ("item", "result", "qty", "day")
SENDER = Sender("import", None)


@pytest.fixture
def target(app: Flask) -> Target:
    """An inspection form whose item names a record again."""
    form_id = make_form().id
    version_id, definition = current_definition("inspection")
    return Target(db.session.get_one(Form, form_id), version_id, definition, key="item")


def take(target: Target, *rows: Sequence[Cell]) -> list[RowOutcome]:
    """Store rows of (item, result, qty, day)."""
    read_rows = read_cells(target.definition, cells(rows), len(rows))
    with write():
        fresh = Target(db.session.get_one(Form, target.form.id), target.version_id, target.definition, target.key)
        return take_rows(fresh, read_rows, SENDER, now=NOW)


def cells(rows: Sequence[Sequence[Cell]]) -> dict[str, list[Cell]]:
    """Return rows as columns by field."""
    return {name: [row[at] for row in rows] for at, name in enumerate(COLUMNS)}


def outcomes(found: list[RowOutcome]) -> list[str]:
    """Return what became of each row."""
    return [one.outcome for one in found]


def test_rows_become_records_with_slots_and_are_found_by_words(target: Target) -> None:
    assert outcomes(take(target, ("外观", "合格", 20, "2026-11-20"), ("气味", "不合格", "5", None))) == ["stored"] * 2
    with read():
        rows = db.session.scalars(select(Record).order_by(Record.id)).all()
        assert [(row.t1, row.t2, row.n1, row.title) for row in rows] == [
            ("外观", "pass", 20_000_000, "外观"),
            ("气味", "fail", 5_000_000, "气味"),
        ]
        assert len({row.number for row in rows}) == 2


def test_how_fields_are_used_is_counted_once_for_a_batch_and_only_what_it_brings(target: Target) -> None:
    take(target, ("外观", "合格", 0, None), ("气味", "不合格", None, None), ("", "合格", 1, None))
    take(target, ("外观", "不合格", 5, None))
    with read():
        assert uses_of(target.form.id) == {"item": Use(2, 2), "result": Use(2, 2), "qty": Use(2, 1)}


def test_a_row_that_breaks_the_form_is_refused_with_its_field_and_stops_nobody(target: Target) -> None:
    found = take(
        target, ("外观", "好", 20, None), ("气味", "合格", -1, None), ("", "合格", 1, None), ("重量", "合格", 1, None)
    )
    assert outcomes(found) == ["refused", "refused", "refused", "stored"]
    assert [one.reasons[0][0] for one in found[:3]] == ["result", "qty", "item"]


def test_the_same_rows_again_change_nothing_and_another_value_updates(target: Target) -> None:
    rows = [("外观", "合格", 20, None), ("气味", "合格", 5, None)]
    take(target, *rows)
    assert outcomes(take(target, *rows)) == ["unchanged", "unchanged"]
    assert outcomes(take(target, ("外观", "不合格", 20, None))) == ["updated"]
    with read():
        changed = db.session.scalars(select(Record).where(Record.key == "外观")).one()
        assert (changed.version, changed.t2, changed.answers["result"]) == (2, "fail", "fail")
        assert db.session.scalar(select(func.count()).select_from(RecordEdit)) == 1


def test_a_key_twice_in_one_batch_makes_one_record(target: Target) -> None:
    assert outcomes(take(target, ("外观", "合格", 1, None), ("外观", "合格", 2, None))) == ["stored", "updated"]
    with read():
        assert db.session.scalars(select(Record)).one().answers["qty"] == 2


def test_a_rehearsal_says_the_same_and_stores_nothing(target: Target) -> None:
    take(target, ("外观", "合格", 20, None))
    rows = [("外观", "合格", 20, None), ("外观", "合格", 21, None), ("新的", "合格", 1, None), ("坏的", "?", 1, None)]
    with read():
        read_rows = read_cells(target.definition, cells(rows), len(rows))
        told = outcomes(rehearse_rows(target, read_rows, set()))
    assert told == ["unchanged", "updated", "stored", "refused"]
    with read():
        assert db.session.scalar(select(func.count()).select_from(Record)) == 1


def test_numbers_are_given_and_values_that_stand_once_are_refused_the_second_time(app: Flask) -> None:
    form_id = make_form(
        [
            asked("no", "autonumber", "流水号", prefix="LS"),
            asked("code", "external_ref", "外部编号", **controls()["external_ref"].starter()),
            asked("item", "text", "项目"),
        ],
        key="once",
    ).id
    version_id, definition = current_definition("once")

    def send(*codes: str) -> list[RowOutcome]:
        rows = read_cells(definition, {"code": list(codes), "item": ["外观"] * len(codes)}, len(codes))
        with write():
            made = Target(db.session.get_one(Form, form_id), version_id, definition)
            return take_rows(made, rows, SENDER, now=NOW)

    assert outcomes(send("A1", "A2", "A1")) == ["stored", "stored", "refused"]
    again = send("A2", "A3")
    assert outcomes(again) == ["refused", "stored"]
    assert "已经有记录" in again[0].reasons[0][1]
    with read():
        numbers = [row.answers["no"] for row in db.session.scalars(select(Record).order_by(Record.id))]
        assert len(set(numbers)) == 3
