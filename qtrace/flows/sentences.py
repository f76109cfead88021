"""What flows record about a case, in sentences for the timeline of its subject."""

from collections.abc import Iterable, Mapping

from flask_babel import gettext as _

from qtrace.core.models import EventRow

ENDED = "flow_terminated"


def users_in(events: Iterable[EventRow]) -> set[int]:
    """Return the people these events name."""
    return {user for event in events for user in _users(event)}


def sentence_of(event: EventRow, people: Mapping[int, str]) -> str:
    """Return the event as a sentence; empty for one that is none of the flows'."""
    names = "、".join(people.get(user, "—") for user in _users(event))
    if event.name == ENDED:
        words = {"withdrawn": _("发起人撤回了"), "rejected": _("驳回后结束")}
        return words.get(str(event.body.get("status")), "")
    words = {
        "flow_copied": _("抄送给 %(names)s", names=names),
        "question_asked": _("问 %(names)s", names=names),
        "question_answered": _("答复 %(names)s", names=names),
        "flow_reminded": _("已到期限,提醒 %(names)s", names=names),
        "flow_escalated": _("超过期限,上报 %(names)s", names=names),
        "flow_stuck": _("流程暂时走不下去,稍后再试"),
        "flow_waits": _("等外部系统回话"),
        "flow_helped": _("完成了协助"),
    }
    return words.get(event.name, "")


def _users(event: EventRow) -> list[int]:
    users = event.body.get("users", [])
    return [user for user in users if isinstance(user, int)] if isinstance(users, list) else []
