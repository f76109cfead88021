"""Each rate limit: what it counts, what its refusal says, and that nothing typed is lost."""

import io
import os
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select

from qtrace.core import clock
from qtrace.core.db import db, write
from qtrace.core.errors import TooMany
from qtrace.core.models import RateCount
from qtrace.issues.service import NewIssue, create_issue
from qtrace.web import limits
from qtrace.web.limits import LIMITS, Memory, hit
from tests.conftest import Browser, make_app, user_id

NOW = datetime(2026, 11, 20, 2, 0, 15, tzinfo=UTC)
PAGE = Path(__file__).resolve().parents[3] / "docs" / "security" / "limits.md"
HTMX = {"HX-Request": "true"}


class Hands:
    """Whoever tries: a browser, an issue to try things on, and one way to try each limit."""

    def __init__(self, browser: Browser, number: str) -> None:
        self.browser = browser
        self.number = number

    def search(self) -> Any:
        """Search the list."""
        return self.browser.get("/issues?q=漏液")

    def look_up(self) -> Any:
        """Ask what a pasted number leads to."""
        return self.browser.get("/issues/origin?source=123")

    def write(self) -> Any:
        """Add a remark."""
        return self.browser.post(f"/issues/{self.number}/comments", {"text": "已联系供应商"})

    def upload(self) -> Any:
        """Attach a file."""
        return self.browser.post(f"/issues/{self.number}/attachments", {"files": a_file()})

    def imported(self) -> Any:
        """Send a file to be imported."""
        return self.browser.post("/imports", {"file": a_file()})

    def file(self) -> Any:
        """Look at a photo."""
        return self.browser.get(f"/issues/{self.number}/files/1")

    def export(self) -> Any:
        """Download refused rows."""
        return self.browser.get("/imports/1/refused")

    def pdf(self) -> Any:
        """Make a PDF."""
        return self.browser.get(f"/issues/{self.number}/report.pdf")

    def login(self) -> Any:
        """Log in with a wrong password."""
        return self.browser.post("/login", {"username": "nobody", "password": "wrong wrong wrong"})


TRIED = {
    "search": Hands.search,
    "write": Hands.write,
    "upload": Hands.upload,
    "import": Hands.imported,
    "file": Hands.file,
    "export": Hands.export,
    "print": Hands.pdf,
    "login-ip": Hands.login,
    "login-account": Hands.login,
}


def a_file() -> tuple[io.BytesIO, str]:
    """Return a small file as a form sends it."""
    return io.BytesIO("订单号\n1\n".encode()), "一份.txt"


@pytest.fixture(autouse=True)
def still(monkeypatch: pytest.MonkeyPatch) -> None:
    """Stop the clock in the middle of a slot."""
    monkeypatch.setattr(clock, "now", lambda: NOW)


@pytest.fixture
def hands(app: Flask, login: Callable[[str], Browser]) -> Hands:
    """A quality lead with an issue."""
    with write():
        number = create_issue(NewIssue(title="瓶盖漏液"), by=user_id("quality_lead"), now=NOW).number
    return Hands(login("quality_lead"), number)


def lower(monkeypatch: pytest.MonkeyPatch, what: str, tries: int = 2) -> None:
    """Let this limit refuse sooner."""
    monkeypatch.setitem(limits.LIMITS, what, replace(LIMITS[what], tries=tries))


