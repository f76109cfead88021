"""Where a form is offered: begin small, see what that covers, widen."""

from flask import Response, request, url_for
from flask_babel import gettext as _

from qtrace.accounts.access import actor, needs
from qtrace.accounts.queries import names_of
from qtrace.core import clock
from qtrace.core.db import write
from qtrace.core.errors import Refused
from qtrace.forms.models import Form
from qtrace.forms.queries import form_of
from qtrace.forms.scopes import (
    add_scope,
    chosen_of,
    offer_everywhere,
    remove_scope,
    scope_kinds,
    scopes_of,
    shares,
)
from qtrace.forms.views import bp
from qtrace.web.csrf import answer_at
from qtrace.web.htmx import go, render
from qtrace.web.limits import limited


@bp.get("/forms/<key>/scopes")
@needs("config.forms")
@limited("search")
def scope_list(key: str) -> Response:
    """Show where the form is offered and how much of the recent business that covers."""
    return _page(form_of(key))


@bp.post("/forms/<key>/scopes")
@needs("config.forms")
def scope_create(key: str) -> Response:
    """Offer the form in more places."""
    form, url = form_of(key), url_for("forms.scope_list", key=key)
    try:
        with write():
            add_scope(form, request.form.get("kind", ""), request.form.getlist("value"), by=actor().id, now=clock.now())
            answer_at(url)
    except Refused as error:
        return _page(form_of(key), error)
    return go(url, trigger={"toast": _("已放宽适用范围")})


@bp.post("/forms/<key>/scopes/<int:scope_id>/removal")
@needs("config.forms")
def scope_delete(key: str, scope_id: int) -> Response:
    """Offer the form no longer in one place."""
    form, url = form_of(key), url_for("forms.scope_list", key=key)
    with write():
        remove_scope(form, scope_id, by=actor().id, now=clock.now())
        answer_at(url)
    return go(url, trigger={"toast": _("已保存")})


@bp.post("/forms/<key>/scopes/removal")
@needs("config.forms")
def scopes_clear(key: str) -> Response:
    """Offer the form everywhere."""
    form, url = form_of(key), url_for("forms.scope_list", key=key)
    with write():
        offer_everywhere(form, by=actor().id, now=clock.now())
        answer_at(url)
    return go(url, trigger={"toast": _("现在到处都可以用这张表单")})


def _page(form: Form, error: Refused | None = None) -> Response:
    rows, kinds = scopes_of(form.id), scope_kinds()
    options = {key: list(kind.options()) for key, kind in kinds.items()}
    labels = {(key, value): label for key, listed in options.items() for value, label in listed}
    chosen = chosen_of(rows)
    return render(
        "forms/scopes.html", status=422 if error else 200, form=form, rows=rows, kinds=kinds, error=error, labels=labels,
        options={key: [row for row in listed if row[0] not in chosen.get(key, ())] for key, listed in options.items()},
        shares=shares(chosen, now=clock.now()), names=names_of({row.added_by for row in rows if row.added_by}),
    )  # fmt: skip
