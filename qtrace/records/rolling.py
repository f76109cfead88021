"""Rollups over the records that link to a record: worked out anew whenever one of those comes, changes or goes.

What changes so is no edit of the record: it follows from facts that are on record already, so its version stays, nobody who
has it open is disturbed, and whoever saves it works it out anew.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from flask import Flask
from flask_babel import gettext as _
from sqlalchemy import or_, select

from qtrace.conditions.tree import FieldKind
from qtrace.core import search
from qtrace.core.db import db, existing, require_write, table_of
from qtrace.core.errors import NotFound
from qtrace.core.events import Event, subscribe
from qtrace.forms.answers import Answers
from qtrace.forms.controls.compute import Rollup
from qtrace.forms.definition import FormDefinition
from qtrace.forms.models import Form
from qtrace.forms.queries import current_form, stored_definition
from qtrace.forms.registry import Value, controls
from qtrace.forms.slots import slots_of
from qtrace.records.following import Following
from qtrace.records.models import Record
from qtrace.records.related import LINK, linking_fields
from qtrace.records.service import KIND
from qtrace.rules.doors import with_computed
from qtrace.rules.queries import load_rules

RECORDS, FORMS = table_of(Record), table_of(Form)


class LinkingRecords:
    """The records of a form that link to another; voided ones count no more."""

    def values(self, form: str, subject: tuple[str, int], field: str) -> Sequence[object]:
        """Return what the field holds in each record of the form that links to the subject, as conditions see it."""
        target = select(RECORDS.c.id).join(FORMS, FORMS.c.id == RECORDS.c.form_id)
        if db.session.scalar(target.where(RECORDS.c.id == subject[1], FORMS.c.key == subject[0])) is None:
            return ()
        try:
            row, version = current_form(form)
        except NotFound:
            return ()
        slots = slots_of(row.id)
        links = [
            RECORDS.c[slots[one.id]] == subject[1]
            for one in linking_fields(stored_definition(form, version.id), subject[0])
            if one.id in slots
        ]
        if not links:
            return ()
        statement = select(RECORDS.c.form_version_id, RECORDS.c.answers).where(
            RECORDS.c.form_id == row.id, RECORDS.c.state != "void", or_(*links)
        )
        return [_seen(stored_definition(form, made), answers, field) for made, answers in db.session.execute(statement)]

    def problem(self, form: str, field: str, how: str) -> str:
        """Return why nothing can be made of the form's field; empty when all is well."""
        try:
            _row, version = current_form(form)
        except NotFound:
            return _("没有这张表单:%(key)s。", key=form)
        definition = stored_definition(form, version.id)
        if not any(one.control == LINK and one.filterable for one in definition.fields):
            return _("表单 %(key)s 里要有一个可筛选的「关联记录」。", key=form)
        asked = definition.field(field)
        kind = controls()[asked.control].condition_kind(asked) if asked else None
        if how != "count" and kind is not FieldKind.NUMBER:
            return _("表单 %(key)s 里没有数字字段 %(field)s。", key=form, field=field or "—")
        return ""


def register(app: Flask) -> None:
    """Follow what happens to records."""
    for name in ("record_created", "record_changed", "record_state"):
        subscribe(app, name, _happened)


def follow_links(
    form_key: str, definition: FormDefinition, answers: Iterable[Mapping[str, Value]], *, now: datetime
) -> None:
    """Work out anew what rolls up records of this form that hold, or held, these answers."""
    links = linking_fields_of(definition)
    named = {value for one in answers for name in links if isinstance(value := one.get(name), int)}
    _refresh(sorted(named), form_key, now, set())


def linking_fields_of(definition: FormDefinition) -> list[str]:
    """Return the ids of the fields that link to records."""
    return [one.id for one in definition.all_fields if one.control == LINK]


def _happened(event: Event) -> None:
    """Follow the links a record has and had; its own rollups are those of this moment, too."""
    row = require_write().get_one(Record, event.subject_id)
    form = existing(Form, row.form_id)
    definition = stored_definition(form.key, row.form_version_id)
    told = event.body.get("fields", {}) if event.name == "record_changed" else {}
    before = {name: change.get("old") for name, change in told.items()}
    follow_links(form.key, definition, [row.answers, before], now=event.at)
    if _rolls(definition, ""):
        _refresh([row.id], "", event.at, set())


def _refresh(record_ids: Sequence[int], changed_form: str, now: datetime, done: set[int]) -> None:
    """Bring records up to date that roll up the changed form, and what rolls them up in turn; each once."""
    asked = [one for one in record_ids if one not in done]
    if not asked:
        return
    statement = select(Record).where(Record.id.in_(asked)).order_by(Record.id).with_for_update()
    statement = statement.execution_options(populate_existing=True)  # a batch writes past the session
    for row in require_write().scalars(statement):
        done.add(row.id)
        form = existing(Form, row.form_id)
        definition = stored_definition(form.key, row.form_version_id)
        if not _rolls(definition, changed_form):
            continue
        loaded, given = load_rules(form.key, definition), Answers(answers=dict(row.answers))
        answers = with_computed(loaded, definition, given, now, record_id=row.id).answers
        if answers == row.answers:
            continue
        row.answers = dict(answers)
        follows = Following(definition, slots_of(form.id))
        for name, value in follows.columns(answers).items():
            setattr(row, name, value)
        search.index(KIND, [(row.id, follows.searched(row.number, answers))])
        further = [value for name in linking_fields_of(definition) if isinstance(value := answers.get(name), int)]
        _refresh(sorted(further), form.key, now, done)


def _rolls(definition: FormDefinition, form: str) -> bool:
    """Say whether a form rolls up records of the other one, or of any for ""."""
    named = [one.text("form") for one in definition.fields if one.control == Rollup.key and one.text("form")]
    return bool(named) if not form else form in named


def _seen(definition: FormDefinition, answers: Mapping[str, Value], name: str) -> object:
    asked = definition.field(name)
    value = answers.get(name)
    return controls()[asked.control].to_condition(asked, value) if asked is not None and value is not None else None
