"""What each sender sends, byte by byte, and what it makes of every answer. The vectors are published ones."""

import json
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from qtrace.notifications.builtin import SENDERS
from qtrace.notifications.senders import dingtalk, feishu, webhook
from qtrace.notifications.senders.dingtalk import DingtalkRobot, DingtalkTodo, DingtalkWork
from qtrace.notifications.senders.feishu import FeishuRobot
from qtrace.notifications.senders.webhook import Webhook
from qtrace.notifications.senders.wecom import WecomApp, WecomRobot
from qtrace.sdk.errors import Misconfigured
from qtrace.sdk.senders import Answer, HttpCall, Message, Outcome, Sender, Token

NOW = datetime(2020, 2, 20, 1, 52, 35, tzinfo=UTC)  # 1582163555
LINK = "https://qtrace.example/n/abc"
GROUP = Message(
    id="msg_1", title="【时限】瓶盖漏液", text="「平台时限」已到期\n客户投诉三起", url=LINK, open_text="查看详情"
)
PERSON = Message(
    id="msg_1", title="【新待办】瓶盖漏液", text="请尽快处理", url=LINK, open_text="查看详情", to="wangjie"
)
TRICKY = Message(id="1", title="[领奖](http://evil.example) <b>*x*", text="> # `x`\n<font color=red>", url=LINK)
SEC = "SECb90923e19e58b466481e9e7b7a5b4f108a4531abde590ad3967fb29f0eae5c68"
APP = {"corpid": "ww1", "agentid": 1000002, "secret": "s3cret"}
DING = {"app_key": "k", "app_secret": "s3cret", "agent_id": 7}


def only(sender: Sender, message: Message, settings: dict[str, Any], token: str = "") -> HttpCall:
    """Return the one request a sender makes."""
    (call,) = sender.build(message, settings, NOW, token)
    assert isinstance(call, HttpCall)
    return call


def body(call: HttpCall) -> Any:
    """Return what a request carries."""
    assert call.headers["Content-Type"].startswith("application/json")
    return json.loads(call.body)


def said(**words: Any) -> Answer:
    """Return an answer of status 200 with these words."""
    return Answer(200, json.dumps(words).encode())


def test_dingtalk_signs_as_its_published_vector() -> None:
    assert dingtalk.robot_sign(SEC, 1582163555000) == "BQKsG+QOCl+bYJOLc6pxDHxjVquzlZPWgvRzeN2J5zY="


def test_feishu_signs_as_its_published_vector() -> None:
    assert feishu.robot_sign("xxx", 1661860880) == "QnWVTSBe6FmQDE0bG6X0mURbI+DnvVyu1h+j5dHOjrU="


def test_the_webhook_signs_as_the_published_vector_of_standard_webhooks() -> None:
    secret, message_id = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "msg_p5jXN8AQM9LWM0D4loKWxJek"
    signed = webhook.signature(secret, message_id, 1614265330, b'{"test": 2432232314}')
    assert signed == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_the_wecom_robot_writes_markdown_and_mentions_in_text() -> None:
    url = "https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=K"
    call = only(WecomRobot(), GROUP, {"webhook": url})
    content = f"**【时限】瓶盖漏液**\n> 「平台时限」已到期\n> 客户投诉三起\n[查看详情]({LINK})"
    assert (call.method, call.url) == ("POST", url)
    assert body(call) == {"msgtype": "markdown", "markdown": {"content": content}}
    mentioned = Message(**{**vars(GROUP), "mentions": ("wangjie", "ligong")})
    assert body(only(WecomRobot(), mentioned, {"webhook": "K"})) == {
        "msgtype": "text",
        "text": {
            "content": f"【时限】瓶盖漏液\n「平台时限」已到期\n客户投诉三起\n{LINK}", "mentioned_list": ["wangjie", "ligong"],
        },
    }  # fmt: skip
    assert only(WecomRobot(), GROUP, {"webhook": "K"}).url == url


def test_the_wecom_app_asks_for_a_token_and_sends_a_card() -> None:
    asked = WecomApp().token.ask(APP)
    assert (asked.method, asked.url) == (
        "GET", "https://qyapi.weixin.qq.com/cgi-bin/gettoken?corpid=ww1&corpsecret=s3cret",
    )  # fmt: skip
    given = WecomApp().token.read(said(errcode=0, errmsg="ok", access_token="accesstoken000001", expires_in=7200))
    assert given == Token("accesstoken000001", 7200)
    call = only(WecomApp(), PERSON, APP, "t/1")
    assert call.url == "https://qyapi.weixin.qq.com/cgi-bin/message/send?access_token=t%2F1"
    assert body(call) == {
        "touser": "wangjie", "msgtype": "textcard", "agentid": 1000002,
        "textcard": {
            "title": "【新待办】瓶盖漏液", "description": '<div class="normal">请尽快处理</div>', "url": LINK,
            "btntxt": "查看详情",
        },
        "safe": 0, "enable_duplicate_check": 1, "duplicate_check_interval": 1800,
    }  # fmt: skip


