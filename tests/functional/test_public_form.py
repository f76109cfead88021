"""People without an account fill in a form by its link and see nothing else."""

import io
import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from PIL import Image
from sqlalchemy import select, update

from qtrace.accounts.models import Department, User
from qtrace.catalog.models import Shop, Sku, Supplier
from qtrace.core import clock
from qtrace.core.db import db, write
from qtrace.core.errors import Refused
from qtrace.core.models import EventRow
from qtrace.forms.definition import FormDefinition, Section
from qtrace.forms.links import LinkOptions, LinkState, create_link, find_link, revoke_link, state_of, use_link
from qtrace.forms.models import Form, FormLink, FormRemark
from qtrace.forms.queries import form_of
from qtrace.forms.registry import FieldDefinition, controls
from qtrace.forms.service import publish_form
from qtrace.forms.use import uses_of
from qtrace.records.models import Record
from qtrace.rules.models import Rule
from qtrace.web import limits
from tests.conftest import NOW, log_in
from tests.tokens import csrf_token_of

BY = {"by": 1, "now": NOW}
FIELDS = (
    FieldDefinition("name", "text", "称呼", "Name", required=True),
    FieldDefinition("what", "defect_code", "出了什么问题", "What"),
    FieldDefinition("photos", "photo", "照片", "Photos"),
    FieldDefinition("vendor", "supplier", "供应商", "Supplier"),
    FieldDefinition("secret_note", "text", "内部备注", "Internal note"),
)
DEFINITION = FormDefinition((Section("s", "内容", "Content", FIELDS),))


def link(**options: Any) -> tuple[int, str]:
    """Make a form and a link of it; return the link's id and its address."""
    with write():
        publish_form("visit", DEFINITION, name_zh="售后回访", name_en="Visit", prefix="HF", **BY)
    return another(**options)


def another(**options: Any) -> tuple[int, str]:
    """Make one more link of the form."""
    given: dict[str, Any] = {
        "name": "11 月", "company": "晨光美妆", "expires_at": clock.now() + timedelta(days=3),
        "preset": {"secret_note": ["来自短信"]},
    }  # fmt: skip
    with write():
        made, token = create_link(form_of("visit"), DEFINITION, LinkOptions(**given | options), by=1, now=clock.now())
    return made, f"/f/{token}"


def send(client: FlaskClient, app: Flask, url: str, data: Mapping[str, Any], **headers: str) -> Any:
    """Open the form and send it as a visitor's browser does."""
    client.get(url)
    token = csrf_token_of(client, app)
    sent = {"csrf_token": token, **data}
    return client.post(url, data=sent, content_type="multipart/form-data", headers=headers)


def picture() -> tuple[io.BytesIO, str]:
    """Return a small photo."""
    stream = io.BytesIO()
    Image.new("RGB", (8, 8), "red").save(stream, "PNG")
    return io.BytesIO(stream.getvalue()), "bad.png"


def test_a_visitor_fills_in_the_form_and_gets_a_number(app: Flask) -> None:
    department = db.session.scalars(select(Department.id).where(Department.name == "客服部")).one()
    made, url = link(department_id=department)
    client = app.test_client()
    answer = send(client, app, url, {"name": "张女士", "photos": picture(), "secret_note": "伪造", "vendor": "x"})
    assert answer.status_code == 303
    row = db.session.scalars(select(Record)).one()
    assert row.number in client.get(answer.headers["Location"]).text
    assert (row.source, row.form_link_id, row.department_id, row.created_by) == ("public", made, department, None)
    assert (row.answers["name"], row.answers["secret_note"], row.answers.get("vendor")) == ("张女士", "来自短信", None)
    assert len(row.answers["photos"]) == 1
    assert db.session.get_one(FormLink, made).used == 1
    uses = uses_of(row.form_id)
    assert {name: (use.asked, use.filled) for name, use in uses.items()} == {
        "name": (1, 1),
        "what": (1, 0),
        "photos": (1, 1),
    }


def test_the_page_asks_only_what_strangers_may_know(sqlite_app: Flask) -> None:
    """Neither suppliers, articles, people nor preset values stand on a page with every public control there is."""
    with write() as session:
        shop = Shop(key="erp", name="秘密店铺")
        session.add(shop)
        session.flush()
        session.add_all(
            [
                Supplier(shop_id=shop.id, external_id="SUP-1", name="秘密供应商"),
                Sku(shop_id=shop.id, external_id="SKU-SECRET", name="秘密商品"),
            ]
        )
    asked = [
        FieldDefinition(f"f{number}", key, key, key, options=control.starter())
        for number, (key, control) in enumerate(sorted(controls().items()))
        if not _needs_options(key)
    ]
    every = FormDefinition((Section("s", "内容", "Content", tuple(asked)),))
    with write():
        publish_form("visit", every, name_zh="回访", name_en="Visit", prefix="HF", **BY)
        options = LinkOptions(name="a", company="晨光", expires_at=NOW + timedelta(days=1), preset={})
        _made, token = create_link(form_of("visit"), every, options, by=1, now=NOW)
        session = db.session
        session.execute(update(FormLink).values(expires_at=clock.now() + timedelta(days=1)))
    people = list(db.session.scalars(select(User.name)))
    page = sqlite_app.test_client().get(f"/f/{token}")
    assert page.status_code == 200
    found = [word for word in ("秘密", "SUP-1", "SKU-SECRET", *people) if word in page.text]
    assert found == []
    for number, control in enumerate(sorted(controls())):
        if not controls()[control].public:
            assert f'id="field-f{number}"' not in page.text


