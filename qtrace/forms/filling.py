"""What every door does in the write that stores filled-in forms: count how fields were used, forget the kept draft."""

from collections.abc import Collection, Mapping, Sequence

from qtrace.forms.answers import Answers
from qtrace.forms.definition import FormDefinition
from qtrace.forms.held import drop_draft
from qtrace.forms.registry import FieldDefinition, Opening, Sent, Storage, Value, controls
from qtrace.forms.use import count_rows, count_use


def note_submission(
    form_id: int, definition: FormDefinition, sent: Sent, filled: Collection[str], *, opening: Opening
) -> None:
    """Count a submission in the open write; `filled` are the ids of the fields that hold a value."""
    asked = [field for field in definition.fields if _is_asked(field)]
    defaulted = {field.id for field in asked if field.id in filled and _as_prefilled(field, sent, opening)}
    count_use(form_id, [field.id for field in asked], filled, defaulted)
    if opening.user_id is not None:
        drop_draft(opening.user_id, form_id)


def filled_in(definition: FormDefinition, answers: Answers) -> set[str]:
    """Return the ids of the fields that hold a value, whether it goes to a built-in column or not."""
    held = {
        field.id: answers.columns.get(field.column) if field.column else answers.answers.get(field.id)
        for field in definition.fields
    }
    return {name for name, value in held.items() if is_filled(value)} | set(answers.files)


def note_rows(form_id: int, definition: FormDefinition, rows: Sequence[Mapping[str, Value]]) -> None:
    """Count in the open write answers that files and programs brought, all at once.

    What none of them brings was not asked: a ledger without a column says nothing about who leaves the field empty.
    """
    names = [field.id for field in definition.fields if _is_asked(field)]
    filled = {name: sum(1 for row in rows if is_filled(row.get(name))) for name in names}
    count_rows(form_id, len(rows), {name: count for name, count in filled.items() if count})


def _is_asked(field: FieldDefinition) -> bool:
    control = controls()[field.control]
    return not (control.layout or control.assigned or control.storage == Storage.COMPUTED)


def is_filled(value: Value) -> bool:
    """Say whether something was given; 0 is, a switch that is off is not."""
    return bool(value) or (value == 0 and value is not False)


def _as_prefilled(field: FieldDefinition, sent: Sent, opening: Opening) -> bool:
    """Say whether the field came back as the empty form had it."""
    given = controls()[field.control].initial(field, opening)
    return bool(given) and all(sent.all(name) == list(texts) for name, texts in given.items())
