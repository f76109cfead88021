"""Filled-in forms a connector brings are records of the company's own forms, by the same rules and none lost."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from flask import Flask
from sqlalchemy import select

from qtrace.channels.models import IntakeRecord
from qtrace.channels.syncing import Synced, sync
from qtrace.core.db import db, read, write
from qtrace.forms.models import Form
from qtrace.records.models import Record
from qtrace.rules.models import Rule
from qtrace.sdk import RawRecord
from tests.conftest import NOW
from tests.factories.forms import asked, make_form
from tests.unit.channels.shopfloor import FORMS, Floor, connect, count, form_record, refusals, serve

RESULTS = [{"value": one, "zh": zh, "en": one} for one, zh in (("pass", "合格"), ("fail", "不合格"))]
FIELDS = [
    asked("item", "text", "项目", required=True),
    asked("qty", "integer", "数量"),
    asked("result", "select", "结论", choices=RESULTS),
    asked("at", "datetime", "时间"),
    asked("day", "date", "日期"),
    asked("size", "decimal", "直径", digits=3),
    asked("lines", "sub_table", "明细", fields=[
        {"id": "part", "control": "text", "label_zh": "部件", "label_en": "Part"},
        {"id": "n", "control": "integer", "label_zh": "件数", "label_en": "Count"},
    ]),
]  # fmt: skip


@pytest.fixture
def floor(app: Flask) -> Floor:
    """A connected shop that delivers records of a form."""
    make_form(FIELDS, key="patrol", name="巡检", prefix="XJ")
    found, _account_id = connect(app)
    found.streams = [FORMS]
    return found


def deliver(floor: Floor, *rows: RawRecord) -> Synced:
    """Let the connector deliver these rows and nothing after."""
    serve(floor, *rows)
    return sync(1, clock=lambda: NOW)


def records() -> list[Record]:
    """Return the records as they are stored now."""
    with read():
        return list(db.session.scalars(select(Record).order_by(Record.id)))


def limit_qty(most: str | None, field: str = "qty") -> None:
    """Allow only so many, or any number."""
    with write() as session:
        session.query(Rule).delete()
        form_id = session.scalars(select(Form.id).where(Form.key == "patrol")).one()
        if most:
            options = {"max": most}
            session.add(
                Rule(form_id=form_id, kind="range", field=field, options=options, level="block", changed_at=NOW)
            )


def test_values_come_in_by_field_or_by_its_name_as_any_type(floor: Floor) -> None:
    values: dict[str, object] = {
        "item": "瓶盖", "数量": 3, "结论": "不合格", "at": datetime(2026, 11, 20, 2, 0, tzinfo=UTC), "日期": date(2026, 11, 20),
        "size": Decimal("5.250"), "明细": [{"part": "垫圈", "n": 2}],
    }  # fmt: skip
    result = deliver(floor, form_record("E1", "patrol", values))
    assert result.streams["forms"].stored == 1
    [record] = records()
    assert (record.source, record.key) == ("connector", "shop:1:E1")
    assert record.answers == {
        "item": "瓶盖", "qty": 3, "result": "fail", "at": "2026-11-20T02:00:00+00:00", "day": "2026-11-20", "size": "5.250",
        "lines": [{"part": "垫圈", "n": 2}],
    }  # fmt: skip


def test_a_second_delivery_changes_nothing_and_a_changed_one_updates(floor: Floor) -> None:
    deliver(floor, form_record("E1", "patrol", {"item": "瓶盖", "qty": 3}))
    assert deliver(floor, form_record("E1", "patrol", {"item": "瓶盖", "qty": 3})).streams["forms"].unchanged == 1
    assert deliver(floor, form_record("E1", "patrol", {"qty": 4, "item": "瓶盖"})).streams["forms"].updated == 1
    [record] = records()
    assert (record.version, record.answers) == (2, {"item": "瓶盖", "qty": 4})


def test_a_record_twice_in_one_page_is_one_record_with_its_last_values(floor: Floor) -> None:
    rows = [form_record("E1", "patrol", {"item": "瓶盖", "qty": n}) for n in (1, 2)]
    tally = deliver(floor, *rows).streams["forms"]
    assert (tally.stored, tally.updated) == (1, 1)
    assert [record.answers["qty"] for record in records()] == [2]


def test_what_a_rule_stops_is_parked_with_its_reason_and_stored_once_the_rule_allows_it(floor: Floor) -> None:
    limit_qty("5")
    assert deliver(floor, form_record("E1", "patrol", {"item": "瓶盖", "qty": 9})).streams["forms"].refused == 1
    assert records() == []
    assert refusals(1)[0].startswith("数量:")
    deliver(floor)
    assert len(refusals(1)) == 1
    limit_qty(None)
    result = deliver(floor)
    assert result.notes == ["先前没有收下的 1 条表单记录现在存入了。"]
    assert [record.answers["qty"] for record in records()] == [9]
    assert refusals(1) == []


def test_a_change_keeps_the_rules_and_what_came_anew_ends_the_waiting(floor: Floor) -> None:
    deliver(floor, form_record("E1", "patrol", {"item": "瓶盖", "qty": 3}))
    limit_qty("5")
    assert deliver(floor, form_record("E1", "patrol", {"item": "瓶盖", "qty": 9})).streams["forms"].refused == 1
    assert deliver(floor, form_record("E1", "patrol", {"item": "瓶盖", "qty": 4})).streams["forms"].updated == 1
    limit_qty(None)
    deliver(floor)
    assert [record.answers["qty"] for record in records()] == [4]


@pytest.mark.parametrize(
    ("form", "values", "told"),
    [
        ("nowhere", {"item": "瓶盖"}, "没有可以填写的表单「nowhere」"),
        ("issue", {"title": "瓶盖"}, "没有可以填写的表单「issue」"),
        ("patrol", {"qty": 3}, "项目:请填写这一项"),
        ("patrol", {"item": "瓶盖", "颜色": "红"}, "没有「颜色」这一项"),
        ("patrol", {"item": "瓶盖", "qty": "many"}, "数量:"),
        ("patrol", {"item": "瓶\x00盖"}, "无法保存的字符"),
    ],
)
def test_what_no_form_can_take_is_told_and_stops_nothing_else(
    floor: Floor, form: str, values: dict[str, object], told: str
) -> None:
    good = form_record("E2", "patrol", {"item": "瓶身"})
    tally = deliver(floor, form_record("E1", form, values), good).streams["forms"]
    assert (tally.read, tally.refused, tally.stored) == (2, 1, 1)
    assert told in refusals(1)[0]


def test_what_is_wrong_in_a_row_names_the_row(floor: Floor) -> None:
    limit_qty("5", "lines.n")
    rows = [{"part": "垫圈", "n": 2}, {"part": "瓶盖", "n": 9}]
    deliver(floor, form_record("E1", "patrol", {"item": "瓶盖", "lines": rows}))
    assert refusals(1)[0].startswith("明细:第 2 行:")


def test_two_shops_may_use_the_same_number(app: Flask, floor: Floor) -> None:
    other, account_id = connect(app, key="second")
    other.streams = [FORMS]
    deliver(floor, form_record("E1", "patrol", {"item": "瓶盖"}))
    serve(other, form_record("E1", "patrol", {"item": "瓶身"}))
    sync(account_id, clock=lambda: NOW)
    assert [record.answers["item"] for record in records()] == ["瓶盖", "瓶身"]
    assert count(IntakeRecord) == 2
