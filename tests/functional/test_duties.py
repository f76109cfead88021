"""Who is responsible for what, on its page."""

import re

from flask import Flask

from qtrace.classification.duties import responsible_for
from qtrace.core.db import db
from tests.conftest import log_in, user_id
from tests.factories.issues import make_goods


def test_somebody_is_named_by_code_or_name_and_taken_away_again(sqlite_app: Flask) -> None:
    goods = make_goods()
    lead = log_in(sqlite_app, "quality_lead")
    assert "还没有登记" in lead.get("/config/duties").text
    for kind, ref in (("supplier", "恒美包材"), ("shop", "douyin"), ("shop", "抖店旗舰店")):
        sent = {"kind": kind, "ref": ref, "user_id": str(user_id("purchasing"))}
        assert lead.post("/config/duties", sent).status_code == 303
    page = lead.get("/config/duties").text
    assert page.count('id="duty-') == 2 and "恒美包材" in page and "周敏" in page
    db.session.remove()
    assert responsible_for("supplier", goods.supplier) == [user_id("purchasing")]
    found = re.findall(r"/config/duties/(\d+)/removal", page)
    assert lead.post(f"/config/duties/{found[0]}/removal").status_code == 303
    assert lead.get("/config/duties").text.count('id="duty-') == 1


def test_what_is_not_found_is_said_and_what_was_typed_is_kept(sqlite_app: Flask) -> None:
    lead = log_in(sqlite_app, "quality_lead")
    sent = {"kind": "sku", "ref": "没有这个", "user_id": str(user_id("purchasing"))}
    answer = lead.post("/config/duties", sent)
    assert answer.status_code == 422 and "没有找到它" in answer.text and "没有这个" in answer.text
    assert lead.post("/config/duties", sent | {"kind": "weather"}).status_code == 422
    assert log_in(sqlite_app, "inspector").get("/config/duties").status_code == 403
