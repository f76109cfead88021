"""The investigation's cards on the issue page."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice

from flask import render_template, request
from markupsafe import Markup

from qtrace.accounts.models import User
from qtrace.accounts.queries import people
from qtrace.classification.queries import terms_of
from qtrace.core import clock
from qtrace.core.errors import Refused
from qtrace.investigation.data import MATURE_DAYS, measure
from qtrace.investigation.days import read_day, start_of_day
from qtrace.investigation.effect_words import effect_sentence, waiting_sentence
from qtrace.investigation.gates import reopened_at
from qtrace.investigation.models import FINISH, INVESTIGATE, Responsibility
from qtrace.investigation.queries import actions_of, checks_of, costs_of, shares_of, why_tree
from qtrace.investigation.service import ACTION_KINDS, COST_CATEGORIES, PAYERS
from qtrace.investigation.whys import WHY_KINDS
from qtrace.issues.models import Issue
from qtrace.web.filters import localised

DEFAULT_DUE = timedelta(days=7)
MATURITIES = (0, 7, 14, 30, 60)
PLACES = 3  # parties that can share an issue on the form


@dataclass(frozen=True)
class Draft:
    """What was typed into the card of the shares and could not be saved, and why not."""

    rows: Sequence[tuple[str, str]]
    reason: str
    error: str


def responsibility(issue: Issue, user: User, draft: Draft | None = None) -> Markup:
    """Draw who is responsible; a draft stays in the form, below what is saved now."""
    shares = shares_of(issue.id)
    typed = draft.rows if draft else _rows(shares, issue)
    return _card(
        "responsibility", issue, user, shares=shares, parties=terms_of("responsible_party"),
        pairs=[(localised(row.party), row.percent) for row in shares],
        rows=[*islice(typed, PLACES), *[("", "")] * (PLACES - len(typed))], error=draft.error if draft else "",
        reason=draft.reason if draft else (shares[0].reason if shares else ""),
        version=max((row.version for row in shares), default=0),
    )  # fmt: skip


def whys(issue: Issue, user: User) -> Markup:
    """Draw the 5-Why tree."""
    return _card("whys", issue, user, tree=why_tree(issue.id), kinds=WHY_KINDS)


def actions(issue: Issue, user: User) -> Markup:
    """Draw the actions."""
    due = (clock.now() + DEFAULT_DUE).date().isoformat()
    rows = actions_of(issue.id)
    owners = [person for person in people(active_only=True) if person.can(FINISH)]
    waiting = [row for row in rows if row.done_at is None and row.cancelled_at is None and issue.status == "open"]
    return _card(
        "actions", issue, user, actions=rows, kinds=ACTION_KINDS, people=owners, due=due,
        now=clock.now(), finishable={row.id for row in waiting if row.can_be_finished_by(user)},
        done=sum(row.done_at is not None for row in rows), planned=sum(row.cancelled_at is None for row in rows),
    )  # fmt: skip


def effect(issue: Issue, user: User) -> Markup:
    """Draw the effect: what the data says today, and what was decided on it."""
    rows = [row for row in actions_of(issue.id) if row.kind == "corrective" and not row.cancelled_at]
    planned = max((row.effective_at for row in rows if row.effective_at), default=None)
    checks = checks_of(issue.id)
    if planned is None and not checks:
        return Markup('<div id="effect" hidden></div>')  # the place where it appears once an action took effect
    now, mature = clock.now(), read_maturity(request.args.get("mature", ""))
    effective = _asked_day() or start_of_day(planned or checks[0].effective_at)
    found = measure(issue, effective_at=effective, now=now, mature_days=mature) if effective <= now else None
    return _card(
        "effect", issue, user, found=found, sentence=effect_sentence(found) if found else "", effective=effective,
        mature=mature, maturities=MATURITIES, checks=checks, reopened=reopened_at(issue.id),
        waiting=waiting_sentence(issue),
    )  # fmt: skip


def read_maturity(text: str) -> int:
    """Return after how many days goods count, one of the offered spans."""
    return int(text) if text in {str(days) for days in MATURITIES} else MATURE_DAYS


def costs(issue: Issue, user: User) -> Markup:
    """Draw what it cost."""
    rows = costs_of(issue.id)
    total = sum(row.amount_minor for row in rows)
    return _card("costs", issue, user, costs=rows, total=total, categories=COST_CATEGORIES, payers=PAYERS)


def _rows(shares: Sequence[Responsibility], issue: Issue) -> Sequence[tuple[str, str]]:
    """Return what the form starts with: the shares, or the issue's party as the only one."""
    if shares:
        return [(str(row.party_id), str(row.percent)) for row in shares]
    return [(str(issue.responsible_party_id or ""), "100")]


def _asked_day() -> datetime | None:
    try:
        return read_day(request.args.get("effective", ""), "effective")
    except Refused:
        return None


def _card(name: str, issue: Issue, user: User, **context: object) -> Markup:
    editable = user.can(INVESTIGATE) and issue.status == "open"
    html = render_template(f"investigation/_{name}.html", issue=issue, editable=editable, **context)
    return Markup(html)  # noqa: S704 -- the template escapes
