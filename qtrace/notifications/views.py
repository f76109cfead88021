"""The inbox: what one was told, marked read, and the bell that says there is more."""

from dataclasses import dataclass

from flask import Blueprint, Response, g, make_response, request, url_for
from flask_babel import gettext as _
from flask_babel import ngettext

from qtrace.accounts.access import actor, login_needed
from qtrace.accounts.models import User
from qtrace.core import clock
from qtrace.core.db import write
from qtrace.core.ids import as_id
from qtrace.notifications.kinds import kind_of, sentence
from qtrace.notifications.links import address_of
from qtrace.notifications.queries import COUNT_CAP, PAGE, count_unread, inbox, my_notice, newest_of
from qtrace.notifications.service import mark_all_read, mark_read
from qtrace.web.csrf import answer_at
from qtrace.web.htmx import go, render

bp = Blueprint("notices", __name__)


@dataclass(frozen=True)
class Bell:
    """What the bell shows: how many are unread, and how that is written."""

    unread: int
    text: str


@bp.get("/inbox")
@login_needed
def index() -> Response:
    """Show what one was told, the newest first."""
    only, before = request.args.get("show") == "unread", as_id(request.args.get("before"))
    found = inbox(actor().id, unread_only=only, before=before)
    rows = found[:PAGE]
    older = url_for("notices.index", show="unread" if only else None, before=rows[-1].id) if len(found) > PAGE else ""
    unread = count_unread(actor().id)
    return render(
        "notifications/inbox.html", notices=rows, only=only, older=older, before=before, unread=unread,
        unread_text=capped(unread), newest=newest_of(actor().id), kind_of=kind_of, sentence=sentence,
    )  # fmt: skip


@bp.get("/inbox/bell")
@login_needed
def bell() -> Response:
    """Tell how many are unread; without content where the page knows it already."""
    g.session_seen = None  # a page that lies open is nobody at work
    found = bell_of(actor())
    if request.args.get("known") == str(found.unread):
        return make_response("", 204)
    return render("notifications/_bell_news.html", bell=found)


@bp.get("/inbox/<int:notice_id>")
@login_needed
def show(notice_id: int) -> Response:
    """Go where a notice leads; it is read from then on."""
    notice = my_notice(notice_id, actor().id)
    url = address_of(notice)
    if notice.read_at is None:
        with write():
            mark_read(notice_id, actor().id, now=clock.now())
    return go(url)


@bp.post("/inbox/<int:notice_id>/reading")
@login_needed
def reading_create(notice_id: int) -> Response:
    """Mark a notice as read and stay."""
    my_notice(notice_id, actor().id)
    with write():
        mark_read(notice_id, actor().id, now=clock.now())
        answer_at(url_for("notices.index"))
    return go(url_for("notices.index"))


@bp.post("/inbox/reading")
@login_needed
def reading_all() -> Response:
    """Mark everything up to the newest one that was shown as read."""
    with write():
        n = mark_all_read(actor().id, as_id(request.form.get("newest")) or 0, now=clock.now())
        answer_at(url_for("notices.index"))
    told = ngettext("%(num)d 条已标为已读", "%(num)d 条已标为已读", n) if n else _("没有未读的")
    return go(url_for("notices.index"), trigger={"toast": told})


def capped(count: int) -> str:
    """Return a count as it is shown: from the cap on only that it is more."""
    return f"{COUNT_CAP - 1}+" if count >= COUNT_CAP else str(count)


def bell_of(me: User) -> Bell:
    """Return what the bell of a person shows."""
    unread = count_unread(me.id)
    return Bell(unread, capped(unread))
