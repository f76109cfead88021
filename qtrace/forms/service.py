"""Verbs on forms: a publication is a new version; old records keep theirs."""

from datetime import datetime

from sqlalchemy import select

from qtrace.core import events
from qtrace.core.db import require_write
from qtrace.core.jobs import enqueue
from qtrace.forms.definition import FormDefinition, dump_definition
from qtrace.forms.models import Form, FormVersion
from qtrace.forms.slots import claim_slots

REINDEX = "form_reindex"  # the job that fills the slots of records that were there before


def publish_form(
    key: str,
    definition: FormDefinition,
    *,
    name_zh: str,
    name_en: str,
    by: int | None,
    now: datetime,
    prefix: str = "R",
) -> int:
    """Publish a definition as the form's next version and return the version's id.

    A field that can be filtered by from now on gets its slot; a job brings the records that are there up to date.
    """
    session = require_write()
    form = session.scalar(select(Form).where(Form.key == key).with_for_update())
    if form is None:
        form = Form(key=key, name_zh=name_zh, name_en=name_en, current_version=0, prefix=prefix)
        session.add(form)
        session.flush()  # the id is needed by the version
    form.current_version += 1
    form.name_zh, form.name_en = name_zh, name_en
    version = FormVersion(
        form_id=form.id, version=form.current_version, definition=dump_definition(definition), published_at=now,
        published_by=by,
    )  # fmt: skip
    session.add(version)
    session.flush()  # the id is the answer
    claimed = [] if form.built_in else claim_slots(form.id, definition)
    if claimed and form.current_version > 1:
        enqueue(REINDEX, {"form_id": form.id}, now=now, dedupe_key=f"reindex-{form.id}")
    events.record("form_published", subject=("form", form.id), by=by, now=now, body={"version": form.current_version})
    return version.id
