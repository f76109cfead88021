"""The investigation's cards on the issue page."""

from datetime import timedelta

from flask import render_template
from markupsafe import Markup

from qtrace.accounts.models import User
from qtrace.accounts.queries import people
from qtrace.classification.queries import terms_of
from qtrace.core import clock
from qtrace.investigation.data import measure
from qtrace.investigation.queries import actions_of, checks_of, costs_of, shares_of, why_tree
from qtrace.investigation.service import ACTION_KINDS, COST_CATEGORIES, PAYERS, WHY_KINDS
from qtrace.issues.models import Issue
from qtrace.web.filters import localised

INVESTIGATE = "issue.investigate"
DEFAULT_DUE = timedelta(days=7)


def responsibility(issue: Issue, user: User) -> Markup:
    """Draw who is responsible."""
    shares = shares_of(issue.id)
    pairs = [(localised(row.party), row.percent) for row in shares]
    return _card("responsibility", issue, user, shares=shares, pairs=pairs, parties=terms_of("responsible_party"))


def whys(issue: Issue, user: User) -> Markup:
    """Draw the 5-Why tree."""
    return _card("whys", issue, user, tree=why_tree(issue.id), kinds=WHY_KINDS)


def actions(issue: Issue, user: User) -> Markup:
    """Draw the actions."""
    due = (clock.now() + DEFAULT_DUE).date().isoformat()
    rows = actions_of(issue.id)
    return _card(
        "actions", issue, user, actions=rows, kinds=ACTION_KINDS, people=people(active_only=True), due=due,
        now=clock.now(), done=sum(row.done_at is not None for row in rows),
        planned=sum(row.cancelled_at is None for row in rows),
    )  # fmt: skip


def effect(issue: Issue, user: User) -> Markup:
    """Draw the effect: what the data says today, and what was decided on it."""
    rows = [row for row in actions_of(issue.id) if row.effective_at and row.kind in {"corrective", "preventive"}]
    effective = max((row.effective_at for row in rows if row.effective_at), default=None)
    checks = checks_of(issue.id)
    if effective is None and not checks:
        return Markup("")
    now = clock.now()
    found = measure(issue, effective_at=effective, now=now) if effective and effective <= now else None
    return _card("effect", issue, user, found=found, effective=effective, checks=checks)


def costs(issue: Issue, user: User) -> Markup:
    """Draw what it cost."""
    rows = costs_of(issue.id)
    total = sum(row.amount_minor for row in rows)
    return _card("costs", issue, user, costs=rows, total=total, categories=COST_CATEGORIES, payers=PAYERS)


def _card(name: str, issue: Issue, user: User, **context: object) -> Markup:
    editable = user.can(INVESTIGATE) and issue.status == "open"
    html = render_template(f"investigation/_{name}.html", issue=issue, editable=editable, **context)
    return Markup(html)  # noqa: S704 -- the template escapes
