"""Work calendars and clocks travel in the configuration file and change nothing the second time."""

import copy
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from qtrace.accounts.models import Department
from qtrace.calendars.clock_service import read_steps
from qtrace.calendars.clock_settings import read_reasons
from qtrace.calendars.models import Calendar
from qtrace.core.db import db, write
from qtrace.issues.clock_policy import read_policy
from qtrace.setup.configuration import Plan, apply_configuration, export_configuration, preview_configuration
from tests.conftest import NOW

DAY = {"day": "2027-01-01", "hours": [], "name": "元旦"}


@pytest.fixture
def file(sqlite_app: Flask) -> dict[str, Any]:
    """The configuration of a site, to be changed by the test."""
    return copy.deepcopy(export_configuration())


def applied(file: dict[str, Any]) -> Plan:
    with write():
        plan = apply_configuration(file, by=None, now=NOW)
    db.session.remove()
    return plan


def told(plan: Plan, state: str) -> set[tuple[str, str]]:
    return {(entry.section, entry.key) for entry in plan.of(state) if entry.section in {"calendars", "clocks"}}


def test_a_file_brings_hours_days_targets_reminders_and_reasons_once(file: dict[str, Any]) -> None:
    calendars, clocks = file["sections"]["calendars"], file["sections"]["clocks"]["clocks"]
    calendars["行政班"]["weekly"]["4"] = [["08:30", "12:00"]]
    calendars["行政班"]["days"] = [DAY]
    calendars["仓库早班"] = calendars["客服班"] | {"zone": "Asia/Tokyo"}
    clocks["targets"]["close"]["critical"] = 4800
    clocks["around"] = ["contain"]
    clocks["steps"] = [*clocks["steps"], {"key": "step_1", "offset": -240, "level": 1}]
    clocks["reasons"][0]["stops"] = False
    plan = applied(file)
    assert told(plan, "new") == {("calendars", "仓库早班")}
    assert told(plan, "changed") == {("calendars", "行政班"), ("clocks", "clocks")}
    assert (read_policy().allowed("critical")["close"], read_policy().around) == (4800, {"contain"})
    assert (-240, 1) in [(step.offset, step.level) for step in read_steps()]
    assert not read_reasons()[0].stops
    assert applied(export_configuration()).changes is False


def test_departments_and_own_reasons_stay_as_they_are(file: dict[str, Any]) -> None:
    clocks = file["sections"]["clocks"]["clocks"]
    clocks["reasons"] = clocks["reasons"][:2]
    with write() as session:
        office = session.scalars(select(Calendar).order_by(Calendar.id)).first()
        assert office is not None
        session.scalars(select(Department)).first().calendar_id = office.id  # type: ignore[union-attr]  # there are some
    file["sections"]["calendars"]["行政班"]["days"] = [DAY]
    applied(file)
    assert len(read_reasons()) == 6
    assert db.session.scalars(select(Department.calendar_id).where(Department.calendar_id.is_not(None))).all()


@pytest.mark.parametrize(
    ("section", "key", "change"),
    [
        ("calendars", "行政班", {"zone": "Asia/Peking"}), ("calendars", "行政班", {"weekly": {}}),
        ("calendars", "行政班", {"days": [{"day": "bald", "hours": [], "name": ""}]}),
        ("clocks", "clocks", {"targets": {"lunch": {"": 60}}}), ("clocks", "clocks", {"targets": {"close": {"": 0}}}),
        ("clocks", "clocks", {"targets": {"close": {"": "60"}}}),
        ("clocks", "clocks", {"steps": [{"key": "a", "offset": 0, "level": 9}]}),
    ],
)  # fmt: skip
def test_what_cannot_be_is_a_conflict_and_left_out(
    file: dict[str, Any], section: str, key: str, change: dict[str, Any]
) -> None:
    file["sections"][section][key] |= change
    assert told(preview_configuration(file, by=None, now=NOW), "conflict") == {(section, key)}
