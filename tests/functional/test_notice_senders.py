"""The ways to send: kept by the administrator, chosen by each person, and what was sent can be looked at."""

import logging
import re
from collections.abc import Iterator
from datetime import timedelta
from ipaddress import ip_network
from typing import Any

import pytest
import time_machine
from flask import Flask
from sqlalchemy import select

from qtrace.core.db import write
from qtrace.core.models import EventRow
from qtrace.notifications.links import KEEP, link_of
from qtrace.notifications.models import Notice, NoticeDelivery, NoticeSender
from qtrace.notifications.preferences import preference_of
from qtrace.notifications.service import notify
from qtrace.tasks.service import NewTask, close_tasks, open_task
from tests.conftest import NOW, log_in, user_id
from tests.factories.issues import fresh
from tests.factories.post import Service, make_sender, service, work

LEAD = "quality_lead"
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
WORK = {"base": "", "app_key": "k", "app_secret": "very-secret", "agent_id": 7}


@pytest.fixture(autouse=True)
def clock_stands(sqlite_app: Flask) -> Iterator[time_machine.Traveller]:
    """Let every view see the same moment."""
    with time_machine.travel(NOW, tick=False) as moved:
        yield moved


@pytest.fixture
def ding(sqlite_app: Flask) -> Iterator[Service]:
    """钉钉 on loopback."""
    sqlite_app.config["QTRACE_NET_ALLOW"] = (ip_network("127.0.0.0/8"),)
    with service() as found:
        found.answer = lambda asked: (
            200, {"errcode": 0, "access_token": "tok-1", "expires_in": 7200} if "gettoken" in asked.path else {"errcode": 0},
        )  # fmt: skip
        yield found


def tell(title: str = "瓶盖漏液", *, task: int | None = None) -> Notice:
    """Tell 王姐 something and return the notice."""
    with write():
        notify("flow_closed", [user_id(LEAD)], title, "", "/issues", subject=("thing", 1), dedupe=title, now=NOW)
    return fresh().scalars(select(Notice).order_by(Notice.id.desc())).first()  # type: ignore[return-value]


def to_do(owner: str = LEAD, kind: str = "stage") -> Notice:
    """Open a to-do and return the notice of it."""
    new = NewTask(
        kind=kind, subject=("thing", 1), title="瓶盖漏液", url="/issues?case=1", owner_id=user_id(owner)
    )  # fmt: skip
    with write():
        open_task(new, by=None, now=NOW)
    return fresh().scalars(select(Notice).order_by(Notice.id.desc())).first()  # type: ignore[return-value]


def path_of(notice: Notice) -> str:
    """Return the path of a notice's link."""
    return link_of(notice).removeprefix("http://127.0.0.1:8000")


