"""The report of a recall or a drill: how long it took, what was found both ways, and whether the pieces add up."""

from dataclasses import dataclass
from datetime import datetime

from flask import Blueprint, Response, url_for

from qtrace.accounts.access import actor, needs
from qtrace.accounts.queries import names_of
from qtrace.core import clock, events
from qtrace.flows.papers import Drawn
from qtrace.printing.service import drawn_pdf
from qtrace.printing.views import pdf_sent, printed_page
from qtrace.recalls import queries, wording
from qtrace.recalls.models import Recall, RecallStep
from qtrace.recalls.queries import Goods
from qtrace.recalls.steps import STATES, Progress
from qtrace.web.limits import limited

bp = Blueprint("recall_report", __name__, url_prefix="/recalls")
PIECE = "printing/_recall.html"


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


def _report(number: str) -> RecallReport:
    recall, now = queries.recall_by_number(number), clock.now()
    steps, counts = queries.steps_of(recall), queries.counts_of(recall)
    people = names_of({row.done_by or 0 for row in steps.values()} | {recall.opened_by or 0, recall.closed_by or 0})
    return RecallReport(
        recall, queries.goods_of(queries.lots_of(recall)), queries.progress_of(recall, steps, now), steps,
        [(wording.state_name(state), counts.get(state, 0)) for state in STATES] if counts else [], people, wording, now,
        actor().name, events.head()[1],
    )  # fmt: skip
