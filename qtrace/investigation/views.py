"""The addresses the investigation's forms post to; each acts and leads back to its card."""

from collections.abc import Callable
from datetime import datetime, time
from typing import Any

from flask import Blueprint, Response, request, url_for
from flask_babel import gettext as _

from qtrace.accounts.access import actor, needs
from qtrace.core import clock
from qtrace.core.db import write
from qtrace.core.errors import Conflict, DomainError, NotFound, Refused
from qtrace.core.ids import as_id
from qtrace.investigation.answers import card_with_what_follows
from qtrace.investigation.days import read_day
from qtrace.investigation.panels import Draft, read_maturity, responsibility
from qtrace.investigation.queries import why_of
from qtrace.investigation.service import (
    NewAction,
    add_cost,
    cancel_action,
    check_effect,
    finish_action,
    plan_action,
)
from qtrace.investigation.shares import decide_responsibility
from qtrace.investigation.whys import TESTED, WHY_KINDS, add_why, change_why, remove_why
from qtrace.issues.models import Issue
from qtrace.issues.queries import visible_issue
from qtrace.web.csrf import answer_at
from qtrace.web.errors import error_answer
from qtrace.web.htmx import go, render, wants_piece

bp = Blueprint("investigation", __name__, url_prefix="/issues/<number>")
END_OF_DAY = time(18)
WHY_FIELDS = ("statement", "evidence", "tested", "kind")


@bp.errorhandler(Refused)
@bp.errorhandler(Conflict)
def refusal(error: DomainError) -> Response:
    """Say beside the form, which keeps what was typed, why nothing was saved."""
    answer = error_answer(error.status, error.message)
    answer.headers["HX-Retarget"] = f"#{_card_of_request()}-alert"
    answer.headers["HX-Reswap"] = "innerHTML show:top"  # the form may be far below its card's head
    return answer


@bp.post("/responsibility")
@needs("issue.investigate")
def responsibility_update(number: str) -> Response:
    """Decide who is responsible; what cannot be saved stays in the form, beside what somebody else saved meanwhile."""
    issue = _open(number)
    typed = list(zip(request.form.getlist("party"), request.form.getlist("percent"), strict=False))
    reason, version = request.form.get("reason", "").strip(), _version()
    try:
        shares = _shares(typed)
        return _act(
            issue,
            lambda row, now: decide_responsibility(row, shares, reason=reason, version=version, by=actor().id, now=now),
        )
    except (Refused, Conflict) as error:
        latest = _open(number)
        return render(
            "investigation/card.html", "investigation/_alone.html", status=error.status, issue=latest,
            card=responsibility(latest, actor(), Draft(typed, reason, error.message)),
        )  # fmt: skip


@bp.post("/whys")
@needs("issue.investigate")
def why_create(number: str) -> Response:
    """Ask why once more."""
    issue = _open(number)
    form = request.form
    return _act(
        issue,
        lambda row, now: add_why(
            row.id, parent_id=as_id(form.get("parent_id", "")), statement=form.get("statement", ""),
            evidence=form.get("evidence", ""), kind=form.get("kind", "occurrence"), by=actor().id, now=now,
        ),
    )  # fmt: skip


@bp.get("/whys/<int:why_id>")
@needs("issue.investigate")
def why_edit(number: str, why_id: int) -> Response:
    """Show one answer's form."""
    issue = _open(number)
    why = why_of(issue.id, why_id)
    if why is None:
        raise NotFound
    return _why_page(issue, why_id, {name: getattr(why, name) for name in (*WHY_FIELDS, "is_root")})


@bp.post("/whys/<int:why_id>")
@needs("issue.investigate")
def why_update(number: str, why_id: int) -> Response:
    """Change one answer; what cannot be saved stays in the form, beside what somebody else saved meanwhile."""
    issue = _open(number)
    values: dict[str, Any] = {name: request.form[name] for name in WHY_FIELDS if name in request.form}
    values["is_root"], version = request.form.get("is_root") == "y", _version()
    try:
        return _act(issue, lambda row, now: change_why(row.id, why_id, values, version=version, by=actor().id, now=now))
    except (Refused, Conflict) as error:
        return _why_page(_open(number), why_id, values, error)


@bp.post("/whys/<int:why_id>/removal")
@needs("issue.investigate")
def why_delete(number: str, why_id: int) -> Response:
    """Remove one answer."""
    issue, version = _open(number), _version()
    return _act(issue, lambda row, now: remove_why(row.id, why_id, version=version, by=actor().id, now=now))


