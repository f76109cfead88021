"""What was told is sent: by each person's ways, at their time, at least once, and to a group once."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import time, timedelta
from ipaddress import ip_network
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import delete, func, select, update

from qtrace.accounts.models import User
from qtrace.core.db import dispose_engines, write
from qtrace.core.jobs import LEASE, enqueue
from qtrace.core.models import JobRow
from qtrace.notifications import sending
from qtrace.notifications.delivering import WAITS
from qtrace.notifications.models import Notice, NoticeDelivery, NoticeSender
from qtrace.notifications.preferences import Preference, keep_preference
from qtrace.notifications.senders import dingtalk, feishu, webhook
from qtrace.notifications.service import notify
from qtrace.notifications.spreading import CLEAR, SWEEP
from qtrace.notifications.timing import Rule
from qtrace.tasks.service import NewTask, close_tasks, open_task
from tests.conftest import NOW, user_id
from tests.factories.issues import fresh
from tests.factories.post import Asked, Said, Service, make_sender, service, work

LEAD = "quality_lead"
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
HOUR = timedelta(hours=1)


@pytest.fixture
def far(app: Flask) -> Iterator[Service]:
    """A service on loopback, for an app on either database."""
    app.config["QTRACE_NET_ALLOW"] = (ip_network("127.0.0.0/8"),)
    with service() as found:
        yield found


@pytest.fixture
def near(sqlite_app: Flask) -> Iterator[Service]:
    """A service on loopback, for an app on SQLite."""
    sqlite_app.config["QTRACE_NET_ALLOW"] = (ip_network("127.0.0.0/8"),)
    with service() as found:
        yield found


def wecom(asked: Asked) -> Said:
    """Answer as 企业微信 does."""
    if "gettoken" in asked.path:
        return 200, {"errcode": 0, "errmsg": "ok", "access_token": "accesstoken000001", "expires_in": 7200}
    return 200, {"errcode": 0, "errmsg": "ok", "invaliduser": "", "msgid": "xxxx"}


def make_wecom(to: Service, rule: Rule | None = None) -> int:
    """Let 王姐 be told by 企业微信 and return the sender's id."""
    to.answer = wecom
    sender = make_sender("wecom_app", "企业微信", corpid="ww1", agentid=1000002, secret="app-secret", base=to.url)
    prefer(Preference(addresses={sender: "wangjie"}, rule=rule or Rule()))
    return sender


def prefer(wanted: Preference, role: str = LEAD) -> None:
    """Keep what a person prefers."""
    with write():
        keep_preference(user_id(role), wanted)


def tell(
    title: str = "瓶盖漏液", *, roles: tuple[str, ...] = (LEAD,), urgent: bool = False, kind: str = "flow_closed"
) -> None:
    """Tell people something."""
    users = [user_id(role) for role in roles]
    with write():
        notify(kind, users, title, "", "/issues/7", subject=("thing", 7), dedupe=title, now=NOW, urgent=urgent)


def sent(to: Service) -> list[Asked]:
    """Return what was sent, without the asking for tokens."""
    return [one for one in to.asked if "gettoken" not in one.path]


def deliveries() -> list[NoticeDelivery]:
    """Return the deliveries in order."""
    return list(fresh().scalars(select(NoticeDelivery).order_by(NoticeDelivery.id)))


def test_one_token_serves_many_messages_until_it_ends(far: Service) -> None:
    make_wecom(far)
    tell("甲")
    work()
    tell("乙")
    work(NOW + HOUR)
    assert len(far.asked) - len(sent(far)) == 1
    tell("丙")
    work(NOW + 3 * HOUR)
    assert len(far.asked) - len(sent(far)) == 2
    assert [one.json["textcard"]["title"] for one in sent(far)] == [f"【流程办结】{name}" for name in "甲乙丙"]
    assert {one.state for one in deliveries()} == {"done"}
    assert all(one.path == "/cgi-bin/message/send?access_token=accesstoken000001" for one in sent(far))


def test_a_token_that_is_no_longer_taken_is_asked_for_again_at_once(near: Service) -> None:
    make_wecom(near)
    answers = iter([{"errcode": 42001, "errmsg": "expired"}, {"errcode": 0}])
    near.answer = lambda asked: wecom(asked) if "gettoken" in asked.path else (200, next(answers))
    tell()
    work()
    assert (deliveries()[0].state, deliveries()[0].tries) == ("done", 1)
    assert len(near.asked) == 4


