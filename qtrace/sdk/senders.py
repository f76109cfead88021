"""What a sender of notices is: it says what to send and reads what came back; the product carries it.

A sender never opens a connection, so it is tested by what it returns, and every request leaves through the product's one
guarded way out. The same message may be sent twice; its `id` then is the same.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, Protocol, runtime_checkable

from qtrace.sdk.settings import SettingField, Settings
from qtrace.sdk.text import Text


@dataclass(frozen=True, kw_only=True)
class Message:
    """What is to be told: to one person (`to` is the address there) or to a group (`mentions` are those concerned).

    `open_text` are the words of the link, in the reader's language; `items` tell the notices apart where several are
    sent as one.
    """

    id: str
    title: str
    text: str
    url: str
    open_text: str = "打开"
    urgent: bool = False
    to: str = ""
    mentions: tuple[str, ...] = ()
    items: tuple[Mapping[str, Any], ...] = ()


@dataclass(frozen=True, kw_only=True)
class HttpCall:
    """A request over http(s)."""

    url: str
    method: str = "POST"
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


@dataclass(frozen=True, kw_only=True)
class MailCall:
    """A mail for the company's mail server, whole as it is written."""

    sender: str
    to: str
    content: bytes


Call = HttpCall | MailCall


@dataclass(frozen=True)
class Answer:
    """What came back: an http status, or the code of a mail server."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Outcome:
    """What an answer means: it arrived, it may arrive later, or it never will, with the reason people are shown.

    `wait` asks for so many seconds before the next try; `renew` says that the token is no longer taken.
    """

    state: Literal["ok", "retry", "permanent"]
    reason: Text = Text("", "")  # noqa: RUF009 -- frozen
    wait: int = 0
    renew: bool = False


@dataclass(frozen=True)
class Token:
    """What lets a sender in, and for how many seconds."""

    value: str
    seconds: int


@dataclass(frozen=True)
class TokenRule:
    """How a sender gets its token: the product asks once, keeps it in memory and gives it to `build`."""

    ask: Callable[[Settings], HttpCall]
    read: Callable[[Answer], Token | Outcome]


@runtime_checkable
class Sender(Protocol):
    """One way to send notices."""

    @property
    def key(self) -> str:
        """Return the name it is stored by."""

    @property
    def name(self) -> Text:
        """Return what people call it."""

    @property
    def hint(self) -> Text:
        """Return in one sentence where its settings come from."""

    @property
    def settings(self) -> Sequence[SettingField]:
        """Return the settings the administrator fills in."""

    @property
    def personal(self) -> bool:
        """Say whether a message reaches one person; else it reaches a group."""

    @property
    def address(self) -> Text | None:
        """Return what the address of a person is called here; none where people have none."""

    @property
    def token(self) -> TokenRule | None:
        """Return how it gets a token, if it needs one."""

    def build(self, message: Message, settings: Settings, now: datetime, token: str = "") -> Sequence[Call]:
        """Return what to send, in order; Misconfigured where a setting is wrong."""

    def read(self, answer: Answer) -> Outcome:
        """Return what the answer to one of the calls means."""
