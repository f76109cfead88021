"""Drafts of flows are changed, taken back, dropped and published the same on both databases."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
from flask import Flask
from sqlalchemy import select

from qtrace.core.db import db, write
from qtrace.core.errors import Conflict, NotFound, Refused
from qtrace.core.models import EventRow
from qtrace.flows.default import default_definition
from qtrace.flows.definition import Definition
from qtrace.flows.drafting import Draft, Edited, discard, draft_of, drafts, held_draft, open_draft, redo, save, undo
from qtrace.flows.models import FlowDefinition
from qtrace.flows.publishing import Unfinished, publish
from qtrace.forms.designing import Turn
from tests.conftest import NOW, user_id

KEY = "quality_issue"


def renamed(definition: Definition, name: str) -> Edited:
    """Return the definition with its first node under another name."""
    first = replace(definition.nodes[0], name_zh=name)
    return Edited(replace(definition, nodes=(first, *definition.nodes[1:])), "change_node", name, first.id)


def turn() -> Turn:
    """Return a change of the draft as it stands."""
    db.session.expire_all()
    return Turn(draft_of(KEY).version, user_id("quality_lead"), NOW)


def change(name: str, key: str = KEY) -> Draft:
    """Rename the first node in the draft."""
    with write():
        draft = draft_of(key)
        save(draft, renamed(draft.definition, name), by=user_id("quality_lead"), now=NOW)
    return draft_of(key)


@pytest.fixture
def asked(app: Flask) -> Iterator[None]:
    """A request, so that messages have a language."""
    with app.test_request_context():
        yield


@pytest.fixture
def asked_on_sqlite(sqlite_app: Flask) -> Iterator[None]:
    """The same where the database does not matter."""
    with sqlite_app.test_request_context():
        yield


@pytest.mark.usefixtures("asked")
def test_a_draft_is_changed_taken_back_and_done_again() -> None:
    assert not draft_of(KEY).held
    change("一")
    assert [step.what for step in change("二").steps] == ["修改「一」", "修改「二」"]
    with write():
        assert undo(KEY, turn()) == "修改「二」"
    with write():
        assert undo(KEY, turn()) == "修改「一」"
    assert not draft_of(KEY).changed
    with write(), pytest.raises(Refused):
        undo(KEY, turn())
    with write():
        assert redo(KEY, turn()) == "修改「一」"
    assert draft_of(KEY).definition.nodes[0].name_zh == "一"
    assert [draft.key for draft in drafts()] == [KEY]
    assert [step.what for step in change("三").steps] == ["修改「一」", "修改「三」"]
    with write(), pytest.raises(Refused):
        redo(KEY, turn())
    with write():
        assert discard(KEY, turn())
    assert drafts() == []


@pytest.mark.usefixtures("asked_on_sqlite")
def test_who_is_late_changes_nothing_and_is_told_who_was_faster() -> None:
    stale, old = turn(), draft_of(KEY)
    change("一")
    with write(), pytest.raises(Conflict) as told:
        held_draft(KEY, stale)
    assert "修改「一」" in told.value.message
    with write(), pytest.raises(Conflict):
        save(old, renamed(old.definition, "二"), by=None, now=NOW)
    assert draft_of(KEY).definition.nodes[0].name_zh == "一"


@pytest.mark.usefixtures("asked")
def test_a_published_draft_is_a_version_beside_the_older_ones() -> None:
    draft = change("一")
    with write():
        assert publish(draft, by=user_id("quality_lead"), now=NOW, note=" 改名 ") == 2
    rows = db.session.scalars(select(FlowDefinition).where(FlowDefinition.key == KEY).order_by(FlowDefinition.version))
    first, second = rows.all()
    assert (first.active, second.active, second.note, second.published_at) == (True, True, "改名", NOW)
    assert draft_of(KEY).definition.version == 2
    assert not draft_of(KEY).held
    with write(), pytest.raises(Conflict):
        publish(draft, by=None, now=NOW)
    with write(), pytest.raises(Refused):
        publish(draft_of(KEY), by=None, now=NOW)
    names = db.session.scalars(select(EventRow.name).order_by(EventRow.seq)).all()
    assert names[-2:] == ["flow_draft_changed", "flow_published"]


@pytest.mark.usefixtures("asked_on_sqlite")
def test_a_new_flow_is_a_draft_until_it_has_no_fault() -> None:
    definition = default_definition()
    broken = replace(definition, nodes=(*definition.nodes[:1], replace(definition.nodes[1], who=(), due_minutes=0)))
    with write():
        open_draft("mine", broken, by=None, now=NOW)
    with write(), pytest.raises(Conflict):
        open_draft("mine", broken, by=None, now=NOW)
    with write(), pytest.raises(Unfinished) as told:
        publish(draft_of("mine"), by=None, now=NOW)
    assert {(fault.node, fault.place) for fault in told.value.faults} == {
        ("triage", "nodes[1].who"),
        ("triage", "nodes[1].due_minutes"),
    }
    with write():
        assert not discard("mine", Turn(draft_of("mine").version, 1, NOW))
    with pytest.raises(NotFound):
        draft_of("mine")