def _needs_options(key: str) -> bool:
    control = controls()[key]
    alone = FieldDefinition("f", key, key, key, options=control.starter())
    needs_others = bool(control.check_together(alone, [alone]))
    return needs_others or any(option.required and option.name not in control.starter() for option in control.options)


def test_the_menu_and_other_pages_stay_closed(sqlite_app: Flask) -> None:
    _made, url = link()
    page = sqlite_app.test_client().get(url)
    assert "晨光美妆" in page.text
    assert "来自短信" not in page.text
    assert not re.search(r'href="/(issues|records|forms|boards)', page.text)
    assert (page.headers["Cache-Control"], page.headers["Referrer-Policy"]) == ("no-store", "same-origin")
    assert "noindex" in page.headers["X-Robots-Tag"]


@pytest.mark.parametrize("path", ["", "/", "//", "/x", "/%00", "/" + "a" * 43, "/done/x"])
def test_an_unknown_token_opens_nothing(sqlite_app: Flask, path: str) -> None:
    link()
    assert sqlite_app.test_client().get(f"/f{path}").status_code in (404, 308)
    assert find_link("") is None


def test_the_thanks_of_another_record_can_not_be_asked_for(sqlite_app: Flask) -> None:
    _made, url = link()
    _other, second = another(name="别的")
    client = sqlite_app.test_client()
    done = send(client, sqlite_app, url, {"name": "甲"}).headers["Location"]
    note = done.rsplit("/", 1)[1]
    assert client.get(f"{url}/done/{note}x").status_code == 404
    assert client.get(f"{second}/done/{note}").status_code == 404


def test_a_form_with_a_mistake_comes_back_with_what_was_typed_and_its_photos(sqlite_app: Flask) -> None:
    _made, url = link()
    client = sqlite_app.test_client()
    answer = send(client, sqlite_app, url, {"name": "", "photos": picture()})
    assert answer.status_code == 422
    assert "bad.jpg" in answer.text
    note = answer.text.split('name="photos.kept" value="')[1].split('"')[0]
    stranger = sqlite_app.test_client()
    assert send(stranger, sqlite_app, url, {"name": "乙", "photos.kept": note}).status_code == 303
    assert send(client, sqlite_app, url, {"name": "甲", "photos.kept": note}).status_code == 303
    rows = db.session.scalars(select(Record).order_by(Record.id)).all()
    assert [len(row.answers.get("photos", [])) for row in rows] == [0, 1]


def test_the_rules_of_the_form_hold_outside_except_on_what_strangers_are_not_asked(sqlite_app: Flask) -> None:
    made, url = link()
    with write() as session:
        form_id = session.get_one(FormLink, made).form_id
        session.add_all(
            [
                Rule(form_id=form_id, kind="required", field="vendor", changed_at=NOW),
                Rule(
                    form_id=form_id, kind="required", field="what", level="warn", message_zh="没选问题", changed_at=NOW
                ),
            ]
        )
    client = sqlite_app.test_client()
    answer = send(client, sqlite_app, url, {"name": "甲"})
    assert (answer.status_code, "没选问题" in answer.text) == (422, True)
    assert send(client, sqlite_app, url, {"name": "甲", "reason": "不知道"}).status_code == 303
    assert db.session.scalars(select(Record)).one().source == "public"


def test_a_second_tap_stores_one_record(sqlite_app: Flask) -> None:
    _made, url = link()
    client = sqlite_app.test_client()
    answers = [send(client, sqlite_app, url, {"name": "甲", "submit_id": "1" * 32}) for _tap in range(2)]
    assert answers[0].headers["Location"] == answers[1].headers["Location"]
    assert len(db.session.scalars(select(Record)).all()) == 1


def test_a_request_without_our_page_or_from_another_site_is_refused(sqlite_app: Flask) -> None:
    _made, url = link()
    client = sqlite_app.test_client()
    assert client.post(url, data={"name": "甲"}).status_code == 422
    assert send(client, sqlite_app, url, {"name": "甲"}, **{"Sec-Fetch-Site": "cross-site"}).status_code == 422
    assert db.session.scalars(select(Record)).all() == []


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"expires_at": NOW - timedelta(days=800)}, "已过期"),
        ({"most": 3, "used": 3}, "次数已用完"),
        ({"revoked_at": NOW}, "已停用"),
    ],
)
def test_a_link_that_ended_says_so_and_stores_nothing(sqlite_app: Flask, change: dict[str, Any], words: str) -> None:
    _made, url = link()
    client = sqlite_app.test_client()
    client.get(url)
    with write() as session:
        session.execute(update(FormLink).values(**change))
    page = client.get(url)
    assert (page.status_code, words in page.text, "请联系" in page.text) == (410, True, True)
    assert send(client, sqlite_app, url, {"name": "甲"}).status_code == 410
    assert db.session.scalars(select(Record)).all() == []


