"""Quality standards: the most specific one in force counts, and what was demanded before stays readable."""

import io
from dataclasses import replace
from datetime import date

import pytest
from flask import Flask
from PIL import Image
from sqlalchemy import select

from qtrace.catalog.models import Category, Shop, Sku, StandardVersion
from qtrace.catalog.standards import Content, Limit, Scope, add_standard, add_version, limits_from, switch_standard
from qtrace.catalog.standards_queries import standard_for, versions
from qtrace.core.db import db, write
from qtrace.core.errors import Refused
from qtrace.core.models import EventRow
from qtrace.forms.definition import FormDefinition, Section
from qtrace.forms.models import Form
from qtrace.forms.registry import FieldDefinition
from qtrace.forms.service import publish_form
from tests.conftest import NOW, log_in

BY = {"by": 1, "now": NOW}
DAY = date(2026, 11, 1)
WORDS = Content(effective_on=DAY, text="瓶口无渗漏", limits=[Limit("净含量", "195", "205", "ml")])


def goods() -> tuple[int, int, int, int]:
    """Store a shop, another shop, a category and an article of it; return their ids."""
    with write() as session:
        shop, other = Shop(key="erp", name="总仓"), Shop(key="tmall", name="天猫")
        session.add_all([shop, other])
        session.flush()
        category = Category(shop_id=shop.id, external_id="serum", name="精华")
        sku = Sku(shop_id=shop.id, external_id="S-1", name="精华液", category="serum")
        session.add_all([category, sku])
        session.flush()
        return shop.id, other.id, category.id, sku.id


def test_the_most_specific_standard_counts(app: Flask) -> None:
    _shop, other, category, sku = goods()
    scopes = [
        Scope(category_id=category), Scope(category_id=category, shop_id=other), Scope(sku_id=sku),
        Scope(sku_id=sku, shop_id=other),
    ]  # fmt: skip
    for number, scope in enumerate(scopes):
        with write():
            made = add_standard(f"标准 {number}", scope, WORDS, **BY)
        found = standard_for(sku, other, DAY)
        assert found is not None
        assert found.standard_id == made
    in_all = standard_for(sku, None, DAY)
    assert in_all is not None
    assert in_all.standard_id == made - 1


def test_a_version_counts_from_its_day_on(app: Flask) -> None:
    *_rest, sku = goods()
    with write():
        made = add_standard("精华液", Scope(sku_id=sku), WORDS, **BY)
    with write():
        add_version(made, replace(WORDS, effective_on=date(2026, 12, 1), text="新要求"), **BY)
    days = (date(2026, 10, 31), DAY, date(2026, 12, 1))
    found = [standard_for(sku, None, day) for day in days]
    assert [row and row.version for row in found] == [None, 1, 2]
    told = db.session.scalars(
        select(EventRow).where(EventRow.name == "standard_published").order_by(EventRow.seq)
    ).all()
    assert told[-1].body["text"] == {"old": "瓶口无渗漏", "new": "新要求"}


def test_a_retired_standard_gives_way_and_comes_back_only_to_a_free_place(app: Flask) -> None:
    *_rest, category, sku = goods()
    with write():
        add_standard("精华", Scope(category_id=category), WORDS, **BY)
        own = add_standard("精华液", Scope(sku_id=sku), WORDS, **BY)
    with write():
        switch_standard(own, active=False, **BY)
    found = standard_for(sku, None, DAY)
    assert found is not None
    assert found.standard_id != own
    with write():
        add_standard("精华液 2", Scope(sku_id=sku), WORDS, **BY)
    with pytest.raises(Refused, match="精华液 2"), write():
        switch_standard(own, active=True, **BY)


@pytest.mark.parametrize(
    "limits",
    [
        [Limit("重", "9", "3")],
        [Limit("重", "x")],
        [Limit("重")],
        [Limit("", "1")],
        [Limit("重", "1"), Limit("重", "2")],
    ],
)
def test_a_wrong_limit_is_refused(sqlite_app: Flask, limits: list[Limit]) -> None:
    *_rest, sku = goods()
    with pytest.raises(Refused), write():
        add_standard("精华液", Scope(sku_id=sku), replace(WORDS, limits=limits), **BY)


@pytest.mark.parametrize("change", [{"text": "", "limits": []}, {"text": "长" * 10_001}])
def test_a_version_without_content_or_too_long_is_refused(sqlite_app: Flask, change: dict[str, object]) -> None:
    *_rest, sku = goods()
    with pytest.raises(Refused), write():
        add_standard("精华液", Scope(sku_id=sku), replace(WORDS, **change), **BY)  # type: ignore[arg-type]


def test_a_standard_is_about_an_article_or_a_category(sqlite_app: Flask) -> None:
    *_rest, category, sku = goods()
    for scope in (Scope(), Scope(sku_id=sku, category_id=category)):
        with pytest.raises(Refused), write():
            add_standard("精华液", scope, WORDS, **BY)


