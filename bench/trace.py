"""The trace beside its goals: a million order lines, a hundred thousand lots, one lot that twenty thousand lines share."""

import random
import statistics
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from itertools import islice
from pathlib import Path
from typing import Any

from flask import Flask
from sqlalchemy import select, text

from bench.figures import Sheet
from bench.listpage import wsgi_call
from bench.site import make_site, postgres
from qtrace.catalog.models import Customer, Shop, Sku, Supplier
from qtrace.complaints.models import Complaint
from qtrace.core import clock
from qtrace.core.db import Base, db, dispose_engines, table_of, write
from qtrace.orders.bulk import insert_rows
from qtrace.orders.models import LineLot, Lot, Order, OrderLine, Parcel, Receipt
from qtrace.trace.queries import find_end
from qtrace.trace.tables import all_lines

LINES, LOTS, HUB = 1_000_000, 100_000, 20_000
SKUS, SUPPLIERS, BUYERS = 5_000, 300, 200_000
CHUNK = 50_000
TRIES = 30
DAYS = 400
Row = Sequence[Any]


def measure(sheet: Sheet) -> None:
    """Measure the pages of the hub lot and of usual ends on both databases."""
    with tempfile.TemporaryDirectory() as folder, postgres(Path(folder)) as url:
        for name, address in (("sqlite", ""), ("postgresql", url)):
            app, token = make_site(Path(folder) / name, address)
            began = time.perf_counter()
            with app.test_request_context():
                _fill(LINES)
                dispose_engines()
            print(f"# {name}: {LINES} lines written in {time.perf_counter() - began:.0f} s")
            _pages(sheet, app, token, name)


def _pages(sheet: Sheet, app: Flask, token: str, name: str) -> None:
    chance = random.Random(3)
    goals = {"hub_lot": "/trace/lot/L0000000", "hub_table": "/trace/lot/L0000000?lane=line"}
    for what, address in goals.items():
        sheet.add(f"trace.{name}.{what}_p95", _p95(app, token, lambda address=address: address), "ms", 100)
    for what, address in {
        "lot": lambda: f"/trace/lot/L{chance.randrange(1, LOTS):07}", "sku": lambda: f"/trace/sku/SKU{chance.randrange(SKUS):05}",
        "order": lambda: f"/trace/order/O{chance.randrange(LINES // 2):07}", "supplier": lambda: f"/trace/supplier/S{chance.randrange(SUPPLIERS)}",
    }.items():  # fmt: skip
        sheet.add(f"trace.{name}.{what}_p95", _p95(app, token, address), "ms", 100)
    with app.test_request_context():
        began, rows = time.perf_counter(), 0
        end = find_end("lot", "L0000000", None)
        for _row in all_lines(end):
            rows += 1
        took = time.perf_counter() - began
        assert rows == HUB, rows
        sheet.add(f"trace.{name}.export_lines_per_second", rows / took, "lines/s")
        dispose_engines()


def _p95(app: Flask, token: str, address: Callable[[], str]) -> float:
    """Return the 95th percentile of the server's time in milliseconds; the first answer warms up."""
    times = []
    for at in range(TRIES + 1):
        call = wsgi_call(app, address(), token)
        began = time.perf_counter()
        call()
        took = time.perf_counter() - began
        if at:
            times.append(took * 1000)
    return statistics.quantiles(times, n=20)[-1]


