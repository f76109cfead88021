"""Mail: one message per person by the company's mail server (QTRACE_MAIL_URL)."""

from collections.abc import Sequence
from datetime import datetime
from email.errors import HeaderParseError
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime
from html import escape

from qtrace.notifications.senders.wording import one_line, setting
from qtrace.sdk.errors import Misconfigured
from qtrace.sdk.senders import Answer, Call, MailCall, Message, Outcome
from qtrace.sdk.settings import SettingField, Settings
from qtrace.sdk.text import Text

LISTED = 20  # notices a mail lists by name
BUTTON = (
    "display:inline-block;padding:10px 18px;border-radius:8px;background:#0b6bcb;color:#ffffff;text-decoration:none"
)


class Mail:
    """Sends plain text with a plain page beside it."""

    key = "mail"
    name = Text("邮件", "Mail")
    hint = Text(
        "邮件服务器由部署人员用 QTRACE_MAIL_URL 设置,这里填发件人。",
        "The mail server is set by QTRACE_MAIL_URL; enter the sender here.",
    )
    settings: Sequence[SettingField] = (
        SettingField(
            name="from", label=Text("发件邮箱", "From address"), required=True,
            hint=Text("与邮件服务器的账号一致,如 quality@example.com。", "The account of the mail server."),
        ),
        SettingField(name="from_name", label=Text("发件人名称", "From name"), default="qtrace"),
    )  # fmt: skip
    personal = True
    address = Text("邮箱", "Mail address")
    token = None

    def build(self, message: Message, settings: Settings, now: datetime, token: str = "") -> Sequence[Call]:
        """Return the one mail; what would add a header is refused."""
        sender, to = setting(settings, "from"), message.to
        mail = EmailMessage()
        mail["From"] = _address(sender, setting(settings, "from_name"))
        mail["To"] = _address(to)
        mail["Subject"] = one_line(message.title, 200)
        mail["Date"] = format_datetime(now)
        mail["Message-ID"] = f"<{message.id}@{sender.rpartition('@')[2]}>"
        mail["Auto-Submitted"] = "auto-generated"
        if message.urgent:
            mail["Importance"] = "high"
        text = (
            "\n\n".join(f"{line}\n{url}".strip() for line, url in _lines(message))
            if _several(message)
            else message.text
        )
        mail.set_content(f"{message.title}\n\n{text}\n\n{message.open_text}: {message.url}\n".replace("\n\n\n", "\n"))
        mail.add_alternative(_page(message), subtype="html")
        return [MailCall(sender=sender, to=to, content=mail.as_bytes())]

    def read(self, answer: Answer) -> Outcome:
        """Return what the mail server's code means."""
        said = one_line(answer.body.decode("utf-8", "replace"), 150)
        why = Text(f"邮件服务器答复 {answer.status} {said}", f"The mail server said {answer.status} {said}")
        if 200 <= answer.status < 300:
            return Outcome("ok")
        return Outcome("retry" if 400 <= answer.status < 500 else "permanent", why)


def _address(text: str, name: str = "") -> Address:
    try:
        if any(ord(char) < 33 or char in ",;<>" for char in text) or text.count("@") != 1:
            raise ValueError
        return Address(display_name=one_line(name, 60), addr_spec=text)
    except (ValueError, HeaderParseError, IndexError):
        raise Misconfigured(Text("邮箱地址不对", "The mail address is wrong")) from None


def _several(message: Message) -> bool:
    return len(message.items) > 1


def _lines(message: Message) -> list[tuple[str, str]]:
    """Return what a mail says line by line, each with where it leads: of several notices every one has its own link."""
    lines = [line for line in message.text.splitlines() if line.strip()]
    if not _several(message):
        return [(line, "") for line in lines]
    listed = [(one_line(str(item["heading"]), 200), str(item["url"])) for item in message.items[:LISTED]]
    return [*listed, *((line, "") for line in lines[len(listed) :])]  # what is left says how many more there are


def _page(message: Message) -> str:
    lines = "".join(
        f'<p><a href="{escape(url)}">{escape(line)}</a></p>' if url else f"<p>{escape(line)}</p>"
        for line, url in _lines(message)
    )
    link = f'<p><a href="{escape(message.url)}" style="{BUTTON}">{escape(message.open_text)}</a></p>'
    return f"<html><body><h2>{escape(message.title)}</h2>{lines}{link}</body></html>"
