"""The papers of a recall: its report (how long it took, what was found, whether the pieces add up) and its letters."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from flask import Blueprint, Response, request, url_for
from flask_babel import gettext as _

from qtrace.accounts.access import actor, needs
from qtrace.accounts.queries import names_of
from qtrace.core import clock, events
from qtrace.core.errors import NotFound
from qtrace.core.ids import as_id
from qtrace.flows.papers import Drawn
from qtrace.printing.service import drawn_pdf
from qtrace.printing.views import pdf_sent, printed_page
from qtrace.recalls import letters, queries, wording
from qtrace.recalls.models import Recall, RecallStep
from qtrace.recalls.queries import Goods
from qtrace.recalls.steps import STATES, Progress
from qtrace.web.limits import limited

bp = Blueprint("recall_report", __name__, url_prefix="/recalls")
PIECE, LETTERS = "printing/_recall.html", "printing/_recall_letters.html"
ON_PAPER = 100  # sheets a time: a browser and the limited child both stay quick


@dataclass(frozen=True)
class RecallReport:
    """Everything the paper says."""

    recall: Recall
    goods: Goods
    progress: Progress
    steps: dict[str, RecallStep]
    counts: list[tuple[str, int]]
    people: dict[int, str]
    words: object
    printed_at: datetime
    printed_by: str
    chain_head: str


@dataclass(frozen=True)
class Letters:
    """The next letters of a recall; `next` is where the ones after them begin, 0 at the end."""

    recall: Recall
    letters: Sequence[letters.Told]
    next: int
    printed_at: datetime


@bp.get("/<number>/report")
@needs("trace.read")
def show(number: str) -> Response:
    """Show the report as a page the browser can print."""
    found = _report(number)
    back, pdf_url = url_for("recalls.show", number=number), url_for("recall_report.pdf", number=number)
    return printed_page(PIECE, f"{number} {found.recall.title}", back, pdf_url, report=found)


@bp.get("/<number>/report.pdf")
@needs("trace.read")
@limited("print")
def pdf(number: str) -> Response:
    """Render the report as PDF in the limited child."""
    found = _report(number)
    return pdf_sent(drawn_pdf(Drawn(PIECE, f"{number} {found.recall.title}", found)), number)


@bp.get("/<number>/letters/paper")
@needs("recall.manage")
def letters_show(number: str) -> Response:
    """Show the approved letters, one a sheet, to the buyers still to be told."""
    found = _letters(number)
    back, pdf_url = (
        url_for("recall_letters.index", number=number),
        url_for("recall_report.letters_pdf_show", number=number, after=request.args.get("after")),
    )
    following = url_for("recall_report.letters_show", number=number, after=found.next) if found.next else ""
    return printed_page(LETTERS, number, back, pdf_url, report=found, following=following)


@bp.get("/<number>/letters/paper.pdf")
@needs("recall.manage")
@limited("print")
def letters_pdf_show(number: str) -> Response:
    """Render the letters as PDF in the limited child."""
    return pdf_sent(drawn_pdf(Drawn(LETTERS, number, _letters(number))), f"{number}-letters")


def _letters(number: str) -> Letters:
    recall = queries.recall_by_number(number)
    letter = letters.approved(recall.id, letters.LETTER)
    if letter is None:
        raise NotFound(_("还没有批准的信件。"))
    found = letters.told(recall, letter, after=as_id(request.args.get("after")) or 0, size=ON_PAPER + 1)
    left = found[ON_PAPER - 1].row.id if len(found) > ON_PAPER else 0
    return Letters(recall, found[:ON_PAPER], left, clock.now())


def _report(number: str) -> RecallReport:
    recall, now = queries.recall_by_number(number), clock.now()
    steps, counts = queries.steps_of(recall), queries.counts_of(recall)
    people = names_of({row.done_by or 0 for row in steps.values()} | {recall.opened_by or 0, recall.closed_by or 0})
    return RecallReport(
        recall, queries.goods_of(queries.lots_of(recall)), queries.progress_of(recall, steps, now), steps,
        [(wording.state_name(state), counts.get(state, 0)) for state in STATES] if counts else [], people, wording, now,
        actor().name, events.head()[1],
    )  # fmt: skip
