"""A mail arrives; its link leads through the login to the decision, and who asked is told how it ended."""

import re
from collections.abc import Iterator

import pytest
import time_machine
from flask import Flask
from sqlalchemy import select

from qtrace.accounts.models import User
from qtrace.core.db import write
from qtrace.notifications.models import Notice
from qtrace.notifications.preferences import Preference, keep_preference
from tests.conftest import NOW, PASSWORD, user_id
from tests.factories.flows import begin, instance_of, make_flow, node, submit
from tests.factories.issues import fresh
from tests.factories.post import Sink, mail_sink, make_mail, work
from tests.tokens import csrf_token_of


@pytest.fixture
def sink(sqlite_app: Flask) -> Iterator[Sink]:
    """A mail server for 王姐 and 李工."""
    with time_machine.travel(NOW, tick=False), mail_sink() as found:
        sender = make_mail(sqlite_app, found)
        with write() as session:
            session.get_one(User, user_id("quality_lead")).email = "wang@example.com"
            keep_preference(user_id("inspector"), Preference(addresses={sender: "li@example.com"}))
        yield found


def link_in(sink: Sink) -> str:
    """Return the path of the link in the last mail."""
    text = sink.mails[-1].get_body(("plain",)).get_content()  # type: ignore[union-attr]
    found = re.search(r"http://127\.0\.0\.1:8000(/n/\S+)", text)
    assert found is not None
    return found[1]


def test_an_approval_from_the_link_of_a_mail(sqlite_app: Flask, sink: Sink) -> None:
    make_flow("leave", node("boss", "approve", "quality_lead"))
    case = begin("leave", 7, user_id("inspector"))
    submit(case, "inspector")
    work()
    assert [mail["To"] for mail in sink.mails] == ["wang@example.com"]
    path = link_in(sink)

    phone = sqlite_app.test_client()
    at = phone.get(path).headers["Location"]
    following = re.search(r'name="next" value="([^"]+)"', phone.get(at).text)
    assert following is not None
    form = {"username": "wangjie", "password": PASSWORD, "next": following[1]}
    token = {"X-CSRF-Token": csrf_token_of(phone, sqlite_app)}
    back = phone.post("/login", data=form, headers=token).headers["Location"]
    decision = phone.get(back).headers["Location"]
    page = phone.get(decision).text
    assert 'data-testid="approve"' in page
    token = {"X-CSRF-Token": csrf_token_of(phone, sqlite_app)}
    assert phone.post(decision, data={"verdict": "approve", "note": "可以"}, headers=token).status_code == 303

    fresh()
    assert instance_of(case).status == "closed"
    assert phone.get(path).status_code == 410
    work()
    assert (sink.mails[-1]["To"], sink.mails[-1]["Subject"]) == ("li@example.com", "【流程办结】第 7 件")
    told = fresh().execute(select(Notice.user_id, Notice.kind, Notice.read_at).order_by(Notice.id)).all()
    assert (user_id("quality_lead"), "task_opened", NOW) in [tuple(row) for row in told]
