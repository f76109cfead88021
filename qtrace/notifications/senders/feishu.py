"""飞书: the robot of a group."""

import base64
import hashlib
import hmac
from collections.abc import Sequence
from datetime import datetime

from qtrace.notifications.senders.wording import BUSY, one_line, post_json, read_body, refused, robot_url, setting
from qtrace.sdk.senders import Answer, Call, Message, Outcome
from qtrace.sdk.settings import SettingField, Settings
from qtrace.sdk.text import Text

BASE = "https://open.feishu.cn/open-apis/bot/v2/hook/"
BUSY_CODES = {9499, 11232, 99991400}  # too often


def robot_sign(secret: str, seconds: int) -> str:
    """Return the signature of a robot's message: an empty HMAC keyed by time and secret, unlike 钉钉."""
    key = f"{seconds}\n{secret}".encode()
    return base64.b64encode(hmac.new(key, b"", hashlib.sha256).digest()).decode()


class FeishuRobot:
    """Posts a card with a button into the group the robot lives in, signed with its secret."""

    key = "feishu_robot"
    name = Text("飞书群机器人", "Feishu group robot")
    hint = Text(
        "群设置 › 群机器人 › 自定义机器人,打开「签名校验」,复制地址与密钥。",
        "Group settings › Bots › Custom bot, switch on the signature; copy address and secret.",
    )
    settings: Sequence[SettingField] = (
        SettingField(name="webhook", label=Text("Webhook 地址", "Webhook address"), kind="secret", required=True),
        SettingField(name="secret", label=Text("签名密钥", "Signing secret"), kind="secret"),
    )
    personal = False
    address = None
    token = None

    def build(self, message: Message, settings: Settings, now: datetime, token: str = "") -> Sequence[Call]:
        """Return the card; what people wrote stands in it as plain text."""
        lines = [{"tag": "plain_text", "content": line} for line in message.text.splitlines()[:20] if line.strip()]
        button = {
            "tag": "button", "text": {"tag": "plain_text", "content": message.open_text}, "url": message.url,
            "type": "primary",
        }  # fmt: skip
        card = {
            "config": {"wide_screen_mode": True},
            "header": {
                "title": {"tag": "plain_text", "content": one_line(message.title, 200)},
                "template": "red" if message.urgent else "blue",
            },
            "elements": [*({"tag": "div", "text": line} for line in lines), {"tag": "action", "actions": [button]}],
        }
        body: dict[str, object] = {"msg_type": "interactive", "card": card}
        if secret := setting(settings, "secret"):
            moment = int(now.timestamp())
            body = {"timestamp": str(moment), "sign": robot_sign(secret, moment)} | body
        return [post_json(robot_url(settings, "", BASE), body)]

    def read(self, answer: Answer) -> Outcome:
        """Return what the code of the answer means; older robots spell it StatusCode."""
        body = read_body(answer)
        if isinstance(body, Outcome):
            return body
        code = body.get("code", body.get("StatusCode"))
        if code == 0:
            return Outcome("ok")
        if code in BUSY_CODES:
            return Outcome("retry", BUSY, wait=60)
        return refused(code, body.get("msg") or body.get("StatusMessage", ""))
