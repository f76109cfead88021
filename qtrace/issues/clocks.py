"""The clocks of an issue as its page shows them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from flask import render_template
from flask_babel import LazyString, gettext
from flask_babel import lazy_gettext as _
from markupsafe import Markup
from sqlalchemy import select

from qtrace.accounts.models import User
from qtrace.calendars.clock_service import calendar_for
from qtrace.calendars.clock_settings import read_reasons
from qtrace.calendars.clocks import ROUND_THE_CLOCK, Clock, Reading, read_clock
from qtrace.calendars.engine import WorkCalendar, elapsed
from qtrace.complaints.platform import nearest_deadline
from qtrace.core import clock as time_now
from qtrace.core.db import db
from qtrace.flows.company import people_of_role
from qtrace.issues.clock_history import Kept
from qtrace.issues.clock_policy import read_policy
from qtrace.issues.clock_sync import issue_clocks
from qtrace.issues.models import Issue
from qtrace.tasks.models import Task, task_pool
from qtrace.web.filters import show_time, show_worktime

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
LATE: dict[str, tuple[LazyString, str]] = {
    "stopped": (_("超时完成"), "warn"), "paused": (_("超时后暂停"), "bad"),
}  # fmt: skip


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
    reason: str  # what it waits for
    waits_for: str  # the same where it goes on meanwhile
    around: bool
    working: int  # minutes used in the calendar of its team
    told: str


def clock_card(issue: Issue, user: User) -> Markup:
    """Draw the clocks of an issue; nothing where it has none."""
    lines = shown_clocks(issue, time_now.now())
    due = nearest_deadline(issue.id)
    if not lines and due is None:
        return Markup("")
    editable = user.can(DECIDE) and issue.status == "open"
    shown = render_template(
        "issues/_clocks.html", issue=issue, lines=lines, editable=editable, platform_due=due,
        reasons=read_reasons() if editable else (),
    )  # fmt: skip
    return Markup(shown)  # noqa: S704 -- the template escapes


def shown_clocks(issue: Issue, now: datetime) -> list[Shown]:
    """Return where each clock of an issue stands now."""
    around, calendar = read_policy().around, calendar_for(issue.department_id, round_the_clock=False)
    return [_shown(kind, kept, calendar, now, around=kind in around) for kind, kept in issue_clocks(issue.id).items()]


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


def _shown(kind: str, kept: Kept, calendar: WorkCalendar, now: datetime, *, around: bool) -> Shown:
    clock = kept.clock
    reading = read_clock(clock, ROUND_THE_CLOCK if around else calendar, now, soon=SOON)
    late = reading.standing == "late"
    word, tone = LATE.get(clock.state, STANDINGS["late"]) if late else STANDINGS[reading.standing]
    paused = clock.intervals[-1].reason if clock.state == "paused" else ""
    working = elapsed(clock.intervals, calendar, now)
    told = _told(clock, reading)
    return Shown(
        kind, NAMES[kind], clock.minutes, reading, word, tone, clock.state, paused or kept.waits_for, kept.waits_for,
        around, working, told,
    )  # fmt: skip


def _told(clock: Clock, reading: Reading) -> str:
    """Return in one sentence how much time is left, or was used."""
    left = clock.minutes - reading.business
    if clock.state == "stopped" and left < 0:
        return gettext("用了 %(used)s,超时 %(over)s", used=show_worktime(reading.business), over=show_worktime(-left))
    if clock.state == "stopped":
        return gettext(
            "用了 %(used)s,时限 %(limit)s", used=show_worktime(reading.business), limit=show_worktime(clock.minutes)
        )
    if reading.standing == "late":
        return gettext("已超时 %(over)s", over=show_worktime(-left))
    if clock.state == "running" and reading.due_at is None:
        return gettext("还剩 %(left)s", left=show_worktime(left))
    if reading.due_at is None or clock.state == "paused":
        return gettext("暂停时还剩 %(left)s", left=show_worktime(left))
    return gettext("还剩 %(left)s,%(due)s 到期", left=show_worktime(left), due=show_time(reading.due_at))
