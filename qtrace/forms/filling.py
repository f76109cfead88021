"""What every door does in the write that stores a filled-in form: count how its fields were used, forget the kept draft."""

from collections.abc import Collection

from qtrace.forms.answers import Answers
from qtrace.forms.definition import FormDefinition
from qtrace.forms.held import drop_draft
from qtrace.forms.registry import FieldDefinition, Opening, Sent, Storage, Value, controls
from qtrace.forms.use import count_use

EMPTY: tuple[Value, ...] = (None, False, "", [], {})


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
    return {name for name, value in held.items() if value not in EMPTY} | set(answers.files)


def _is_asked(field: FieldDefinition) -> bool:
    control = controls()[field.control]
    return not (control.layout or control.assigned or control.storage == Storage.COMPUTED)


def _as_prefilled(field: FieldDefinition, sent: Sent, opening: Opening) -> bool:
    """Say whether the field came back as the empty form had it."""
    given = controls()[field.control].initial(field, opening)
    return bool(given) and all(sent.all(name) == list(texts) for name, texts in given.items())
