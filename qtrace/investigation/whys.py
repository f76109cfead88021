"""Verbs on the answers of the 5-Why tree; each is guarded by the answer's version and recorded."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import func, select

from qtrace.accounts.models import User
from qtrace.core import events
from qtrace.core.db import existing, require_write
from qtrace.core.errors import Conflict, NotFound, Refused
from qtrace.core.models import EventRow
from qtrace.investigation.models import Action, Why
from qtrace.investigation.words import long_text, said

WHY_KINDS = ("occurrence", "escape", "system")
TESTED = ("open", "true", "false")
MAX_DEPTH = 12  # a chain of answers longer than this is no analysis
CHANGED, REMOVED = "why_changed", "why_removed"
FIELD_NAMES = {
    "statement": _l("回答"),
    "evidence": _l("证据"),
    "tested": _l("结论"),
    "kind": _l("类别"),
    "is_root": _l("根因标记"),
}


def add_why(
    issue_id: int, *, parent_id: int | None, statement: str, evidence: str, kind: str, by: int, now: datetime
) -> int:
    """Ask why once more: below another answer, or at the top of the tree."""
    statement = said(statement, "statement")
    if kind not in WHY_KINDS:
        raise Refused(_("请选择原因的类别。"), field="kind")
    session = require_write()
    if parent_id is not None and _depth(issue_id, parent_id) >= MAX_DEPTH:
        raise Refused(_("已经追问了 %(n)d 层。请换一条线,或先把查到的原因标为根因。", n=MAX_DEPTH), field="statement")
    place = session.scalar(
        select(func.count()).select_from(Why).where(Why.issue_id == issue_id, Why.parent_id == parent_id)
    )
    why = Why(
        issue_id=issue_id, parent_id=parent_id, position=place or 0, statement=statement, evidence=long_text(evidence),
        kind=kind, by=by, at=now, version=_first_version(issue_id),
    )  # fmt: skip
    session.add(why)
    session.flush()  # the id is the answer
    events.record(
        "why_added", subject=("issue", issue_id), by=by, now=now, body={"why": why.id, "statement": statement}
    )
    return why.id


def change_why(issue_id: int, why_id: int, values: Mapping[str, Any], *, version: int, by: int, now: datetime) -> None:
    """Change an answer unless somebody else did since `version`; only one that was tested true can be a root cause."""
    why = _unchanged(issue_id, why_id, version)
    new = {
        "statement": said(str(values.get("statement", why.statement)), "statement"),
        "evidence": long_text(str(values.get("evidence", why.evidence))),
        "tested": values.get("tested", why.tested),
        "kind": values.get("kind", why.kind),
        "is_root": bool(values.get("is_root", why.is_root)),
    }
    if new["tested"] not in TESTED or new["kind"] not in WHY_KINDS:
        raise Refused(_("请从列表中选择。"), field="tested")
    if new["is_root"] and new["tested"] != "true":
        raise Refused(_("只有已证实的原因才能标为根因。请先写明证据并选「已证实」。"), field="is_root")
    if new["is_root"] and not str(new["evidence"]).strip():
        raise Refused(_("根因需要证据。请写明怎么证实的。"), field="evidence")
    body = events.change(why, new)
    if not body:
        return
    why.version += 1
    told = body | {"why": why_id, "version": why.version}
    events.record(CHANGED, subject=("issue", issue_id), by=by, now=now, body=told)


def remove_why(issue_id: int, why_id: int, *, version: int, by: int, now: datetime) -> None:
    """Remove an answer nothing hangs on, as long as it still says what the reader saw."""
    why = _unchanged(issue_id, why_id, version)
    session = require_write()
    if session.scalar(select(Why.id).where(Why.parent_id == why_id).limit(1)):
        raise Refused(_("下面还有追问,不能删除。请先删除下级。"))
    if session.scalar(select(Action.id).where(Action.why_id == why_id).limit(1)):
        raise Refused(_("有措施针对这个原因,不能删除。"))
    session.delete(why)
    body = {"why": why_id, "statement": why.statement, "version": version}
    events.record(REMOVED, subject=("issue", issue_id), by=by, now=now, body=body)


def _depth(issue_id: int, why_id: int) -> int:
    """Return how many answers the chain up to the top has; not found when it is another issue's."""
    why, depth = _why(why_id), 1
    if why.issue_id != issue_id:
        raise NotFound
    while why.parent_id is not None:
        why, depth = _why(why.parent_id), depth + 1
    return depth


def _why(why_id: int) -> Why:
    return existing(Why, why_id)


def _first_version(issue_id: int) -> int:
    """Return a version no removed answer of the issue ever had: a database may give a free id away again."""
    return 1 + max((int(row.body.get("version", 0)) for row in _events(issue_id, REMOVED)), default=0)


def _unchanged(issue_id: int, why_id: int, version: int) -> Why:
    """Return the answer, locked, if it still has this version; a conflict that says who did what otherwise."""
    why = require_write().scalar(select(Why).where(Why.id == why_id).with_for_update())
    if why is None or why.issue_id != issue_id:
        gone = [row for row in _events(issue_id, REMOVED) if row.body.get("why") == why_id]
        if not gone:
            raise NotFound
        raise Conflict(_("%(who)s 刚刚删除了这一条,您填写的没有保存。", who=gone[-1].name or "—"))
    if why.version != version:
        raise Conflict(_what_changed(why, version))
    return why


def _what_changed(why: Why, since: int) -> str:
    changes = [row for row in _events(why.issue_id, CHANGED) if row.body.get("why") == why.id]
    newer = [row for row in changes if row.body.get("version", 0) > since]
    names = {name for row in newer for name in row.body}
    return _(
        "%(who)s 刚刚改了%(fields)s,您填写的没有保存。请核对后再保存一次。",
        who="、".join(sorted({row.name or "—" for row in newer})) or "—",
        fields="、".join(str(word) for name, word in FIELD_NAMES.items() if name in names) or "—",
    )


def _events(issue_id: int, name: str) -> Sequence[Any]:
    """Return (body, the person's name) of this kind of event of the issue, oldest first."""
    statement = (
        select(EventRow.body, User.name)
        .outerjoin(User, User.id == EventRow.actor_id)
        .where(EventRow.subject_kind == "issue", EventRow.subject_id == issue_id, EventRow.name == name)
    )
    return require_write().execute(statement.order_by(EventRow.seq)).all()
