"""Who is responsible in percent: one set per issue, decided as a whole and never over somebody else's decision."""

from collections.abc import Mapping
from datetime import datetime

from flask_babel import gettext as _
from sqlalchemy import delete, func, select

from qtrace.accounts.models import User
from qtrace.classification.models import Term
from qtrace.core import events
from qtrace.core.db import require_write
from qtrace.core.errors import Conflict, NotFound, Refused
from qtrace.core.models import EventRow
from qtrace.investigation.models import Responsibility
from qtrace.investigation.words import long_text
from qtrace.issues.models import Issue

DECIDED = "responsibility_decided"


def decide_responsibility(
    issue: Issue, shares: Mapping[int, int], *, reason: str, version: int, by: int, now: datetime
) -> None:
    """Set who is responsible in percent, unless somebody else did since `version` (0: nobody had decided).

    The shares must add up to 100; the largest becomes the issue's party.
    """
    reason = long_text(reason)
    shares = {party: percent for party, percent in shares.items() if percent}
    if any(percent < 0 for percent in shares.values()) or sum(shares.values()) != 100:
        raise Refused(_("各方占比加起来必须是 100%%,现在是 %(sum)d%%。", sum=sum(shares.values())), field="percent")
    names = _names(shares)
    row = _locked(issue.id, version)
    session = require_write()
    session.execute(delete(Responsibility).where(Responsibility.issue_id == issue.id))
    session.add_all(
        Responsibility(
            issue_id=issue.id, party_id=party, percent=percent, reason=reason, by=by, at=now, version=version + 1
        )
        for party, percent in shares.items()
    )
    row.responsible_party_id = max(shares, key=lambda party: (shares[party], -party))
    row.version += 1
    body = {"shares": [{"party": party, "name": names[party], "percent": percent} for party, percent in shares.items()]}
    events.record(DECIDED, subject=("issue", issue.id), by=by, now=now, body=body, reason=reason)


def _names(shares: Mapping[int, int]) -> dict[int, str]:
    statement = select(Term).where(Term.kind == "responsible_party", Term.id.in_(shares))
    names = {term.id: term.name_zh for term in require_write().scalars(statement)}
    if set(names) != set(shares):
        raise Refused(_("请从列表中选择责任方。"), field="party")
    return names


def _locked(issue_id: int, version: int) -> Issue:
    """Return the issue, locked, so that of two who decide at once the second sees the first one's shares."""
    session = require_write()
    statement = select(Issue).where(Issue.id == issue_id).with_for_update(of=Issue)
    issue = session.scalar(statement.execution_options(populate_existing=True))
    if issue is None:
        raise NotFound
    current = session.scalar(select(func.max(Responsibility.version)).where(Responsibility.issue_id == issue_id))
    if (current or 0) != version:
        raise Conflict(_who_was_faster(issue_id))
    return issue


def _who_was_faster(issue_id: int) -> str:
    last = require_write().execute(
        select(EventRow.body, User.name)
        .outerjoin(User, User.id == EventRow.actor_id)
        .where(EventRow.subject_kind == "issue", EventRow.subject_id == issue_id, EventRow.name == DECIDED)
        .order_by(EventRow.seq.desc())
        .limit(1)
    ).one_or_none()  # fmt: skip
    shares = last.body["shares"] if last else []
    return _(
        "%(who)s 刚刚把定责改为 %(parts)s,您填写的没有保存。请核对后再保存一次。",
        who=(last.name if last else None) or "—",
        parts="、".join(f"{share['name']} {share['percent']}%" for share in shares) or "—",
    )
