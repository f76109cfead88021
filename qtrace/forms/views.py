"""The list of forms and what each asks."""

from flask import Blueprint, Response

from qtrace.accounts.access import needs
from qtrace.forms import queries
from qtrace.forms.registry import controls
from qtrace.forms.vocabulary import read_definition
from qtrace.web.htmx import render

bp = Blueprint("forms", __name__)


@bp.get("/forms")
@needs("config.forms")
def form_list() -> Response:
    """Show every form with its version, and the controls there are."""
    return render("forms/list.html", forms=queries.forms(), controls=sorted(controls().values(), key=lambda c: c.key))


@bp.get("/forms/<key>")
@needs("config.forms")
def form_show(key: str) -> Response:
    """Show what the current version of a form asks."""
    form, version = queries.current_form(key)
    definition = read_definition(key, version.definition)
    return render("forms/show.html", form=form, version=version, definition=definition, controls=controls())
