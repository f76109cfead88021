"""Comments and attachments of an issue."""

from datetime import datetime

from flask_babel import gettext as _

from qtrace.core import events
from qtrace.core.db import existing, require_write
from qtrace.core.errors import NotFound, Refused
from qtrace.core.files import StoredFile
from qtrace.core.models import StoredFileRow
from qtrace.flows.mentions import tell_called
from qtrace.issues.models import Attachment, Comment, Issue

MAX_COMMENT = 5000


def add_comment(issue_id: int, text: str, *, by: int, now: datetime) -> int:
    """Add a remark and return its id; whom it calls with @ and who may see the issue is told."""
    text = text.replace("\r\n", "\n").replace("\x00", "").strip()
    if not text:
        raise Refused(_("请写点内容再发表。"), field="text")
    if len(text) > MAX_COMMENT:
        raise Refused(_("评论最多 %(most)d 个字,请分几条发表。", most=MAX_COMMENT), field="text")
    issue = existing(Issue, issue_id)
    comment = Comment(issue_id=issue.id, by=by, at=now, text=text)
    session = require_write()
    session.add(comment)
    session.flush()  # the id is the answer
    events.record("issue_commented", subject=("issue", issue_id), by=by, now=now, body={"comment": comment.id})
    url = f"/issues/{issue.number}#comment-{comment.id}"
    about = {"comment": comment.id}
    tell_called(("issue", issue_id), text, url, by=by, now=now, about=about, to_dos=False)  # to-dos show no comments
    return comment.id


def attach_file(issue_id: int, stored: StoredFile, *, by: int | None, now: datetime, field_id: str = "") -> int:
    """Attach a file that lies in the store and return the attachment's id."""
    session = require_write()
    session.add(
        StoredFileRow(
            id=stored.id, name=stored.name, media_type=stored.media_type, size=stored.size, sha256=stored.sha256,
            created_at=now, created_by=by,
        )
    )  # fmt: skip
    session.flush()  # the attachment refers to the file
    attachment = Attachment(issue_id=_existing(issue_id), file_id=stored.id, field_id=field_id, by=by, at=now)
    session.add(attachment)
    session.flush()  # the id is the answer
    events.record("issue_file_added", subject=("issue", issue_id), by=by, now=now, body={"file": stored.name})
    return attachment.id


def detach_file(issue_id: int, attachment_id: int, *, by: int, now: datetime) -> None:
    """Take a file off an issue; the event keeps its name and digest."""
    session = require_write()
    attachment = existing(Attachment, attachment_id)
    if attachment.issue_id != issue_id:
        raise NotFound
    body = {"file": attachment.file.name, "sha256": attachment.file.sha256}
    session.delete(attachment)
    events.record("issue_file_removed", subject=("issue", issue_id), by=by, now=now, body=body)


def _existing(issue_id: int) -> int:
    return existing(Issue, issue_id).id
