"""What one wants to be told, by which way and when; and the links in messages."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from flask import Blueprint, Response, current_app, request, url_for
from flask_babel import gettext as _

from qtrace.accounts.access import actor, login_needed
from qtrace.core import clock
from qtrace.core.db import existing, write
from qtrace.core.errors import NotFound, Refused
from qtrace.core.setting_fields import say
from qtrace.notifications.kinds import OFFERED
from qtrace.notifications.links import KEEP, open_link
from qtrace.notifications.models import NoticeSender
from qtrace.notifications.preferences import (
    Preference,
    address_at,
    keep_preference,
    preference_of,
    read_address,
    read_rule,
    senders_in_use,
)
from qtrace.notifications.sender_service import send_test
from qtrace.notifications.service import mark_read
from qtrace.plugins import senders
from qtrace.sdk.senders import Sender
from qtrace.web.csrf import answer_at
from qtrace.web.htmx import go, render
from qtrace.web.limits import limited

bp = Blueprint("notice_settings", __name__)


@dataclass(frozen=True)
class Column:
    """One sender on the page: who it is, what comes by it, and where the person is reached."""

    row: NoticeSender
    name: str
    personal: bool
    label: str
    address: str
    kinds: frozenset[str]


@dataclass(frozen=True)
class Timing:
    """The times as the form shows them."""

    pace: str
    daily_at: str
    quiet_from: str
    quiet_until: str
    errors: dict[str, str] = field(default_factory=dict)


@bp.get("/me/notices")
@login_needed
def show() -> Response:
    """Show what one is told, how and when."""
    rule = preference_of(actor().id).rule
    begin, end = (f"{one:%H:%M}" for one in rule.quiet) if rule.quiet else ("", "")
    return _page(_columns(preference_of(actor().id)), Timing(rule.pace, f"{rule.daily_at:%H:%M}", begin, end))


@bp.post("/me/notices")
@login_needed
def update() -> Response:
    """Keep what one wants."""
    form = request.form
    timing = _typed_timing()
    try:
        wanted = Preference(
            {row.id: frozenset(form.getlist(f"way-{row.id}")) for row, sender in _in_use() if sender.personal},
            {
                row.id: read_address(form.get(f"address-{row.id}", ""), f"address-{row.id}")
                for row, _sender in _in_use()
            },
            read_rule(timing.pace, timing.daily_at, timing.quiet_from, timing.quiet_until),
        )
    except Refused as refused:
        return _page(_as_typed(), replace(timing, errors={refused.field or "pace": refused.message}), status=422)
    with write():
        keep_preference(actor().id, wanted)
        answer_at(url_for("notice_settings.show"))
    return go(url_for("notice_settings.show"), trigger={"toast": _("已保存")})


@bp.post("/me/notices/senders/<int:sender_id>/tests")
@login_needed
@limited("notice-test")
def test_create(sender_id: int) -> Response:
    """Send oneself a test."""
    row = existing(NoticeSender, sender_id)
    sender = senders(current_app).get(row.key)
    if sender is None or not sender.personal or not row.enabled:
        raise NotFound
    with write():
        send_test(row, actor(), personal=True, now=clock.now())
        answer_at(url_for("notice_settings.show"))
    return go(
        url_for("notice_settings.show"), trigger={"toast": _("测试通知已发出,请到「%(name)s」里看", name=row.name)}
    )


@bp.get("/n/<token>")
@login_needed
def link_show(token: str) -> Response:
    """Open what a message told of, for the person it was sent to."""
    found = open_link(token, actor().id)
    if found.state in {"ok", "used"}:
        with write():
            mark_read(found.notice_id, actor().id, now=clock.now())
    if found.state == "ok":
        return go(found.url)
    status = {"bad": 404, "foreign": 403}.get(found.state, 410)
    return render("notifications/link.html", status=status, found=found, days=KEEP.days)


def _in_use() -> list[tuple[NoticeSender, Sender]]:
    """Return the senders people have to do with: those that reach one person or can mention one."""
    offered = senders(current_app)
    found = [(row, offered[row.key]) for row in senders_in_use() if row.key in offered]
    return [(row, sender) for row, sender in found if sender.personal or sender.address is not None]


def _columns(preference: Preference) -> list[Column]:
    me = actor()
    return [
        Column(
            row, row.name, sender.personal, say(sender.address) or _("账号"), address_at(row, preference, me),
            frozenset(kind for kind in OFFERED if preference.wants(kind, row)),
        )
        for row, sender in _in_use()
    ]  # fmt: skip


def _typed_timing() -> Timing:
    form = request.form
    return Timing(
        form.get("pace", ""), form.get("daily_at", "").strip(), form.get("quiet_from", "").strip(),
        form.get("quiet_until", "").strip(),
    )  # fmt: skip


def _as_typed() -> list[Column]:
    form = request.form
    return [
        Column(
            row, row.name, sender.personal, say(sender.address) or _("账号"), form.get(f"address-{row.id}", ""),
            frozenset(form.getlist(f"way-{row.id}")),
        )
        for row, sender in _in_use()
    ]  # fmt: skip


def _page(columns: Sequence[Column], timing: Timing, *, status: int = 200) -> Response:
    return render(
        "notifications/settings.html", status=status, columns=columns, ways=[one for one in columns if one.personal],
        groups=[one for one in columns if not one.personal], timing=timing, kinds=OFFERED,
    )  # fmt: skip
