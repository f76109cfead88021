"""What happened to the clocks of an issue, as sentences of its timeline."""

from collections.abc import Mapping

from flask import Flask
from flask_babel import LazyString, gettext
from flask_babel import lazy_gettext as _

from qtrace.core.models import EventRow
from qtrace.issues.clocks import NAMES
from qtrace.issues.timeline import Names, register_sentence
from qtrace.notifications.kinds import name_clocks

SENTENCES: Mapping[str, LazyString] = {
    "clock_started": _("「%(clock)s」开始计时"),
    "clock_paused": _("「%(clock)s」暂停计时"),
    "clock_resumed": _("「%(clock)s」继续计时"),
    "clock_stopped": _("「%(clock)s」停止计时"),
}


def register(app: Flask) -> None:
    """Add a sentence for each event of a clock."""
    for name in SENTENCES:
        register_sentence(app, name, _happened)
    register_sentence(app, "clock_retargeted", _retargeted)
    register_sentence(app, "clock_alarm", _rang)
    name_clocks(app, NAMES)


def _clock(row: EventRow) -> str:
    kind = str(row.body.get("clock", ""))
    return str(NAMES.get(kind, kind))


def _happened(row: EventRow, _names: Names) -> str:
    if row.name == "clock_paused" and row.body.get("stops") is False:
        return gettext("「%(clock)s」在等待,计时不停", clock=_clock(row))
    if row.name == "clock_resumed" and row.body.get("stops") is False:
        return gettext("「%(clock)s」等待结束", clock=_clock(row))
    return str(SENTENCES[row.name]) % {"clock": _clock(row)}


def _retargeted(row: EventRow, _names: Names) -> str:
    return gettext("「%(clock)s」的时限改为 %(n)d 分钟", clock=_clock(row), n=row.body.get("minutes", 0))


def _rang(row: EventRow, names: Names) -> str:
    offset, clock = row.body.get("offset", 0), _clock(row)
    if offset < 0:
        return gettext("「%(clock)s」快到期", clock=clock)
    if offset == 0:
        return gettext("「%(clock)s」已到期", clock=clock)
    people = "、".join(names.person(user) for user in row.body.get("users", [])) or "—"
    if row.body.get("level", 0):
        return gettext("「%(clock)s」超时,已升级给 %(people)s", clock=clock, people=people)
    return gettext("「%(clock)s」超时,已再次提醒 %(people)s", clock=clock, people=people)