def test_versions_follow_each_other_in_time_and_one_at_a_time(sqlite_app: Flask) -> None:
    *_rest, sku = goods()
    with write():
        made = add_standard("精华液", Scope(sku_id=sku), WORDS, **BY)
    for change, seen in ((replace(WORDS, effective_on=date(2026, 10, 1)), 1), (WORDS, 0)):
        with pytest.raises(Refused), write():
            add_version(made, change, seen=seen, **BY)


def test_rows_of_the_form_become_limits() -> None:
    parts = {"low": ["1", "", ""], "high": ["", "", "9"], "unit": ["g"]}
    assert limits_from(["重", "", "长"], parts) == [Limit("重", "1", "", "g"), Limit("长", "", "9", "")]


def form(**more: object) -> dict[str, object]:
    """Return what the page sends for a standard of S-1."""
    sent: dict[str, object] = {
        "name": "精华液封样", "sku": "S-1", "effective_on": "2026-11-01", "text": "瓶口无渗漏", "limit_name": ["净含量", ""],
        "limit_low": ["195", ""], "limit_high": ["205", ""], "limit_unit": ["ml", ""],
    }  # fmt: skip
    return sent | more


def picture() -> tuple[io.BytesIO, str]:
    """Return a small photo as a browser sends it."""
    stream = io.BytesIO()
    Image.new("RGB", (8, 8), "red").save(stream, "PNG")
    return io.BytesIO(stream.getvalue()), "seal.png"


def test_the_lead_publishes_a_standard_with_photos_and_a_new_version(sqlite_app: Flask) -> None:
    goods()
    browser = log_in(sqlite_app, "quality_lead")
    answer = browser.post("/standards", form(photos=picture()), content_type="multipart/form-data")
    assert answer.status_code == 303
    url = answer.headers["Location"]
    page = browser.get(url)
    photo = versions(1)[0].photos[0]
    assert "瓶口无渗漏" in page.text
    with browser.get(f"{url}/photos/{photo}") as sent:
        assert sent.mimetype == "image/jpeg"
    assert browser.get(f"{url}/photos/{'0' * 32}").status_code == 404
    assert photo in browser.get(f"{url}/versions/new").text
    answer = browser.post(f"{url}/versions", form(seen="1", photo=photo, text="新要求"))
    assert answer.status_code == 303
    db.session.remove()
    newest = versions(1)[0]
    assert (newest.version, newest.photos, newest.text) == (2, [photo], "新要求")
    assert browser.post(f"{url}/activity", {"active": "0"}).status_code == 303
    assert "精华液封样" not in browser.get("/standards").text
    assert "精华液封样" in browser.get("/standards?retired=1").text


@pytest.mark.parametrize("wrong", [{"sku": "nothing"}, {"effective_on": ""}, {"limit_low": ["1000", ""]}, {"name": ""}])
def test_a_wrong_standard_comes_back_with_what_was_typed(sqlite_app: Flask, wrong: dict[str, object]) -> None:
    goods()
    answer = log_in(sqlite_app, "quality_lead").post("/standards", form(**wrong))
    assert answer.status_code == 422
    assert "瓶口无渗漏" in answer.text
    assert 'value="净含量"' in answer.text
    assert db.session.scalars(select(StandardVersion)).all() == []


def test_an_inspector_sees_the_standard_of_the_article_and_changes_nothing(sqlite_app: Flask) -> None:
    goods()
    log_in(sqlite_app, "quality_lead").post("/standards", form())
    browser = log_in(sqlite_app, "inspector")
    page = browser.get("/standards/piece?field=article&article=S-1&on=2026-11-20")
    piece = browser.get("/standards/piece?sku=S-1&on=2026-11-20", headers={"HX-Request": "true"})
    assert "195" in page.text
    assert piece.text.lstrip().startswith('<div id="standard-piece">')
    assert piece.text.strip() in page.text
    assert "还没有质量标准" in browser.get("/standards/piece?sku=S-1&on=2026-10-01").text
    assert "没有找到" in browser.get("/standards/piece?sku=nothing").text
    assert browser.get("/standards/1/versions/new").status_code == 403
    assert browser.post("/standards", form()).status_code == 403


def test_without_the_right_there_is_no_standard(sqlite_app: Flask) -> None:
    assert log_in(sqlite_app, "customer_service").get("/standards").status_code == 403


@pytest.mark.parametrize(("kind", "shown"), [("inspection", True), ("record", False)])
def test_the_panel_stands_in_inspection_forms_and_waits_for_the_article(
    sqlite_app: Flask, kind: str, shown: bool
) -> None:
    fields = (FieldDefinition("article", "sku", "商品", "Article"),)
    definition = FormDefinition((Section("s", "检", "Check", fields),))
    with write() as session:
        publish_form("check", definition, name_zh="检验", name_en="Check", prefix="JY", **BY)
        session.scalars(select(Form).where(Form.key == "check")).one().kind = kind
    page = log_in(sqlite_app, "inspector").get("/records/check/new").text
    assert ('hx-get="/standards/piece?field=article' in page) == shown
    assert ('href="/standards/piece"' in page) == shown