def test_a_wrong_secret_is_told_without_itself(near: Service) -> None:
    make_wecom(near)
    near.answer = lambda _asked: (200, {"errcode": 40001, "errmsg": "invalid credential app-secret"})
    tell()
    work()
    assert deliveries()[0].state == "waiting"
    near.answer = lambda _asked: (200, {"errcode": 40013, "errmsg": "invalid corpid app-secret"})
    work(NOW + WAITS[0])
    assert deliveries()[0].state == "failed"
    assert deliveries()[0].reason == "对方不收:40013 invalid corpid ***"


def test_signatures_and_times_are_those_of_the_moment_of_sending(near: Service) -> None:
    make_sender("dingtalk_robot", "钉钉群", webhook=f"{near.url}/robot/send?access_token=T", secret="SECx")
    make_sender("feishu_robot", "飞书群", webhook=f"{near.url}/open-apis/bot/v2/hook/T", secret="xxx")
    make_sender("webhook", "ERP", url=f"{near.url}/in", secret=SECRET)
    near.answer = lambda _asked: (200, {"errcode": 0, "code": 0})
    tell(roles=(LEAD, "inspector"))
    work(NOW + HOUR)
    moment = int((NOW + HOUR).timestamp())
    by_path = {one.path.split("?")[0]: one for one in near.asked}
    assert len(near.asked) == 3  # a group is told once, however many people are meant
    assert f"timestamp={moment * 1000}" in by_path["/robot/send"].path
    signed = dingtalk.robot_sign("SECx", moment * 1000).replace("+", "%2B").replace("/", "%2F").replace("=", "%3D")
    assert by_path["/robot/send"].path.endswith(f"sign={signed}")
    card = by_path["/open-apis/bot/v2/hook/T"].json
    assert (card["timestamp"], card["sign"]) == (str(moment), feishu.robot_sign("xxx", moment))
    got = by_path["/in"]
    assert got.headers["webhook-signature"] == webhook.signature(SECRET, got.headers["webhook-id"], moment, got.body)
    assert got.json["data"]["url"] == "http://127.0.0.1:8000/issues/7"
    assert {one.state for one in deliveries()} == {"done"}


def test_who_gave_a_name_in_the_group_is_mentioned_there(near: Service) -> None:
    robot = make_sender("wecom_robot", "品控群", webhook=f"{near.url}/cgi-bin/webhook/send?key=K")
    prefer(Preference(addresses={robot: "wangjie"}))
    tell(roles=(LEAD, "inspector"))
    work()
    (one,) = near.asked
    assert one.json["text"]["mentioned_list"] == ["wangjie"]


def test_only_the_kinds_that_are_wanted_come(near: Service) -> None:
    sender = make_wecom(near)
    prefer(Preference({sender: frozenset({"task_opened"})}, {sender: "wangjie"}))
    tell()
    work()
    assert sent(near) == []
    assert fresh().scalar(select(func.count(Notice.id))) == 1
    assert fresh().scalar(select(Notice.spread))


def test_a_failure_is_tried_again_under_the_same_name(far: Service) -> None:
    make_sender("webhook", "ERP", url=f"{far.url}/in", secret=SECRET)
    far.answer = lambda _asked: (503, b"busy")
    tell()
    work()
    (waiting,) = deliveries()
    assert (waiting.state, waiting.tries, waiting.due_at) == ("waiting", 1, NOW + WAITS[0])
    far.answer = lambda _asked: (204, b"")
    work(NOW + WAITS[0] - timedelta(seconds=1))
    assert len(far.asked) == 1
    work(NOW + WAITS[0])
    assert {one.headers["webhook-id"] for one in far.asked} == {waiting.message_id}
    assert deliveries()[0].state == "done"


def test_a_summary_comes_with_the_hour_as_one_message(far: Service) -> None:
    make_wecom(far, Rule("hourly"))
    half_past = NOW + timedelta(minutes=30)
    for title in ("甲", "乙", "丙"):
        tell(title)
        work(half_past)
    assert sent(far) == []
    work(NOW + HOUR - timedelta(seconds=1))
    assert sent(far) == []
    work(NOW + HOUR)
    (one,) = sent(far)
    assert one.json["textcard"]["title"] == "您有 3 条新通知"
    assert one.json["textcard"]["url"] == "http://127.0.0.1:8000/inbox"
    assert "【流程办结】乙" in one.json["textcard"]["description"]
    assert len({row.message_id for row in deliveries()}) == 1


def test_quiet_hours_wait_and_what_is_urgent_does_not(near: Service) -> None:
    make_wecom(near, Rule(quiet=(time(9), time(12))))  # now is ten in Shanghai
    tell("不急")
    tell("急", urgent=True)
    work()
    assert [one.json["textcard"]["title"] for one in sent(near)] == ["【流程办结】急"]
    work(NOW + 2 * HOUR)
    assert [one.json["textcard"]["title"] for one in sent(near)] == ["【流程办结】急", "【流程办结】不急"]


