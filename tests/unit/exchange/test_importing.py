"""Files become facts: counted, repeatable, and every refused row comes back."""

import csv
import gc
import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import func, select

from qtrace.catalog.models import Shop
from qtrace.core.db import db, write
from qtrace.core.errors import Refused
from qtrace.core.events import verify_chain
from qtrace.exchange import storing
from qtrace.exchange.importing import Finished, Progress, import_file, preview, run_import
from qtrace.exchange.models import ImportMapping, ImportRun
from qtrace.exchange.queries import detail_of
from qtrace.exchange.service import save_mapping
from qtrace.orders.models import Order, Parcel, Review

NOW = datetime(2026, 11, 20, 2, 0, tzinfo=UTC)
Import = Callable[..., Finished]


def clock() -> datetime:
    """The test's clock."""
    return NOW


@pytest.fixture
def run(app: Flask, tmp_path: Path) -> Import:
    """Write the text to a file of this name and import it."""

    def run(text: str, name: str = "orders.csv", **options: object) -> Finished:
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return import_file(path, data_dir=app.config["QTRACE_DATA_DIR"], clock=clock, **options)  # type: ignore[arg-type]

    return run


def counts(done: Finished) -> tuple[int, int, int, int, int]:
    """Return (read, stored, updated, unchanged, refused)."""
    p = done.progress
    return p.read, p.stored, p.updated, p.unchanged, p.refused


def orders() -> int:
    """Return how many orders are stored."""
    return db.session.scalar(select(func.count()).select_from(Order)) or 0


TWO_ORDERS = "订单号,下单时间,实付金额,仓位\nA1,2026-11-01 10:00,9.90,x\nA2,2026-11-02 10:00,19.90,y\n"


def test_a_second_run_changes_nothing(run: Import) -> None:
    assert counts(run(TWO_ORDERS)) == (2, 2, 0, 0, 0)
    assert counts(run(TWO_ORDERS)) == (2, 0, 0, 2, 0)
    assert counts(run(TWO_ORDERS.replace("19.90", "29.90"))) == (2, 0, 1, 1, 0)
    assert verify_chain().broken_at is None


def test_unused_columns_are_listed(run: Import) -> None:
    assert run(TWO_ORDERS).ignored == ("仓位",)


def test_a_dry_run_counts_the_same_and_stores_nothing(run: Import) -> None:
    text = TWO_ORDERS + "A1,2026-11-01 10:00,9.90,x\nA3,昨天,1,z\nA4,2026-11-01,0.001,z\n"
    dry = run(text, dry_run=True)
    assert (orders(), db.session.scalar(select(func.count()).select_from(Shop))) == (0, 0)
    assert counts(dry) == counts(run(text)) == (5, 2, 0, 1, 2)


def test_bad_rows_come_back_with_their_reasons_and_good_rows_stay(run: Import) -> None:
    done = run("订单号,下单时间,实付金额\nA1,2026-11-01,9.90\n,2026-11-01,1\nA3,昨天,x\nA4,2026-11-01,0.005\n")
    assert counts(done) == (4, 1, 0, 0, 3)
    assert done.refused_file is not None
    with done.refused_file.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.reader(file))
    assert rows[0][2:] == ["订单号", "下单时间", "实付金额"]
    assert [(row[0], row[2]) for row in rows[1:]] == [("3", ""), ("4", "A3"), ("5", "A4")]
    assert ["「订单号」" in rows[1][1], "「下单时间」" in rows[2][1], "小数" in rows[3][1]] == [True, True, True]


def test_mended_rows_can_be_sent_again(run: Import) -> None:
    done = run("订单号,下单时间\nA1,2026-11-01\nA2,昨天\n")
    assert done.refused_file is not None
    mended = done.refused_file.read_text(encoding="utf-8-sig").replace("A2,昨天", "A2,2026-11-02")
    assert counts(run(mended, "mended.csv", kind="orders")) == (1, 1, 0, 0, 0)


def test_a_row_that_makes_an_order_and_a_parcel_counts_once(run: Import, tmp_path: Path) -> None:
    definition = {
        "kind": "orders",
        "columns": {"external_id": {"header": "订单号"}},
        "also": [
            {"kind": "shipments", "when": "运单号",
             "columns": {"external_id": {"header": "运单号"}, "order": {"header": "订单号"}}}
        ],
    }  # fmt: skip
    (tmp_path / "erp.json").write_text(json.dumps(definition), encoding="utf-8")
    mapping = str(tmp_path / "erp.json")
    assert counts(run("订单号,运单号\nA1,\nA2,SF2\n", mapping=mapping)) == (2, 2, 0, 0, 0)
    assert counts(run("订单号,运单号\nA1,SF1\nA2,SF2\n", mapping=mapping)) == (2, 0, 1, 1, 0)


def test_of_two_parcels_in_each_row_the_last_word_wins(run: Import, tmp_path: Path) -> None:
    part = {"kind": "shipments", "columns": {"external_id": {"header": "运单一"}, "line": {"header": "线路"}}}
    other = {"kind": "shipments", "columns": {"external_id": {"header": "运单二"}, "line": {"header": "线路"}}}
    (tmp_path / "two.json").write_text(json.dumps(part | {"also": [other]}), encoding="utf-8")
    done = run("运单一,运单二,线路\nA,B,先\nB,A,后\n", mapping=str(tmp_path / "two.json"))
    lines = db.session.scalars(select(Parcel.line).order_by(Parcel.external_id)).all()
    assert (counts(done), list(lines)) == ((2, 1, 1, 0, 0), ["后", "后"])