def test_the_administrator_adds_a_sender_and_its_secret_is_never_shown_again(
    sqlite_app: Flask, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    admin = log_in(sqlite_app, "admin")
    assert "还没有通知方式" in admin.get("/config/senders").text
    assert "钉钉群机器人" in admin.get("/config/senders/new").text
    form = {
        "key": "webhook",
        "name": "ERP",
        "setting-url": "https://example.com/in",
        "kinds": ["clock_alarm", "nonsense"],
    }
    refused = admin.post("/config/senders", form)
    assert refused.status_code == 422
    assert "请填写「签名密钥」" in refused.text
    made = admin.post("/config/senders", form | {"setting-secret": SECRET})
    row = fresh().scalars(select(NoticeSender)).one()
    assert (made.status_code, row.name, row.kinds) == (303, "ERP", ["clock_alarm"])
    page = admin.get(f"/config/senders/{row.id}").text
    assert SECRET not in page
    assert "已保存;留空则不改" in page
    assert admin.post("/config/senders", form | {"setting-secret": SECRET}).status_code == 422  # the name is taken
    changed = admin.post(f"/config/senders/{row.id}", form | {"name": "ERP 2"})
    assert changed.status_code == 303
    kept = fresh().scalars(select(NoticeSender)).one()
    assert (kept.name, kept.settings["secret"]) == ("ERP 2", SECRET)
    told = " ".join(str(body) for body in fresh().scalars(select(EventRow.body)))
    assert SECRET not in told + caplog.text


def test_a_test_message_is_sent_and_what_fails_can_be_tried_again(sqlite_app: Flask, ding: Service) -> None:
    sender = make_sender("dingtalk_robot", "品控群", webhook=f"{ding.url}/robot/send?access_token=Tok4n", secret="SECx")
    admin = log_in(sqlite_app, "admin")
    ding.answer = lambda _asked: (200, {"errcode": 310000, "errmsg": "sign not match Tok4n SECx"})
    admin.post(f"/config/senders/{sender}/tests")
    work()
    page = admin.get(f"/config/senders/{sender}?show=failed").text
    assert "对方不收:310000 sign not match *** ***" in page
    assert "SECx" not in page
    assert "「品控群」7 天内有 1 条通知没有送达" in admin.get("/config/status").text
    delivery = fresh().scalars(select(NoticeDelivery)).one()
    name = delivery.message_id
    ding.answer = lambda _asked: (200, {"errcode": 0})
    admin.post(f"/config/senders/{sender}/deliveries/{delivery.id}/retry")
    work()
    delivery = fresh().scalars(select(NoticeDelivery)).one()
    assert (delivery.state, delivery.message_id) == ("done", name)
    assert "没有失败的通知" in admin.get(f"/config/senders/{sender}?show=failed").text
    assert admin.post(f"/config/senders/{sender}/deliveries/{delivery.id}/retry").status_code == 422


def test_a_sender_that_is_off_sends_nothing_and_one_that_is_removed_is_gone(sqlite_app: Flask, ding: Service) -> None:
    sender = make_sender("webhook", "ERP", url=f"{ding.url}/in", secret=SECRET)
    admin = log_in(sqlite_app, "admin")
    tell()
    admin.post(f"/config/senders/{sender}/state", {"enabled": ""})
    work()
    assert ding.asked == []
    admin.post(f"/config/senders/{sender}/state", {"enabled": "1"})
    tell("又一件")
    work()
    assert len(ding.asked) == 1
    admin.post(f"/config/senders/{sender}/removal")
    assert fresh().scalars(select(NoticeDelivery)).all() == []
    assert admin.get(f"/config/senders/{sender}").status_code == 404


def test_people_choose_what_comes_how_and_when(sqlite_app: Flask, ding: Service) -> None:
    sender = make_sender("dingtalk_work", "钉钉", ("task_opened",), **(WORK | {"base": ding.url}))
    me = log_in(sqlite_app, LEAD)
    page = me.get("/me/notices").text
    assert re.search(rf'name="way-{sender}" value="task_opened" checked', page)
    wanted = {
        f"way-{sender}": ["flow_closed", "clock_alarm"], f"address-{sender}": " wangjie ", "pace": "daily",
        "daily_at": "18:00", "quiet_from": "22:00", "quiet_until": "08:00",
    }  # fmt: skip
    assert me.post("/me/notices", wanted).status_code == 303
    kept = preference_of(user_id(LEAD))
    assert kept.addresses == {sender: "wangjie"}
    assert kept.ways == {sender: {"flow_closed", "clock_alarm"}}
    assert 'value="wangjie"' in me.get("/me/notices").text
    me.post(f"/me/notices/senders/{sender}/tests")
    work()
    token, sent = ding.asked
    assert token.path == "/gettoken?appkey=k&appsecret=very-secret"
    assert sent.json["userid_list"] == "wangjie"
    assert sent.json["msg"]["action_card"]["title"] == "这是一条测试通知"


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"pace": "never"}, "请选择发送节奏"),
        ({"quiet_from": "22:00"}, "要一起填"),
        ({"quiet_from": "22:00", "quiet_until": "22:00"}, "不能是同一时间"),
        ({"daily_at": "25:99"}, "22:00 这样"),
        ({"address": "wang jie"}, "账号里不能有空格"),
    ],
)
def test_what_cannot_be_is_said_at_its_field_and_what_was_typed_stays(
    sqlite_app: Flask, wrong: dict[str, str], says: str
) -> None:
    sender = make_sender("dingtalk_work", "钉钉", **WORK)
    form: dict[str, Any] = {
        "pace": "now",
        "daily_at": "09:00",
        "quiet_from": "",
        "quiet_until": "",
        "address": "wj",
    } | wrong
    form[f"address-{sender}"] = form.pop("address")
    answer = log_in(sqlite_app, LEAD).post("/me/notices", form)
    assert answer.status_code == 422
    assert says in answer.text
    assert f'value="{form[f"address-{sender}"]}"' in answer.text