def test_what_was_done_in_the_meantime_is_not_sent(near: Service) -> None:
    make_wecom(near, Rule("hourly"))
    with write():
        new = NewTask(kind="stage", subject=("thing", 7), title="甲", url="/", owner_id=user_id(LEAD))
        open_task(new, by=None, now=NOW)
    work(NOW)
    with write():
        close_tasks(("thing", 7), by=user_id(LEAD), now=NOW)
    work(NOW + HOUR)
    assert sent(near) == []
    assert [(one.state, one.reason) for one in deliveries()] == [("dropped", "已办,不再通知")]


def test_a_service_that_is_away_rests_so_that_others_are_served(near: Service) -> None:
    make_sender("webhook", "甲方", url="http://127.0.0.1:9/in", secret=SECRET)
    make_sender("webhook", "乙方", url=f"{near.url}/in", secret=SECRET)
    tell("甲")
    work()
    tell("乙")
    work()
    away = [one for one in deliveries() if one.sender.name == "甲方"]
    assert [one.tries for one in away] == [1, 0]
    assert away[0].reason == "连不上(connect)"
    assert len(near.asked) == 2
    assert fresh().scalars(select(NoticeSender.rest_until).where(NoticeSender.name == "甲方")).one() == NOW + timedelta(
        seconds=60
    )


def test_an_address_inside_is_not_reached(near: Service, sqlite_app: Flask) -> None:
    sqlite_app.config["QTRACE_NET_ALLOW"] = ()
    make_sender("webhook", "ERP", url=f"{near.url}/in", secret=SECRET)
    tell()
    work()
    assert near.asked == []
    assert deliveries()[0].state == "failed"


def test_a_sender_that_raises_fails_its_own_message(near: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    make_sender("webhook", "ERP", url=f"{near.url}/in", secret=SECRET)

    def breaks(*_args: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(sending, "_carry", breaks)
    tell()
    work()
    assert (deliveries()[0].state, deliveries()[0].reason) == ("failed", "程序出错:ZeroDivisionError")


def test_what_was_forgotten_is_found_again(near: Service) -> None:
    make_sender("webhook", "ERP", url=f"{near.url}/in", secret=SECRET)
    tell()
    with write() as session:
        session.execute(delete(JobRow))
    work()
    assert near.asked == []
    with write():
        from_now = NOW + timedelta(minutes=6)
        enqueue(SWEEP, {}, now=from_now)
    work(from_now)
    assert len(near.asked) == 1


def test_what_is_long_past_is_cleared_and_what_is_unread_stays(near: Service) -> None:
    make_sender("webhook", "ERP", url=f"{near.url}/in", secret=SECRET)
    tell("读过的")
    tell("没读过的")
    work()
    with write() as session:
        session.execute(update(Notice).where(Notice.title == "读过的").values(read_at=NOW))
        enqueue(CLEAR, {}, now=NOW + timedelta(days=366))
    work(NOW + timedelta(days=366))
    assert deliveries() == []
    assert fresh().scalars(select(Notice.title)).all() == ["没读过的"]


def test_who_left_is_told_nothing(near: Service) -> None:
    make_wecom(near)
    with write() as session:
        session.get_one(User, user_id(LEAD)).active = False
    tell()
    work()
    assert sent(near) == []


DIES = """
import os, sys
from datetime import datetime
from ipaddress import ip_network
from qtrace.core.jobs import run_one
from qtrace.notifications import delivering
from tests.conftest import make_app
from pathlib import Path

app = make_app(Path(sys.argv[1]))
app.config["QTRACE_NET_ALLOW"] = (ip_network("127.0.0.0/8"),)
delivering._note = lambda *_args: os.kill(os.getpid(), 9)
now = datetime.fromisoformat(sys.argv[2])
with app.app_context():
    while run_one(clock=lambda: now):
        pass
"""


def test_a_worker_killed_after_sending_sends_the_same_again_and_nothing_else(near: Service, tmp_path: Path) -> None:
    make_sender("webhook", "ERP", url=f"{near.url}/in", secret=SECRET)
    tell()
    dispose_engines()
    environ = os.environ | {"PYTHONPATH": str(Path(__file__).resolve().parents[3])}
    died = subprocess.run([sys.executable, "-c", DIES, str(tmp_path), NOW.isoformat()], env=environ, check=False)
    assert died.returncode == -signal.SIGKILL
    assert len(near.asked) == 1
    tell("在此期间")
    work(NOW + LEASE + timedelta(seconds=1))
    first, again, other = near.asked
    assert first.headers["webhook-id"] == again.headers["webhook-id"] != other.headers["webhook-id"]
    assert first.json["data"] == again.json["data"]
    assert {one.state for one in deliveries()} == {"done"}
