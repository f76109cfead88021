"""钉钉: the robot of a group, and the work notice or to-do of one person."""

import base64
import hashlib
import hmac
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from urllib.parse import quote, urlencode

from qtrace.notifications.senders.wording import (
    BUSY,
    EXPIRED,
    one_line,
    plain,
    post_json,
    read_body,
    refused,
    robot_url,
    setting,
    token_in,
    told_by_code,
)
from qtrace.sdk.errors import Misconfigured
from qtrace.sdk.senders import Answer, Call, HttpCall, Message, Outcome, Token, TokenRule
from qtrace.sdk.settings import SettingField, Settings
from qtrace.sdk.text import Text

OLD_BASE, NEW_BASE = "https://oapi.dingtalk.com", "https://api.dingtalk.com"
BUSY_CODES = {-1, 90018, 90002, 130101, 410100, 660026}  # busy, and the several ways to say: too often
TOKEN_CODES = {40014, 42001, 33001}
APP_FIELDS = (
    SettingField(name="app_key", label=Text("AppKey(Client ID)", "AppKey (Client ID)"), required=True),
    SettingField(
        name="app_secret", label=Text("AppSecret(Client Secret)", "AppSecret (Client Secret)"), kind="secret",
        required=True,
    ),
)  # fmt: skip
PRIVATE = Text("私有部署时才改。", "Change it only for a private installation.")


def robot_sign(secret: str, milliseconds: int) -> str:
    """Return the signature of a robot's message: HMAC keyed by the secret over time and secret."""
    signed = f"{milliseconds}\n{secret}".encode()
    return base64.b64encode(hmac.new(secret.encode(), signed, hashlib.sha256).digest()).decode()


class DingtalkRobot:
    """Posts into the group the robot lives in, signed with its secret."""

    key = "dingtalk_robot"
    name = Text("钉钉群机器人", "DingTalk group robot")
    hint = Text(
        "群设置 › 机器人 › 自定义,安全设置选「加签」,复制 Webhook 与密钥。",
        "Group settings › Robots › Custom, security: sign; copy the webhook and the secret.",
    )
    settings: Sequence[SettingField] = (
        SettingField(name="webhook", label=Text("Webhook 地址", "Webhook address"), kind="secret", required=True),
        SettingField(name="secret", label=Text("加签密钥(SEC 开头)", "Signing secret (SEC…)"), kind="secret"),
    )
    personal = False
    address = Text("手机号(在群里 @ 我)", "Mobile number (mentions me)")
    token = None

    def build(self, message: Message, settings: Settings, now: datetime, token: str = "") -> Sequence[Call]:
        """Return a message with a link; who is mentioned stands in its text too, as the service wants it."""
        url = robot_url(settings, "access_token", f"{OLD_BASE}/robot/send")
        if secret := setting(settings, "secret"):
            moment = int(now.timestamp() * 1000)
            url += f"&timestamp={moment}&sign={quote(robot_sign(secret, moment), safe='')}"
        at = "".join(f"@{mobile} " for mobile in message.mentions)
        body = {
            "msgtype": "markdown",
            "markdown": {"title": plain(one_line(message.title, 60)), "text": _markdown(message, at)},
            "at": {"atMobiles": list(message.mentions), "isAtAll": False},
        }
        return [post_json(url, body)]

    def read(self, answer: Answer) -> Outcome:
        """Return what the code of the answer means."""
        return _read(answer)


class DingtalkWork:
    """Sends a work notice with a button from an app of the company to one person."""

    key = "dingtalk_work"
    name = Text("钉钉工作通知", "DingTalk work notice")
    hint = Text("开放平台 › 企业内部应用,复制 AgentId、AppKey、AppSecret。", "Open platform: your company's own app.")
    settings: Sequence[SettingField] = (
        SettingField(name="agent_id", label=Text("AgentId", "Agent id"), kind="number", required=True, least=1),
        *APP_FIELDS,
        SettingField(name="base", label=Text("接口地址", "API address"), default=OLD_BASE, hint=PRIVATE),
    )
    personal = True
    address = Text("钉钉 userid", "DingTalk user id")

    @property
    def token(self) -> TokenRule:
        """Return how the app gets its access token."""
        return TokenRule(_ask_old_token, _read_old_token)

    def build(self, message: Message, settings: Settings, now: datetime, token: str = "") -> Sequence[Call]:
        """Return the notice as a card with one button."""
        if "," in message.to:
            raise Misconfigured(Text("钉钉 userid 不对", "The DingTalk user id is wrong"))
        card = {
            "title": plain(one_line(message.title, 60)), "markdown": _card(message),
            "single_title": message.open_text, "single_url": message.url,
        }  # fmt: skip
        body = {
            "agent_id": int(settings.get("agent_id") or 0), "userid_list": message.to,
            "msg": {"msgtype": "action_card", "action_card": card},
        }  # fmt: skip
        path = "/topapi/message/corpconversation/asyncsend_v2"
        return [post_json(f"{_base(settings, OLD_BASE)}{path}?access_token={quote(token, safe='')}", body)]

    def read(self, answer: Answer) -> Outcome:
        """Return what the code of the answer means."""
        return _read(answer)


