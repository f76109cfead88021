"""Where people keep the tokens of their own programs."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from flask import Blueprint, Response, request, url_for
from flask_babel import gettext as _
from flask_babel import ngettext

from qtrace.accounts.access import actor, login_needed
from qtrace.api.scopes import SCOPES
from qtrace.api.tokens import LONGEST_DAYS, NewToken, create_token, revoke_token, tokens_of
from qtrace.core import clock
from qtrace.core.db import write
from qtrace.core.errors import Refused
from qtrace.core.ids import as_id
from qtrace.web.csrf import answer_at
from qtrace.web.htmx import go, render

bp = Blueprint("tokens", __name__, url_prefix="/me/tokens")
SPANS = (30, 90, 180, LONGEST_DAYS)


@dataclass(frozen=True)
class Filled:
    """What was typed into the form, and what is wrong with it."""

    name: str = ""
    scopes: Sequence[str] = ()
    days: int = SPANS[1]
    errors: dict[str, str] = field(default_factory=dict)


@bp.get("")
@login_needed
def index() -> Response:
    """List one's own tokens."""
    return _page(Filled())


@bp.post("")
@login_needed
def create() -> Response:
    """Make a token and show its key, this once."""
    form = request.form
    filled = Filled(form.get("name", ""), form.getlist("scopes"), as_id(form.get("days", "")) or 0)
    try:
        with write():
            key = create_token(actor().id, NewToken(filled.name, filled.scopes, filled.days), now=clock.now())
            answer_at(url_for("tokens.index"))
    except Refused as refused:
        wrong = Filled(filled.name, filled.scopes, filled.days, {refused.field or "name": refused.message})
        return _page(wrong, status=422)
    return _page(Filled(), key=key)


@bp.post("/<int:token_id>/revocation")
@login_needed
def revoke(token_id: int) -> Response:
    """End one of one's own tokens."""
    with write():
        revoke_token(token_id, by=actor().id, now=clock.now(), owner_id=actor().id)
        answer_at(url_for("tokens.index"))
    return go(url_for("tokens.index"), trigger={"toast": _("已撤销")})


def _page(filled: Filled, *, key: str = "", status: int = 200) -> Response:
    spans = [(days, ngettext("%(num)s 天", "%(num)s 天", days)) for days in SPANS]
    return render(
        "api/tokens.html", status=status, tokens=tokens_of(actor().id), filled=filled, key=key, scopes=SCOPES,
        spans=spans, now=clock.now(),
    )  # fmt: skip
