"""Who is responsible for what: one list, one line to add, one tap to take away."""

from flask import Blueprint, Response, request, url_for
from flask_babel import gettext as _

from qtrace.accounts.access import actor, needs
from qtrace.accounts.queries import people
from qtrace.classification.duties import KINDS, duties, find_ref, give_duty, names_of_refs, take_duty
from qtrace.core import clock
from qtrace.core.db import write
from qtrace.core.errors import Refused
from qtrace.core.ids import as_id
from qtrace.web.csrf import answer_at
from qtrace.web.htmx import go, render

bp = Blueprint("duties", __name__, url_prefix="/config/duties")


@bp.get("")
@needs("config.flows")
def index() -> Response:
    """List who is responsible for which article, shop, supplier or party."""
    return _page()


@bp.post("")
@needs("config.flows")
def create() -> Response:
    """Make a person responsible."""
    kind, text, url = request.form.get("kind", ""), request.form.get("ref", ""), url_for("duties.index")
    try:
        with write():
            user_id = as_id(request.form.get("user_id"))
            give_duty(kind, find_ref(kind, text), user_id, by=actor().id, now=clock.now())
            answer_at(url)
    except Refused as error:
        return _page(error)
    return go(url, trigger={"toast": _("已保存")})


@bp.post("/<int:duty_id>/removal")
@needs("config.flows")
def delete(duty_id: int) -> Response:
    """Take a duty away."""
    url = url_for("duties.index")
    with write():
        take_duty(duty_id, by=actor().id, now=clock.now())
        answer_at(url)
    return go(url, trigger={"toast": _("已删除")})


def _page(error: Refused | None = None) -> Response:
    rows = duties()
    return render(
        "classification/duties.html", status=422 if error else 200, rows=rows, kinds=KINDS, error=error, form=request.form,
        names=names_of_refs([row.duty for row in rows]), people=people(active_only=True),
    )  # fmt: skip
