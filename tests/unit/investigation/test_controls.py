"""The five whys stay a tree when rows are left out, shares make a whole, and costs add up exactly."""

from typing import Any

import pytest
from flask import Flask

from qtrace.catalog.models import Shop, Sku, Standard, StandardVersion
from qtrace.classification.row_controls import middle_of, place_of, zone_of
from qtrace.core import clock
from qtrace.core.db import write
from qtrace.core.errors import Refused
from qtrace.forms.registry import FieldDefinition, Sent, controls
from qtrace.investigation.controls import tree_of
from tests.conftest import NOW


def field(key: str, **options: object) -> FieldDefinition:
    """Return a field of this control."""
    return FieldDefinition("f", key, "字段", "Field", options=options)


def rows(value: Any) -> list[dict[str, Any]]:
    """Return the kept rows."""
    assert isinstance(value, list)
    return value


def test_whys_still_explain_the_same_after_an_empty_row_between_them(sqlite_app: Flask) -> None:
    with sqlite_app.test_request_context():
        sent = {
            "f.0.text": ["漏液"],
            "f.2.on": ["1"],
            "f.5.text": ["内塞没压紧"],
            "f.5.parent": ["1"],
            "f.7.text": ["气压低"],
            "f.7.parent": ["3"],
        }
        kept = rows(controls()["five_why"].parse(field("five_why"), Sent(sent)))
        assert [row.get("parent") for row in kept] == [None, 1, 2]
        assert [depth for depth, _row in tree_of(kept)] == [0, 1, 2]


def test_both_causes_are_asked_for_where_the_field_says_so(sqlite_app: Flask) -> None:
    with sqlite_app.test_request_context():
        sent = {"f.0.text": ["漏液"], "f.0.kind": ["occurrence"], "f.0.tested": ["true"]}
        with pytest.raises(Refused) as refused:
            controls()["five_why"].parse(field("five_why", need_both=True), Sent(sent))
        assert "为什么没查出来" in refused.value.message


def test_shares_are_written_as_people_write_them(sqlite_app: Flask) -> None:
    with sqlite_app.test_request_context():
        split = controls()["responsibility_split"]
        value = split.from_cell(field("responsibility_split"), "供应商 60%;仓储 40% | 月台淋雨")
        assert split.show(field("responsibility_split"), value) == "供应商 60%、仓储 40%"
        assert split.to_cell(field("responsibility_split"), value) == "供应商 60%\n仓储 40% | 月台淋雨"
        for cell in ("供应商 60%", "供应商", "没有这一方 100%"):
            with pytest.raises(Refused):
                split.from_cell(field("responsibility_split"), cell)


def test_costs_add_up_exactly(sqlite_app: Flask) -> None:
    with sqlite_app.test_request_context():
        costs = controls()["cost_lines"]
        value = costs.parse(field("cost_lines"), Sent({f"f.{i}.amount": ["0.1"] for i in range(3)}))
        assert str(costs.to_condition(field("cost_lines"), value)) == "0.30"
        assert "0.30" in costs.show(field("cost_lines"), value)


def test_a_place_lies_in_its_zone() -> None:
    for zone in "123456789":
        assert zone_of(*middle_of(zone)) == zone
    assert (zone_of(0, 0), zone_of(1000, 1000)) == ("1", "9")
    assert place_of("320,150") == (320, 150)
    assert place_of("1001,0") is None


def test_the_limits_of_the_day_stay_with_the_record(app: Flask) -> None:
    with write() as session:
        shop = Shop(key="dy", name="抖店")
        session.add(shop)
        session.flush()
        sku = Sku(shop_id=shop.id, external_id="ROSE", name="玫瑰精华液")
        session.add(sku)
        session.flush()
        standard = Standard(name="玫瑰", sku_id=sku.id, created_at=NOW)
        session.add(standard)
        session.flush()
        limits = [{"name": "净含量", "low": "29.5", "high": "30.5", "unit": "g"}]
        today = clock.now().date()
        session.add(
            StandardVersion(standard_id=standard.id, version=1, effective_on=today, limits=limits, created_at=NOW)
        )
        standard_id = standard.id
    with app.test_request_context():
        check, asked = controls()["inspection_checklist"], field("inspection_checklist", sku="sku")
        value = check.parse(asked, Sent({"sku": ["ROSE"], "f.i0.measured": ["30.4"]}))
        with write() as session:
            tighter = [limits[0] | {"high": "30.1"}]
            session.add(
                StandardVersion(standard_id=standard_id, version=2, effective_on=today, limits=tighter, created_at=NOW)
            )
        sent = check.send(asked, value) | {"sku": ["ROSE"]}
        assert check.parse(asked, Sent(sent)) == value
        new = check.parse(asked, Sent({"sku": ["ROSE"], "f.i0.measured": ["30.4"]}))
        assert (check.to_condition(asked, value), check.to_condition(asked, new)) == ("pass", "fail")
