"""The doors of records: what comes in becomes answers that keep every rule, the same whichever door it comes through."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from qtrace.forms.answers import Answers, read_answers, sent_from
from qtrace.forms.computing import computes
from qtrace.forms.definition import FormDefinition
from qtrace.forms.registry import Sent, Storage, Value, controls
from qtrace.records.bulk import Row, Target, existing_rows, key_of
from qtrace.records.models import Record
from qtrace.records.plain import merged
from qtrace.records.service import differing
from qtrace.rules.doors import Checked, Door, Held, check_answers, take_answers
from qtrace.rules.pieces import reasons_in
from qtrace.rules.queries import load_rules


def checked_form(
    form_key: str, definition: FormDefinition, sent: Sent, wrong_files: Mapping[str, str], *, door: Door, by: int | None,
    now: datetime, record: Record | None = None,
) -> Checked:  # fmt: skip
    """Return what the rules make of a form somebody sent; files that could not be kept are errors of their fields."""
    read = read_answers(definition, sent, record.answers if record else None)
    read.errors.update(wrong_files)
    asked = {one.id for one in definition.fields}
    stored = {name: [file.id for file in files] for name, files in read.files.items() if name in asked}
    answers = Answers(
        read.columns, read.answers | stored | _held_files(definition, record, stored), read.files, read.errors
    )
    return check_answers(
        form_key, definition, answers, door=door, by=by, now=now, record=held(record) if record else None,
        reasons=reasons_in(sent.values),
    )  # fmt: skip


def checked_change(
    form_key: str, definition: FormDefinition, sent: Sent, wrong_files: Mapping[str, str], named: Collection[str], *,
    door: Door, by: int | None, now: datetime, record: Record,
) -> tuple[Checked, list[str]]:  # fmt: skip
    """Return what the rules make of a record of which only the named fields were sent, and which of these it changes.

    The other fields stay as they are; what was wrong with them before stops nobody who cannot put it right.
    """
    before = sent_from(definition, {}, record.answers, reveal=True)
    whole = Sent(merged(before, sent, dict.fromkeys(named)).values, sent.files)
    checked = checked_form(form_key, definition, whole, wrong_files, door=door, by=by, now=now, record=record)
    if checked.errors.keys() - {""} - set(named):
        old = checked_form(form_key, definition, before, {}, door=door, by=by, now=now, record=record)
        checked = checked.but_for(old.errors, named)
    return checked, [path for path in given_in(definition, whole, record) if path.partition(".")[0] in named]


def given_in(definition: FormDefinition, sent: Sent, record: Record) -> list[str]:
    """Return the fields of which something else was sent than the record holds."""
    read = read_answers(definition, sent, record.answers)
    known = controls()
    plain = [
        asked.id for asked in definition.fields
        if known[asked.control].storage != Storage.FILE_REFS and read.answers.get(asked.id) != record.answers.get(asked.id)
    ]  # fmt: skip
    return [*plain, *(name for name, files in read.files.items() if files)]


def check_rows(
    target: Target, rows: Sequence[Row], *, door: Door, by: int | None, now: datetime, reason: str = ""
) -> None:
    """Hold rows that were read to the rules of the form: what the rules change is changed, what they stop gets its reasons.

    The rules are loaded once, a row that names a record again is checked with what that record holds, and rows of one batch
    are compared with each other too; `reason` answers the warnings of all rows.
    """
    loaded = load_rules(target.form.key, target.definition)
    if not loaded.rules and not computes(target.definition):
        return
    reasons = {"": reason} if reason else {}
    known = existing_rows(target, rows)
    for row in rows:
        before = known.get(key_of(target, row) or "")
        given = {**(before.answers if before else {}), **row.answers}
        if before is not None:
            row.given = frozenset(differing(before.answers, given))
        checked = check_answers(
            loaded, target.definition, Answers(answers=given, errors=dict(row.reasons)), door=door, by=by, now=now,
            record=Held(before.id, answers=before.answers) if before else None, reasons=reasons,
        )  # fmt: skip
        row.reasons[:] = checked.refusals  # what could not be read of a hidden field is no reason any more
        if checked.ok:
            row.answers.clear()
            row.answers.update(checked.answers.answers)
            row.notes.update(checked.notes)
            take_answers(loaded, checked, now=now)


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
