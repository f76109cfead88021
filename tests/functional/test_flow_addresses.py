"""The addresses flows may call: registered with secrets nobody sees again, tried, and kept while a flow needs them."""

from ipaddress import ip_network

from flask import Flask
from sqlalchemy import select

from qtrace.core.db import db
from qtrace.core.models import EventRow
from qtrace.flows.models import FlowAddress
from tests.conftest import log_in
from tests.factories.flows import make_flow, node
from tests.factories.post import service

SECRET = "Bearer very-secret"


def register(app: Flask, url: str = "https://erp.example.com/api", name: str = "ERP") -> int:
    answer = log_in(app, "admin").post(
        "/config/addresses", {"name": name, "url": url, "header.0": "Authorization", "value.0": SECRET}
    )
    assert answer.status_code in (200, 303)
    return db.session.scalars(select(FlowAddress.id).where(FlowAddress.name == name)).one()


def test_an_address_is_registered_and_its_secret_is_never_shown_again(app: Flask) -> None:
    register(app)
    admin = log_in(app, "admin")
    pages = [admin.get("/config/addresses"), admin.get("/config/addresses/1")]
    assert all("ERP" in page.text and "very-secret" not in page.text for page in pages)
    assert "Authorization" in pages[1].text
    told = db.session.scalars(select(EventRow.body).where(EventRow.name == "flow_address_added")).one()
    assert told == {"name": "ERP", "url": "https://erp.example.com/api"}


def test_a_secret_left_empty_is_kept_and_one_whose_name_is_emptied_is_gone(sqlite_app: Flask) -> None:
    number = register(sqlite_app)
    admin, url = log_in(sqlite_app, "admin"), f"/config/addresses/{number}"
    admin.post(url, {"url": "https://erp.example.com/v2", "header.0": "Authorization", "value.0": ""})
    db.session.remove()
    row = db.session.get_one(FlowAddress, number)
    assert (row.url, row.headers) == ("https://erp.example.com/v2", {"Authorization": SECRET})
    admin.post(url, {"url": "https://erp.example.com/v2", "header.0": "", "value.0": ""})
    db.session.remove()
    assert db.session.get_one(FlowAddress, number).headers == {}


def test_what_is_wrong_with_an_address_is_said_at_its_input(sqlite_app: Flask) -> None:
    register(sqlite_app)
    admin = log_in(sqlite_app, "admin")
    for sent, says in (
        ({"name": "", "url": "https://a.example.com"}, "请起个名字"),
        ({"name": "ERP", "url": "https://a.example.com"}, "已有名为"),
        ({"name": "B", "url": "ftp://a.example.com"}, "https:// 开头"),
        ({"name": "B", "url": "https://a.example.com", "header.0": "Host", "value.0": "x"}, "不能用作请求头的名称"),
        ({"name": "B", "url": "https://a.example.com", "header.0": "A\r\nB", "value.0": "x"}, "不能用作请求头的名称"),
        ({"name": "B", "url": "https://a.example.com", "header.0": "X-Key", "value.0": "密钥"}, "英文和数字"),
    ):
        answer = admin.post("/config/addresses", sent)
        assert (answer.status_code, says in answer.text) == (422, True), sent
    assert db.session.scalars(select(FlowAddress.name)).all() == ["ERP"]


def test_an_address_a_flow_calls_cannot_be_removed(sqlite_app: Flask) -> None:
    number = register(sqlite_app)
    make_flow("holding", node("do", "auto", options={"action": "http", "with": {"address": "ERP"}}), name_zh="冻结批次")
    admin = log_in(sqlite_app, "admin")
    assert "冻结批次" in admin.get(f"/config/addresses/{number}").text
    refused = admin.post(f"/config/addresses/{number}/removal", {})
    assert (refused.status_code, "冻结批次" in refused.text) == (422, True)
    other = register(sqlite_app, name="仓库")
    admin.post(f"/config/addresses/{other}/removal", {})
    db.session.remove()
    assert db.session.scalars(select(FlowAddress.name)).all() == ["ERP"]


def test_the_administrator_tries_an_address_and_reads_what_it_answers(sqlite_app: Flask) -> None:
    sqlite_app.config["QTRACE_NET_ALLOW"] = (ip_network("127.0.0.0/8"),)
    with service() as erp:
        erp.answer = lambda _asked: (204, {})
        number = register(sqlite_app, erp.url)
        admin = log_in(sqlite_app, "admin")
        told = admin.post(f"/config/addresses/{number}/tries", {}, headers={"HX-Request": "true"})
        assert erp.asked[0].headers["authorization"] == SECRET
    assert "204" in str(told.headers)
    again = admin.post(f"/config/addresses/{number}/tries", {}, headers={"HX-Request": "true"})
    assert again.status_code == 204
    admin.post(f"/config/addresses/{number}/state", {"enabled": ""})
    db.session.remove()
    assert db.session.get_one(FlowAddress, number).enabled is False


def test_only_who_keeps_the_api_sees_addresses(sqlite_app: Flask) -> None:
    assert log_in(sqlite_app, "quality_lead").get("/config/addresses").status_code == 403