@pytest.mark.parametrize("to", ["a|b", "@all"])
def test_one_person_is_one_person(to: str) -> None:
    with pytest.raises(Misconfigured):
        WecomApp().build(Message(**{**vars(PERSON), "to": to}), APP, NOW, "t")


def test_a_wecom_user_nobody_knows_is_told_of() -> None:
    answer = said(errcode=0, errmsg="ok", invaliduser="wangjie", msgid="xxxx", response_code="xyzxyz")
    outcome = WecomApp().read(answer)
    assert outcome.state == "permanent"
    assert "wangjie" in outcome.reason.zh
    assert WecomApp().read(said(errcode=0, invaliduser="", msgid="x")) == Outcome("ok")


def test_the_dingtalk_robot_signs_in_its_address_and_mentions_in_its_text() -> None:
    settings = {"webhook": "https://oapi.dingtalk.com/robot/send?access_token=T", "secret": SEC}
    call = only(DingtalkRobot(), Message(**{**vars(GROUP), "mentions": ("13800138000",)}), settings)
    assert call.url.endswith(
        "?access_token=T&timestamp=1582163555000&sign=BQKsG%2BQOCl%2BbYJOLc6pxDHxjVquzlZPWgvRzeN2J5zY%3D"
    )
    assert body(call) == {
        "msgtype": "markdown",
        "markdown": {
            "title": "【时限】瓶盖漏液",
            "text": f"#### 【时限】瓶盖漏液\n\n「平台时限」已到期\n\n客户投诉三起\n\n@13800138000 [查看详情]({LINK})",
        },
        "at": {"atMobiles": ["13800138000"], "isAtAll": False},
    }
    assert "sign=" not in only(DingtalkRobot(), GROUP, {"webhook": "T"}).url


def test_dingtalk_sends_a_work_notice() -> None:
    asked = DingtalkWork().token.ask(DING)
    assert asked.url == "https://oapi.dingtalk.com/gettoken?appkey=k&appsecret=s3cret"
    assert DingtalkWork().token.read(said(errcode=0, access_token="t", expires_in=7200)) == Token("t", 7200)
    call = only(DingtalkWork(), PERSON, DING, "t")
    assert call.url == "https://oapi.dingtalk.com/topapi/message/corpconversation/asyncsend_v2?access_token=t"
    assert body(call) == {
        "agent_id": 7, "userid_list": "wangjie",
        "msg": {
            "msgtype": "action_card",
            "action_card": {
                "title": "【新待办】瓶盖漏液", "markdown": "#### 【新待办】瓶盖漏液\n\n请尽快处理",
                "single_title": "查看详情", "single_url": LINK,
            },
        },
    }  # fmt: skip


def test_dingtalk_makes_a_to_do_it_knows_again() -> None:
    asked = DingtalkTodo().token.ask(DING)
    assert (asked.url, body(asked)) == (
        "https://api.dingtalk.com/v1.0/oauth2/accessToken", {"appKey": "k", "appSecret": "s3cret"},
    )  # fmt: skip
    assert DingtalkTodo().token.read(said(accessToken="t", expireIn=7200)) == Token("t", 7200)
    call = only(DingtalkTodo(), Message(**{**vars(PERSON), "to": "u/1"}), DING, "t")
    assert call.url == "https://api.dingtalk.com/v1.0/todo/users/u%2F1/tasks?operatorId=u%2F1"
    assert call.headers["x-acs-dingtalk-access-token"] == "t"
    found = body(call)
    assert (found["sourceId"], found["executorIds"], found["detailUrl"]["appUrl"]) == ("msg_1", ["u/1"], LINK)
    assert DingtalkTodo().read(said(id="x")) == Outcome("ok")
    assert DingtalkTodo().read(Answer(401, b'{"code":"InvalidAuthentication"}')).renew
    assert DingtalkTodo().read(Answer(400, b'{"code":"paramError","message":"x"}')).state == "permanent"
    assert DingtalkTodo().read(Answer(400, b'{"code":"Forbidden.Throttling"}')).state == "retry"


