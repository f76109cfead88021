"""Drafts, counts of use and kept drafts are written the same on both databases."""

import pytest
from flask import Flask
from sqlalchemy import select

from qtrace.core.db import db, write
from qtrace.core.errors import Conflict
from qtrace.forms.creating import NewForm, create_form
from qtrace.forms.designing import Turn, add_to_draft, discard_draft, draft_of, undo_in_draft
from qtrace.forms.drafting import Place
from qtrace.forms.held import drop_draft, find_draft, keep_draft
from qtrace.forms.models import FormDraft
from qtrace.forms.publishing import publish_draft, restore_version
from qtrace.forms.queries import current_definition, form_of
from qtrace.forms.remarks import add_remark, open_remarks
from qtrace.forms.use import Use, count_given_up, count_use, uses_of
from tests.conftest import NOW, user_id


@pytest.fixture
def lead(app: Flask) -> int:
    """The quality lead's id, with a published form of two fields."""
    lead = user_id("quality_lead")
    with app.test_request_context():
        with write():
            key = create_form(NewForm("到货质检", "", "inspection", "QC"), by=lead, now=NOW)
        for control in ("text", "date"):
            with write():
                add_to_draft(key, control, Place("section_1"), turn(lead))
        with write():
            publish_draft(key, turn(lead), "")
        yield lead


def turn(by: int) -> Turn:
    """Return a change of the draft as it stands."""
    db.session.expire_all()
    return Turn(form_of("qc").draft_version, by, NOW)


def test_a_draft_is_changed_taken_back_dropped_and_a_version_restored(lead: int) -> None:
    stale = turn(lead)
    with write():
        add_to_draft("qc", "integer", Place("section_1", 0), turn(lead))
    with write(), pytest.raises(Conflict):
        add_to_draft("qc", "integer", Place("section_1"), stale)
    with write():
        assert undo_in_draft("qc", turn(lead)) == "添加字段「整数」"
    assert not draft_of("qc").changed
    with write():
        add_to_draft("qc", "integer", Place("section_1"), turn(lead))
    with write():
        discard_draft("qc", turn(lead))
    assert form_of("qc").draft is None
    with write():
        add_to_draft("qc", "integer", Place("section_1"), turn(lead))
    with write():
        assert publish_draft("qc", turn(lead), "加数量") == 2
    with write():
        assert restore_version("qc", 1, turn(lead)) == 3
    fields = {field.id: field.retired for field in current_definition("qc")[1].all_fields}
    assert fields == {"field_1": False, "field_2": False, "field_3": True}


def test_use_is_summed_up_over_submissions(lead: int) -> None:
    form_id = form_of("qc").id
    for _n in range(2):
        with write():
            count_use(form_id, ["b", "a"], {"a"}, {"a"})
    with write():
        count_given_up(form_id, "b")
        count_given_up(form_id, "c")
    assert uses_of(form_id) == {"a": Use(2, 2, 2, 0), "b": Use(2, 0, 0, 1), "c": Use(0, 0, 0, 1)}


def test_one_draft_is_kept_per_person_form_and_record(lead: int) -> None:
    form_id, version_id = form_of("qc").id, current_definition("qc")[0]
    for text in ("一", "二"):
        with write():
            keep_draft(lead, form_id, version_id, {"field_1": [text], "empty": [""]}, last_field="field_1", now=NOW)
    with write():
        keep_draft(lead, form_id, version_id, {"field_1": ["三"]}, subject="QC-2611-0001", now=NOW)
    assert len(db.session.scalars(select(FormDraft)).all()) == 2
    kept = find_draft(lead, form_id)
    assert kept is not None and kept.sent == {"field_1": ["二"]}
    with write():
        assert drop_draft(lead, form_id)
        assert not drop_draft(lead, form_id)
    assert find_draft(lead, form_id, subject="QC-2611-0001") is not None


def test_open_remarks_are_counted_by_field(lead: int) -> None:
    form = form_of("qc")
    with write():
        add_remark(form, "看不懂", field="field_1", by=lead, now=NOW)
        add_remark(form, "太长", field="", by=lead, now=NOW)
    assert open_remarks(form_of("qc").id) == {"field_1": 1, "": 1}