@pytest.mark.parametrize("what", TRIED)
def test_the_try_after_the_last_is_refused_with_the_time_to_come_back(
    hands: Hands, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    lower(monkeypatch, what)
    answers = [TRIED[what](hands) for _try in range(3)]
    assert [answer.status_code == 429 for answer in answers] == [False, False, True]
    seconds = LIMITS[what].seconds
    wait = seconds - int(NOW.timestamp()) % seconds
    assert answers[2].headers["Retry-After"] == str(wait)
    told = f"{wait} 秒后再试" if wait <= 120 else f"{-(-wait // 60)} 分钟后再试"
    assert told in answers[2].text


def test_a_look_up_beside_a_box_is_a_search(hands: Hands, monkeypatch: pytest.MonkeyPatch) -> None:
    lower(monkeypatch, "search")
    assert [hands.look_up().status_code for _try in range(3)] == [200, 200, 429]


def test_the_next_slot_begins_anew(hands: Hands, monkeypatch: pytest.MonkeyPatch) -> None:
    for what in ("search", "upload"):
        lower(monkeypatch, what, 1)
    tries = (hands.search, hands.upload)
    assert [try_().status_code == 429 for try_ in (*tries, *tries)] == [False, False, True, True]
    monkeypatch.setattr(clock, "now", lambda: NOW + timedelta(minutes=1))
    assert [try_().status_code == 429 for try_ in tries] == [False, False]


def test_nobody_pays_for_anybody_else(
    hands: Hands, login: Callable[[str], Browser], monkeypatch: pytest.MonkeyPatch
) -> None:
    lower(monkeypatch, "search", 1)
    assert [hands.search().status_code for _try in range(2)] == [200, 429]
    assert login("admin").get("/issues?q=漏液").status_code == 200


def test_a_plain_page_and_a_save_write_no_count(hands: Hands) -> None:
    for answer in (hands.browser.get("/issues"), hands.search(), hands.write(), hands.file()):
        assert answer.status_code in {200, 303, 404}
    assert db.session.scalar(select(func.count()).select_from(RateCount)) == 0


def test_what_costs_much_is_counted_for_all_processes(
    app: Flask, hands: Hands, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    lower(monkeypatch, "upload")
    hands.upload()
    app.extensions[limits.MEMORY] = Memory()  # another process knows only the database
    hands.upload()
    assert hands.upload().status_code == 429


def test_a_refused_form_comes_back_filled_in_and_can_be_sent_again(
    hands: Hands, monkeypatch: pytest.MonkeyPatch
) -> None:
    lower(monkeypatch, "write", 1)
    hands.write()
    typed = {"text": '第二条 "备注"', "submit_id": "one-use"}
    refused = hands.browser.post(f"/issues/{hands.number}/comments", typed)
    assert refused.status_code == 429
    kept = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)">', refused.text))
    assert kept["text"] == "第二条 &#34;备注&#34;"
    assert f'action="/issues/{hands.number}/comments"' in refused.text
    monkeypatch.setattr(clock, "now", lambda: NOW + timedelta(minutes=1))
    sent = hands.browser.client.post(
        f"/issues/{hands.number}/comments", data=typed | {"csrf_token": kept["csrf_token"]}
    )
    assert sent.status_code == 303
    assert "第二条" in hands.browser.get(f"/issues/{hands.number}").text


def test_a_refused_upload_can_be_sent_again_with_the_same_form(hands: Hands, monkeypatch: pytest.MonkeyPatch) -> None:
    """The count has a transaction of its own, which must not use up the form's one-use id."""
    lower(monkeypatch, "upload", 0)
    form = {"submit_id": "one-use"}
    address = f"/issues/{hands.number}/attachments"
    assert hands.browser.post(address, form | {"files": a_file()}).status_code == 429
    lower(monkeypatch, "upload", 9)
    assert hands.browser.post(address, form | {"files": a_file()}).status_code == 303
    assert "一份.txt" in hands.browser.get(f"/issues/{hands.number}").text


def test_a_password_is_never_written_into_a_page(hands: Hands, monkeypatch: pytest.MonkeyPatch) -> None:
    lower(monkeypatch, "login-ip", 0)
    answer = hands.login()
    assert answer.status_code == 429
    assert "wrong wrong wrong" not in answer.text


def test_htmx_is_given_a_toast_and_keeps_its_form(hands: Hands, monkeypatch: pytest.MonkeyPatch) -> None:
    lower(monkeypatch, "write", 0)
    answer = hands.browser.post(f"/issues/{hands.number}/comments", {"text": "x"}, headers=HTMX)
    assert answer.status_code == 429
    assert answer.headers["HX-Reswap"] == "none"
    assert answer.headers["Retry-After"] == "45"
    assert '"toast"' in answer.headers["HX-Trigger"]
    assert "<html" not in answer.text


def test_the_factor_raises_every_limit_and_nought_switches_them_off(sqlite_app: Flask) -> None:
    with sqlite_app.test_request_context():
        sqlite_app.config["QTRACE_RATE_FACTOR"] = 2
        for _try in range(2 * LIMITS["scan"].tries):
            hit("scan", "1", now=NOW)
        with pytest.raises(TooMany):
            hit("scan", "1", now=NOW)
        sqlite_app.config["QTRACE_RATE_FACTOR"] = 0
        hit("scan", "1", now=NOW)


def test_counts_of_past_slots_are_forgotten(app: Flask) -> None:
    with app.test_request_context():
        for minutes in range(3):
            hit("scan", "1", now=NOW + timedelta(minutes=minutes))
    assert db.session.scalar(select(func.count()).select_from(RateCount)) == 1


def test_the_page_of_limits_is_what_the_program_does(tmp_path: Path) -> None:
    page = page_of_limits(make_app(tmp_path))
    if os.environ.get("QTRACE_WRITE_TABLE"):
        PAGE.write_text(page, encoding="utf-8")
    assert PAGE.read_text(encoding="utf-8") == page, "QTRACE_WRITE_TABLE=1 writes it anew"


def page_of_limits(app: Flask) -> str:
    """Return docs/security/limits.md: the limits, and the addresses that name their own."""
    rows = [
        f"| `{name}` | {limit.tries} | {span(limit.seconds)} | {'all processes' if limit.shared else 'each process'} | {limit.covers} |"
        for name, limit in LIMITS.items()
    ]
    named = sorted(
        f"| {' '.join(sorted((rule.methods or set()) - {'HEAD', 'OPTIONS'}))} | `{rule.rule}` | `{limit}` |"
        for rule in app.url_map.iter_rules()
        if (limit := getattr(app.view_functions[rule.endpoint], "limit", ""))
    )
    return HEAD + "\n".join(rows) + MIDDLE + "\n".join(named) + "\n"


def span(seconds: int) -> str:
    """Return a slot in words."""
    return "minute" if seconds == 60 else "hour"


HEAD = """# Rate limits

Past a limit the answer is 429 with `Retry-After` and one line that says when to try again. The form keeps what was typed:
htmx shows a toast and leaves the page, a browser without it gets a page that sends the same form once more.
A person's tries are counted together; before the login, those of an address. `QTRACE_RATE_FACTOR` multiplies every limit.

"All processes": counted in the database in a short transaction of its own, because it guards a password or costs much.
"Each process": counted in memory and free of statements, so a page read writes nothing and a new issue costs no more than
before; a site with n web processes lets through at most n times the figure, which is far above what hands can do.

| limit | tries | per | counted over | covers |
|---|---|---|---|---|
"""
MIDDLE = """

A request that saves counts as `upload` when it carries a file and as `write` otherwise; a page asked for with a search
text (`q`) counts as `search`; any other page is not counted. These addresses name their own limit:

| method | address | limit |
|---|---|---|
"""