def test_feishu_sends_a_signed_card() -> None:
    call = only(FeishuRobot(), GROUP, {"webhook": "https://open.feishu.cn/open-apis/bot/v2/hook/T", "secret": "xxx"})
    found = body(call)
    assert (found["timestamp"], found["sign"]) == ("1582163555", feishu.robot_sign("xxx", 1582163555))
    assert found["msg_type"] == "interactive"
    assert found["card"]["header"] == {
        "title": {"tag": "plain_text", "content": "【时限】瓶盖漏液"},
        "template": "blue",
    }
    assert [part["text"]["content"] for part in found["card"]["elements"][:2]] == ["「平台时限」已到期", "客户投诉三起"]
    assert found["card"]["elements"][2]["actions"][0]["url"] == LINK
    assert "sign" not in body(only(FeishuRobot(), GROUP, {"webhook": "T"}))
    assert FeishuRobot().read(said(StatusCode=0, StatusMessage="success")) == Outcome("ok")
    assert FeishuRobot().read(said(code=19021, msg="sign match fail")).state == "permanent"


def test_the_webhook_is_signed_over_what_it_sends() -> None:
    settings = {"url": "https://example.com/in", "secret": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"}
    call = only(Webhook(), GROUP, settings)
    signed = webhook.signature(settings["secret"], "msg_1", 1582163555, call.body)
    assert call.headers["webhook-id"] == "msg_1"
    assert call.headers["webhook-timestamp"] == "1582163555"
    assert call.headers["webhook-signature"] == signed
    assert body(call)["data"]["title"] == "【时限】瓶盖漏液"
    with pytest.raises(Misconfigured):
        Webhook().build(GROUP, settings | {"secret": "不是"}, NOW)
    assert [Webhook().read(Answer(status)).state for status in (204, 404, 408, 429, 410, 500)] == [
        "ok", "permanent", "retry", "retry", "permanent", "retry",
    ]  # fmt: skip
    assert Webhook().read(Answer(429, headers={"Retry-After": "120"})).wait == 120


@pytest.mark.parametrize("sender", [WecomRobot(), DingtalkRobot()], ids=lambda one: one.key)
def test_what_customers_wrote_disguises_no_link(sender: Sender) -> None:
    text = json.dumps(body(only(sender, TRICKY, {"webhook": "T"})), ensure_ascii=False)
    assert "](http://evil" not in text
    assert "<font" not in text
    assert text.count(f"]({LINK})") == 1


def test_what_customers_wrote_is_text_in_a_wecom_card() -> None:
    card = body(only(WecomApp(), TRICKY, APP, "t"))["textcard"]
    assert "<font" not in card["description"]


@pytest.mark.parametrize(
    "sender", [one for one in SENDERS if one.key not in {"mail", "webhook"}], ids=lambda one: one.key
)
@pytest.mark.parametrize(
    ("answer", "state"),
    [
        (Answer(500), "retry"),
        (Answer(429), "retry"),
        (Answer(200, b"<html>"), "permanent"),
        (Answer(200, b"[1]"), "permanent"),
        (Answer(200, b'{"errcode":93000,"code":93000,"errmsg":"invalid webhook url"}'), "permanent"),
    ],
)
def test_garbage_and_failures_are_never_taken_for_success(sender: Sender, answer: Answer, state: str) -> None:
    expected = "ok" if sender.key == "dingtalk_todo" and b"93000" in answer.body else state
    assert sender.read(answer).state == expected  # that service tells failures by its status


@pytest.mark.parametrize("code", [40014, 42001])
def test_a_token_that_ran_out_is_renewed(code: int) -> None:
    for sender in (WecomApp(), DingtalkWork()):
        outcome = sender.read(said(errcode=code, errmsg="expired"))
        assert (outcome.state, outcome.renew) == ("retry", True)


def test_very_long_words_fit_what_the_services_take() -> None:
    long = Message(id="1", title="漏" * 500, text="很长\n" * 3000, url=LINK, to="u")
    assert len(body(only(WecomRobot(), long, {"webhook": "K"}))["markdown"]["content"].encode()) <= 4096
    mentioned = Message(**{**vars(long), "mentions": ("u",)})
    assert len(body(only(WecomRobot(), mentioned, {"webhook": "K"}))["text"]["content"].encode()) <= 2048
    card = body(only(WecomApp(), long, APP, "t"))["textcard"]
    assert len(card["title"].encode()) <= 128
    assert len(card["description"].encode()) <= 512
    assert len(only(DingtalkRobot(), long, {"webhook": "T"}).body) < 20_000


def test_every_sender_tells_its_name_in_both_languages_and_hides_its_secrets() -> None:
    for sender in SENDERS:
        assert sender.name.zh
        assert sender.name.en
        assert sender.hint.en
        hidden = {field.name for field in sender.settings if field.kind == "secret"}
        shown = {field.name for field in sender.settings} - hidden
        assert shown.isdisjoint({"secret", "webhook", "app_secret"})


def test_an_address_that_is_pasted_keeps_its_query() -> None:
    call = only(
        DingtalkRobot(), GROUP, {"webhook": "https://oapi.dingtalk.com/robot/send?access_token=T", "secret": "S"}
    )
    assert sorted(parse_qs(urlsplit(call.url).query)) == ["access_token", "sign", "timestamp"]
