"""Rows of a sales export imported per second, beside reading the file and inserting the same rows in bulk."""

import csv
import hashlib
import json
import os
import statistics
import tempfile
import time
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import chain, islice
from pathlib import Path
from typing import Any, cast
from xml.sax.saxutils import escape

from python_calamine import CalamineWorkbook
from sqlalchemy import Table, insert

from bench.figures import Sheet
from bench.site import make_site
from qtrace.catalog.models import Customer, Shop, Sku, Supplier, Warehouse
from qtrace.core import clock, events
from qtrace.core.db import db, dispose_engines, write
from qtrace.exchange.importing import import_file
from qtrace.exchange.storing import BATCH
from qtrace.orders.models import Order, OrderLine, Parcel

ROWS = min(100_000, int(os.environ.get("QTRACE_BENCH_ROWS", "100000")))
ROUNDS = 3
SHARE = 70
BAD_EVERY = 20
FIRST = datetime(2025, 1, 1, 8, tzinfo=UTC)
HEADERS = (
    "订单号", "买家", "状态", "币种", "实付金额", "下单时间", "发货时间", "签收时间", "承诺送达时间", "子订单号", "商家编码",
    "供应商", "数量", "单价", "运费", "最晚发货时间", "运单号", "快递公司", "快递线路", "仓库",
)  # fmt: skip
PARTS = (
    ("orders", "external_id customer status currency paid placed_at shipped_at delivered_at promised_at", 0),
    ("lines", "external_id sku supplier quantity price freight ship_by", 9),
    ("shipments", "external_id courier line warehouse", 16),
)
COURIERS = ("中通", "圆通", "顺丰", "极兔")
Cells = Sequence[Any]


def measure(sheet: Sheet) -> None:
    """Add rows per second of both file types and their share of the bare limit."""
    with tempfile.TemporaryDirectory(prefix="qtrace-imports-") as name:
        folder = Path(name)
        mapping = folder / "mapping.json"
        mapping.write_text(json.dumps(_mapping(), ensure_ascii=False), encoding="utf-8")
        files = {"csv": folder / "sales.csv", "xlsx": folder / "sales.xlsx"}
        write_csv(files["csv"], ROWS)
        write_xlsx(files["xlsx"], ROWS)
        for kind, path in files.items():
            ours, limit = _rates(path, mapping, folder)
            sheet.add(f"import_{kind}", ours, "rows/s")
            sheet.add(f"import_{kind}_bare", limit, "rows/s")
            sheet.add(f"import_{kind}_of_bare", ours / limit * 100, "%", SHARE, most=False)
        _measure_bad(sheet, mapping, folder)


def _measure_bad(sheet: Sheet, mapping: Path, folder: Path) -> None:
    """Add the rate of a workbook with five bad rows in a hundred, its second run, and how many rows came back."""
    path = folder / "bad.xlsx"
    write_xlsx(path, ROWS, bad=True)
    bad = len(range(0, ROWS, BAD_EVERY))
    ours, limit = [], []
    for _round in range(ROUNDS):
        spent, counts, again = _import_twice(path, mapping, folder)
        if counts != (ROWS - bad, bad) or again != (0, ROWS - bad, bad):
            raise RuntimeError(f"stored and refused {counts}, then stored, unchanged and refused {again}")
        ours.append(ROWS / spent)
        limit.append(ROWS / _bare(folder / "sales.xlsx", folder))
    sheet.add("import_bad_rows_back", bad, "rows")
    sheet.add("import_bad_xlsx", statistics.median(ours), "rows/s")
    share = statistics.median(ours) / statistics.median(limit) * 100
    sheet.add("import_bad_xlsx_of_bare", share, "%", SHARE, most=False)


def _import_twice(path: Path, mapping: Path, folder: Path) -> tuple[float, tuple[int, int], tuple[int, int, int]]:
    with tempfile.TemporaryDirectory(dir=folder) as name:
        app, _token = make_site(Path(name))
        with app.test_request_context():
            begun = time.perf_counter()
            first = import_file(path, mapping=str(mapping), data_dir=Path(name), clock=clock.now).progress
            spent = time.perf_counter() - begun
            second = import_file(path, mapping=str(mapping), data_dir=Path(name), clock=clock.now).progress
            dispose_engines()
    return spent, (first.stored, first.refused), (second.stored + second.updated, second.unchanged, second.refused)


