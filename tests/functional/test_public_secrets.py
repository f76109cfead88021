"""A stranger with a link reads nothing of the company: secrets lie in every master table, and none comes out of its form."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select, update

from qtrace.accounts.models import Department, User
from qtrace.catalog.models import Category, Customer, Shop, Sku, Supplier, Warehouse
from qtrace.core import clock
from qtrace.core.db import write
from qtrace.forms.controls.compute import sources
from qtrace.forms.links import LinkOptions, create_link
from qtrace.forms.openness import may_be_opened
from qtrace.forms.queries import current_definition, form_of
from qtrace.forms.registry import FieldDefinition, controls
from qtrace.issues.models import Issue
from qtrace.orders.models import Lot, Review
from qtrace.records.models import Record
from tests.conftest import Browser, log_in
from tests.factories.forms import asked, make_form
from tests.unit.forms.test_registry import stock

PERSONAL, THINGS = "秘密人", "秘密物"
PLANTED: Mapping[type[Any], Mapping[str, str]] = {
    User: {"name": PERSONAL}, Department: {"name": PERSONAL}, Shop: {"name": THINGS},
    Supplier: {"name": PERSONAL, "region": PERSONAL, "contact": PERSONAL, "external_id": PERSONAL},
    Customer: {"masked_name": PERSONAL, "region": PERSONAL, "external_id": PERSONAL},
    Sku: {"name": THINGS, "category": THINGS}, Category: {"name": THINGS}, Warehouse: {"name": THINGS},
    Review: {"text": THINGS}, Issue: {"title": THINGS}, Record: {"title": THINGS},
}  # fmt: skip
DAY = timedelta(days=1)
LOOKED_UP = ("sku", "supplier", "order_ref", "lot_no", "link")


@pytest.fixture
def app(sqlite_app: Flask) -> Flask:
    """A form with every control, with every lookup, and a sub-table with every control that fits into a row."""
    sqlite_app.config["QTRACE_RATE_FACTOR"] = 1000
    stock()
    known = controls()
    with sqlite_app.test_request_context():
        settings = {
            "rollup": {"over": "sub_table.integer"}, "formula": {"formula": "{look_supplier_name}", "result": "text"},
        }  # fmt: skip
        rows = [one for one in known.values() if not (one.not_in_rows or one.layout or one.assigned)]
        columns = [asked(one.key, one.key, one.name_zh, **one.starter()) for one in rows][:20]
        named = ["user", "supplier", "warehouse", "channel_shop", "sku", "product_category", "integer", "text"]
        columns = [one for one in columns if one["id"] not in named][: 20 - len(named)]
        columns += [asked(key, key, known[key].name_zh, **known[key].starter()) for key in named]
        fields = [
            asked(one.key, one.key, one.name_zh, **(one.starter() | settings.get(one.key, {})))
            for one in known.values() if one.key not in ("sub_table", "lookup")
        ]  # fmt: skip
        fields.append(asked("sub_table", "sub_table", "子表", fields=columns))
        fields += [
            asked(f"look_{key}_{name}", "lookup", f"引用{key}{name}", through=key, take=name, result=taken.result)
            for key in LOOKED_UP for name, taken in sources()[key].items()
        ]  # fmt: skip
        make_form(fields, key="every", prefix="EV")
    with write() as session:
        for model, secrets in PLANTED.items():
            for row in session.scalars(select(model)):
                for name, text in secrets.items():
                    setattr(row, name, f"{text}-{name}{row.id}")
        supplier = session.query(Supplier).one()
        session.execute(update(Lot).values(supplier_id=supplier.id, sku_id=session.query(Sku).one().id))
    return sqlite_app


def a_link(app: Flask, *, opened: bool, preset: Mapping[str, list[str]] | None = None) -> str:
    """Return the address of a new link, with everything opened that can be."""
    definition = current_definition("every")[1]
    with app.test_request_context(), write():
        paths = [one.path for one in may_be_opened(definition)] if opened else []
        options = LinkOptions(
            name="回访", company="晨光", expires_at=clock.now() + DAY, preset=dict(preset or {}), opened=paths
        )  # fmt: skip
        return "/f/" + create_link(form_of("every"), definition, options, by=1, now=clock.now())[1]


def typed(app: Flask) -> dict[str, list[str]]:
    """Return what somebody sends who knows every number: valid samples of every field, in the form and in a row."""
    sent: dict[str, list[str]] = {}
    with app.test_request_context():
        for one in current_definition("every")[1].fields:
            for name, texts in _samples(one).items():
                sent[name] = texts
                if "." not in name:
                    sent[f"sub_table.0.{name}"] = texts
    return sent


def said(app: Flask, url: str) -> str:
    """Return all a stranger gets to read: the form, the checks while typing, another row, and what comes back."""
    stranger = Browser(app.test_client(), app)
    given = typed(app)
    wrong = {**given, "integer": ["many"], "email": ["nobody"]}
    pages = [
        stranger.get(url), stranger.post(f"{url}/check", given | {"touched": [" ".join(given)]}),
        stranger.post(url, given | {"_rows": ["add:sub_table"]}), stranger.post(url, wrong), stranger.post(url, {}),
        stranger.post(url, given),
    ]  # fmt: skip
    assert [page.status_code for page in pages[:2]] == [200, 200]
    assert pages[3].status_code == 422
    return "".join(page.text for page in pages) + "".join(str(page.headers) for page in pages)


def test_nothing_planted_comes_out_of_a_public_form(app: Flask) -> None:
    assert "秘密" in log_in(app, "quality_lead").get("/records/every/new").text
    text = said(app, a_link(app, opened=False))
    assert [text[at - 200 : at + 40] for at in _places(text, "秘密")] == []


def test_what_a_link_brings_along_tells_nothing_by_what_follows_from_it(app: Flask) -> None:
    number = f"{PERSONAL}-external_id1"
    text = said(app, a_link(app, opened=True, preset={"supplier": [number], "sku": ["ROSE-30"]}))
    assert _places(text, PERSONAL) == []


def test_even_opened_a_form_names_no_person_and_no_supplier(app: Flask) -> None:
    url = a_link(app, opened=True)
    text = said(app, url)
    assert [text[at - 200 : at + 40] for at in _places(text, PERSONAL)] == []
    page = app.test_client().get(url).text
    assert 'id="field-sku"' in page
    assert f"{THINGS}-name" in page  # the product categories


def test_the_list_of_what_can_be_opened_names_no_one(app: Flask) -> None:
    with app.test_request_context():
        paths = {one.path for one in may_be_opened(current_definition("every")[1])}
    assert {"sku", "order_ref", "lot_no", "sub_table.sku", "look_sku_name"} <= paths
    assert not {"supplier", "user", "customer", "warehouse", "sub_table.user", "look_sku_supplier", "formula"} & paths


def test_only_what_the_maker_of_a_link_ticks_is_opened(app: Flask) -> None:
    lead = log_in(app, "admin")
    page = lead.get("/forms/every/links").text
    assert 'name="link_opened" value="order_ref"' in page
    day = (clock.now() + DAY).date().isoformat()
    made = {"link_name": "回访", "link_company": "晨光", "link_expires": day}
    answer = lead.post("/forms/every/links", made | {"link_opened": ["order_ref", "supplier"]})
    assert answer.status_code == 200
    url = "/f/" + answer.text.split("/f/")[1].split('"')[0]
    public = app.test_client().get(url).text
    asked_for = [name for name in ("order_ref", "sku", "supplier") if f'id="field-{name}"' in public]
    assert asked_for == ["order_ref"]


def _samples(field: FieldDefinition) -> dict[str, list[str]]:
    valid = controls()[field.control].samples(field).valid if not controls()[field.control].layout else []
    return {name: list(texts) for one in valid[:1] for name, texts in one.values.items()}


def _places(text: str, word: str) -> list[int]:
    found, at = [], text.find(word)
    while at >= 0:
        found.append(at)
        at = text.find(word, at + 1)
    return found
