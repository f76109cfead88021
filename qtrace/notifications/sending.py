"""Carry what a sender built: http through the one guarded way out, mail to the company's mail server.

Nothing here is logged but reasons; what a reason quotes has the sender's secrets taken out.
"""

import logging
import smtplib
import ssl
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import ip_address
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from flask import current_app

from qtrace.core.errors import Refused
from qtrace.core.net import Outgoing, Unreachable, send
from qtrace.sdk.errors import Misconfigured
from qtrace.sdk.senders import Answer, Call, HttpCall, MailCall, Message, Outcome, Sender, Token
from qtrace.sdk.settings import SettingValue
from qtrace.sdk.text import Text

TOKENS = "qtrace_sender_tokens"
SECONDS = 10.0
EARLY = 300  # seconds before its end a token is no longer used
MOST_REASON = 300
SHORTEST = 4  # a shorter secret is none, and would hide half of a reason
AGENT = {"User-Agent": "qtrace-notices/1"}
NO_MAIL = Text("还没有设置邮件服务器(QTRACE_MAIL_URL)", "No mail server is set (QTRACE_MAIL_URL)")

log = logging.getLogger("qtrace.notices")


@dataclass(frozen=True)
class Way:
    """A sender as the company set it up."""

    id: int
    sender: Sender
    settings: Mapping[str, SettingValue]


@dataclass
class Kept:
    """The tokens of this process, by sender and settings; one is asked for at a time."""

    lock: threading.Lock
    tokens: dict[tuple[int, str], tuple[str, datetime]]


class _AwayError(Exception):
    """The other side could not be reached."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def carry(way: Way, message: Message, now: datetime) -> Outcome:
    """Send one message and return what came of it; nothing a sender does wrong gets further than this."""
    try:
        outcome = _carry(way, message, now)
        if outcome.renew:
            forget_token(way)
            outcome = _carry(way, message, now)
    except (Misconfigured, Refused) as wrong:
        outcome = Outcome("permanent", wrong.message if isinstance(wrong.message, Text) else Text(wrong.message, ""))
    except _AwayError as away:
        outcome = Outcome("retry", Text(f"连不上({away.reason})", f"Cannot be reached ({away.reason})"), wait=60)
    except Exception as error:
        log.exception("the sender %s failed", way.sender.key)
        outcome = Outcome(
            "permanent", Text(f"程序出错:{type(error).__name__}", f"Program error: {type(error).__name__}")
        )
    return outcome


def forget_token(way: Way) -> None:
    """Forget the token of a sender, so that the next message asks for a new one."""
    _kept().tokens.pop(_token_key(way), None)


def without_secrets(way: Way, text: str) -> str:
    """Return a reason as it may be stored and shown."""
    given = [str(way.settings.get(field.name, "")) for field in way.sender.settings if field.kind == "secret"]
    token = _kept().tokens.get(_token_key(way))
    hidden = [part for secret in given for part in _parts(secret)] + ([token[0]] if token else [])
    for secret in sorted(hidden, key=len, reverse=True):
        text = text.replace(secret, "***")
    return text[:MOST_REASON]


def _parts(secret: str) -> list[str]:
    """Return a secret, and of an address that is one what makes it so: its last step and the values of its query."""
    url = urlsplit(secret)
    inside = [url.path.rpartition("/")[2], *(value for _name, value in parse_qsl(url.query))] if url.scheme else []
    return [part for part in (secret, *inside) if len(part) >= SHORTEST]


def _carry(way: Way, message: Message, now: datetime) -> Outcome:
    token = _token(way, now)
    if isinstance(token, Outcome):
        return token
    for call in way.sender.build(message, way.settings, now, token):
        outcome = way.sender.read(_answer(call))
        if outcome.state != "ok":
            return outcome
    return Outcome("ok")


def _answer(call: Call) -> Answer:
    return _http(call) if isinstance(call, HttpCall) else _mail(call)


def _http(call: HttpCall) -> Answer:
    request = Outgoing(call.method, call.url, AGENT | dict(call.headers), call.body, seconds=SECONDS)
    try:
        reply = send(request, allow=current_app.config["QTRACE_NET_ALLOW"])
    except Unreachable as away:
        raise _AwayError(away.reason) from away
    return Answer(reply.status, reply.body, reply.headers)


def _mail(call: MailCall) -> Answer:
    url = urlsplit(current_app.config["QTRACE_MAIL_URL"])
    if url.scheme not in {"smtp", "smtps"} or not url.hostname:
        raise Misconfigured(NO_MAIL)
    try:
        with _connected(url) as server:
            server.sendmail(call.sender, [call.to], call.content)
    except smtplib.SMTPRecipientsRefused as refused:
        code, said = next(iter(refused.recipients.values()))
        return Answer(code, said)
    except smtplib.SMTPResponseException as said:
        words = said.smtp_error
        return Answer(said.smtp_code, words if isinstance(words, bytes) else str(words).encode())
    except (smtplib.SMTPServerDisconnected, OSError) as away:
        raise _AwayError("tls" if isinstance(away, ssl.SSLError) else type(away).__name__) from away
    except smtplib.SMTPException as odd:
        return Answer(550, str(odd).encode())
    return Answer(250)


def _connected(url: SplitResult) -> smtplib.SMTP:
    """Return a connection to the mail server, encrypted and logged in; a password never travels in the open."""
    host, secure = url.hostname or "", ssl.create_default_context()
    if url.scheme == "smtps":
        server: smtplib.SMTP = smtplib.SMTP_SSL(host, url.port or 465, timeout=SECONDS, context=secure)
    else:
        server = smtplib.SMTP(host, url.port or 587, timeout=SECONDS)
    try:
        server.ehlo()
        if url.scheme == "smtp" and server.has_extn("starttls"):
            server.starttls(context=secure)
            server.ehlo()
        elif url.scheme == "smtp" and url.password and not _is_loopback(host):
            raise Misconfigured(Text("邮件服务器不支持加密,不发送密码", "The mail server offers no encryption"))
        if url.username:
            server.login(unquote(url.username), unquote(url.password or ""))
    except BaseException:
        server.close()
        raise
    return server


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _token(way: Way, now: datetime) -> str | Outcome:
    rule, kept = way.sender.token, _kept()
    if rule is None:
        return ""
    with kept.lock:
        value, until = kept.tokens.get(_token_key(way), ("", now))
        if until > now:
            return value
        found = rule.read(_answer(rule.ask(way.settings)))
        if isinstance(found, Token):
            lasts = timedelta(seconds=max(found.seconds - EARLY, found.seconds // 2))
            kept.tokens[_token_key(way)] = (found.value, now + lasts)
            return found.value
        return Outcome("retry" if found.renew else found.state, found.reason, found.wait)


def _token_key(way: Way) -> tuple[int, str]:
    return way.id, repr(sorted(way.settings.items()))


def _kept() -> Kept:
    kept: Kept = current_app.extensions.setdefault(TOKENS, Kept(threading.Lock(), {}))
    return kept
