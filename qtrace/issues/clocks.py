"""The clocks of an issue as its page shows them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from flask import render_template
from flask_babel import LazyString
from flask_babel import lazy_gettext as _
from markupsafe import Markup
from sqlalchemy import select

from qtrace.accounts.models import User
from qtrace.calendars.clock_service import calendar_for
from qtrace.calendars.clocks import Reading, read_clock
from qtrace.calendars.engine import WorkCalendar
from qtrace.core import clock as time_now
from qtrace.core.db import db
from qtrace.flows.company import people_of_role
from qtrace.issues.clock_history import Kept
from qtrace.issues.clock_policy import read_policy
from qtrace.issues.clock_sync import issue_clocks
from qtrace.issues.models import Issue
from qtrace.tasks.models import Task, task_pool

DECIDE = "issue.decide"
SOON = 60  # working minutes that are left
NAMES: dict[str, LazyString] = {
    "acknowledge": _("响应"),
    "contain": _("临时控制"),
    "decide": _("定责"),
    "root_cause": _("查明原因"),
    "implement": _("整改落实"),
    "verify": _("效果验证"),
    "close": _("结案"),
    "platform": _("平台时限"),
}
STANDINGS: dict[str, tuple[LazyString, str]] = {
    "idle": (_("未开始"), ""),
    "ok": (_("正常"), "ok"),
    "soon": (_("快到期"), "warn"),
    "late": (_("已超时"), "bad"),
    "paused": (_("已暂停"), "on"),
    "done": (_("已完成"), "ok"),
}


@dataclass(frozen=True)
class Shown:
    """One line of the card."""

    kind: str
    name: LazyString | str
    minutes: int
    reading: Reading
    word: LazyString
    tone: str
    state: str
    reason: str
    waits_for: str = ""


def clock_card(issue: Issue, user: User) -> Markup:
    """Draw the clocks of an issue; nothing where it has none."""
    lines = shown_clocks(issue, time_now.now())
    if not lines:
        return Markup("")
    editable = user.can(DECIDE) and issue.status == "open"
    return Markup(render_template("issues/_clocks.html", issue=issue, lines=lines, editable=editable))  # noqa: S704 -- the template escapes


def shown_clocks(issue: Issue, now: datetime) -> list[Shown]:
    """Return where each clock of an issue stands now."""
    around = read_policy().around
    return [
        _shown(kind, kept, calendar_for(issue.department_id, round_the_clock=kind in around), now)
        for kind, kept in issue_clocks(issue.id).items()
    ]


def holders(issue_ids: Sequence[int]) -> dict[int, list[int]]:
    """Return who may take the open to-do of each issue that nobody has taken."""
    lone = select(Task.subject_id, Task.id, Task.role_key).where(
        Task.subject_kind == "issue", Task.subject_id.in_(issue_ids), Task.kind == "stage", Task.state == "open",
        Task.owner_id.is_(None),
    )  # fmt: skip
    found: dict[int, list[int]] = {}
    for row in db.session.execute(lone.order_by(Task.id)):
        pool = select(task_pool.c.user_id).where(task_pool.c.task_id == row.id).order_by(task_pool.c.user_id)
        people = people_of_role(row.role_key) if row.role_key else db.session.scalars(pool)
        found.setdefault(row.subject_id, []).extend(people)
    return found


def _shown(kind: str, kept: Kept, calendar: WorkCalendar, now: datetime) -> Shown:
    clock = kept.clock
    reading = read_clock(clock, calendar, now, soon=SOON)
    word, tone = STANDINGS[reading.standing]
    reason = clock.intervals[-1].reason if clock.state == "paused" else ""
    return Shown(kind, NAMES.get(kind, kind), clock.minutes, reading, word, tone, clock.state, reason, kept.waits_for)
