"""企业微信: the robot of a group, and messages of an app to one person."""

from collections.abc import Sequence
from datetime import datetime
from html import escape
from urllib.parse import quote, urlencode

from qtrace.notifications.senders.wording import (
    cut_bytes,
    one_line,
    plain,
    post_json,
    read_body,
    robot_url,
    setting,
    token_in,
    told_by_code,
)
from qtrace.sdk.errors import Misconfigured
from qtrace.sdk.senders import Answer, Call, HttpCall, Message, Outcome, Token, TokenRule
from qtrace.sdk.settings import SettingField, Settings
from qtrace.sdk.text import Text

BASE = "https://qyapi.weixin.qq.com"
BUSY_CODES = {-1, 45009, 45033}  # the system is busy, too often, too many at once
TOKEN_CODES = {40001, 40014, 42001}
API = SettingField(
    name="base", label=Text("接口地址", "API address"), default=BASE,
    hint=Text("私有部署时才改。", "Change it only for a private installation."),
)  # fmt: skip


class WecomRobot:
    """Posts into the group the robot lives in; the key in its address is the secret."""

    key = "wecom_robot"
    name = Text("企业微信群机器人", "WeCom group robot")
    hint = Text(
        "群设置 › 群机器人 › 添加,复制 Webhook 地址。", "Group settings › Group robots: copy the webhook address."
    )
    settings: Sequence[SettingField] = (
        SettingField(name="webhook", label=Text("Webhook 地址", "Webhook address"), kind="secret", required=True),
    )
    personal = False
    address = Text("企业微信账号(在群里 @ 我)", "WeCom user id (mentions me)")
    token = None

    def build(self, message: Message, settings: Settings, now: datetime, token: str = "") -> Sequence[Call]:
        """Return a text where people are mentioned, else a message with a link."""
        url = robot_url(settings, "key", f"{BASE}/cgi-bin/webhook/send")
        if message.mentions:
            words = cut_bytes(f"{message.title}\n{message.text}\n{message.url}".replace("\n\n", "\n"), 2048)
            text = {"content": words, "mentioned_list": list(message.mentions)}
            return [post_json(url, {"msgtype": "text", "text": text})]
        quoted = "".join(f"> {plain(line)}\n" for line in message.text.splitlines() if line.strip())
        head = cut_bytes(f"**{plain(one_line(message.title, 200))}**\n{quoted}", 3400)
        content = f"{head.rstrip()}\n[{message.open_text}]({message.url})"
        return [post_json(url, {"msgtype": "markdown", "markdown": {"content": content}})]

    def read(self, answer: Answer) -> Outcome:
        """Return what the code of the answer means."""
        return _read(answer)


class WecomApp:
    """Sends a text card with a link from an app of the company to one person."""

    key = "wecom_app"
    name = Text("企业微信应用消息", "WeCom app message")
    hint = Text(
        "管理后台 › 应用管理 › 自建应用;把本系统服务器的 IP 加进「企业可信 IP」。",
        "Admin console › Apps: your own app; add this server to its trusted IPs.",
    )
    settings: Sequence[SettingField] = (
        SettingField(name="corpid", label=Text("企业 ID", "Corp id"), required=True),
        SettingField(name="agentid", label=Text("应用 AgentId", "Agent id"), kind="number", required=True, least=1),
        SettingField(name="secret", label=Text("应用 Secret", "App secret"), kind="secret", required=True),
        API,
    )
    personal = True
    address = Text("企业微信账号", "WeCom user id")

    @property
    def token(self) -> TokenRule:
        """Return how the app gets its access token."""
        return TokenRule(_ask_token, _read_token)

    def build(self, message: Message, settings: Settings, now: datetime, token: str = "") -> Sequence[Call]:
        """Return the card; the same card within half an hour is shown once."""
        if "|" in message.to or message.to.startswith("@"):
            raise Misconfigured(Text("企业微信账号不对", "The WeCom user id is wrong"))
        lines = "".join(
            f'<div class="normal">{escape(line)}</div>' for line in message.text.splitlines()[:8] if line.strip()
        )
        card = {
            "title": cut_bytes(one_line(message.title, 100), 128),
            "description": lines if lines and len(lines.encode()) <= 512 else _short(message),
            "url": message.url, "btntxt": message.open_text[:4],
        }  # fmt: skip
        body = {
            "touser": message.to, "msgtype": "textcard", "agentid": int(settings.get("agentid") or 0), "textcard": card,
            "safe": 0, "enable_duplicate_check": 1, "duplicate_check_interval": 1800,
        }  # fmt: skip
        url = f"{_base(settings)}/cgi-bin/message/send?access_token={quote(token, safe='')}"
        return [post_json(url, body)]

    def read(self, answer: Answer) -> Outcome:
        """Return what the answer means; a person the company does not know is told of as a failure."""
        found = _read(answer)
        body = read_body(answer)
        if found.state == "ok" and isinstance(body, dict) and (unknown := body.get("invaliduser")):
            words = one_line(str(unknown), 80)
            return Outcome("permanent", Text(f"企业微信里没有账号 {words}", f"WeCom knows no user {words}"))
        return found


def _ask_token(settings: Settings) -> HttpCall:
    query = urlencode({"corpid": setting(settings, "corpid"), "corpsecret": setting(settings, "secret")})
    return HttpCall(method="GET", url=f"{_base(settings)}/cgi-bin/gettoken?{query}")


def _read_token(answer: Answer) -> Token | Outcome:
    return token_in(answer, name="access_token", seconds="expires_in", otherwise=_read)


def _read(answer: Answer) -> Outcome:
    return told_by_code(answer, busy=BUSY_CODES, expired=TOKEN_CODES)


def _short(message: Message) -> str:
    return f'<div class="normal">{escape(one_line(message.text or message.title, 60))}</div>'


def _base(settings: Settings) -> str:
    return (setting(settings, "base") or BASE).rstrip("/")
