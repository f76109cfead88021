"""Where the administrator keeps the ways to send: add, try, switch off, and look at what was sent."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from flask import Blueprint, Response, current_app, request, url_for
from flask_babel import gettext as _

from qtrace.accounts.access import actor, needs
from qtrace.core import clock
from qtrace.core.db import existing, write
from qtrace.core.errors import NotFound, Refused
from qtrace.core.ids import as_id
from qtrace.core.setting_fields import ShownField, check_settings, say, shown_fields
from qtrace.notifications import log, sender_service
from qtrace.notifications.delivering import send_again
from qtrace.notifications.kinds import OFFERED, kind_of
from qtrace.notifications.models import NoticeDelivery, NoticeSender
from qtrace.notifications.sender_service import NewSender
from qtrace.plugins import senders
from qtrace.sdk.senders import Sender
from qtrace.web.csrf import answer_at
from qtrace.web.htmx import go, render
from qtrace.web.limits import limited

bp = Blueprint("senders", __name__, url_prefix="/config/senders")
USUAL = (
    "task_opened", "task_transferred", "task_urged", "flow_reminded", "flow_escalated", "clock_alarm", "question_asked",
    "comment_mentioned",
)  # fmt: skip


@dataclass(frozen=True)
class Entered:
    """What stands in the form of a sender."""

    name: str
    kinds: frozenset[str]
    fields: list[ShownField]
    error: Refused | None = None

    @property
    def name_error(self) -> str:
        """Return what is wrong with the name."""
        return self.error.message if self.error else ""


@bp.get("")
@needs("api.manage")
def index() -> Response:
    """Show the senders and how they did."""
    return render(
        "notifications/senders.html", rows=log.all_senders(), counts=log.counts_of_senders(clock.now()), nothing=log.Counts(),
        offered=senders(current_app), say=say,
    )  # fmt: skip


@bp.get("/new")
@needs("api.manage")
def new() -> Response:
    """Show what may be added, or the form of the one that was chosen."""
    key = request.args.get("key", "")
    if not key:
        return render("notifications/sender_kinds.html", offered=senders(current_app), say=say)
    sender = _sender(key)
    kinds = frozenset(USUAL) if sender.personal else frozenset({"clock_alarm", "flow_escalated"})
    return _form(sender, Entered(say(sender.name), kinds, shown_fields(sender.settings, {})))


@bp.post("")
@needs("api.manage")
def create() -> Response:
    """Add a sender."""
    sender = _sender(request.form.get("key", ""))
    given = _given(sender)
    checked = check_settings(sender.settings, given, {})
    shown = shown_fields(sender.settings, {}, given=given, errors=checked.errors)
    entered = Entered(request.form.get("name", ""), _kinds(), shown)
    if checked.errors:
        return _form(sender, entered, status=422)
    wanted = NewSender(name=entered.name, key=sender.key, settings=checked.values, kinds=entered.kinds)
    try:
        with write():
            sender_id = sender_service.add_sender(wanted, by=actor().id, now=clock.now())
            answer_at(url_for("senders.show", sender_id=sender_id))
    except Refused as refused:
        return _form(sender, Entered(entered.name, entered.kinds, shown, refused), status=422)
    return go(url_for("senders.show", sender_id=sender_id), trigger={"toast": _("已添加。发一条测试看看能不能收到。")})


@bp.get("/<int:sender_id>")
@needs("api.manage")
def show(sender_id: int) -> Response:
    """Show a sender with its settings and what it sent."""
    row = existing(NoticeSender, sender_id)
    sender = senders(current_app).get(row.key)
    fields = shown_fields(sender.settings, row.settings) if sender else []
    return _page(row, sender, Entered(row.name, frozenset(row.kinds), fields))


@bp.post("/<int:sender_id>")
@needs("api.manage")
def update(sender_id: int) -> Response:
    """Change a sender."""
    row = existing(NoticeSender, sender_id)
    sender = _sender(row.key)
    given = _given(sender)
    checked = check_settings(sender.settings, given, row.settings)
    shown = shown_fields(sender.settings, row.settings, given=given, errors=checked.errors)
    entered = Entered(request.form.get("name", ""), _kinds(), shown)
    if checked.errors:
        return _page(row, sender, entered, status=422)
    wanted = NewSender(name=entered.name, key=row.key, settings=checked.values, kinds=entered.kinds)
    try:
        return _act(
            sender_id, _("已保存"),
            lambda: sender_service.change_sender(sender_id, wanted, by=actor().id, now=clock.now()),
        )  # fmt: skip
    except Refused as refused:
        again = Entered(entered.name, entered.kinds, shown, refused)
        return _page(existing(NoticeSender, sender_id), sender, again, status=422)


@bp.post("/<int:sender_id>/state")
@needs("api.manage")
def state_update(sender_id: int) -> Response:
    """Switch a sender on or off."""
    existing(NoticeSender, sender_id)
    enabled = request.form.get("enabled") == "1"
    return _act(
        sender_id, _("已启用") if enabled else _("已停用"),
        lambda: sender_service.switch_sender(sender_id, enabled=enabled, by=actor().id, now=clock.now()),
    )  # fmt: skip


@bp.post("/<int:sender_id>/tests")
@needs("api.manage")
@limited("notice-test")
def test_create(sender_id: int) -> Response:
    """Send a test message: to oneself, or to the group."""
    row = existing(NoticeSender, sender_id)
    personal = _sender(row.key).personal
    return _act(
        sender_id, _("测试通知已发出,稍后在下面看结果"),
        lambda: sender_service.send_test(row, actor(), personal=personal, now=clock.now()),
    )  # fmt: skip


@bp.post("/<int:sender_id>/removal")
@needs("api.manage")
def delete(sender_id: int) -> Response:
    """Remove a sender."""
    existing(NoticeSender, sender_id)
    with write():
        sender_service.remove_sender(sender_id, by=actor().id, now=clock.now())
        answer_at(url_for("senders.index"))
    return go(url_for("senders.index"), trigger={"toast": _("已删除")})


@bp.post("/<int:sender_id>/deliveries/<int:delivery_id>/retry")
@needs("api.manage")
def delivery_retry(sender_id: int, delivery_id: int) -> Response:
    """Send what failed for good once more."""
    if existing(NoticeDelivery, delivery_id).sender_id != sender_id:
        raise NotFound
    return _act(sender_id, _("已重新排队"), lambda: send_again(delivery_id, by=actor().id, now=clock.now()))


def _sender(key: str) -> Sender:
    found = senders(current_app).get(key)
    if found is None:
        raise NotFound(_("通知方式 %(key)s 没有安装或无法加载。", key=key[:60]))
    return found


def _given(sender: Sender) -> Mapping[str, str]:
    return {field.name: request.form.get(f"setting-{field.name}", "") for field in sender.settings}


def _kinds() -> frozenset[str]:
    return frozenset(request.form.getlist("kinds")) & OFFERED.keys()


def _form(sender: Sender, entered: Entered, *, status: int = 200) -> Response:
    return render(
        "notifications/sender_new.html", status=status, sender=sender, entered=entered, fields=entered.fields, kinds=OFFERED,
        say=say, mail_missing=_mail_missing(sender),
    )  # fmt: skip


def _page(row: NoticeSender, sender: Sender | None, entered: Entered, *, status: int = 200) -> Response:
    failed, before = request.args.get("show") == "failed", as_id(request.args.get("before"))
    found = log.deliveries_of(row.id, failed=failed, before=before)
    rows = found[: log.PAGE]
    only = "failed" if failed else None
    return render(
        "notifications/sender.html", status=status, row=row, sender=sender, entered=entered, fields=entered.fields,
        kinds=OFFERED, kind_of=kind_of, say=say, deliveries=rows, failed=failed, now=clock.now(),
        older=url_for("senders.show", sender_id=row.id, show=only, before=rows[-1].id) if len(found) > len(rows) else "",
        mail_missing=sender is not None and _mail_missing(sender),
    )  # fmt: skip


def _mail_missing(sender: Sender) -> bool:
    return sender.key == "mail" and not current_app.config["QTRACE_MAIL_URL"]


def _act(sender_id: int, told: str, change: Callable[[], None]) -> Response:
    url = url_for("senders.show", sender_id=sender_id)
    with write():
        change()
        answer_at(url)
    return go(url, trigger={"toast": told})
