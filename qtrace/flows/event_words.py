"""What the events of flows say in the story of their subject; the event's reason stands beside them."""

from flask_babel import lazy_gettext as _

EVENT_WORDS = {
    "flow_reminded": _("已超时,提醒处理"), "flow_escalated": _("超时,已告诉上级"), "flow_stuck": _("系统没能继续"),
    "flow_copied": _("抄送给同事"), "flow_waits": _("等外部系统回话"), "flow_helped": _("完成了协助"),
    "question_asked": _("征询同事"), "question_answered": _("答复了征询"),
}  # fmt: skip
