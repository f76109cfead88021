"""The clocks of an issue as its page shows them."""

from dataclasses import dataclass
from datetime import datetime

from flask import render_template
from flask_babel import LazyString
from flask_babel import lazy_gettext as _
from markupsafe import Markup

from qtrace.accounts.models import User
from qtrace.calendars.clock_service import calendar_for, clocks_of
from qtrace.calendars.clocks import Clock, Reading, read_clock
from qtrace.calendars.models import CaseClock
from qtrace.core import clock as time_now
from qtrace.issues.models import Issue

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


def clock_card(issue: Issue, user: User) -> Markup:
    """Draw the clocks of an issue; nothing where it has none."""
    lines = shown_clocks(issue.id, time_now.now())
    if not lines:
        return Markup("")
    editable = user.can(DECIDE) and issue.status == "open"
    return Markup(render_template("issues/_clocks.html", issue=issue, lines=lines, editable=editable))  # noqa: S704 -- the template escapes


def shown_clocks(issue_id: int, now: datetime) -> list[Shown]:
    """Return where each clock of an issue stands now."""
    return [_shown(row, clock, now) for row, clock in clocks_of(("issue", issue_id))]


def _shown(row: CaseClock, clock: Clock, now: datetime) -> Shown:
    reading = read_clock(clock, calendar_for(row), now, soon=SOON)
    word, tone = STANDINGS[reading.standing]
    reason = clock.intervals[-1].reason if clock.state == "paused" else ""
    return Shown(row.kind, NAMES.get(row.kind, row.kind), clock.minutes, reading, word, tone, clock.state, reason)
