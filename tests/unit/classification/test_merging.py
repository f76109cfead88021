"""A merger reaches everything that names the term, and is undone while nothing changed since."""

from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from qtrace.classification.controls import DefectCode
from qtrace.classification.merging import merge_term, mergers_of, preview_merger, undo_merger
from qtrace.classification.models import ClassificationRule, Term
from qtrace.classification.queries import successor, term_ids
from qtrace.classification.service import rename_term, switch_term
from qtrace.complaints.models import Complaint
from qtrace.core.db import db, write
from qtrace.core.errors import Conflict, Refused
from qtrace.core.models import EventRow
from qtrace.forms.models import Form, FormField, FormVersion
from qtrace.forms.registry import FieldDefinition, Sent
from qtrace.investigation.models import Responsibility
from qtrace.issues.models import Issue, SavedView
from qtrace.records.models import Record
from qtrace.rules.models import Rule
from tests.conftest import NOW

BY = {"by": 1, "now": NOW}
FIELD = {
    "id": "what",
    "control": "defect_code",
    "label_zh": "什么",
    "label_en": "What",
    "options": {"first": ["leaking"]},
}


def term(code: str, kind: str = "type") -> Term:
    """Return a term by its code."""
    return db.session.scalars(select(Term).where(Term.kind == kind, Term.code == code)).one()


def record_naming(term_id: int) -> int:
    """Store a record of a free form whose filterable field chose this term."""
    definition: dict[str, Any] = {"sections": [{"id": "s", "title_zh": "一", "title_en": "One", "fields": [FIELD]}]}
    with write() as session:
        form = Form(key="visit", name_zh="巡检", name_en="Visit")
        session.add(form)
        session.flush()
        version = FormVersion(form_id=form.id, version=1, definition=definition, published_at=NOW)
        session.add_all([version, FormField(form_id=form.id, field="what", slot="r1")])
        session.flush()
        record = Record(
            form_id=form.id, form_version_id=version.id, number="R-1", answers={"what": term_id, "note": "保留"},
            r1=term_id, created_at=NOW, changed_at=NOW,
        )  # fmt: skip
        session.add(record)
        session.flush()
        return record.id


def test_a_merger_reaches_records_and_their_typed_columns_and_comes_back(app: Flask) -> None:
    old, new = term("leaking").id, term("broken").id
    row = record_naming(old)
    with write():
        assert merge_term(old, new, **BY) == 1
    found = db.session.get_one(Record, row)
    assert (found.answers, found.r1) == ({"what": new, "note": "保留"}, new)
    with write():
        undo_merger(mergers_of("type")[0][0].id, **BY)
    found = db.session.get_one(Record, row)
    assert (found.answers, found.r1) == ({"what": old, "note": "保留"}, old)


def test_the_condition_of_a_forms_rule_follows_and_comes_back(app: Flask) -> None:
    old, new = term("leaking").id, term("broken").id
    record_naming(old)
    condition = {
        "all": [{"field": "what", "op": "in", "value": [old, new]}, {"field": "note", "op": "eq", "value": old}]
    }
    with write() as session:
        form_id = session.scalars(select(Form.id).where(Form.key == "visit")).one()
        session.add(Rule(form_id=form_id, kind="required", field="what", condition=condition, changed_at=NOW))
    with write():
        merge_term(old, new, **BY)
    found = db.session.scalars(select(Rule.condition)).one()
    assert found == {"all": [{"field": "what", "op": "in", "value": [new]}, condition["all"][1]]}
    with write():
        undo_merger(mergers_of("type")[0][0].id, **BY)
    assert db.session.scalars(select(Rule.condition)).one() == condition


def test_the_preview_counts_what_the_merger_then_moves(app: Flask) -> None:
    old, new = term("leaking").id, term("broken").id
    record_naming(old)
    with write() as session:
        session.add(Complaint(number="CP-1", source_kind="staff", occurred_at=NOW, created_at=NOW, type_id=old))
        session.add(SavedView(page="issues", user_id=1, name="漏", query="type=leaking&status=open"))
    told = {row.label: row.count for row in preview_merger(old, new)}
    assert told == {"客诉": 1, "表单记录": 1, "分类规则": 1, "保存的视图": 1}


def test_rules_and_saved_views_follow_and_come_back(app: Flask) -> None:
    old, new = term("leaking").id, term("broken").id
    rule = db.session.scalars(select(ClassificationRule).where(ClassificationRule.key == "leaking")).one()
    before = dict(rule.sets)
    with write() as session:
        session.add(SavedView(page="issues", user_id=1, name="漏", query=f"type={old}&status=open"))
    with write():
        merge_term(old, new, **BY)
    view = select(SavedView.query)
    assert db.session.scalar(view) == f"type={new}&status=open"
    with write():
        undo_merger(mergers_of("type")[0][0].id, **BY)
    assert db.session.scalar(view) == f"type={old}&status=open"
    assert db.session.get_one(ClassificationRule, rule.id).sets == before
    assert (term("leaking").active, term("leaking").merged_into_id) == (True, None)
    assert db.session.scalars(select(EventRow.name).order_by(EventRow.seq.desc())).first() == "term_unmerged"


