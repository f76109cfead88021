"""The doors of records: what was sent becomes answers that keep every rule, the same whichever door it came through."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from qtrace.core.files import StoredFile
from qtrace.forms.answers import read_answers
from qtrace.forms.definition import FormDefinition
from qtrace.forms.receiving import Received
from qtrace.forms.registry import Storage, Value, controls
from qtrace.records.models import Record


@dataclass(frozen=True)
class Filled:
    """Answers ready to be stored, or what is wrong with them by field."""

    answers: Mapping[str, Value] = field(default_factory=dict)
    files: Mapping[str, Sequence[StoredFile]] = field(default_factory=dict)
    errors: Mapping[str, str] = field(default_factory=dict)
    notes: Mapping[str, str] = field(default_factory=dict)
    conflict: str = ""

    @property
    def ok(self) -> bool:
        """Say whether it may be stored."""
        return not self.errors


def fill(definition: FormDefinition, received: Received, *, record: Record | None = None) -> Filled:
    """Return what the page door makes of a request."""
    read = read_answers(definition, received.sent)
    errors = {**read.errors, **received.errors}
    if errors:
        return Filled(errors=errors)
    answers: dict[str, Value] = dict(read.answers)
    for name, files in read.files.items():
        answers[name] = [file.id for file in files]
    return Filled(answers | _kept_files(definition, record, answers), read.files)


def _kept_files(definition: FormDefinition, record: Record | None, answers: Mapping[str, Value]) -> dict[str, Value]:
    """Return the files a record holds already, with the new ones behind them: a browser can't send old files again."""
    if record is None:
        return {}
    known = controls()
    found: dict[str, Value] = {}
    for asked in definition.fields:
        held = record.answers.get(asked.id)
        if known[asked.control].storage == Storage.FILE_REFS and held:
            added = answers.get(asked.id)
            found[asked.id] = [*held, *(added if isinstance(added, list) else [])]
    return found
