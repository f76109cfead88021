"""Write the message that carries notices: one as it is, several as a summary, in the reader's language."""

from collections.abc import Sequence
from typing import Any

from flask_babel import force_locale
from flask_babel import gettext as _

from qtrace.notifications.kinds import TEST, kind_of, sentence
from qtrace.notifications.links import base_url, link_of
from qtrace.notifications.models import Notice
from qtrace.sdk.senders import Message

MOST_LISTED = 20


def write_message(
    notices: Sequence[Notice], *, message_id: str, to: str, mentions: Sequence[str], language: str
) -> Message:
    """Return the message; a person gets links of their own, a group plain ones."""
    with force_locale(language):
        several = len(notices) > 1
        return Message(
            id=message_id,
            title=_("您有 %(n)d 条新通知", n=len(notices)) if several else _title(notices[0]),
            text=_summary(notices) if several else _text(notices[0]),
            url=f"{base_url()}/inbox" if several else _link(notices[0], personal=bool(to)),
            open_text=_("查看详情"),
            urgent=any(notice.urgent for notice in notices),
            to=to,
            mentions=tuple(mentions),
            items=tuple(_item(notice, personal=bool(to)) for notice in notices),
        )


def _title(notice: Notice) -> str:
    if notice.kind == TEST:
        return notice.title
    return _("【%(kind)s】%(title)s", kind=str(kind_of(notice.kind).label), title=notice.title)


def _text(notice: Notice) -> str:
    return "\n".join(line for line in (sentence(notice.kind, notice.facts), notice.body) if line)


def _summary(notices: Sequence[Notice]) -> str:
    lines = [_title(notice) for notice in notices[:MOST_LISTED]]
    if len(notices) > MOST_LISTED:
        lines.append(_("还有 %(n)d 条,请在「通知」里看。", n=len(notices) - MOST_LISTED))
    return "\n".join(lines)


def _item(notice: Notice, *, personal: bool) -> dict[str, Any]:
    return {
        "kind": notice.kind, "heading": _title(notice), "title": notice.title, "text": _text(notice), "url": _link(notice, personal=personal),
        "subject": {"kind": notice.subject_kind, "id": notice.subject_id}, "at": notice.at.isoformat(),
    }  # fmt: skip


def _link(notice: Notice, *, personal: bool) -> str:
    return link_of(notice) if personal else f"{base_url()}{notice.url}"
