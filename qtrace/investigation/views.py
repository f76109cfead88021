"""The addresses the investigation's forms post to; each acts and leads back to its card."""

from collections.abc import Callable
from datetime import datetime, time

from flask import Blueprint, Response, request, url_for
from flask_babel import gettext as _

from qtrace.accounts.access import actor, needs
from qtrace.core import clock
from qtrace.core.db import write
from qtrace.core.errors import NotFound, Refused
from qtrace.investigation.days import read_day
from qtrace.investigation.panels import read_maturity
from qtrace.investigation.queries import why_of
from qtrace.investigation.service import (
    TESTED,
    WHY_KINDS,
    NewAction,
    add_cost,
    add_why,
    cancel_action,
    change_why,
    check_effect,
    decide_responsibility,
    finish_action,
    plan_action,
    remove_why,
)
from qtrace.issues.filters import as_id
from qtrace.issues.models import Issue
from qtrace.issues.queries import visible_issue
from qtrace.web.csrf import answer_at
from qtrace.web.htmx import go, render

bp = Blueprint("investigation", __name__, url_prefix="/issues/<number>")
END_OF_DAY = time(18)


@bp.post("/responsibility")
@needs("issue.investigate")
def responsibility_update(number: str) -> Response:
    """Decide who is responsible."""
    issue = _open(number)
    shares: dict[int, int] = {}
    for party, percent in zip(request.form.getlist("party"), request.form.getlist("percent"), strict=False):
        party_id = as_id(party)
        if party_id is not None and percent.strip():
            shares[party_id] = shares.get(party_id, 0) + _whole(percent)
    reason = request.form.get("reason", "").strip()
    return _act(
        issue,
        "responsibility",
        lambda row, now: decide_responsibility(row, shares, reason=reason, by=actor().id, now=now),
    )


@bp.post("/whys")
@needs("issue.investigate")
def why_create(number: str) -> Response:
    """Ask why once more."""
    issue = _open(number)
    form = request.form
    return _act(
        issue,
        "whys",
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
    return render("investigation/why.html", issue=issue, why=why, kinds=WHY_KINDS, tested=TESTED)


@bp.post("/whys/<int:why_id>")
@needs("issue.investigate")
def why_update(number: str, why_id: int) -> Response:
    """Change one answer."""
    issue = _open(number)
    values = {name: request.form[name] for name in ("statement", "evidence", "tested", "kind") if name in request.form}
    changes: dict[str, object] = {**values, "is_root": request.form.get("is_root") == "y"}
    return _act(issue, "whys", lambda row, now: change_why(row.id, why_id, changes, by=actor().id, now=now))


@bp.post("/whys/<int:why_id>/removal")
@needs("issue.investigate")
def why_delete(number: str, why_id: int) -> Response:
    """Remove one answer."""
    issue = _open(number)
    return _act(issue, "whys", lambda row, now: remove_why(row.id, why_id, by=actor().id, now=now))


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
    return _act(issue, "actions", lambda row, now: plan_action(row, new, by=actor().id, now=now))


@bp.post("/actions/<int:action_id>/completion")
@needs("issue.investigate")
def action_done(number: str, action_id: int) -> Response:
    """Mark an action as done."""
    issue = _open(number)
    form = request.form
    return _act(
        issue,
        "actions",
        lambda row, now: finish_action(
            row.id, action_id, proof=form.get("proof", ""), effective_at=read_day(form.get("effective", ""), "effective"),
            version=as_id(form.get("version", "")) or 0, by=actor().id, now=now,
        ),
    )  # fmt: skip


@bp.post("/actions/<int:action_id>/cancellation")
@needs("issue.investigate")
def action_cancel(number: str, action_id: int) -> Response:
    """Cancel an action."""
    issue = _open(number)
    version, reason = as_id(request.form.get("version", "")) or 0, request.form.get("reason", "")
    return _act(
        issue,
        "actions",
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
        "effect",
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
    return _act(issue, "costs", lambda row, now: add_cost(row.id, values, by=actor().id, now=now))


def _open(number: str) -> Issue:
    issue = visible_issue(number, actor())
    _require_open(issue)
    return issue


def _require_open(issue: Issue) -> None:
    if issue.status != "open":
        raise Refused(_("这个质量问题已经结案。要修改请先重新打开。"))


def _act(issue: Issue, card: str, act: Callable[[Issue, datetime], object]) -> Response:
    """Act on the issue as it is now and lead back to its card, or home where one's part in it is done."""
    url = url_for("issues.show", number=issue.number)
    with write() as session:
        row = session.get_one(Issue, issue.id)
        _require_open(row)
        act(row, clock.now())
        answer_at(url)
    try:
        visible_issue(issue.number, actor())
    except NotFound:
        return go(url_for("tasks.home"), trigger={"toast": _("已保存")})
    return go(f"{url}#{card}", trigger={"toast": _("已保存")})


def _whole(text: str) -> int:
    text = text.strip().rstrip("%％")
    if not text.isdecimal() or len(text) > 3:
        raise Refused(_("占比请填 0 到 100 的整数。"), field="percent")
    return int(text)
