"""小陈 uploads an export, sees what would happen, imports it, and gets the bad rows back; and the real files go in."""

import io
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import func, select

from qtrace.catalog.models import Sku, Supplier
from qtrace.core import clock, jobs
from qtrace.core.db import db, read, write
from qtrace.core.events import verify_chain
from qtrace.exchange.importing import Finished, import_file, preview
from qtrace.exchange.models import ImportMapping, ImportRun
from qtrace.orders.models import Order, OrderLine, Parcel, Review
from qtrace.orders.queries import findings
from tests.conftest import SHARED, Browser

OLIST = SHARED / "data" / "olist"
LEDGERS = SHARED / "data" / "ledgers"
ORDERS = "订单编号,下单时间,实付款,备注\nTB1,2026-11-01 10:00,9.90,x\nTB2,昨天,1,x\n"
SECONDS = 600  # a hang limit, ten times the figure that `make real` measures

Login = Callable[[str], Browser]


def upload(browser: Browser, text: str, name: str = "订单.csv", **fields: str) -> str:
    """Upload a file and return the address of the answer."""
    data = {"file": (io.BytesIO(text.encode("gb18030")), name), "kind": "", "mapping": "", "shop": "", **fields}
    answer = browser.post("/imports", data, content_type="multipart/form-data")
    assert answer.status_code == 303, answer.text
    return str(answer.headers["Location"])


def work(app: Flask) -> None:
    """Do the background jobs that wait."""
    with app.app_context():
        while jobs.run_one(clock=clock.now):
            pass


def newest() -> ImportRun:
    """Return the newest run."""
    with read():
        return db.session.scalars(select(ImportRun).order_by(ImportRun.id.desc()).limit(1)).one()


def test_upload_mapping_dry_run_real_run_and_refused_rows(app: Flask, login: Login) -> None:
    browser = login("quality_lead")
    mapping = upload(browser, ORDERS, dry_run="y")
    page = browser.get(mapping).text
    assert 'value="external_id" selected' in page
    answer = browser.post(
        mapping,
        {"kind": "orders", "col-0": "external_id", "col-1": "placed_at", "col-2": "paid", "save_as": "淘宝订单"},
    )
    show = answer.headers["Location"]
    assert 'hx-trigger="every 1s"' in browser.get(show).text
    work(app)
    done = browser.get(show).text
    assert ("每" not in done) and ("正式导入" in done) and ("备注" in done)
    assert (newest().stored, newest().refused) == (1, 1)
    with read():
        assert db.session.scalar(select(func.count()).select_from(Order)) == 0
    real = browser.post(f"{show}/real-run").headers["Location"]
    work(app)
    assert (newest().state, newest().stored, newest().dry_run) == ("done", 1, False)
    refused = browser.get(f"{real}/refused")
    assert refused.headers["Content-Disposition"].startswith("attachment")
    assert "昨天" in refused.data.decode("utf-8-sig")
    refused.close()
    with read():
        assert db.session.scalars(select(ImportMapping.name)).all() == ["淘宝订单"]
    upload(browser, ORDERS)
    work(app)
    assert (newest().mapping, newest().unchanged, newest().refused) == ("淘宝订单", 1, 1)


def test_a_running_import_answers_htmx_with_its_piece(app: Flask, login: Login) -> None:
    browser = login("quality_lead")
    text = "seller_id,seller_zip_code_prefix,seller_city,seller_state\ns1,70740,brasilia,DF\n"
    show = upload(browser, text, "sellers.csv")
    piece = browser.get(show, headers={"HX-Request": "true"}).text
    assert piece.lstrip().startswith('<section id="run-') and "<html" not in piece
    work(app)
    assert 'data-state="done"' in browser.get(show).text
    assert 'id="import-' in browser.get("/imports").text


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [("订单.csv", b"", "空"), ("订单.xlsx", b"\x89PNG\r\n\x1a\n123", "不是表格")],
)
def test_a_file_that_is_no_table_is_one_clear_line(login: Login, name: str, content: bytes, words: str) -> None:
    data = {"file": (io.BytesIO(content), name), "kind": "orders", "mapping": "", "shop": ""}
    answer = login("quality_lead").post("/imports", data, content_type="multipart/form-data")
    assert answer.status_code == 422
    assert words in answer.text


def test_an_upload_without_a_file_says_so(login: Login) -> None:
    answer = login("quality_lead").post("/imports", {"kind": "", "mapping": "", "shop": ""})
    assert (answer.status_code, "请选择一个文件" in answer.text) == (422, True)


