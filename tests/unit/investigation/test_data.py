"""Rates before and after, against a count of the same rows that shares no code with ours."""

import random
from datetime import datetime, timedelta
from typing import Any

import pandas as pd
import pytest
from flask import Flask
from sqlalchemy import text

from qtrace.catalog.models import Sku
from qtrace.core.db import db, write
from qtrace.investigation.data import MINIMUM_UNITS, Target, measure, target_of
from qtrace.issues.models import Issue
from tests.conftest import NOW
from tests.factories.issues import Goods, Sale, make_goods, sell

EFFECTIVE = NOW - timedelta(days=60)
LINES = ("中通·杭州→四川", "韵达·杭州→北京", "")


def scoped(goods: Goods, scope: str, kind: int | None) -> Issue:
    """Return an issue of a scope that is not stored: counting reads only its columns."""
    known: dict[str, dict[str, Any]] = {
        "sku": {"sku_id": goods.sku},
        "lot": {"lot_id": goods.lot},
        "supplier": {"supplier_id": goods.supplier},
        "courier_line": {"courier_line": LINES[0]},
        "all": {},
    }
    return Issue(title="瓶盖漏液", signature="", type_id=kind, **({"courier_line": ""} | known[scope]))


def generated(goods: Goods, other_sku: int) -> list[Sale]:
    """Four hundred orders around the effective date; some not shipped, some complained about once or twice."""
    chance = random.Random(20261122)
    kinds = (goods.kind, goods.kind_below, goods.other_kind, None)
    sales = []
    for n in range(400):
        days = chance.uniform(-75, 62)
        complaints = tuple(chance.choice(kinds) for _ in range(chance.choice((0, 0, 0, 0, 1, 1, 2))))
        sales.append(
            Sale(
                f"s{n}",
                None if n % 23 == 0 else EFFECTIVE + timedelta(days=days),
                quantity=chance.randint(1, 3),
                line=chance.choice(LINES),
                parcels=chance.choice((1, 1, 2)),
                sku=chance.choice((goods.sku, other_sku)),
                complaints=complaints,
            )
        )
    return sales


def second_sku(goods: Goods) -> int:
    """Create another article of the same supplier."""
    with write() as session:
        sku = Sku(shop_id=goods.shop, external_id="ROSE-50", supplier_id=goods.supplier)
        session.add(sku)
        session.flush()
        return sku.id


def table(name: str, *times: str) -> pd.DataFrame:
    """Read a whole table with nothing but SQL and pandas."""
    rows = db.session.execute(text(f'SELECT * FROM "{name}"')).mappings().all()
    frame = pd.DataFrame([dict(row) for row in rows])
    for column in times:
        frame[column] = pd.to_datetime(frame[column], utc=True, format="mixed")
    return frame


def by_pandas(goods: Goods, scope: str, kinds: set[int] | None, start: datetime, end: datetime) -> tuple[int, int]:
    """Return (complaints, pieces shipped) of a window, counted from the bare tables."""
    orders = table("order", "shipped_at")
    complaints = table("complaint")
    if kinds is not None:
        complaints = complaints[complaints.type_id.isin(kinds)]
    if scope == "courier_line":
        parcels = table("parcel", "shipped_at")
        parcels = parcels[(parcels.line == LINES[0]) & (parcels.shipped_at >= start) & (parcels.shipped_at < end)]
        complaints = complaints[complaints.order_id.isin(parcels.order_id)]
        return len(complaints), len(parcels)
    window = orders[(orders.shipped_at >= start) & (orders.shipped_at < end)]
    lines = table("order_line")
    lines = lines[lines.order_id.isin(window.id)]
    complaints = complaints[complaints.order_id.isin(window.id)]
    if scope in {"sku", "lot"}:
        lines, complaints = lines[lines.sku_id == goods.sku], complaints[complaints.sku_id == goods.sku]
    if scope == "supplier":
        lines = lines[lines.supplier_id == goods.supplier]
    return len(complaints), int(lines.quantity.sum())


