"""The product's own senders, offered through the same hook as a plugin's."""

from collections.abc import Sequence

from qtrace.notifications.senders.dingtalk import DingtalkRobot, DingtalkTodo, DingtalkWork
from qtrace.notifications.senders.feishu import FeishuRobot
from qtrace.notifications.senders.mail import Mail
from qtrace.notifications.senders.webhook import Webhook
from qtrace.notifications.senders.wecom import WecomApp, WecomRobot
from qtrace.sdk import hookimpl
from qtrace.sdk.senders import Sender

SENDERS: tuple[Sender, ...] = (
    Mail(), WecomApp(), WecomRobot(), DingtalkWork(), DingtalkTodo(), DingtalkRobot(), FeishuRobot(), Webhook(),
)  # fmt: skip


@hookimpl
def qtrace_register_senders() -> Sequence[Sender]:
    """Return the senders of this package."""
    return SENDERS
