"""Verbs on forms: a publication is a new version; old records keep theirs."""

from dataclasses import replace
from datetime import datetime

from flask_babel import gettext as _
from sqlalchemy import select

from qtrace.core import events
from qtrace.core.db import require_write
from qtrace.core.errors import Refused
from qtrace.core.jobs import enqueue
from qtrace.forms.definition import FormDefinition, check_together, dump_definition
from qtrace.forms.models import Form, FormVersion
from qtrace.forms.queries import version_of
from qtrace.forms.registry import controls
from qtrace.forms.slots import claim_slots
from qtrace.forms.vocabulary import read_definition

REINDEX = "form_reindex"  # the job that fills the slots of records that were there before
MAX_NOTE = 1000


def publish_form(
    key: str, definition: FormDefinition, *, name_zh: str, name_en: str, by: int | None, now: datetime, prefix: str = "R"
) -> int:  # fmt: skip
    """Publish a definition as the form's next version and return the version's id; a new key is a new form."""
    session = require_write()
    form = session.scalar(select(Form).where(Form.key == key).with_for_update())
    if form is None:
        form = Form(key=key, name_zh=name_zh, name_en=name_en, current_version=0, prefix=prefix)
        session.add(form)
        session.flush()  # the id is needed by the version
    form.name_zh, form.name_en = name_zh, name_en
    return publish_version(form, definition, by=by, now=now).id


def publish_version(
    form: Form, definition: FormDefinition, *, by: int | None, now: datetime, note: str = "",
    restored_from: int | None = None,
) -> FormVersion:  # fmt: skip
    """Make the definition the form's next version; what was ever asked stays in it, retired, and the draft ends.

    Refuse a field whose new control keeps its values in another way, and filterable fields beyond the columns there are.
    A field that can be filtered by from now on gets its slot; a job brings the records that are there up to date.
    """
    session = require_write()
    check_together(definition, controls())
    current = version_of(form.id, form.current_version)
    if current is not None:
        definition = with_all_fields(definition, read_definition(form.key, current.definition))
    form.current_version += 1
    form.draft, form.draft_undo, form.draft_redo = None, None, None
    form.draft_version = (form.draft_version or 0) + 1
    form.draft_at, form.draft_by = now, by
    version = FormVersion(
        form_id=form.id, version=form.current_version, definition=dump_definition(definition), published_at=now,
        published_by=by, note=note.strip()[:MAX_NOTE], restored_from=restored_from,
    )  # fmt: skip
    session.add(version)
    session.flush()  # the id is the answer
    claimed = [] if form.built_in else claim_slots(form.id, definition)
    if claimed and form.current_version > 1:
        enqueue(REINDEX, {"form_id": form.id}, now=now, dedupe_key=f"reindex-{form.id}-{form.current_version}")
    body = {"version": form.current_version} | ({"restored_from": restored_from} if restored_from else {})
    events.record("form_published", subject=("form", form.id), by=by, now=now, body=body)
    return version


def with_all_fields(definition: FormDefinition, published: FormDefinition) -> FormDefinition:
    """Return the definition with every published field it lacks, retired, in the section it stood in."""
    known, sections = controls(), list(definition.sections)
    for section in published.sections:
        for field in section.fields:
            now = definition.field(field.id)
            if now is None:
                at = next((i for i, part in enumerate(sections) if part.id == section.id), len(sections) - 1)
                lost = replace(
                    field, retired=True, column="" if _column_taken(definition, field.column) else field.column
                )
                sections[at] = replace(sections[at], fields=(*sections[at].fields, lost))
            elif known[now.control].storage != known[field.control].storage:
                raise Refused(_("「%(name)s」发布过,只能换成保存方式相同的控件。", name=field.label_zh), field.id)
    return FormDefinition(tuple(sections))


def _column_taken(definition: FormDefinition, column: str) -> bool:
    return bool(column) and any(field.column == column for field in definition.all_fields)