def test_records_that_carried_the_target_before_stay_there(app: Flask) -> None:
    old, new = term("leaking").id, term("broken").id
    with write() as session:
        session.add(Issue(number="QI-1", title="漏", opened_at=NOW, type_id=old, signature=f"lot|7|{old}"))
        session.add(Issue(number="QI-2", title="破", opened_at=NOW, type_id=new, signature=f"lot|7|{new}"))
    with write():
        merge_term(old, new, **BY)
    with write():
        assert undo_merger(mergers_of("type")[0][0].id, **BY) == 1
    found = db.session.execute(select(Issue.type_id, Issue.signature).order_by(Issue.number)).all()
    assert [tuple(row) for row in found] == [(old, f"lot|7|{old}"), (new, f"lot|7|{new}")]
    assert mergers_of("type") == []


def test_a_merger_whose_records_changed_since_is_not_undone(app: Flask) -> None:
    old, new, third = term("leaking").id, term("broken").id, term("odour").id
    with write() as session:
        session.add(Issue(number="QI-1", title="漏", opened_at=NOW, type_id=old))
    with write():
        merge_term(old, new, **BY)
    with write() as session:
        session.scalars(select(Issue)).one().type_id = third
    with pytest.raises(Refused, match="1 处"), write():
        undo_merger(mergers_of("type")[0][0].id, **BY)


def test_a_chain_of_mergers_is_undone_from_its_end(app: Flask) -> None:
    one, two, three = term("leaking").id, term("broken").id, term("odour").id
    with write() as session:
        session.add(Issue(number="QI-1", title="漏", opened_at=NOW, type_id=one))
    with write():
        merge_term(one, two, **BY)
    with write():
        merge_term(two, three, **BY)
    today = successor(one)
    assert today is not None and today.id == three
    assert term_ids("type")["leaking"] == three
    second, first = (row.id for row, _old, _new in mergers_of("type"))
    with pytest.raises(Refused), write():
        undo_merger(first, **BY)
    for merger in (second, first):
        with write():
            undo_merger(merger, **BY)
    assert db.session.scalars(select(Issue.type_id)).one() == one


def test_a_share_beside_the_target_keeps_its_former_party(app: Flask) -> None:
    """Two shares of one issue can't name one party; the sum of the shares stays 100."""
    old, new = term("carrier", "responsible_party").id, term("supplier", "responsible_party").id
    with write() as session:
        session.add(Issue(number="QI-1", title="漏", opened_at=NOW))
        session.flush()
        session.add_all(
            [
                Responsibility(issue_id=1, party_id=old, percent=40, at=NOW),
                Responsibility(issue_id=1, party_id=new, percent=60, at=NOW),
            ]
        )
    with write():
        merge_term(old, new, **BY)
    shares = db.session.execute(select(Responsibility.party_id, Responsibility.percent)).all()
    assert sorted(tuple(row) for row in shares) == sorted([(old, 40), (new, 60)])


def test_somebody_elses_change_stops_a_merger(app: Flask) -> None:
    old, new = term("leaking"), term("broken")
    seen = (old.version, new.version)
    with write():
        rename_term(new.id, "破", "", **BY)
    with pytest.raises(Conflict), write():
        merge_term(old.id, new.id, seen=seen, **BY)


def test_a_merged_term_is_neither_merged_nor_switched_on_again(app: Flask) -> None:
    old, new, third = term("leaking").id, term("broken").id, term("odour").id
    with write():
        merge_term(old, new, **BY)
    with pytest.raises(Refused), write():
        merge_term(old, third, **BY)
    with pytest.raises(Refused), write():
        switch_term(old, active=True, **BY)


def test_a_page_or_file_from_before_the_merger_means_where_the_term_went(sqlite_app: Flask) -> None:
    old, new = term("leaking").id, term("broken").id
    with write():
        merge_term(old, new, **BY)
    asked, control = (
        FieldDefinition("what", "defect_code", "什么", "What", options={"first": ["leaking"]}),
        DefectCode(),
    )
    with sqlite_app.test_request_context():
        assert control.parse(asked, Sent({"what": [str(old)]})) == new
        assert control.from_cell(asked, "漏液") == new
        assert control.choices(asked)[0].value == str(new)
        assert control.show(asked, old) == "漏液(已并入 破损)"
