"""What people do with complaints happens once and tells the second person who was first."""

from collections.abc import Callable

import pytest
from flask import Flask
from sqlalchemy import select

from qtrace.accounts.models import User
from qtrace.classification.models import Term
from qtrace.complaints.amounts import typed_amount
from qtrace.complaints.links import Links
from qtrace.complaints.models import Complaint
from qtrace.complaints.service import NewComplaint, classify, record_complaint, reopen, settle
from qtrace.core.db import db, write
from qtrace.core.errors import Conflict, NotFound, Refused
from qtrace.core.events import timeline, verify_chain
from tests.conftest import NOW, user_id

Record = Callable[..., Complaint]


@pytest.fixture
def recorded(app: Flask) -> Record:
    """Record a complaint as 小陈."""

    def made(text: str = "瓶盖漏液", **values: object) -> Complaint:
        person = db.session.get_one(User, user_id("customer_service"))
        with write():
            new = NewComplaint(text=text, links=Links(), **values)  # type: ignore[arg-type]
            complaint_id = record_complaint(new, by=person, now=NOW)
        return db.session.get_one(Complaint, complaint_id)

    return made


def term(kind: str, code: str) -> int:
    """Return the id of a shipped term."""
    return db.session.scalars(select(Term.id).where(Term.kind == kind, Term.code == code)).one()


def names(complaint: Complaint) -> list[str]:
    """Return the names of the events about a complaint, newest first."""
    return [row.name for row in timeline("complaint", complaint.id)]


def test_a_recorded_complaint_has_a_number_a_department_and_an_event(recorded: Record) -> None:
    complaint = recorded()
    assert complaint.number == "CP-2611-0001"
    assert complaint.department_id == db.session.get_one(User, user_id("customer_service")).department_id
    assert names(complaint) == ["complaints_opened"]


def test_an_empty_complaint_is_refused(recorded: Record) -> None:
    with pytest.raises(Refused):
        recorded("  ")


def test_one_step_classifies_handles_and_closes(recorded: Record) -> None:
    complaint, by, kind = recorded(), user_id("quality_lead"), term("type", "leaking")
    with write():
        closed = settle([complaint.id], handling="refund", terms={"type": kind}, by=by, now=NOW, version=1)
    now = db.session.get_one(Complaint, complaint.id)
    assert (closed, now.status, now.type_id, now.handled_by, now.version) == ([complaint.id], "closed", kind, by, 2)
    assert now.handling and now.handling.code == "refund"


def test_the_second_person_is_told_who_closed_it_and_how(recorded: Record) -> None:
    complaint, first, second = recorded(), user_id("quality_lead"), user_id("customer_service")
    with write():
        settle([complaint.id], handling="refund", terms={}, by=first, now=NOW, version=1)
    with pytest.raises(Conflict, match=r"王姐.*退款"), write():
        settle([complaint.id], handling="reply", terms={}, by=second, now=NOW, version=1)
    found = db.session.get_one(Complaint, complaint.id)
    assert found.handled_by == first


def test_many_are_closed_at_once_each_story_tells_it_and_closed_ones_are_left(recorded: Record) -> None:
    rows = [recorded(f"漏液 {n}") for n in range(3)]
    by = user_id("quality_lead")
    with write():
        settle([rows[0].id], handling="refund", terms={}, by=by, now=NOW, version=1)
    with write():
        closed = settle([row.id for row in rows], handling="reply", terms={}, by=by, now=NOW)
    assert closed == [rows[1].id, rows[2].id]
    for row, together in zip(rows, (1, 2, 2), strict=True):
        told = [event for event in timeline("complaint", row.id) if event.name == "complaints_settled"]
        assert [(event.body["ids"], event.body["together"]) for event in told] == [([row.id], together)]
    assert verify_chain().broken_at is None


def test_an_unknown_handling_is_refused(recorded: Record) -> None:
    complaint, by = recorded(), user_id("quality_lead")
    with pytest.raises(Refused), write():
        settle([complaint.id], handling="magic", terms={}, by=by, now=NOW)


def test_a_change_of_category_says_old_and_new(recorded: Record) -> None:
    complaint, kind = recorded(), term("type", "broken")
    with write():
        classify(complaint.id, terms={"type": kind}, by=user_id("quality_lead"), now=NOW, version=1)
    changed = next(row for row in timeline("complaint", complaint.id) if row.name == "complaint_classified")
    assert changed.body == {"type_id": {"old": None, "new": kind}}


def test_a_type_that_touches_safety_makes_a_safety_complaint(recorded: Record) -> None:
    complaint, kind = recorded(), term("type", "allergy")
    with write():
        classify(complaint.id, terms={"type": kind}, by=user_id("quality_lead"), now=NOW, version=1)
    found = db.session.get_one(Complaint, complaint.id)
    assert found.safety
    assert found.issue_id is not None


def test_a_category_that_stays_writes_nothing(recorded: Record) -> None:
    complaint = recorded(terms={"type": term("type", "broken")})
    with write():
        classify(complaint.id, terms={"type": term("type", "broken")}, by=1, now=NOW, version=1)
    assert db.session.get_one(Complaint, complaint.id).version == 1


def test_an_old_version_changes_nothing(recorded: Record) -> None:
    complaint, kind = recorded(), term("type", "broken")
    with pytest.raises(Conflict), write():
        classify(complaint.id, terms={"type": kind}, by=1, now=NOW, version=7)


def test_a_reopened_complaint_remembers_how_it_was_closed(recorded: Record) -> None:
    complaint, by = recorded(), user_id("quality_lead")
    with write():
        settle([complaint.id], handling="refund", terms={}, by=by, now=NOW)
    with write():
        reopen(complaint.id, by=by, now=NOW, version=2)
    found = db.session.get_one(Complaint, complaint.id)
    told = next(row for row in timeline("complaint", complaint.id) if row.name == "complaint_reopened")
    assert (found.status, found.closed_at, told.body["handled_by"]) == ("open", None, by)


def test_an_open_complaint_is_not_reopened(recorded: Record) -> None:
    complaint = recorded()
    with pytest.raises(Conflict), write():
        reopen(complaint.id, by=1, now=NOW, version=1)


def test_a_missing_complaint_is_not_found(app: Flask) -> None:
    with pytest.raises(NotFound), write():
        reopen(99, by=1, now=NOW, version=1)


@pytest.mark.parametrize(("typed", "minor"), [("", 0), ("1,268.5", 126850), ("¥300", 30000), ("３００ 元", 30000)])
def test_a_typed_amount_is_read_as_it_is_written(typed: str, minor: int) -> None:
    assert typed_amount(typed) == minor


@pytest.mark.parametrize("typed", ["三百", "0", "-5", "1.234", "1e11", "nan"])
def test_what_is_no_amount_is_refused(sqlite_app: Flask, typed: str) -> None:
    with sqlite_app.test_request_context(), pytest.raises(Refused) as refused:
        typed_amount(typed)
    assert refused.value.field == "amount"


def test_an_amount_counts_in_the_currency_of_the_order(sqlite_app: Flask) -> None:
    assert typed_amount("1500", "JPY") == 1500
