"""Which built-in columns each form may fill; the package that owns the record registers them."""

from collections.abc import Mapping

from flask import Flask, current_app

from qtrace.forms.definition import FormDefinition, Vocabulary, parse_definition
from qtrace.forms.registry import Storage, controls

EXTENSION = "qtrace_form_columns"


def register_columns(app: Flask, form: str, columns: Mapping[str, Storage]) -> None:
    """Say which columns of the record a form may fill."""
    app.extensions.setdefault(EXTENSION, {})[form] = dict(columns)


def vocabulary(form: str) -> Vocabulary:
    """Return what the definition of this form may use; a form that makes records fills no built-in columns."""
    known: Mapping[str, Mapping[str, Storage]] = current_app.extensions.get(EXTENSION, {})
    return Vocabulary(controls(), known.get(form, {}))


def read_definition(form: str, data: object) -> FormDefinition:
    """Read a stored definition of this form."""
    return parse_definition(data, vocabulary(form))


def read_draft(form: str, data: object) -> FormDefinition:
    """Read the draft of this form, finished or not."""
    return parse_definition(data, vocabulary(form), draft=True)
