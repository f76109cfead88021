"""What the rules of the issue form may ask of other issues, and what they are tried on."""

# ruff: noqa: ARG002 -- every answer keeps the signatures of the protocol

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import ColumnElement, Select, select

from qtrace.core import clock
from qtrace.core.db import db
from qtrace.core.models import EventRow
from qtrace.forms.queries import current_definition, stored_definition
from qtrace.forms.registry import FieldDefinition, Value
from qtrace.forms.seed import ISSUE_FORM
from qtrace.issues.models import Issue
from qtrace.rules.doors import Held, missing_to_leave
from qtrace.rules.facts import AskedForm, Sample, spellings
from qtrace.rules.subject import seen_numbers, seen_value, split_same
from qtrace.sdk.rules import Match

COLUMNS = (
    "title", "description", "courier_line", "type_id", "severity_id", "responsible_party_id", "detection_point_id",
    "disposition_id", "order_id", "sku_id", "lot_id", "supplier_id", "safety",
)  # fmt: skip
CHANGES = ("issue_changed", "issue_classified")


def issue_columns(issue: Issue) -> dict[str, Any]:
    """Return the built-in columns of an issue as the form's fields fill them."""
    affected = None if issue.bad_qty is None else {"bad": issue.bad_qty, "checked": issue.checked_qty}
    return {name: getattr(issue, name) for name in COLUMNS} | {"affected_qty": affected}


class IssueFacts:
    """Answers about issues; a value of a further answer is compared as it is spelled in the row."""

    def twin(
        self, form: AskedForm, name: str, value: object, *, same: Mapping[str, object], since: datetime | None,
        besides: int | None,
    ) -> Match | None:  # fmt: skip
        """Return an issue whose field has the value and whose `same` fields are equal."""
        return self.alike(form, {name: value, **same}, since=since, besides=besides)

    def alike(
        self, form: AskedForm, values: Mapping[str, object], *, since: datetime | None, besides: int | None
    ) -> Match | None:
        """Return the newest issue with all these values."""
        statement = _matching(form, values, since, besides)
        row = None if statement is None else db.session.execute(statement.limit(1)).scalar_one_or_none()
        return Match(row, f"/issues/{row}") if row else None

    def recent_numbers(
        self, form: AskedForm, name: str, *, same: Mapping[str, object], most: int, besides: int | None
    ) -> Sequence[Decimal]:
        """Return the newest values of a numeric field, or of a column in the rows of issues."""
        table, _dot, column = name.partition(".")
        outside, inside = split_same(table, same)
        asked = form.definition.field(table)
        statement = None if asked is None else _matching(form, outside, None, besides)
        if asked is None or statement is None:
            return []
        rows = db.session.scalars(statement.with_only_columns(Issue).limit(most))
        found = [number for issue in rows for number in seen_numbers(asked, column, _value_of(asked, issue), inside)]
        return found[:most]

    def history(self, form: AskedForm, record_id: int) -> Mapping[str, Sequence[object]]:
        """Return the earlier values of each field, read from what was recorded of its changes."""
        statement = select(EventRow.body).where(
            EventRow.subject_kind == "issue", EventRow.subject_id == record_id, EventRow.name.in_(CHANGES)
        )
        found: dict[str, list[object]] = {}
        for body in db.session.scalars(statement.order_by(EventRow.seq)):
            for asked in form.definition.all_fields:
                changed, old = _old_value(asked, body)
                if changed:
                    found.setdefault(asked.id, []).append(seen_value(asked, old))
        return found

    def newest(self, form: AskedForm, most: int) -> Sequence[Sample]:
        """Return the newest issues."""
        return [_sample(issue) for issue in db.session.scalars(select(Issue).order_by(Issue.id.desc()).limit(most))]

    def by_number(self, form: AskedForm, number: str) -> Sample | None:
        """Return the issue with this number."""
        issue = db.session.scalar(select(Issue).where(Issue.number == number))
        return _sample(issue) if issue else None


def _sample(issue: Issue) -> Sample:
    return Sample(issue.number, f"/issues/{issue.number}", issue_columns(issue), issue.answers, record_id=issue.id)


def _value_of(asked: FieldDefinition, issue: Issue) -> Value:
    if not asked.column:
        value: Value = issue.answers.get(asked.id)
        return value
    columns: Value = issue_columns(issue).get(asked.column)
    return columns


def _matching(
    form: AskedForm, values: Mapping[str, object], since: datetime | None, besides: int | None
) -> Select[str] | None:
    """Select the numbers of matching issues, newest first; None when a field can't be compared."""
    statement = select(Issue.number).order_by(Issue.id.desc())
    for name, value in values.items():
        asked = form.definition.field(name)
        equal = None if asked is None else _equal(asked, value)
        if equal is None:
            return None
        statement = statement.where(equal)
    if since is not None:
        statement = statement.where(Issue.opened_at >= since)
    return statement if besides is None else statement.where(Issue.id != besides)


def _equal(asked: FieldDefinition, value: object) -> ColumnElement[bool] | None:
    if asked.column in COLUMNS:
        equal: ColumnElement[bool] = getattr(Issue, asked.column) == value
    elif asked.column:
        return None
    else:
        equal = Issue.answers[asked.id].as_string().in_(spellings(value))
    return equal


def _old_value(asked: FieldDefinition, body: Mapping[str, Any]) -> tuple[bool, Value]:
    told = body.get(asked.column or "answers")
    if not isinstance(told, dict):
        return False, None
    if asked.column:
        return True, told.get("old")
    old, new = told.get("old") or {}, told.get("new") or {}
    return old.get(asked.id) != new.get(asked.id), old.get(asked.id)


def missing_to_leave_stages(issue_id: int, stages: Sequence[str]) -> Sequence[str]:
    """Return what the rules of the issue form want before an issue leaves these stages."""
    issue = db.session.get_one(Issue, issue_id)
    if issue.form_version_id is None:
        definition = current_definition(ISSUE_FORM)[1]
    else:
        definition = stored_definition(ISSUE_FORM, issue.form_version_id)
    record = Held(issue.id, issue_columns(issue), issue.answers)
    return missing_to_leave(ISSUE_FORM, definition, record, stages, now=clock.now())
