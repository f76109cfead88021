"""The list of forms, making one, and what each asks."""

from flask import Blueprint, Response, request, url_for
from flask_babel import gettext as _

from qtrace.accounts.access import actor, needs
from qtrace.core import clock
from qtrace.core.db import write
from qtrace.core.errors import Refused
from qtrace.forms import queries
from qtrace.forms.creating import KINDS, OWN_KINDS, NewForm, create_form, set_form_state
from qtrace.forms.queries import form_of
from qtrace.forms.registry import controls
from qtrace.forms.remarks import open_count
from qtrace.forms.shipped import templates
from qtrace.forms.sources import record_counts, source_of
from qtrace.forms.vocabulary import read_draft
from qtrace.web.csrf import answer_at
from qtrace.web.htmx import go, render

bp = Blueprint("forms", __name__)


@bp.get("/forms")
@needs("config.forms")
def form_list() -> Response:
    """Show every form with its version and records, and the controls there are."""
    rows = queries.all_forms()
    sources = {form.id: source_of(form) for form, _version in rows}
    return render(
        "forms/list.html", forms=rows, kinds=KINDS, counts=record_counts([form for form, _version in rows]),
        urls={form.id: source.list_url(form) for form, _version in rows if (source := sources[form.id])},
        controls=sorted(controls().values(), key=lambda control: control.key), remarks=open_count(),
    )  # fmt: skip


@bp.get("/forms/new")
@needs("config.forms")
def form_new() -> Response:
    """Ask for the name of a new form and what it starts from."""
    return _new_page(NewForm("", "", "record", "", request.args.get("start", "")), None)


@bp.post("/forms")
@needs("config.forms")
def form_create() -> Response:
    """Make a form and open its designer."""
    sent = {
        name: request.form.get(name, "").strip() for name in ("name_zh", "name_en", "kind", "prefix", "start", "copy")
    }
    copied = sent.pop("copy")
    new = NewForm(**sent | ({"start": f"form:{copied}"} if sent["start"] == "form" else {}))
    try:
        with write():
            key = create_form(new, by=actor().id, now=clock.now())
            url = url_for("forms.design", key=key)
            answer_at(url)
    except Refused as error:
        return _new_page(new, error)
    return go(url, trigger={"toast": _("已新建表单,发布后就可以填写")})


@bp.get("/forms/<key>")
@needs("config.forms")
def form_show(key: str) -> Response:
    """Show what a form asks: the published version, or the draft of a form that has none."""
    form = form_of(key)
    version = queries.version_of(form.id, form.current_version)
    definition = read_draft(key, version.definition if version else form.draft)
    return render("forms/show.html", form=form, version=version, definition=definition, controls=controls())


@bp.post("/forms/<key>/state")
@needs("config.forms")
def state_update(key: str) -> Response:
    """Retire a form, or bring it back."""
    state = request.form.get("state", "")
    with write():
        set_form_state(key, state, by=actor().id, now=clock.now())
        answer_at(url_for("forms.form_list"))
    text = _("已停用,已有记录保留") if state == "retired" else _("已恢复使用")
    return go(url_for("forms.form_list"), trigger={"toast": text})


def _new_page(new: NewForm, error: Refused | None) -> Response:
    return render(
        "forms/new.html", status=422 if error else 200, new=new, error=error, kinds={key: KINDS[key] for key in OWN_KINDS}, templates=templates(),
        forms=[form for form, version in queries.all_forms() if version],
    )  # fmt: skip
