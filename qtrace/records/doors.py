"""The doors of records: what comes in becomes answers that keep every rule, the same whichever door it comes through."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from qtrace.forms.answers import Answers, read_answers
from qtrace.forms.definition import FormDefinition
from qtrace.forms.receiving import Received
from qtrace.forms.registry import Storage, Value, controls
from qtrace.records.bulk import Row, Target
from qtrace.records.models import Record
from qtrace.rules.doors import Checked, Door, Held, check_answers
from qtrace.rules.pieces import reasons_in
from qtrace.rules.queries import load_rules


def checked_form(
    form_key: str, definition: FormDefinition, received: Received, *, door: Door, by: int | None, now: datetime,
    record: Record | None = None,
) -> Checked:  # fmt: skip
    """Return what the rules make of a form somebody sent; files that could not be kept are errors of their fields."""
    read = read_answers(definition, received.sent, record.answers if record else None)
    read.errors.update(received.errors)
    stored = {name: [file.id for file in files] for name, files in read.files.items()}
    answers = Answers(
        read.columns, read.answers | stored | _held_files(definition, record, stored), read.files, read.errors
    )
    return check_answers(
        form_key, definition, answers, door=door, by=by, now=now, record=held(record) if record else None,
        reasons=reasons_in(received.sent.values),
    )  # fmt: skip


def check_rows(
    target: Target, rows: Sequence[Row], *, door: Door, by: int | None, now: datetime, reason: str = ""
) -> None:
    """Hold rows that were read to the rules of the form: what the rules change is changed, what they stop gets its reasons.

    The rules are loaded once; `reason` answers the warnings of all rows.
    """
    loaded = load_rules(target.form.key, target.definition)
    if not loaded.rules:
        return
    reasons = {"": reason} if reason else {}
    for row in rows:
        if row.reasons:
            continue
        checked = check_answers(
            loaded, target.definition, Answers(answers=dict(row.answers)), door=door, by=by, now=now, reasons=reasons
        )
        row.answers.clear()
        row.answers.update(checked.answers.answers)
        row.reasons.extend(checked.refusals)
        row.notes.update(checked.notes if checked.ok else {})


def held(record: Record) -> Held:
    """Return a record as the rules see it before a change."""
    return Held(record.id, {}, record.answers)


def _held_files(
    definition: FormDefinition, record: Record | None, added: Mapping[str, Sequence[str]]
) -> dict[str, Value]:
    """Return the files a record holds already, with the new ones behind them: a browser can't send old files again."""
    if record is None:
        return {}
    known = controls()
    found: dict[str, Value] = {}
    for asked in definition.fields:
        before = record.answers.get(asked.id)
        if known[asked.control].storage == Storage.FILE_REFS and before:
            found[asked.id] = [*before, *added.get(asked.id, ())]
    return found