def sales_rows(count: int) -> Iterator[list[str | float]]:
    """Yield rows of a made-up export: an order with its one line and its parcel."""
    for n in range(count):
        placed = FIRST + timedelta(minutes=7 * n)
        price = 19.9 + n % 200
        days = (timedelta(), timedelta(days=1), timedelta(days=3 + n % 4), timedelta(days=6), timedelta(days=2))
        times = [(placed + span).strftime("%Y-%m-%d %H:%M:%S") for span in days]
        yield [
            f"T{20_000_000 + n}", f"buyer{n % 30_000}", "已完成", "CNY", price, *times[:4], f"{n}-1", f"SKU{n % 2000:05}",
            f"S{n % 200}", 1 + n % 3, price, 5.0, times[4], f"YT{70_000_000 + n}", COURIERS[n % 4],
            f"{COURIERS[n % 4]}·杭州→{n % 31}", f"W{n % 4}",
        ]  # fmt: skip


def write_csv(path: Path, count: int) -> None:
    """Write the export as CSV."""
    with path.open("w", encoding="utf-8", newline="") as handle:
        csv.writer(handle).writerows(chain([HEADERS], sales_rows(count)))


def spoilt(rows: Iterable[list[str | float]]) -> Iterator[list[str | float]]:
    """Yield the rows with a day nobody can read in every twentieth."""
    for n, row in enumerate(rows):
        if n % BAD_EVERY == 0:
            row[5] = "昨天"
        yield row


def write_xlsx(path: Path, count: int, *, bad: bool = False) -> None:
    """Write the export as a workbook."""
    write_sheet(path, HEADERS, spoilt(sales_rows(count)) if bad else sales_rows(count))


def write_sheet(path: Path, headers: Sequence[str], rows: Iterable[list[str | float]]) -> None:
    """Write the plainest workbook there is, because writing one is not what is measured."""
    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    package = "http://schemas.openxmlformats.org/package/2006"
    types = "application/vnd.openxmlformats-officedocument.spreadsheetml"
    parts = {
        "[Content_Types].xml": f'<Types xmlns="{package}/content-types"><Default Extension="rels" ContentType="application/'
        f'vnd.openxmlformats-package.relationships+xml"/><Override PartName="/xl/workbook.xml" ContentType="{types}.sheet.'
        f'main+xml"/><Override PartName="/xl/worksheets/sheet1.xml" ContentType="{types}.worksheet+xml"/></Types>',
        "_rels/.rels": f'<Relationships xmlns="{package}/relationships"><Relationship Id="rId1" '
        f'Type="{office}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'<workbook xmlns="{main}" xmlns:r="{office}"><sheets><sheet name="sales" sheetId="1" '
        f'r:id="rId1"/></sheets></workbook>',
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{package}/relationships"><Relationship Id="rId1" '
        f'Type="{office}/worksheet" Target="worksheets/sheet1.xml"/></Relationships>',
    }
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
        with archive.open("xl/worksheets/sheet1.xml", "w") as handle:
            handle.write(f'<worksheet xmlns="{main}"><sheetData>'.encode())
            for row in chain([headers], rows):
                handle.write(("<row>" + "".join(_cell(value) for value in row) + "</row>").encode())
            handle.write(b"</sheetData></worksheet>")


def _cell(value: str | float) -> str:
    if isinstance(value, str):
        return f'<c t="inlineStr"><is><t>{escape(value)}</t></is></c>'
    return f"<c><v>{value}</v></c>"


def _mapping() -> dict[str, Any]:
    found: list[dict[str, Any]] = []
    for kind, names, first in PARTS:
        columns = {name: {"header": HEADERS[first + at]} for at, name in enumerate(names.split())}
        if kind != "orders":
            columns["order"] = {"header": HEADERS[0]}
        found.append({"kind": kind, "columns": columns})
    return found[0] | {"also": found[1:]}


def _rates(path: Path, mapping: Path, folder: Path) -> tuple[float, float]:
    """Return rows per second of the import and of the bare limit; the rounds take turns."""
    ours, limit = [], []
    for _round in range(ROUNDS):
        ours.append(ROWS / _import(path, mapping, folder))
        limit.append(ROWS / _bare(path, folder))
    return statistics.median(ours), statistics.median(limit)


def _import(path: Path, mapping: Path, folder: Path) -> float:
    with tempfile.TemporaryDirectory(dir=folder) as name:
        app, _token = make_site(Path(name))
        with app.test_request_context():
            begun = time.perf_counter()
            done = import_file(path, mapping=str(mapping), data_dir=Path(name), clock=clock.now).progress
            spent = time.perf_counter() - begun
            dispose_engines()
    if done.stored != ROWS:
        raise RuntimeError(f"of {ROWS} rows only {done.stored} were stored")
    return spent


