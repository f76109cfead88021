"""The pages of the controls: all of them, and one with its settings and an input to be tried."""

from flask import Blueprint, Response, request

from qtrace.accounts.access import needs
from qtrace.core.errors import NotFound
from qtrace.forms.catalogue import drawers, for_strangers, new_trial, read_trial, stored_as
from qtrace.forms.registry import Control, FieldDefinition, Finding, controls
from qtrace.web.htmx import render
from qtrace.web.limits import limited

bp = Blueprint("controls", __name__)


@bp.get("/forms/controls")
@needs("config.forms")
def index() -> Response:
    """Show every control by its family."""
    return render("forms/controls.html", drawers=drawers(), stored_as=stored_as, for_strangers=for_strangers)


@bp.get("/forms/controls/<key>")
@needs("config.forms")
def show(key: str) -> Response:
    """Show one control: what it keeps, its settings, and its input."""
    control = _control(key)
    return render(
        "forms/control.html",
        control=control,
        trial=new_trial(control),
        stored_as=stored_as,
        for_strangers=for_strangers,
    )


@bp.post("/forms/controls/<key>/trial")
@needs("config.forms")
@limited("search")
def trial_create(key: str) -> Response:
    """Read what was typed into the sample input and say what became of it; nothing is stored."""
    control = _control(key)
    trial = read_trial(control, request.form.to_dict(flat=False))
    status = 200 if trial.ok else 422
    return render(
        "forms/control.html",
        control=control,
        trial=trial,
        stored_as=stored_as,
        for_strangers=for_strangers,
        status=status,
    )


@bp.get("/forms/controls/<key>/found")
@needs("record.create")
@limited("search")
def found_show(key: str) -> Response:
    """Show what the text in a box may mean, to be picked while typing; `box` names the input."""
    control = _control(key)
    if not isinstance(control, Finding):
        raise NotFound
    typed = request.args.get(request.args.get("box", ""), "").strip()[:200]
    field = FieldDefinition("found", key, control.name_zh, control.name_en, options=control.starter())
    return render("forms/_found.html", found=control.find(field, typed))


def _control(key: str) -> Control:
    control = controls().get(key)
    if control is None:
        raise NotFound
    return control