def test_the_counts_equal_those_of_pandas_for_every_scope_and_type(app: Flask) -> None:
    goods = make_goods()
    sell(goods, generated(goods, second_sku(goods)))
    for scope in ("sku", "lot", "supplier", "courier_line", "all"):
        for kind, family in (
            (None, None),
            (goods.kind, {goods.kind, goods.kind_below}),
            (goods.other_kind, {goods.other_kind}),
        ):
            for mature in (0, 14, 30):
                found = measure(scoped(goods, scope, kind), effective_at=EFFECTIVE, now=NOW, mature_days=mature)
                counted = [(found.before.events, found.before.units), (found.after.events, found.after.units)]
                end = NOW - timedelta(days=mature)
                span = end - EFFECTIVE
                assert counted == [
                    by_pandas(goods, scope, family, EFFECTIVE - span, EFFECTIVE),
                    by_pandas(goods, scope, family, EFFECTIVE, end),
                ], (scope, kind, mature)
                assert found.before.units > 0


def test_both_windows_are_equally_long_and_end_before_goods_are_too_young(app: Flask) -> None:
    goods = make_goods()
    found = measure(scoped(goods, "sku", None), effective_at=NOW - timedelta(days=17), now=NOW)
    assert found.effective_at - found.start == found.end - found.effective_at == timedelta(days=3)
    assert found.end == NOW - timedelta(days=14)
    far = measure(scoped(goods, "sku", None), effective_at=NOW - timedelta(days=700), now=NOW)
    assert far.effective_at - far.start == far.end - far.effective_at == timedelta(days=90)


def test_goods_that_are_all_too_young_give_no_verdict(app: Flask) -> None:
    goods = make_goods()
    sell(goods, [Sale(f"s{n}", NOW - timedelta(days=5)) for n in range(50)])
    found = measure(scoped(goods, "sku", None), effective_at=NOW - timedelta(days=10), now=NOW)
    assert found.start == found.effective_at == found.end
    assert found.verdict.verdict == "too_little_data"


def test_fewer_pieces_than_the_minimum_give_no_verdict(app: Flask) -> None:
    goods = make_goods()
    before = [Sale(f"b{n}", EFFECTIVE - timedelta(days=1)) for n in range(MINIMUM_UNITS)]
    after = [Sale(f"a{n}", EFFECTIVE + timedelta(days=1)) for n in range(MINIMUM_UNITS - 1)]
    sell(goods, before + after)
    issue = scoped(goods, "sku", None)
    assert measure(issue, effective_at=EFFECTIVE, now=NOW).verdict.reason == "few_units_after"
    sell(goods, [Sale("a-last", EFFECTIVE + timedelta(days=1))])
    db.session.remove()
    assert measure(issue, effective_at=EFFECTIVE, now=NOW).verdict.reason == "no_events"


def test_more_complaints_than_pieces_count_as_every_piece(app: Flask) -> None:
    goods = make_goods()
    sell(goods, [Sale("b1", EFFECTIVE - timedelta(days=1), complaints=(goods.kind,) * 3)])
    found = measure(scoped(goods, "sku", None), effective_at=EFFECTIVE, now=NOW)
    assert (found.before.events, found.before.units) == (1, 1)


@pytest.mark.parametrize(
    ("signature", "scope"),
    [
        ("courier_line|中通·杭州→四川|5", "courier_line"),
        ("lot|7|5", "sku"),
        ("sku|7|5", "sku"),
        ("supplier|7|5", "supplier"),
        ("safety|x|", "sku"),
        ("", "sku"),
    ],
)
def test_what_the_opening_rule_counted_by_is_what_is_measured(app: Flask, signature: str, scope: str) -> None:
    goods = make_goods()
    issue = Issue(
        title="压扁", signature=signature, sku_id=goods.sku, supplier_id=goods.supplier, lot_id=goods.lot,
        courier_line=LINES[0], type_id=goods.kind,
    )  # fmt: skip
    key = {"sku": goods.sku, "supplier": goods.supplier, "courier_line": LINES[0]}[scope]
    assert target_of(issue) == Target(scope, key, goods.kind)


def test_the_kept_figures_are_plain_data(app: Flask) -> None:
    goods = make_goods()
    sell(goods, [Sale("b1", EFFECTIVE - timedelta(days=1), complaints=(goods.kind,))])
    figures = measure(scoped(goods, "sku", None), effective_at=EFFECTIVE, now=NOW, mature_days=30).figures()
    assert figures == {
        "start": (EFFECTIVE - timedelta(days=30)).isoformat(),
        "end": (EFFECTIVE + timedelta(days=30)).isoformat(),
        "mature_days": 30,
        "before": {"events": 1, "units": 1},
        "after": {"events": 0, "units": 0},
        "p_value": None,
        "reason": "few_units_before",
    }