def test_a_mapping_that_misses_a_required_field_comes_back(login: Login) -> None:
    browser = login("quality_lead")
    mapping = upload(browser, ORDERS)
    answer = browser.post(mapping, {"kind": "orders", "col-1": "placed_at", "save_as": ""})
    assert (answer.status_code, "订单号" in answer.text) == (422, True)


def test_a_second_tap_on_real_run_imports_once(app: Flask, login: Login) -> None:
    browser = login("quality_lead")
    mapping = upload(browser, ORDERS, dry_run="y")
    browser.post(mapping, {"kind": "orders", "col-0": "external_id", "save_as": ""})
    work(app)
    show = mapping.removesuffix("/mapping")
    first = browser.post(f"{show}/real-run", {"submit_id": "tap"})
    second = browser.post(f"{show}/real-run", {"submit_id": "tap"})
    assert first.headers["Location"] == second.headers["Location"]
    with read():
        assert db.session.scalar(select(func.count()).select_from(ImportRun)) == 2


def test_customer_service_may_not_import(login: Login) -> None:
    browser = login("customer_service")
    assert browser.get("/imports").status_code == 403
    assert browser.get("/imports/1/refused").status_code == 403


def _import(app: Flask, path: Path) -> Finished:
    return import_file(path, mapping="olist", data_dir=app.config["QTRACE_DATA_DIR"], clock=clock.now)


@pytest.mark.real
def test_the_nine_olist_files_go_in_and_a_second_run_changes_nothing(sqlite_app: Flask) -> None:
    if not OLIST.is_dir():
        pytest.skip("the Olist files are not on this machine")
    names = (
        "product_category_name_translation", "olist_sellers_dataset", "olist_products_dataset",
        "olist_customers_dataset", "olist_geolocation_dataset", "olist_orders_dataset", "olist_order_items_dataset",
        "olist_order_payments_dataset", "olist_order_reviews_dataset",
    )  # fmt: skip
    started = time.monotonic()
    first = {name: _import(sqlite_app, OLIST / f"{name}.csv") for name in names}
    seconds = time.monotonic() - started
    assert seconds <= SECONDS
    assert all(done.progress.refused == 0 for done in first.values())
    with read():
        found = {model: db.session.scalar(select(func.count()).select_from(model)) for model in (
            Order, OrderLine, Supplier, Sku, Review, Parcel)}  # fmt: skip
        late = select(func.count()).select_from(Order).where(Order.delivered_at > Order.promised_at)
        delivered = select(func.count()).select_from(Order).where(Order.delivered_at.is_not(None))
        low = select(func.count()).select_from(Review).where(Review.stars <= 2)
        figures = [db.session.scalar(statement) for statement in (late, delivered, low)]
        shown = {finding.key: finding.count for finding in findings()}
    assert list(found.values()) == [8135, 8365, 1610, 5460, 8225, 6353]
    assert figures == [415, 5170, 3020]
    assert shown == {"orders_without_items": 775}
    places = first["olist_geolocation_dataset"].progress
    assert (places.read, places.stored, places.unchanged) == (45928, 36897, 9031)
    for name, before in first.items():
        again = _import(sqlite_app, OLIST / f"{name}.csv").progress
        assert (again.stored, again.updated, again.unchanged) == (0, 0, before.progress.read)
    assert verify_chain().broken_at is None


@pytest.mark.real
def test_real_ledgers_can_be_previewed(sqlite_app: Flask) -> None:
    if not LEDGERS.is_dir():
        pytest.skip("the ledgers are not on this machine")
    seen = {path.name: preview(path) for path in sorted(LEDGERS.iterdir())}
    assert {name: one.rows for name, one in seen.items()} == {
        "ledger_test.xls": 2, "ledger_test.xlsx": 2, "ledger_test2.xls": 1, "ledger_test3.xls": 2, "ledger_test4.xls": 1,
    }  # fmt: skip
    assert all("产品型号" in one.headers or "模块型号" in one.headers for one in seen.values())


def test_writes_of_others_go_on_between_batches(app: Flask, tmp_path: Path) -> None:
    path = tmp_path / "orders.csv"
    path.write_text(ORDERS, encoding="utf-8")
    seen: list[int] = []

    def other_write(_step: object) -> None:
        with write():
            seen.append(1)

    import_file(path, kind="orders", data_dir=app.config["QTRACE_DATA_DIR"], clock=clock.now, progress=other_write)
    assert seen


def test_the_form_proposes_a_dry_run_first(login: Login) -> None:
    page = login("quality_lead").get("/imports").text
    assert 'name="dry_run" value="1" checked' in page
