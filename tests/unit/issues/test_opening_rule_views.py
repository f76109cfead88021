"""The quality lead reads the rules as sentences, tries them on last year's complaints and changes them."""

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import select

from qtrace.classification.models import ClassificationRule
from qtrace.complaints.models import Complaint, IntakeRule
from qtrace.core.db import db, write
from qtrace.issues.models import Issue, OpeningRule
from tests.conftest import NOW, Browser
from tests.unit.issues.conftest import Goods

Login = Callable[[str], Browser]
RULES = "/config/rules"


def rule(model: Any, key: str) -> Any:
    """Return a rule as it is stored now."""
    db.session.remove()  # what was read before the request is an old snapshot
    return db.session.scalars(select(model).where(model.key == key)).one()


def form(row: Any, **changes: object) -> dict[str, object]:
    """Return what the edit page sends when nothing but `changes` was touched."""
    return {"name": row.name_zh} | row.sets | changes


def line(field: str, op: str, value: str, place: int = 0) -> dict[str, object]:
    """Return what one row of the editor of conditions sends."""
    name = f"when.{place}"
    return {"when.join": "all", f"{name}.field": field, f"{name}.op": op, f"{name}.value": value}


def test_the_page_says_every_rule_as_a_sentence(login: Login) -> None:
    page = login("quality_lead").get(RULES)
    assert page.status_code == 200
    assert "星级 ≤ 2" in page.text and "送达时间 &gt; 承诺时间" in page.text and "买家提到:漏液" in page.text


def test_the_preview_says_how_many_and_writes_nothing(login: Login, goods: Goods) -> None:
    with write() as session:
        for number in range(3):
            session.add(
                Complaint(number=f"CP-{number}", source_kind="staff", occurred_at=NOW, created_at=NOW, lot_id=goods.lot)
            )
    row = rule(OpeningRule, "lot")
    url = f"{RULES}/opening/{row.id}/preview"
    browser = login("quality_lead")
    page = browser.post(url, {"threshold": "3", "days": "7"})
    assert "会打开 1 个问题" in page.text and "<html" in page.text
    piece = browser.post(url, {"threshold": "4", "days": "7"}, headers={"HX-Request": "true"})
    assert "会打开 0 个问题" in piece.text and "<html" not in piece.text
    assert f'id="preview-{row.id}"' in piece.text
    assert rule(OpeningRule, "lot").days == 30
    assert db.session.scalars(select(Issue)).all() == []


def test_an_opening_rule_is_changed_and_switched(login: Login) -> None:
    row, browser = rule(OpeningRule, "sku"), login("quality_lead")
    sent = {"threshold": "5", "days": "14", "not_types": ["buyer_reason", "invoice"]}
    assert browser.post(f"{RULES}/opening/{row.id}", sent).status_code == 303
    browser.post(f"{RULES}/opening/{row.id}/activity", {"enabled": "0"})
    found = rule(OpeningRule, "sku")
    assert (found.threshold, found.days, found.enabled) == (5, 14, False)
    assert found.condition == {"not_types": ["buyer_reason", "invoice"]}


@pytest.mark.parametrize("sent", [{"threshold": "0", "days": "30"}, {"threshold": "three", "days": "30"}, {}])
def test_a_senseless_number_is_refused_on_the_page(login: Login, sent: dict[str, str]) -> None:
    row = rule(OpeningRule, "sku")
    assert login("quality_lead").post(f"{RULES}/opening/{row.id}", sent).status_code == 422
    assert login("quality_lead").post(f"{RULES}/opening/{row.id}/preview", sent).status_code == 422
    assert rule(OpeningRule, "sku").threshold == 3


def test_the_words_of_a_rule_are_changed_as_words(login: Login) -> None:
    row, browser = rule(ClassificationRule, "leaking"), login("quality_lead")
    url = f"{RULES}/classification/{row.id}"
    assert "漏液" in browser.get(url).text
    assert browser.post(url, form(row, words="滴漏 漏液")).status_code == 303
    assert rule(ClassificationRule, "leaking").condition["any"][0]["value"] == ["滴漏", "漏液"]
    assert browser.post(url, form(row, words=" ")).status_code == 422


def test_a_rule_of_words_can_become_a_condition(login: Login) -> None:
    row, browser = rule(ClassificationRule, "leaking"), login("quality_lead")
    url = f"{RULES}/classification/{row.id}"
    page = browser.get(f"{url}?condition=1").text
    assert 'name="when.0.field"' in page and 'name="words"' not in page
    assert browser.post(url, form(row) | line("stars", "le", "1")).status_code == 303
    assert rule(ClassificationRule, "leaking").condition == {"field": "stars", "op": "le", "value": 1}


