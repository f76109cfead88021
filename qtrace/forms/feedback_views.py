"""What people say of a form and how its fields are used."""

from flask import Response, request, url_for
from flask_babel import gettext as _

from qtrace.accounts.access import actor, login_needed, needs
from qtrace.accounts.queries import names_of
from qtrace.core import clock
from qtrace.core.db import write
from qtrace.core.errors import NotFound, Refused
from qtrace.forms.designing import draft_of
from qtrace.forms.models import Form
from qtrace.forms.queries import current_definition, form_of
from qtrace.forms.remarks import (
    MOST_SETTLED,
    add_page_remark,
    add_remark,
    all_remarks,
    remark_pages,
    remarks_of,
    settle_remark,
)
from qtrace.forms.use import ENOUGH, Use, uses_of
from qtrace.forms.views import bp
from qtrace.web.csrf import answer_at, safe_path
from qtrace.web.filters import localised
from qtrace.web.htmx import go, render


@bp.get("/forms/<key>/remarks/new")
@login_needed
def remark_new(key: str) -> Response:
    """Show the small page on which anybody says what is awkward."""
    return _remark_page(_published_form(key), request.args.get("field", ""), "", None)


@bp.post("/forms/<key>/remarks")
@login_needed
def remark_create(key: str) -> Response:
    """Keep a remark and lead back to where it was made."""
    form = _published_form(key)
    field, text = request.form.get("remark_field", ""), request.form.get("text", "")
    _version, definition = current_definition(key)
    back = safe_path(request.form.get("back"))
    try:
        with write():
            add_remark(form, text, field=field if definition.field(field) else "", by=actor().id, now=clock.now())
            answer_at(back)
    except Refused as error:
        return _remark_page(form, field, text, error)
    return go(back, trigger={"toast": _("谢谢,已告诉负责表单的人")})


@bp.get("/forms/<key>/remarks")
@needs("config.forms")
def remark_list(key: str) -> Response:
    """Show the open remarks, or the answered ones."""
    form, settled = form_of(key), request.args.get("settled") == "1"
    rows = remarks_of(form.id, settled=settled)
    people = {person for row in rows for person in (row.by, row.settled_by) if person}
    return render(
        "forms/remarks.html", form=form, rows=rows, settled=settled, names=names_of(people),
        definition=draft_of(key).definition,
    )  # fmt: skip


@bp.post("/forms/<key>/remarks/<int:remark_id>/answer")
@needs("config.forms")
def remark_answer(key: str, remark_id: int) -> Response:
    """Answer a remark and settle it."""
    url = url_for("forms.remark_list", key=key)
    form = form_of(key)
    with write():
        settle_remark(form, remark_id, request.form.get("answer", ""), by=actor().id, now=clock.now())
        answer_at(url)
    return go(url, trigger={"toast": _("已处理")})


@bp.get("/remarks")
@needs("config.forms")
def remark_index() -> Response:
    """Show what people say of any form or page."""
    settled = request.args.get("settled") == "1"
    rows = all_remarks(settled=settled)
    definitions = {form.key: draft_of(form.key).definition for _row, form in rows if form is not None}
    people = {person for row, _form in rows for person in (row.by, row.settled_by) if person}
    return render(
        "forms/all_remarks.html", rows=rows, settled=settled, names=names_of(people), definitions=definitions,
        pages=remark_pages(), most=MOST_SETTLED,
    )  # fmt: skip


@bp.get("/remarks/new")
@login_needed
def page_remark_new() -> Response:
    """Show the small page on which anybody says what is awkward about a page."""
    return _page_remark_page(request.args.get("page", ""), "", None)


@bp.post("/remarks")
@login_needed
def page_remark_create() -> Response:
    """Keep a remark about a page and lead back to it."""
    page, text, back = request.form.get("page", ""), request.form.get("text", ""), safe_path(request.form.get("back"))
    try:
        with write():
            add_page_remark(page, text, by=actor().id, now=clock.now())
            answer_at(back)
    except Refused as error:
        return _page_remark_page(page, text, error)
    return go(back, trigger={"toast": _("谢谢,已告诉负责表单的人")})


@bp.post("/remarks/<int:remark_id>/answer")
@needs("config.forms")
def page_remark_answer(remark_id: int) -> Response:
    """Answer a remark about anything and settle it."""
    url = url_for("forms.remark_index")
    with write():
        settle_remark(None, remark_id, request.form.get("answer", ""), by=actor().id, now=clock.now())
        answer_at(url)
    return go(url, trigger={"toast": _("已处理")})


@bp.get("/forms/<key>/use")
@needs("config.forms")
def use(key: str) -> Response:
    """Show how each field is used."""
    draft = draft_of(key)
    found = uses_of(draft.form.id)
    rows = [(field, found.get(field.id, Use())) for field in draft.definition.fields]
    return render("forms/use.html", form=draft.form, rows=rows, enough=ENOUGH)


def _published_form(key: str) -> Form:
    form = form_of(key)
    if not form.current_version:
        raise NotFound
    return form


def _page_remark_page(page: str, text: str, error: Refused | None) -> Response:
    name = remark_pages().get(page)
    if name is None:
        raise NotFound
    return render(
        "forms/remark.html", status=422 if error else 200, name=name, about=page, text=text, error=error, field="",
        url=url_for("forms.page_remark_create"), back=safe_path(request.values.get("back")),
    )  # fmt: skip


def _remark_page(form: Form, field: str, text: str, error: Refused | None) -> Response:
    _version, definition = current_definition(form.key)
    return render(
        "forms/remark.html", status=422 if error else 200, name=localised(form), definition=definition, field=field,
        text=text, error=error, url=url_for("forms.remark_create", key=form.key), back=safe_path(request.values.get("back")),
    )  # fmt: skip