def test_without_an_address_no_test_is_sent(sqlite_app: Flask) -> None:
    sender = make_sender("dingtalk_work", "钉钉", **WORK)
    answer = log_in(sqlite_app, LEAD).post(f"/me/notices/senders/{sender}/tests")
    assert answer.status_code == 422
    assert "请先" in answer.text


def test_a_link_opens_its_page_after_the_login(sqlite_app: Flask) -> None:
    notice = to_do()
    visitor = sqlite_app.test_client()
    asked = visitor.get(path_of(notice))
    assert asked.status_code == 303
    assert asked.headers["Location"].startswith("/login?next=")
    form = visitor.get(asked.headers["Location"]).text
    following = re.search(r'name="next" value="([^"]+)"', form)
    assert following is not None
    assert following[1].startswith(path_of(notice))
    opened = log_in(sqlite_app, LEAD).get(following[1])
    assert (opened.status_code, opened.headers["Location"]) == (303, f"/tasks/{notice.task_id}/decision")
    assert fresh().scalars(select(Notice.read_at)).one() == NOW


def test_what_is_no_decision_opens_the_page_of_its_case(sqlite_app: Flask) -> None:
    notice = to_do(kind="action")
    me = log_in(sqlite_app, LEAD)
    assert me.get(path_of(notice)).headers["Location"] == "/issues?case=1"
    assert me.get(f"/inbox/{notice.id}").headers["Location"] == "/issues?case=1"


def test_a_link_of_another_person_is_refused_and_tells_nothing(sqlite_app: Flask) -> None:
    answer = log_in(sqlite_app, "inspector").get(path_of(to_do()))
    assert answer.status_code == 403
    assert "这个链接是发给别人的" in answer.text
    assert "瓶盖漏液" not in answer.text


def test_a_link_of_what_is_done_says_so(sqlite_app: Flask) -> None:
    notice = to_do()
    with write():
        close_tasks(("thing", 1), by=user_id("admin"), now=NOW)
    answer = log_in(sqlite_app, LEAD).get(path_of(notice))
    assert answer.status_code == 410
    assert "这件事已经有人办了" in answer.text


def test_a_forged_and_an_old_link_are_refused(sqlite_app: Flask, clock_stands: time_machine.Traveller) -> None:
    path = path_of(to_do())
    me = log_in(sqlite_app, LEAD)
    assert me.get(path[:-3] + "abc").status_code == 404
    assert me.get("/n/nonsense").status_code == 404
    clock_stands.move_to(NOW + KEEP + timedelta(minutes=1))
    assert log_in(sqlite_app, LEAD).get(path).status_code == 410


def test_only_who_keeps_the_interfaces_reaches_the_senders(sqlite_app: Flask) -> None:
    make_sender("dingtalk_work", "钉钉", **WORK)
    me = log_in(sqlite_app, LEAD)
    assert [me.get(f"/config/senders{rest}").status_code for rest in ("", "/new", "/1")] == [403, 403, 403]
    assert me.post("/config/senders/1/tests").status_code == 403


def test_nobody_floods_an_address_with_tests(sqlite_app: Flask) -> None:
    sender = make_sender("dingtalk_work", "钉钉", **WORK)
    me = log_in(sqlite_app, LEAD)
    me.post("/me/notices", {"pace": "now", f"address-{sender}": "somebody"})
    answers = [me.post(f"/me/notices/senders/{sender}/tests").status_code for _try in range(11)]
    assert (set(answers[:10]), answers[10]) == ({303}, 429)
