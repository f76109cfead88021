"""How the forms reach the records made with them: the package that owns the records registers where they are."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from flask import Flask, current_app

from qtrace.accounts.models import User
from qtrace.forms.models import Form
from qtrace.forms.registry import Value

EXTENSION = "qtrace_form_sources"
FREE = ""  # the source of every form that fills no table of its own


@dataclass(frozen=True)
class Sample:
    """A real record as the form sees it."""

    number: str
    url: str
    columns: Mapping[str, Value] = field(default_factory=dict)
    answers: Mapping[str, Value] = field(default_factory=dict)


class Source(Protocol):
    """Where the records of forms are."""

    def count(self, forms: Sequence[Form]) -> Mapping[int, int]:
        """Return how many records each of these forms has, by the form's id."""
        ...

    def recent(self, form: Form, limit: int, *, user: User) -> Sequence[Sample]:
        """Return the newest records of a form the person sees, the newest first."""
        ...

    def list_url(self, form: Form) -> str:
        """Return the address of the list of the form's records."""
        ...

    def new_url(self, form: Form) -> str:
        """Return the address at which the form is filled in."""
        ...


def register_source(app: Flask, form_key: str, source: Source) -> None:
    """Say where the records of a built-in form are; FREE stands for all other forms."""
    app.extensions.setdefault(EXTENSION, {})[form_key] = source


def source_of(form: Form) -> Source | None:
    """Return where the records of this form are; None when no package keeps any."""
    known: Mapping[str, Source] = current_app.extensions.get(EXTENSION, {})
    return known.get(form.key) or (None if form.built_in else known.get(FREE))


def record_counts(forms: Sequence[Form]) -> dict[int, int]:
    """Return how many records each form has; a form whose records nobody keeps is left out."""
    grouped: dict[int, tuple[Source, list[Form]]] = {}
    for form in forms:
        source = source_of(form)
        if source is not None:
            grouped.setdefault(id(source), (source, []))[1].append(form)
    counts: dict[int, int] = {}
    for source, theirs in grouped.values():
        counts |= source.count(theirs)
    return counts
