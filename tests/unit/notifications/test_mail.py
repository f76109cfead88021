"""A mail as people get it, from a real conversation with a mail server."""

import re
from collections.abc import Iterator
from datetime import timedelta
from email import message_from_bytes, policy

import pytest
from flask import Flask
from sqlalchemy import select

from qtrace.accounts.models import User
from qtrace.core.db import write
from qtrace.notifications.delivering import WAITS
from qtrace.notifications.models import NoticeDelivery
from qtrace.notifications.senders.mail import Mail
from qtrace.notifications.service import notify
from qtrace.sdk.errors import Misconfigured
from qtrace.sdk.senders import MailCall, Message
from tests.conftest import NOW, user_id
from tests.factories.issues import fresh
from tests.factories.post import Sink, mail_sink, make_mail, work

SETTINGS = {"from": "quality@example.com", "from_name": "质量部"}
MESSAGE = Message(
    id="msg_1", title="【新待办】瓶盖漏液", text="请尽快处理", url="https://qtrace.example/n/x", to="wang@example.com"
)


@pytest.fixture
def sink(sqlite_app: Flask) -> Iterator[Sink]:
    """A mail server for 王姐's mails."""
    with mail_sink() as found:
        make_mail(sqlite_app, found)
        with write() as session:
            session.get_one(User, user_id("quality_lead")).email = "wang@example.com"
        yield found


def tell(title: str = "瓶盖漏液", dedupe: str = "a") -> None:
    """Tell 王姐 of a to-do."""
    with write():
        users = [user_id("quality_lead"), user_id("inspector")]
        notify("task_opened", users, title, "客户投诉三起", "/issues/7", subject=("thing", 7), dedupe=dedupe, now=NOW)


def delivery() -> NoticeDelivery:
    """Return the only delivery."""
    return fresh().scalars(select(NoticeDelivery)).one()


def test_a_mail_with_a_chinese_subject_arrives(sink: Sink) -> None:
    tell()
    work()
    (mail,) = sink.mails
    assert mail["Subject"] == "【新待办】瓶盖漏液"
    assert mail["From"] == "质量部 <quality@example.com>"
    assert mail["To"] == "wang@example.com"
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["Message-ID"] == f"<{delivery().message_id}@example.com>"
    text = mail.get_body(("plain",)).get_content()  # type: ignore[union-attr]
    assert "客户投诉三起" in text
    assert "http://127.0.0.1:8000/n/" in text
    assert (delivery().state, delivery().tries, delivery().reason) == ("done", 1, "")


def test_several_notices_in_one_mail_lead_each_to_its_own_page(sink: Sink) -> None:
    tell()
    tell("泵头断裂", "b")
    work()
    (mail,) = sink.mails
    assert mail["Subject"] == "您有 2 条新通知"
    text, page = (mail.get_body((kind,)).get_content() for kind in ("plain", "html"))  # type: ignore[union-attr]
    links = dict(re.findall(r"【新待办】(\S+)\n(http://\S+/n/\S+)", text))
    assert links.keys() == {"瓶盖漏液", "泵头断裂"} and len(set(links.values())) == 2
    for title, link in links.items():
        assert f'<a href="{link}">【新待办】{title}</a>' in page
    assert "/inbox" in text


def test_a_mail_lists_twenty_and_says_how_many_more_there_are() -> None:
    items = tuple({"heading": f"第 {n} 条", "url": f"https://qtrace.example/n/{n}"} for n in range(25))
    lines = "\n".join([*(str(one["heading"]) for one in items[:20]), "还有 5 条"])
    several = Message(id="1", title="您有 25 条新通知", text=lines, url="u", to="a@b.c", items=items)
    (call,) = Mail().build(several, SETTINGS, NOW)
    assert isinstance(call, MailCall)
    text = message_from_bytes(call.content, policy=policy.default).get_body(("plain",)).get_content()  # type: ignore[union-attr]
    assert text.count("https://qtrace.example/n/") == 20 and "还有 5 条" in text and text.count("第 3 条") == 1


def test_a_server_that_is_busy_is_tried_again_and_in_the_end_left_for_a_person(sink: Sink) -> None:
    sink.refuses = "451 try later"
    tell()
    at = NOW
    work(at)
    assert (delivery().state, delivery().due_at, delivery().tries) == ("waiting", NOW + WAITS[0], 1)
    for wait in WAITS:
        at += wait
        work(at)
    assert (delivery().state, delivery().tries) == ("failed", len(WAITS) + 1)
    assert "451" in delivery().reason


def test_an_address_nobody_has_fails_at_once(sink: Sink) -> None:
    sink.refuses = "550 no such user"
    tell()
    work()
    assert (delivery().state, delivery().tries) == ("failed", 1)
    assert "550" in delivery().reason


def test_without_a_server_the_log_says_what_to_set(sink: Sink, sqlite_app: Flask) -> None:
    sqlite_app.config["QTRACE_MAIL_URL"] = ""
    tell()
    work()
    assert delivery().state == "failed"
    assert "QTRACE_MAIL_URL" in delivery().reason


def test_a_server_that_is_away_rests(sink: Sink, sqlite_app: Flask) -> None:
    sqlite_app.config["QTRACE_MAIL_URL"] = "smtp://127.0.0.1:9"
    tell()
    work()
    assert delivery().state == "waiting"
    assert delivery().due_at == NOW + timedelta(seconds=60)
    assert "连不上" in delivery().reason


def test_a_password_never_travels_in_the_open(sink: Sink, sqlite_app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("qtrace.notifications.sending._is_loopback", lambda _host: False)
    sqlite_app.config["QTRACE_MAIL_URL"] = f"smtp://me:secret@127.0.0.1:{sink.port}"
    tell()
    work()
    assert sink.mails == []
    assert "加密" in delivery().reason


@pytest.mark.parametrize(
    "to", ["a@b.c\r\nBcc: everybody@example.com", "a@b.c, d@e.f", "a", "a@b@c", "王 姐@example.com", "<a@b.c>", ""]
)
def test_an_address_that_would_be_more_than_one_is_refused(to: str) -> None:
    with pytest.raises(Misconfigured):
        Mail().build(Message(id="1", title="x", text="", url="", to=to), SETTINGS, NOW)


def test_a_title_with_line_breaks_adds_no_header() -> None:
    title = "漏液\r\nBcc: everybody@example.com\r\n\r\n<script>"
    (call,) = Mail().build(Message(id="1", title=title, text="<b>", url="u", to="a@b.c"), SETTINGS, NOW)
    assert isinstance(call, MailCall)
    head = call.content.split(b"\n\n")[0]
    assert b"\nBcc:" not in head
    assert b"<script>" not in call.content.split(b"text/html")[1]


def test_the_same_message_has_the_same_name() -> None:
    (one,) = Mail().build(MESSAGE, SETTINGS, NOW)
    assert isinstance(one, MailCall)
    assert b"Message-ID: <msg_1@example.com>" in one.content
