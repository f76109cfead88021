"""What people have filled in and not yet sent, kept on the server; and the daily clearing of what nobody came back for."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import delete, select

from qtrace.core.db import affected, db, insert_into, require_write, write
from qtrace.core.errors import Refused
from qtrace.core.jobs import JobContext
from qtrace.forms.definition import FormDefinition
from qtrace.forms.models import FormDraft
from qtrace.forms.registry import Control, FieldDefinition, Sent, Storage, controls
from qtrace.forms.use import count_given_up

JOB = "form-drafts-clear"
EVERY = timedelta(days=1)
KEEP = timedelta(days=14)
BATCH = 500
MOST_INPUTS = 2000
MOST_TEXT = 200_000
NOT_ANSWERS = frozenset({"csrf_token", "submit_id", "last_field", "version", "form_version", "held"})


@dataclass(frozen=True)
class Differing:
    """A field somebody left with another answer than the record has now."""

    field: FieldDefinition
    kept: str
    now: str


def keep_draft(
    user_id: int, form_id: int, form_version_id: int, sent: Mapping[str, Sequence[str]], *, subject: str = "",
    based_on: int | None = None, last_field: str = "", now: datetime,
) -> None:  # fmt: skip
    """Keep what a person has typed, in place of what was kept before; files are not part of it."""
    answers = {name: list(texts) for name, texts in sent.items() if name not in NOT_ANSWERS and any(texts)}
    if len(answers) > MOST_INPUTS or sum(len(text) for texts in answers.values() for text in texts) > MOST_TEXT:
        raise Refused(_("这张表单填得太多,没有暂存。请先提交。"))
    row = {
        "user_id": user_id, "form_id": form_id, "form_version_id": form_version_id, "subject": subject[:40],
        "based_on": based_on, "sent": answers, "last_field": last_field[:60], "saved_at": now,
    }  # fmt: skip
    statement = insert_into(FormDraft).values(row)
    newer = {
        name: statement.excluded[name] for name in ("form_version_id", "based_on", "sent", "last_field", "saved_at")
    }
    require_write().execute(
        statement.on_conflict_do_update(index_elements=["user_id", "form_id", "subject"], set_=newer)
    )


def find_draft(user_id: int, form_id: int, *, subject: str = "") -> FormDraft | None:
    """Return what a person left unsent in this form; None when there is nothing."""
    return db.session.scalar(
        select(FormDraft).where(
            FormDraft.user_id == user_id, FormDraft.form_id == form_id, FormDraft.subject == subject
        )
    )


def drop_draft(user_id: int, form_id: int, *, subject: str = "") -> bool:
    """Forget what was kept, in the write that stores what was sent; say whether there was anything."""
    mine = (FormDraft.user_id == user_id, FormDraft.form_id == form_id, FormDraft.subject == subject)
    return bool(affected(delete(FormDraft).where(*mine)))


def sent_of(draft: FormDraft) -> Sent:
    """Return a kept draft as a browser would send it."""
    return Sent({name: list(texts) for name, texts in draft.sent.items()})


def compare(definition: FormDefinition, kept: Sent, now: Sent) -> list[Differing]:
    """Return the fields that were left with another answer than the record has now, with both in words."""
    found = []
    for asked in definition.fields:
        control = controls()[asked.control]
        if control.layout or control.assigned or control.holds_files or control.storage == Storage.COMPUTED:
            continue
        texts = _words(control, asked, kept), _words(control, asked, now)
        if texts[0] != texts[1]:
            found.append(Differing(asked, _only_in(*texts), _only_in(*reversed(texts))))
    return found


def _only_in(text: str, other: str) -> str:
    """Return the lines of a text that the other lacks; all of it where it lacks none."""
    held = set(other.splitlines())
    return "\n".join(line for line in text.splitlines() if line not in held) or text


def _words(control: Control, asked: FieldDefinition, sent: Sent) -> str:
    """Return what an answer says; one that can't be read yet as it was typed."""
    if sent.first(f"{asked.id}.held"):
        return sent.first(asked.id) or sent.first(f"{asked.id}.held")
    try:
        return control.to_print(asked, control.parse(asked, sent))
    except Refused:
        return _("、").join(sent.all(asked.id)) or _("还没有填完")


def clear_drafts(_payload: dict[str, Any], context: JobContext) -> None:
    """Count where the drafts nobody came back to for two weeks were given up, and remove them, batch by batch."""
    while True:
        with write():
            context.extend()
            if not _clear_batch(context.clock() - KEEP):
                return


def _clear_batch(before: datetime) -> int:
    session = require_write()
    old = select(FormDraft).where(FormDraft.saved_at < before).order_by(FormDraft.id).limit(BATCH)
    rows = session.scalars(old).all()
    for row in rows:
        if row.last_field and not row.subject:
            count_given_up(row.form_id, row.last_field)
        session.delete(row)
    return len(rows)
