"""Intake rules are changed with a trace, and a wrong condition is refused at its place."""

import pytest
from flask import Flask
from sqlalchemy import select

from qtrace.complaints.models import IntakeRule
from qtrace.complaints.rules import edit_rule, switch_rule
from qtrace.conditions.tree import ConditionError
from qtrace.core.db import db, write
from qtrace.core.errors import NotFound, Refused
from qtrace.core.models import EventRow
from tests.conftest import NOW
from tests.unit.complaints.conftest import Put, complaints, order, review

THREE = {"field": "stars", "op": "le", "value": 3}
SETS = {"type": "unclassified", "severity": "minor"}


def low_stars() -> IntakeRule:
    """Return the rule of the reviews."""
    return db.session.scalars(select(IntakeRule).where(IntakeRule.key == "low_stars")).one()


def test_a_changed_rule_catches_other_records(put: Put) -> None:
    with write():
        edit_rule(low_stars().id, "三星及以下", THREE, SETS, by=1, now=NOW)
    put(order("A1"), review("A1", stars=3))
    assert len(complaints()) == 1


def test_the_change_is_recorded_with_old_and_new(app: Flask) -> None:
    with write():
        edit_rule(low_stars().id, "三星及以下", THREE, SETS, by=1, now=NOW)
    told = db.session.scalars(select(EventRow).where(EventRow.name == "intake_rule_changed")).one()
    assert (told.body["condition"]["old"]["value"], told.body["condition"]["new"]["value"]) == (2, 3)


def test_a_condition_on_a_field_the_source_has_not_is_refused_at_its_place(app: Flask) -> None:
    with pytest.raises(ConditionError) as refused, write():
        edit_rule(low_stars().id, "x", {"all": [{"field": "reason", "op": "eq", "value": "a"}]}, SETS, by=1, now=NOW)
    assert refused.value.path == "all[0].field"


def test_a_type_no_tree_has_is_refused(app: Flask) -> None:
    with pytest.raises(Refused), write():
        edit_rule(low_stars().id, "x", THREE, {"type": "nonsense"}, by=1, now=NOW)


def test_a_rule_needs_a_name(app: Flask) -> None:
    with pytest.raises(Refused), write():
        edit_rule(low_stars().id, " ", THREE, SETS, by=1, now=NOW)


def test_a_rule_is_switched_off_and_on(app: Flask) -> None:
    for enabled in (False, True):
        with write():
            switch_rule(low_stars().id, enabled=enabled, by=1, now=NOW)
        assert low_stars().enabled is enabled


def test_a_missing_rule_is_not_found(app: Flask) -> None:
    with pytest.raises(NotFound), write():
        switch_rule(999, enabled=True, by=1, now=NOW)