class DingtalkTodo:
    """Puts a to-do with a link into the 钉钉 of one person."""

    key = "dingtalk_todo"
    name = Text("钉钉待办", "DingTalk to-do")
    hint = Text(
        "开放平台 › 企业内部应用,开通「待办」写权限。",
        "Open platform: your company's own app with the right to write to-dos.",
    )
    settings: Sequence[SettingField] = (
        *APP_FIELDS,
        SettingField(name="base", label=Text("接口地址", "API address"), default=NEW_BASE, hint=PRIVATE),
    )
    personal = True
    address = Text("钉钉 unionId", "DingTalk union id")

    @property
    def token(self) -> TokenRule:
        """Return how the app gets its access token."""
        return TokenRule(_ask_new_token, _read_new_token)

    def build(self, message: Message, settings: Settings, now: datetime, token: str = "") -> Sequence[Call]:
        """Return the to-do; the service knows a repetition by its source id."""
        body = {
            "sourceId": message.id, "subject": one_line(message.title, 200), "description": message.text[:2000],
            "creatorId": message.to, "executorIds": [message.to], "isOnlyShowExecutor": True,
            "detailUrl": {"appUrl": message.url, "pcUrl": message.url}, "priority": 40 if message.urgent else 20,
        }  # fmt: skip
        who = quote(message.to, safe="")
        url = f"{_base(settings, NEW_BASE)}/v1.0/todo/users/{who}/tasks?operatorId={who}"
        return [post_json(url, body, {"x-acs-dingtalk-access-token": token})]

    def read(self, answer: Answer) -> Outcome:
        """Return what the answer means: these services tell failures by status and a word."""
        return _read_new(answer)


def _ask_old_token(settings: Settings) -> HttpCall:
    query = urlencode({"appkey": setting(settings, "app_key"), "appsecret": setting(settings, "app_secret")})
    return HttpCall(method="GET", url=f"{_base(settings, OLD_BASE)}/gettoken?{query}")


def _read_old_token(answer: Answer) -> Token | Outcome:
    return token_in(answer, name="access_token", seconds="expires_in", otherwise=_read)


def _ask_new_token(settings: Settings) -> HttpCall:
    body = {"appKey": setting(settings, "app_key"), "appSecret": setting(settings, "app_secret")}
    return post_json(f"{_base(settings, NEW_BASE)}/v1.0/oauth2/accessToken", body)


def _read_new_token(answer: Answer) -> Token | Outcome:
    return token_in(answer, name="accessToken", seconds="expireIn", otherwise=_read_new)


def _read(answer: Answer) -> Outcome:
    return told_by_code(answer, busy=BUSY_CODES, expired=TOKEN_CODES)


def _read_new(answer: Answer) -> Outcome:
    body: dict[str, Any] | Outcome = read_body(answer)
    if isinstance(body, Outcome):
        return body
    if 200 <= answer.status < 300:
        return Outcome("ok")
    code = str(body.get("code", answer.status))
    if answer.status == 401 or "accesstoken" in code.lower():
        return EXPIRED
    if "throttling" in code.lower():
        return Outcome("retry", BUSY, wait=60)
    return refused(code, body.get("message", ""))


def _markdown(message: Message, at: str) -> str:
    return f"{_card(message)}\n\n{at}[{message.open_text}]({message.url})"


def _card(message: Message) -> str:
    lines = "\n\n".join(plain(line) for line in message.text.splitlines() if line.strip())
    return f"#### {plain(one_line(message.title, 200))}\n\n{lines[:3000]}".rstrip()


def _base(settings: Settings, usual: str) -> str:
    return (setting(settings, "base") or usual).rstrip("/")
