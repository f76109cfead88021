"""Verbs on the opening rules, and what they would have done."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from flask_babel import gettext as _
from sqlalchemy import func, select

from qtrace.classification.models import Term
from qtrace.complaints.models import Complaint
from qtrace.core import events
from qtrace.core.db import db, existing
from qtrace.core.errors import Refused
from qtrace.issues.models import OpeningRule
from qtrace.issues.opening import preview, rule_fact, uncounted

MOST_COMPLAINTS = 1000
MOST_DAYS = 365
YEAR = timedelta(days=365)
TICK = timedelta(microseconds=1)


@dataclass(frozen=True, kw_only=True)
class RuleChange:
    """What an opening rule becomes."""

    threshold: int
    days: int
    not_types: Sequence[str] = ()


@dataclass(frozen=True)
class Preview:
    """How many issues a rule would have opened on the last year of complaints."""

    count: int
    since: datetime | None
    until: datetime | None


def edit_rule(rule_id: int, change: RuleChange, *, by: int, now: datetime) -> None:
    """Change threshold, days and the types an opening rule does not count; open issues stay."""
    rule = existing(OpeningRule, rule_id)
    check_change(change)
    condition = dict(rule.condition) | {"not_types": known_types(change.not_types)}
    if not condition["not_types"]:
        del condition["not_types"]
    new = {"threshold": change.threshold, "days": change.days, "condition": condition}
    body = events.change(rule, new)
    if body:
        events.record("opening_rule_changed", subject=("opening_rule", rule_id), by=by, now=now, body=body)


def switch_rule(rule_id: int, *, enabled: bool, by: int, now: datetime) -> None:
    """Switch an opening rule on or off."""
    rule = existing(OpeningRule, rule_id)
    if rule.enabled != enabled:
        rule.enabled = enabled
        body = {"enabled": enabled}
        events.record("opening_rule_switched", subject=("opening_rule", rule_id), by=by, now=now, body=body)


def preview_last_year(rule: OpeningRule, change: RuleChange) -> Preview:
    """Return what the rule, changed like this, would have opened in the year that ends with the newest complaint."""
    check_change(change)
    newest = db.session.scalar(select(func.max(Complaint.occurred_at)))
    if newest is None:
        return Preview(0, None, None)
    fact = replace(rule_fact(rule), threshold=change.threshold, days=change.days, not_types=uncounted(change.not_types))
    since = newest - YEAR + TICK
    return Preview(preview(fact, since, newest), since, newest)


def known_types(codes: Sequence[str]) -> list[str]:
    """Return the codes that are types, in their order."""
    known = set(db.session.scalars(select(Term.code).where(Term.kind == "type", Term.code.in_(codes))))
    return [code for code in dict.fromkeys(codes) if code in known]


def check_change(change: RuleChange) -> None:
    """Refuse a threshold or a span of days that makes no sense."""
    if not 1 <= change.threshold <= MOST_COMPLAINTS:
        raise Refused(_("件数请填 1 到 %(most)d。", most=MOST_COMPLAINTS), field="threshold")
    if not 1 <= change.days <= MOST_DAYS:
        raise Refused(_("天数请填 1 到 %(most)d。", most=MOST_DAYS), field="days")
