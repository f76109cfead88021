"""Comments and files of an issue; a file is reached through its issue only."""

from pathlib import Path
from typing import Any

from flask import Response, current_app, request, url_for
from flask_babel import gettext as _

from qtrace.accounts.access import actor, needs
from qtrace.core import clock
from qtrace.core.db import write
from qtrace.core.errors import Refused
from qtrace.flows.mentions import with_called
from qtrace.issues import queries
from qtrace.issues.remarks import add_comment, attach_file, detach_file
from qtrace.issues.views import bp
from qtrace.web.csrf import answer_at
from qtrace.web.htmx import go, render
from qtrace.web.limits import limited
from qtrace.web.photos import SHOWN, send_stored, store_attachment

MOST_AT_ONCE = 9


@bp.post("/issues/<number>/comments")
@needs("issue.comment")
def comment_create(number: str) -> Response:
    """Add a remark."""
    issue = queries.visible_issue(number, actor())
    url = url_for("issues.show", number=number, _anchor="comments")
    with write():
        add_comment(issue.id, request.form.get("text", ""), by=actor().id, now=clock.now())
        answer_at(url)
    latest = queries.visible_issue(number, actor())
    toast = with_called(_("已发表"), ("issue", latest.id), request.form.get("text", ""), by=actor().id, to_dos=False)
    shown = {"issue": latest, "comments": queries.comments_of(latest.id)}
    return _answer("issues/_comments.html", url, toast=toast, **shown)


@bp.post("/issues/<number>/attachments")
@needs("issue.comment")
def attachment_create(number: str) -> Response:
    """Attach files: photos are made small and harmless, other files are kept as they are."""
    issue = queries.visible_issue(number, actor())
    uploads = [upload for upload in request.files.getlist("files") if upload.filename][:MOST_AT_ONCE]
    if not uploads:
        raise Refused(_("请先选择照片或文件。"), field="files")
    data_dir: Path = current_app.config["QTRACE_DATA_DIR"]
    stored = [store_attachment(upload, data_dir=data_dir) for upload in uploads]
    url = url_for("issues.show", number=number, _anchor="attachments")
    with write():
        for file in stored:
            attach_file(issue.id, file, by=actor().id, now=clock.now())
        answer_at(url)
    return _attachments(number, url)


@bp.post("/issues/<number>/attachments/<int:attachment_id>/removal")
@needs("issue.edit")
def attachment_delete(number: str, attachment_id: int) -> Response:
    """Take a file off the issue."""
    issue = queries.visible_issue(number, actor())
    url = url_for("issues.show", number=number, _anchor="attachments")
    with write():
        detach_file(issue.id, attachment_id, by=actor().id, now=clock.now())
        answer_at(url)
    return _attachments(number, url)


@bp.get("/issues/<number>/files/<int:attachment_id>")
@needs("issue.read")
@limited("file")
def attachment_show(number: str, attachment_id: int) -> Response:
    """Send a file of an issue."""
    issue = queries.visible_issue(number, actor())
    return send_stored(queries.attachment_of(issue.id, attachment_id).file)


def _attachments(number: str, url: str) -> Response:
    issue = queries.visible_issue(number, actor())
    return _answer(
        "issues/_attachments.html", url, issue=issue, attachments=queries.attachments_of(issue.id), shown_types=SHOWN
    )


def _answer(piece: str, url: str, *, toast: str = "", **context: Any) -> Response:
    """Answer the changed card to htmx and lead everybody else back to the page."""
    trigger = {"toast": toast} if toast else None
    if request.headers.get("HX-Request") == "true":
        return render(piece, trigger=trigger, **context)
    return go(url, trigger=trigger, say=toast)