@bp.post("/actions")
@needs("issue.investigate")
def action_create(number: str) -> Response:
    """Plan an action."""
    issue = _open(number)
    form = request.form
    new = NewAction(
        kind=form.get("kind", ""), text=form.get("text", ""), owner_id=as_id(form.get("owner_id", "")),
        due_at=read_day(form.get("due", ""), "due", at=END_OF_DAY),
    )  # fmt: skip
    return _act(issue, lambda row, now: plan_action(row, new, by=actor().id, now=now))


@bp.post("/actions/<int:action_id>/completion")
@needs("issue.comment")
def action_done(number: str, action_id: int) -> Response:
    """Mark an action as done: its owner may, and who investigates."""
    issue = _open(number)
    form = request.form
    return _act(
        issue,
        lambda row, now: finish_action(
            row.id, action_id, proof=form.get("proof", ""), effective_at=read_day(form.get("effective", ""), "effective"),
            version=_version(), by=actor().id, now=now,
        ),
    )  # fmt: skip


@bp.post("/actions/<int:action_id>/cancellation")
@needs("issue.investigate")
def action_cancel(number: str, action_id: int) -> Response:
    """Cancel an action."""
    issue = _open(number)
    version, reason = _version(), request.form.get("reason", "")
    return _act(
        issue,
        lambda row, now: cancel_action(row.id, action_id, version=version, reason=reason, by=actor().id, now=now),
    )


@bp.post("/effect")
@needs("issue.investigate")
def effect_create(number: str) -> Response:
    """Judge the effect."""
    issue = _open(number)
    effective = read_day(request.form.get("effective", ""), "effective")
    if effective is None:
        raise Refused(_("请填写生效日。"), field="effective")
    mature = read_maturity(request.form.get("mature", ""))
    note, accepted = request.form.get("note", ""), request.form.get("accepted") == "y"
    return _act(
        issue,
        lambda row, now: check_effect(
            row, effective_at=effective, accepted=accepted, note=note, by=actor().id, now=now, mature_days=mature
        ),
    )


@bp.post("/costs")
@needs("issue.investigate")
def cost_create(number: str) -> Response:
    """Add a cost line."""
    issue = _open(number)
    values = {name: request.form.get(name, "") for name in ("category", "payer", "amount", "note")}
    return _act(issue, lambda row, now: add_cost(row.id, values, by=actor().id, now=now))


def _open(number: str) -> Issue:
    issue = visible_issue(number, actor())
    _require_open(issue)
    return issue


def _require_open(issue: Issue) -> None:
    if issue.status != "open":
        raise Refused(_("这个质量问题已经结案。要修改请先重新打开。"))


def _act(issue: Issue, act: Callable[[Issue, datetime], object]) -> Response:
    """Act on the issue as it is now; answer with the changed card, or lead home where one's part in it is done."""
    card, url = _card_of_request(), url_for("issues.show", number=issue.number)
    with write() as session:
        row = session.get_one(Issue, issue.id)
        _require_open(row)
        act(row, clock.now())
        answer_at(url)
    toast = {"toast": _("已保存")}
    try:
        latest = visible_issue(issue.number, actor())
    except NotFound:
        return go(url_for("tasks.home"), trigger=toast)
    if wants_piece():
        return render("investigation/_answer.html", trigger=toast, **card_with_what_follows(card, latest, actor()))
    return go(f"{url}#{card}", trigger=toast)


def _card_of_request() -> str:
    """Return the card that holds the form of this request."""
    return CARDS[(request.endpoint or "").rsplit(".", 1)[-1].split("_", 1)[0]]


CARDS = {"responsibility": "responsibility", "why": "whys", "action": "actions", "effect": "effect", "cost": "costs"}


def _why_page(issue: Issue, why_id: int, values: dict[str, Any], error: DomainError | None = None) -> Response:
    """Show the form of an answer; after a refusal with what was typed, beside what is saved now."""
    why = why_of(issue.id, why_id)
    if why is None and not isinstance(error, Conflict):
        raise NotFound
    return render(
        "investigation/why.html", status=error.status if error else 200, issue=issue, why=why, values=values,
        kinds=WHY_KINDS, tested=TESTED, error=error.message if error else "", outrun=isinstance(error, Conflict),
    )  # fmt: skip


def _shares(typed: list[tuple[str, str]]) -> dict[int, int]:
    shares: dict[int, int] = {}
    for party, percent in typed:
        party_id = as_id(party)
        if party_id is not None and percent.strip():
            shares[party_id] = shares.get(party_id, 0) + _whole(percent)
    return shares


def _version() -> int:
    """Return the version of what the form was filled in over; 0 where it says none."""
    return as_id(request.form.get("version", "")) or 0


def _whole(text: str) -> int:
    text = text.strip().rstrip("%％")
    if not text.isdecimal() or len(text) > 3:
        raise Refused(_("占比请填 0 到 100 的整数。"), field="percent")
    return int(text)
