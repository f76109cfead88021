"""小陈's shop: orders, reviews and after-sales that become complaints."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from decimal import Decimal

import pytest
from flask import Flask
from sqlalchemy import select

from qtrace.catalog.service import ensure_shop
from qtrace.complaints.models import Complaint
from qtrace.core.db import db, write
from qtrace.orders.upsert import store
from qtrace.sdk import records as r
from tests.conftest import NOW

DAY = timedelta(days=1)
Put = Callable[..., None]


@pytest.fixture
def put(app: Flask) -> Put:
    """Store records of the shop, as a channel does."""
    with write():
        shop = ensure_shop("douyin", name="抖店旗舰店", platform="douyin")

    def stored(*records: r.Record, now: datetime = NOW, source: tuple[str, int] = ("channel", 1)) -> None:
        with write():
            counts = store(shop, records, now=now, by=None, source=source)
        assert not counts.refused, counts.refused

    return stored


def order(number: str, **values: object) -> r.Order:
    """An order placed ten days ago."""
    return r.Order(**{"external_id": number, "paid": Decimal(99), "placed_at": NOW - 10 * DAY} | values)  # type: ignore[arg-type]


def line(number: str, place: str = "1", **values: object) -> r.OrderLine:
    """A line of the serum from lot B2409-17."""
    known = {"sku": "ROSE-30", "supplier": "HM", "lot": "B2409-17"}
    return r.OrderLine(**{"order": number, "external_id": place} | known | values)  # type: ignore[arg-type]


def review(number: str, text: str = "瓶口漏液", stars: int = 1, days: float = 1, **values: object) -> r.Review:
    """A review of an order, `days` days ago."""
    known = {"external_id": f"R{number}", "order": number, "stars": stars, "text": text}
    return r.Review(**known | {"reviewed_at": NOW - days * DAY} | values)  # type: ignore[arg-type]


def complaints() -> Sequence[Complaint]:
    """Return every complaint, oldest first."""
    return db.session.scalars(select(Complaint).order_by(Complaint.occurred_at, Complaint.id)).all()


def only() -> Complaint:
    """Return the one complaint."""
    (found,) = complaints()
    return found