def _fill(lines: int) -> None:
    """Write the shop's years; the hub lot is the first."""
    now, chance = clock.now(), random.Random(5)
    with write() as session:
        shop = Shop(key="bench", name="旗舰店", platform="taobao")
        session.add(shop)
        session.flush()
        own = shop.id
    _put(
        Supplier,
        "shop_id external_id name region contact",
        ((own, f"S{n}", f"供应商{n}", "", "") for n in range(SUPPLIERS)),
    )
    suppliers = _ids(Supplier)
    _put(Sku, "shop_id external_id product_code name category barcode supplier_id known brand",
         ((own, f"SKU{n:05}", "", f"精华液 {n}", "", "", suppliers[n % SUPPLIERS], True, "") for n in range(SKUS)))  # fmt: skip
    skus = _ids(Sku)
    _put(Lot, "shop_id external_id sku_id supplier_id supplier_lot quality_status level",
         ((own, f"L{n:07}", skus[n % SKUS], suppliers[n % SKUS % SUPPLIERS], "", "", "") for n in range(LOTS)))  # fmt: skip
    lots = _ids(Lot)
    start = now - timedelta(days=DAYS)
    _put(Receipt, "shop_id external_id supplier_id lot_id sku_id quantity received_at",
         ((own, f"RK{n:07}", suppliers[n % SKUS % SUPPLIERS], lots[n], skus[n % SKUS], HUB * 2 if n == 0 else 50, start) for n in range(LOTS)))  # fmt: skip
    _put(Customer, "shop_id external_id person_id masked_name region",
         ((own, f"C{n:06}", "", "王*", "浙江") for n in range(BUYERS)))  # fmt: skip
    buyers = _ids(Customer)
    orders = lines // 2
    step = timedelta(days=DAYS - 2) / orders
    _put(Order, "shop_id external_id customer_id status currency paid_minor placed_at shipped_at delivered_at known",
         ((own, f"O{n:07}", buyers[chance.randrange(BUYERS)], "paid", "CNY", 9900, start + step * n,
           start + step * n + timedelta(hours=9), start + step * n + timedelta(days=3), True) for n in range(orders)))  # fmt: skip
    numbers = _ids(Order)
    of = [0 if n < HUB else 1 + chance.randrange(LOTS - 1) for n in range(lines)]
    chance.shuffle(of)
    _put(OrderLine, "order_id external_id kind parent_external_id sku_id supplier_id quantity price_minor freight_minor",
         ((numbers[n // 2], str(n % 2 + 1), "item", "", skus[of[n] % SKUS], None, 1, 4900, 0) for n in range(lines)))  # fmt: skip
    ids = _ids(OrderLine)
    _put(LineLot, "line_id lot_id quantity method confidence source",
         ((ids[n], lots[of[n]], 1, "scanned" if n % 10 < 7 else "fifo", 100 if n % 10 < 7 else 70, "") for n in range(lines)))  # fmt: skip
    _put(Parcel, "shop_id external_id order_id courier line shipped_at",
         ((own, f"SF{n:08}", numbers[n], "顺丰", "顺丰·杭州→浙江", start + step * n) for n in range(orders)))  # fmt: skip
    told = [n for n in range(lines) if chance.random() < (0.02 if of[n] == 0 else 0.01)]
    _put(Complaint, "number source_kind source_id occurred_at created_at shop_id order_id line_id sku_id lot_id text raw_reason "
         "amount_minor currency courier_line suggested_by safety status version",
         ((f"K{n:07}", "review", n, start + step * (n // 2), now, own, numbers[n // 2], ids[n], skus[of[n] % SKUS], lots[of[n]],
           "漏液", "", 0, "CNY", "", "", False, "closed", 1) for n in told))  # fmt: skip
    with write() as session:
        session.execute(text("ANALYZE"))


def _put(model: type[Base], columns: str, rows: Iterator[Row]) -> None:
    while chunk := list(islice(rows, CHUNK)):
        with write():
            insert_rows(table_of(model), columns.split(), chunk)


def _ids(model: type[Base]) -> list[int]:
    found = list(db.session.scalars(select(table_of(model).c.id).order_by(table_of(model).c.id)))
    db.session.remove()
    return found


if __name__ == "__main__":
    warnings.filterwarnings("ignore", message="unknown setting")
    own_sheet = Sheet("bench")
    measure(own_sheet)
    own_sheet.write("trace")
    sys.exit(0)