def test_a_row_refused_in_one_part_makes_no_record_at_all(run: Import, tmp_path: Path) -> None:
    columns = {"external_id": {"header": "运单号"}, "order": {"header": "订单号"}, "shipped_at": {"header": "发货"}}
    definition = {"kind": "orders", "columns": {"external_id": {"header": "订单号"}},
                  "also": [{"kind": "shipments", "columns": columns}]}  # fmt: skip
    (tmp_path / "erp.json").write_text(json.dumps(definition), encoding="utf-8")
    done = run("订单号,运单号,发货\nA1,S1,昨天\nA2,S2,2026-11-01\n", mapping=str(tmp_path / "erp.json"))
    assert (counts(done), orders()) == ((2, 1, 0, 0, 1), 1)


def test_the_collector_runs_again_after_an_import(run: Import) -> None:
    run(TWO_ORDERS)
    assert gc.isenabled()


def test_a_saved_mapping_is_remembered_and_used_by_itself(run: Import) -> None:
    definition = {"kind": "reviews", "columns": {
        "external_id": {"header": "ID"}, "stars": {"header": "几星"}, "reviewed_at": {"header": "哪天"}}}  # fmt: skip
    with write():
        save_mapping("千牛评价", definition, now=NOW)
    done = run("ID,几星,哪天\nR1,1,2026-11-01\n")
    assert (done.kind, done.mapping, counts(done)) == ("reviews", "千牛评价", (1, 1, 0, 0, 0))
    assert db.session.scalars(select(Review.stars)).one() == 1


def test_a_preset_is_saved_on_first_use_with_its_shop(run: Import) -> None:
    text = "seller_id,seller_zip_code_prefix,seller_city,seller_state\ns1,70740,brasilia,DF\n"
    run(text, "sellers.csv", mapping="olist")
    run(text, "sellers.csv")
    saved = db.session.scalars(select(ImportMapping)).one()
    shop = db.session.scalars(select(Shop)).one()
    assert (saved.name, saved.kind, shop.key, shop.currency) == ("olist", "suppliers", "olist", "BRL")


@pytest.mark.parametrize(
    ("text", "options", "words"),
    [
        ("姓名,年龄\n王,3\n", {}, "--as"),
        ("订单号\nA1\n", {"kind": "toys"}, "toys"),
        ("订单号\nA1\n", {"mapping": "没有的"}, "没有的"),
        ("订单号\nA1\n", {"mapping": "missing.json"}, "missing.json"),
        ("订单号\nA1\n", {"kind": "reviews"}, "评分"),
        ("订单号\nA1\n", {"kind": "orders", "mapping": "olist"}, "order_id"),
        ("订单号,订单号\nA1,A2\n", {"kind": "orders"}, "重名"),
        ("", {"kind": "orders"}, "空"),
    ],
)
def test_what_cannot_be_imported_is_one_clear_line(run: Import, text: str, options: dict[str, str], words: str) -> None:
    with pytest.raises(Refused, match=words):
        run(text, **options)
    assert orders() == 0


def test_several_shops_need_a_choice(run: Import) -> None:
    run(TWO_ORDERS, shop_key="taobao")
    run(TWO_ORDERS, shop_key="douyin")
    with pytest.raises(Refused, match="taobao"):
        run(TWO_ORDERS)
    assert orders() == 4


def test_progress_is_told_after_every_batch(run: Import, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(storing, "BATCH", 1)
    seen: list[Progress] = []
    run(TWO_ORDERS, progress=seen.append)
    assert [(step.read, step.stored) for step in seen] == [(1, 1), (2, 2), (2, 2)]


def test_a_run_that_died_is_simply_run_again(app: Flask, run: Import, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(storing, "BATCH", 1)

    def die(step: Progress) -> None:
        if step.read == 1:
            raise KeyError("power cut")

    with pytest.raises(KeyError):
        run(TWO_ORDERS, progress=die)
    broken = db.session.scalars(select(ImportRun)).one()
    assert (broken.state, broken.stored, orders()) == ("failed", 1, 1)
    assert counts(run(TWO_ORDERS)) == (2, 1, 0, 1, 0)


def test_a_missing_file_ends_the_run_with_a_message(app: Flask) -> None:
    with write() as session:
        session.add(ImportRun(kind="orders", file_id=None, file_name="x.csv", definition={}, started_at=NOW))
    run_id = db.session.scalars(select(ImportRun.id)).one()
    with pytest.raises(Exception):  # noqa: B017 - whatever it is, the run must not stay "running"
        run_import(run_id, data_dir=app.config["QTRACE_DATA_DIR"], clock=clock)
    assert db.session.scalars(select(ImportRun.state)).one() == "failed"


def test_blank_rows_are_counted_apart(run: Import) -> None:
    done = run("订单号,下单时间\nA1,2026-11-01\n,\nA2,2026-11-02\n")
    run_row = db.session.scalars(select(ImportRun)).one()
    assert (counts(done)[0], done.blank, detail_of(run_row).blank) == (2, 1, 1)


def test_any_table_can_be_previewed(sqlite_app: Flask, tmp_path: Path) -> None:
    path = tmp_path / "ledger.csv"
    path.write_text("报告编号,发现地点\nZ1,安康\nZ2,宝鸡\n", encoding="gb18030")
    seen = preview(path)
    assert (seen.headers, seen.rows, seen.encoding, seen.kind) == (("报告编号", "发现地点"), 2, "gb18030", None)
    assert seen.first[0] == ("Z1", "安康")
