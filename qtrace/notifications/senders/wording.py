"""How senders word things: bounded, in one line where one line is wanted, and free of markup people typed."""

import json
from collections.abc import Callable, Mapping, Set
from typing import Any
from urllib.parse import urlsplit

from qtrace.sdk.errors import Misconfigured
from qtrace.sdk.senders import Answer, HttpCall, Outcome, Token
from qtrace.sdk.settings import Settings
from qtrace.sdk.text import Text

# What customers write stands in titles; as markdown it could disguise a link.
PLAIN = str.maketrans(
    {"[": "［", "]": "］", "<": "＜", ">": "＞", "*": "＊", "`": "｀", "#": "＃", "~": "～", "|": "｜"}
)
JSON = {"Content-Type": "application/json; charset=utf-8"}
BUSY = Text("对方系统忙", "The service is busy")
EXPIRED = Outcome("retry", Text("令牌已失效", "The token has expired"), renew=True)


def one_line(text: str, most: int) -> str:
    """Return the text without line breaks, cut where it is too long."""
    flat = " ".join(text.split())
    return flat if len(flat) <= most else flat[: most - 1] + "…"


def plain(text: str) -> str:
    """Return text that means nothing in markdown."""
    return text.translate(PLAIN)


def cut_bytes(text: str, most: int) -> str:
    """Return the text cut to so many bytes, never inside a character."""
    raw = text.encode()
    return text if len(raw) <= most else raw[: most - 3].decode("utf-8", "ignore") + "…"


def post_json(url: str, body: Mapping[str, Any], headers: Mapping[str, str] | None = None) -> HttpCall:
    """Return a POST of JSON with Chinese as it is written."""
    raw = json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
    return HttpCall(url=url, headers=JSON | dict(headers or {}), body=raw)


def setting(settings: Settings, name: str) -> str:
    """Return a setting as text, without blanks around it."""
    return str(settings.get(name, "")).strip()


def robot_url(settings: Settings, parameter: str, path: str) -> str:
    """Return the address of a robot: the pasted one, or the one its key stands in."""
    given = setting(settings, "webhook")
    if "://" not in given:
        return f"{path}{'' if path.endswith('/') else f'?{parameter}='}{given}"
    if not urlsplit(given).hostname:
        raise Misconfigured(Text("机器人地址不完整", "The robot's address is incomplete"))
    return given


def read_body(answer: Answer) -> dict[str, Any] | Outcome:
    """Return the JSON of an answer, or what its status means where it has none."""
    if answer.status == 429 or answer.status >= 500:
        return Outcome("retry", BUSY, wait=_asked(answer))
    try:
        body = json.loads(answer.body)
    except ValueError:
        body = None
    if not isinstance(body, dict):
        return Outcome(
            "permanent", Text(f"对方没有按约定应答({answer.status})", f"Unexpected answer ({answer.status})")
        )
    return body


def told_by_code(answer: Answer, *, busy: Set[int], expired: Set[int]) -> Outcome:
    """Return what an answer with an `errcode` means: 0 is done, some are worth another try, the rest is refused."""
    body = read_body(answer)
    if isinstance(body, Outcome):
        return body
    code = body.get("errcode")
    if code == 0:
        return Outcome("ok")
    inner = str(body.get("sub_code") or code)
    if inner in {str(one) for one in expired} or code in expired:
        return EXPIRED
    if code in busy:
        return Outcome("retry", BUSY, wait=60)  # a robot may speak 20 times a minute
    return refused(inner, body.get("sub_msg") or body.get("errmsg", ""))


def token_in(answer: Answer, *, name: str, seconds: str, otherwise: Callable[[Answer], Outcome]) -> Token | Outcome:
    """Return the token an answer holds under these names, or what the answer means without one."""
    body = read_body(answer)
    if isinstance(body, Outcome):
        return body
    if body.get("errcode", 0) == 0 and body.get(name):
        return Token(str(body[name]), int(body.get(seconds, 7200)))
    return otherwise(answer)


def refused(code: object, said: object) -> Outcome:
    """Return that it never arrives, with what the service said."""
    words = one_line(f"{code} {said}", 200)
    return Outcome("permanent", Text(f"对方不收:{words}", f"Refused: {words}"))


def _asked(answer: Answer) -> int:
    text = {name.lower(): value for name, value in answer.headers.items()}.get("retry-after", "")
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 6 else 0