def test_a_condition_is_built_with_buttons_and_saved(login: Login) -> None:
    row, browser = rule(IntakeRule, "low_stars"), login("quality_lead")
    url = f"{RULES}/intake/{row.id}"
    assert 'name="when.0.value"' in browser.get(url).text
    sent = form(row, name="差评进线") | line("stars", "le", "1")
    added = browser.post(url, sent | {"_edit": "add-row:when"})
    assert added.status_code == 200 and 'name="when.1.field"' in added.text and "差评进线" in added.text
    assert rule(IntakeRule, "low_stars").condition["value"] == 2
    assert browser.post(url, sent | line("text", "contains", "漏", 1)).status_code == 303
    assert rule(IntakeRule, "low_stars").condition == {
        "all": [{"field": "stars", "op": "le", "value": 1}, {"field": "text", "op": "contains", "value": "漏"}]
    }


def test_experts_write_the_condition_as_text(login: Login) -> None:
    row, browser = rule(IntakeRule, "low_stars"), login("quality_lead")
    url = f"{RULES}/intake/{row.id}"
    switched = browser.post(url, form(row) | line("stars", "le", "2") | {"_edit": "text:when"})
    assert "星级 &lt;= 2" in switched.text or "星级 ≤ 2" in switched.text
    text = {"when._mode": "text", "when._text": '星级 <= 3 且 买家的话 包含 "漏"'}
    assert browser.post(url, form(row) | text).status_code == 303
    assert rule(IntakeRule, "low_stars").condition["all"][0]["value"] == 3
    wrong = browser.post(url, form(row) | text | {"when._text": "星级 <= 3 且\n天气 = 1"})
    assert wrong.status_code == 422 and "第 2 行第 1 个字" in wrong.text and "天气" in wrong.text


def test_a_wrong_condition_points_at_its_place_and_keeps_what_was_typed(login: Login) -> None:
    row, browser = rule(IntakeRule, "low_stars"), login("quality_lead")
    answer = browser.post(f"{RULES}/intake/{row.id}", form(row, name="新名字") | line("stars", "le", "two"))
    assert answer.status_code == 422
    assert 'id="when-0-value-error"' in answer.text and 'value="two"' in answer.text and "新名字" in answer.text
    assert rule(IntakeRule, "low_stars").condition["value"] == 2


def test_a_rule_that_would_take_every_record_is_refused(login: Login) -> None:
    row, browser = rule(IntakeRule, "low_stars"), login("quality_lead")
    answer = browser.post(f"{RULES}/intake/{row.id}", form(row) | {"when.join": "all"})
    assert answer.status_code == 422 and "请至少加一条条件" in answer.text
    assert rule(IntakeRule, "low_stars").condition["value"] == 2


@pytest.mark.parametrize("text", ["(" * 20_000, "null", "3", '"x"', "星级 = NaN"])
def test_hostile_conditions_are_refused(login: Login, text: str) -> None:
    row, sent = rule(IntakeRule, "low_stars"), {"when._mode": "text", "when._text": text}
    assert login("quality_lead").post(f"{RULES}/intake/{row.id}", form(row) | sent).status_code == 422


def test_a_rule_of_words_is_added(login: Login) -> None:
    browser = login("quality_lead")
    sent = {"name": "泵头", "words": "泵头 按不出来", "type": "malfunction"}
    assert browser.post(f"{RULES}/classification", sent).status_code == 303
    assert "买家提到:泵头、按不出来" in browser.get(RULES).text
    assert browser.post(f"{RULES}/classification", sent | {"words": ""}).status_code == 422


@pytest.mark.parametrize(
    ("kind", "key", "model"), [("intake", "low_stars", IntakeRule), ("classification", "late", ClassificationRule)]
)
def test_a_rule_is_switched_off(login: Login, kind: str, key: str, model: Any) -> None:
    row = rule(model, key)
    assert login("quality_lead").post(f"{RULES}/{kind}/{row.id}/activity", {"enabled": "0"}).status_code == 303
    assert not rule(model, key).enabled


@pytest.mark.parametrize("url", ["intake/999", "classification/999", "weather/1"])
def test_missing_rules_are_not_found(login: Login, url: str) -> None:
    assert login("quality_lead").get(f"{RULES}/{url}").status_code == 404


@pytest.mark.parametrize("role", ["customer_service", "owner", "inspector"])
def test_others_may_not_see_or_change_rules(login: Login, role: str) -> None:
    row, browser = rule(OpeningRule, "lot"), login(role)
    assert browser.get(RULES).status_code == 403
    assert browser.post(f"{RULES}/opening/{row.id}", {"threshold": "1", "days": "1"}).status_code == 403
    assert rule(OpeningRule, "lot").threshold == 3
