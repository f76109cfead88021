"""A plain receiver: the notice as JSON, signed as Standard Webhooks lays it down."""

import base64
import binascii
import hashlib
import hmac
import json
from collections.abc import Sequence
from datetime import datetime

from qtrace.notifications.senders.wording import JSON, one_line, setting
from qtrace.sdk.errors import Misconfigured
from qtrace.sdk.senders import Answer, Call, HttpCall, Message, Outcome
from qtrace.sdk.settings import SettingField, Settings
from qtrace.sdk.text import Text

MARK = "whsec_"


def signature(secret: str, message_id: str, timestamp: int, body: bytes) -> str:
    """Return the signature of one message; the secret is base64, with or without its mark."""
    key = base64.b64decode(secret.removeprefix(MARK), validate=True)
    signed = f"{message_id}.{timestamp}.".encode() + body
    return "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()


class Webhook:
    """Posts every notice to one address of the company's own."""

    key = "webhook"
    name = Text("自定义接收地址", "Webhook")
    hint = Text(
        "把通知发给公司自己的程序,按 Standard Webhooks 签名。",
        "Sends notices to a program of your own, signed by Standard Webhooks.",
    )
    settings: Sequence[SettingField] = (
        SettingField(name="url", label=Text("接收地址", "Address"), required=True, hint=Text("https:// 开头。", "https://…")),
        SettingField(
            name="secret", label=Text("签名密钥", "Signing secret"), kind="secret", required=True,
            hint=Text("whsec_ 开头,后面是 base64。接收方用同一个密钥核对。", "whsec_ and base64; the receiver checks with the same."),
        ),
    )  # fmt: skip
    personal = False
    address = None
    token = None

    def build(self, message: Message, settings: Settings, now: datetime, token: str = "") -> Sequence[Call]:
        """Return the one request."""
        timestamp = int(now.timestamp())
        data = {
            "title": message.title, "text": message.text, "url": message.url, "urgent": message.urgent,
            "notices": [dict(item) for item in message.items],
        }  # fmt: skip
        payload = {"type": "notice", "timestamp": now.isoformat(), "data": data}
        body = json.dumps(payload, ensure_ascii=False, separators=(",", ":")).encode()
        try:
            signed = signature(setting(settings, "secret"), message.id, timestamp, body)
        except (binascii.Error, ValueError):
            raise Misconfigured(Text("签名密钥不是 base64", "The signing secret is no base64")) from None
        headers = {"webhook-id": message.id, "webhook-timestamp": str(timestamp), "webhook-signature": signed}
        return [HttpCall(url=setting(settings, "url"), headers=JSON | headers, body=body)]

    def read(self, answer: Answer) -> Outcome:
        """Return what the status means: 4xx will not change by itself, but for the two that ask to wait."""
        if 200 <= answer.status < 300:
            return Outcome("ok")
        said = one_line(answer.body.decode("utf-8", "replace"), 120)
        why = Text(f"接收方答复 {answer.status} {said}".rstrip(), f"The receiver said {answer.status} {said}".rstrip())
        if 400 <= answer.status < 500 and answer.status not in {408, 429}:
            return Outcome("permanent", why)
        asked = {name.lower(): value for name, value in answer.headers.items()}.get("retry-after", "")
        return Outcome("retry", why, wait=int(asked) if asked.isascii() and asked.isdecimal() and len(asked) < 6 else 0)