def test_a_retired_form_is_closed_outside_too(sqlite_app: Flask) -> None:
    _made, url = link()
    with write() as session:
        session.execute(update(Form).where(Form.key == "visit").values(state="retired"))
    assert "停止填写" in sqlite_app.test_client().get(url).text


def test_the_last_use_is_given_once(app: Flask) -> None:
    made, _url = link(most=1)
    with write():
        use_link(made, now=clock.now())
    with pytest.raises(Refused), write():
        use_link(made, now=clock.now())


def test_too_many_from_one_address_are_told_when_to_come_back(
    sqlite_app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(limits.LIMITS, "public-send", limits.Limit(1, 600, "test", shared=True))
    _made, url = link()
    client = sqlite_app.test_client()
    send(client, sqlite_app, url, {"name": "甲"})
    answer = send(client, sqlite_app, url, {"name": "乙"})
    assert (answer.status_code, int(answer.headers["Retry-After"]) > 0) == (429, True)


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": " "}, {"company": ""}, {"expires_at": None}, {"expires_at": NOW - timedelta(days=900)},
        {"expires_at": NOW + timedelta(days=5000)}, {"most": 0}, {"preset": {"what": ["999999"]}},
    ],
)  # fmt: skip
def test_a_link_needs_a_name_a_company_and_an_end(sqlite_app: Flask, wrong: dict[str, Any]) -> None:
    with pytest.raises(Refused):
        link(**wrong)


def test_a_revoked_link_stays_revoked_and_is_on_record(app: Flask) -> None:
    made, url = link()
    with write():
        revoke_link(made, **BY)
        revoke_link(made, **BY)
    found = find_link(url.removeprefix("/f/"))
    assert found is not None
    assert state_of(*found, clock.now()) == LinkState.REVOKED
    names = list(db.session.scalars(select(EventRow.name)))
    assert names.count("form_link_revoked") == 1
    assert all(url.removeprefix("/f/") not in str(body) for body in db.session.scalars(select(EventRow.body)))


def test_the_lead_makes_a_link_sees_it_once_and_revokes_it(sqlite_app: Flask) -> None:
    link()
    browser = log_in(sqlite_app, "quality_lead")
    day = (clock.now() + timedelta(days=9)).date().isoformat()
    sent = {"link_name": "门店", "link_company": "晨光", "link_expires": day, "link_most": "5", "name": "门店填的"}
    page = browser.post("/forms/visit/links", sent)
    address = re.search(r"https?://[^\"<]*(/f/[\w-]{43})", page.text)
    assert address is not None
    assert "<svg" in page.text
    assert sqlite_app.test_client().get(address[1]).status_code == 200
    listed = browser.get("/forms/visit/links").text
    assert address[1] not in listed
    assert browser.post("/forms/visit/links", sent | {"link_expires": "never"}).status_code == 422
    assert browser.post("/forms/visit/links/2/revocation").status_code == 303
    assert sqlite_app.test_client().get(address[1]).status_code == 410
    assert browser.post("/forms/visit/links/99/revocation").status_code == 404
    assert browser.get("/forms/issue/links").status_code == 404
    assert log_in(sqlite_app, "inspector").get("/forms/visit/links").status_code == 403


def test_a_stranger_says_what_is_awkward(app: Flask) -> None:
    _made, url = link()
    client = app.test_client()
    assert f"{url}/remarks/new" in client.get(url).text
    page = client.get(f"{url}/remarks/new").text
    assert "称呼" in page and "内部备注" not in page and "供应商" not in page
    sent = {"csrf_token": csrf_token_of(client, app), "remark_field": "name", "text": "要填真名吗?"}
    assert client.post(f"{url}/remarks", data=sent | {"text": " "}).status_code == 422
    answer = client.post(f"{url}/remarks", data=sent)
    assert answer.status_code == 303 and "谢谢,已经收到" in client.get(answer.location).text
    hidden = client.post(f"{url}/remarks", data=sent | {"remark_field": "secret_note", "text": "别的"})
    assert hidden.status_code == 303
    db.session.remove()
    rows = db.session.scalars(select(FormRemark).order_by(FormRemark.id)).all()
    assert [(row.field, row.text, row.by) for row in rows] == [("name", "要填真名吗?", None), ("", "别的", None)]


def test_a_link_that_has_ended_takes_no_remarks(app: Flask) -> None:
    _made, url = link(expires_at=clock.now() + timedelta(seconds=1))
    with write() as session:
        session.execute(update(FormLink).values(expires_at=clock.now() - timedelta(days=1)))
    client = app.test_client()
    assert client.get(f"{url}/remarks/new").status_code == 404
    assert (
        client.post(f"{url}/remarks", data={"csrf_token": csrf_token_of(client, app), "text": "晚了"}).status_code
        == 404
    )
