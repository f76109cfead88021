"""The page of what buyers are told in a recall: write, approve, and take the words along order by order."""

from flask import Blueprint, Response, request, url_for
from flask_babel import gettext as _

from qtrace.accounts.access import actor, needs
from qtrace.accounts.queries import names_of
from qtrace.core import clock
from qtrace.core.db import write
from qtrace.core.errors import NotFound, Refused
from qtrace.recalls import letters, queries, wording
from qtrace.recalls.models import Recall
from qtrace.recalls.steps import RECALL
from qtrace.recalls.words_of_letters import NAMES
from qtrace.web.htmx import go, render

bp = Blueprint("recall_letters", __name__, url_prefix="/recalls")


@bp.get("/<number>/letters")
@needs("trace.read")
def index(number: str) -> Response:
    """Show what buyers are told."""
    return _page(_recall(number))


@bp.post("/<number>/letters")
@needs("recall.manage")
def create(number: str) -> Response:
    """Put words forward."""
    recall = _recall(number)
    try:
        with write():
            letters.write_letter(
                recall.id, request.form.get("kind", ""), request.form.get("body", ""), by=actor().id, now=clock.now()
            )
    except Refused as error:
        return _page(_recall(number), error.message, status=422)
    return go(url_for("recall_letters.index", number=number), say=_("已提交,等另一个人批准"))


@bp.post("/<number>/letters/<int:letter_id>/decision")
@needs("recall.approve")
def decision_create(number: str, letter_id: int) -> Response:
    """Approve words, or send them back."""
    recall = _recall(number)
    approve = request.form.get("verdict") == "approve"
    try:
        with write():
            letters.decide_letter(
                recall.id, letter_id, approve=approve, why=request.form.get("why", ""), by=actor().id, now=clock.now()
            )
    except Refused as error:
        return _page(_recall(number), error.message, status=422)
    return go(url_for("recall_letters.index", number=number), say=_("已批准") if approve else _("已退回"))


def _recall(number: str) -> Recall:
    recall = queries.recall_by_number(number)
    if recall.kind != RECALL:
        raise NotFound
    return recall


def _page(recall: Recall, error: str = "", *, status: int = 200) -> Response:
    rows = letters.letters_of(recall.id)
    words = letters.approved(recall.id, letters.MESSAGE) or letters.approved(recall.id, letters.LETTER)
    sample = letters.told(recall, words, size=3) if words else []
    people = names_of({who or 0 for row in rows for who in (row.written_by, row.decided_by)})
    return render(
        "recalls/letters.html", status=status, recall=recall, rows=rows, sample=sample, people=people, error=error,
        kinds=letters.KINDS, words=wording, names=NAMES, first={kind: letters.first_words(kind) for kind in letters.KINDS},
        typed=request.form, counts=queries.counts_of(recall), reader=actor().id,
        out={kind: letters.approved(recall.id, kind) is not None for kind in letters.KINDS}, longest=letters.LONGEST,
    )  # fmt: skip