def _bare(path: Path, folder: Path) -> float:
    with tempfile.TemporaryDirectory(dir=folder) as name:
        app, _token = make_site(Path(name))
        with app.test_request_context():
            with write() as session:
                shop = Shop(key="bare", name="bare")
                session.add(shop)
                session.flush()  # its id is in every row below
                shop_id = shop.id
            begun = time.perf_counter()
            rows = iter(_read(path))
            next(rows)
            loader = Loader(shop_id)
            while batch := list(islice(rows, BATCH)):
                loader.insert(batch)
            spent = time.perf_counter() - begun
            dispose_engines()
    return spent


def _read(path: Path) -> Iterable[Cells]:
    if path.suffix == ".csv":
        with path.open(encoding="utf-8", newline="") as handle:
            yield from csv.reader(handle)
    else:
        yield from CalamineWorkbook.from_path(str(path)).get_sheet_by_index(0).iter_rows()


class Loader:
    """Inserts batches of the export with as little as the rows themselves need; nothing is checked or compared."""

    def __init__(self, shop_id: int) -> None:
        self.shop_id = shop_id
        self.known: dict[str, dict[str, int]] = {}
        self.orders = 0

    def insert(self, batch: Sequence[Cells]) -> None:
        """Write one batch with one event per kind."""
        with write():
            customers = self._ids(Customer, [row[1] for row in batch])
            skus = self._ids(Sku, [row[10] for row in batch])
            suppliers = self._ids(Supplier, [row[11] for row in batch], named=True)
            warehouses = self._ids(Warehouse, [row[19] for row in batch], named=True)
            ids = range(self.orders + 1, self.orders + len(batch) + 1)
            self.orders += len(batch)
            self._insert(Order, [self._order(row, order, customers) for order, row in zip(ids, batch, strict=True)])
            self._insert(OrderLine, [_line(row, order, skus, suppliers) for order, row in zip(ids, batch, strict=True)])
            self._insert(Parcel, [self._parcel(row, order, warehouses) for order, row in zip(ids, batch, strict=True)])
            digest = hashlib.sha256(repr(batch).encode()).hexdigest()
            for kind, _names, _first in PARTS:
                body = {"kind": kind, "ids": list(ids), "sha256": digest}
                events.record("bench_imported", subject=("import_run", 1), by=None, now=clock.now(), body=body)

    def _ids(self, model: Any, names: Sequence[str], *, named: bool = False) -> Mapping[str, int]:
        known = self.known.setdefault(model.__tablename__, {})
        fresh = [name for name in dict.fromkeys(names) if name not in known]
        rows = []
        for name in fresh:
            known[name] = len(known) + 1
            rows.append(
                {"id": known[name], "shop_id": self.shop_id, "external_id": name} | ({"name": name} if named else {})
            )
        if rows:
            self._insert(model, rows)
        return known

    @staticmethod
    def _insert(model: Any, rows: list[dict[str, Any]]) -> None:
        db.session.execute(insert(cast(Table, model.__table__)), rows)

    def _order(self, row: Cells, order: int, customers: Mapping[str, int]) -> dict[str, Any]:
        return {
            "id": order, "shop_id": self.shop_id, "external_id": row[0], "customer_id": customers[row[1]], "status": row[2],
            "currency": row[3], "paid_minor": _minor(row[4]), "placed_at": _time(row[5]), "shipped_at": _time(row[6]),
            "delivered_at": _time(row[7]), "promised_at": _time(row[8]),
        }  # fmt: skip

    def _parcel(self, row: Cells, order: int, warehouses: Mapping[str, int]) -> dict[str, Any]:
        return {
            "shop_id": self.shop_id, "external_id": row[16], "order_id": order, "courier": row[17], "line": row[18],
            "warehouse_id": warehouses[row[19]],
        }  # fmt: skip


def _line(row: Cells, order: int, skus: Mapping[str, int], suppliers: Mapping[str, int]) -> dict[str, Any]:
    return {
        "order_id": order, "external_id": row[9], "sku_id": skus[row[10]], "supplier_id": suppliers[row[11]],
        "quantity": int(row[12]), "price_minor": _minor(row[13]), "freight_minor": _minor(row[14]), "ship_by": _time(row[15]),
    }  # fmt: skip


def _minor(cell: str | float) -> int:
    return round(float(cell) * 100)


def _time(cell: str) -> datetime:
    return datetime.fromisoformat(cell).replace(tzinfo=UTC)
