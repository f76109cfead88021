"""Dropped files become facts once, and nothing of them is lost or silently ignored."""

import csv
import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from openpyxl import Workbook
from qtrace_folder_drop import connector as folder_drop
from sqlalchemy import func, select

from qtrace.channels import syncing
from qtrace.channels.models import ChannelAccount, IntakeRecord
from qtrace.channels.queries import last_result
from qtrace.channels.service import NewAccount, add_account
from qtrace.channels.syncing import Synced, sync
from qtrace.core.db import db, read, write
from qtrace.core.events import subscribe
from qtrace.orders.models import AfterSale, Order, OrderLine, Review

NOW = datetime(2026, 11, 20, 2, 0, tzinfo=UTC)
LONG_AGO = NOW - timedelta(hours=1)
ORDERS = [
    ["订单号", "下单时间", "实付金额", "订单状态"],
    *([f"T{n}", f"2026-11-{n:02d} 10:00", "19.90", "已完成"] for n in range(1, 11)),
]
LINES = [
    ["订单号", "行号", "商家编码", "数量", "单价"],
    *([f"T{n}", "1", f"SKU-{n % 3}", "1", "19.90"] for n in range(1, 11)),
]
REVIEWS = [
    ["评价编号", "订单号", "评分", "评价内容", "评价时间"],
    ["R1", "T1", "1", "瓶口漏液", "2026-11-15 09:00"],
    ["R2", "T2", "5", "很好", "2026-11-15 09:30"],
]
AFTERSALES = [
    ["售后单号", "订单号", "退款原因", "退款金额", "申请时间"],
    ["S1", "T3", "质量问题", "19.90", "2026-11-16 08:00"],
]


class Drop:
    """The folder of one account, with files that were written at chosen times."""

    def __init__(self, app: Flask, name: str = "天猫旗舰店") -> None:
        with write():
            new = NewAccount(name=name, connector="folder_drop", shop_id=None, settings={"settle_seconds": 30})
            self.account_id = add_account(new, by=None, now=NOW)
        self.folder = Path(app.config["QTRACE_DATA_DIR"]) / "drop" / name
        self.folder.mkdir(parents=True, exist_ok=True)

    def table(self, name: str, rows: list[list[str]], *, at: datetime = LONG_AGO) -> Path:
        """Write a CSV file."""
        path = self.folder / name
        with path.open("w", encoding="utf-8", newline="") as stream:
            csv.writer(stream).writerows(rows)
        return self.aged(path, at)

    def aged(self, path: Path, at: datetime) -> Path:
        """Set the time of a file's last change."""
        os.utime(path, (at.timestamp(), at.timestamp()))
        return path

    def sync(self, *, at: datetime = NOW) -> Synced:
        """Sync at a moment."""
        return sync(self.account_id, clock=lambda: at)

    def names(self, folder: str = "") -> list[str]:
        """Return the files in a folder."""
        place = self.folder / folder
        return sorted(path.name for path in place.iterdir() if path.is_file()) if place.exists() else []

    def refusals(self) -> list[str]:
        """Return why rows were refused."""
        with read():
            return list(db.session.scalars(select(IntakeRecord.refused).where(IntakeRecord.refused != "")))


@pytest.fixture
def drop(app: Flask) -> Drop:
    return Drop(app)


def count(model: type[Any]) -> int:
    with read():
        return db.session.scalar(select(func.count()).select_from(model)) or 0


def stored() -> tuple[int, int, int, int]:
    return count(Order), count(OrderLine), count(Review), count(AfterSale)


def drop_everything(drop: Drop) -> None:
    drop.table("订单 11月.csv", ORDERS)
    drop.table("lines-2026.csv", LINES)
    drop.table("reviews.csv", REVIEWS)
    drop.table("售后.csv", AFTERSALES)


def test_dropped_files_become_facts_and_are_told_to_the_intake(app: Flask, drop: Drop) -> None:
    heard: list[tuple[str, int]] = []
    subscribe(app, "records_imported", lambda event: heard.append((event.body["kind"], event.body["stored"])))
    drop_everything(drop)
    drop.sync()
    assert stored() == (10, 10, 2, 1)
    assert heard == [("orders", 10), ("lines", 10), ("reviews", 2), ("aftersales", 1)]
    assert (drop.names(), len(drop.names("done")), drop.names("failed")) == ([], 4, [])


def test_a_second_sync_changes_nothing(drop: Drop) -> None:
    drop_everything(drop)
    drop.sync()
    before = stored(), count(IntakeRecord)
    assert sum(tally.read for tally in drop.sync().streams.values()) == 0
    assert (stored(), count(IntakeRecord)) == before


def test_the_same_file_under_another_name_changes_nothing_and_is_moved_away(drop: Drop) -> None:
    drop.table("orders.csv", ORDERS)
    drop.sync()
    drop.table("orders copy.csv", ORDERS)
    assert drop.sync().streams["orders"].read == 0
    assert (drop.names(), drop.names("done")) == ([], ["orders copy.csv", "orders.csv"])


def test_the_same_rows_in_another_file_are_known(drop: Drop) -> None:
    drop.table("orders.csv", ORDERS)
    drop.sync()
    drop.table("orders more.csv", [*ORDERS, ["T11", "2026-11-11 10:00", "5", "已完成"]])
    tally = drop.sync().streams["orders"]
    assert (tally.read, tally.stored, tally.unchanged) == (11, 1, 10)


def test_a_file_of_a_used_name_does_not_replace_the_one_kept(drop: Drop) -> None:
    drop.table("orders.csv", ORDERS)
    drop.sync()
    drop.table("orders.csv", [ORDERS[0], ["T99", "2026-11-11 10:00", "5", ""]])
    drop.sync()
    assert len(drop.names("done")) == 2


def test_excel_files_are_read_too(drop: Drop) -> None:
    book = Workbook()
    for row in ORDERS:
        book.active.append(row)  # type: ignore[union-attr]  # a new book has a sheet
    book.save(drop.folder / "订单.xlsx")
    drop.aged(drop.folder / "订单.xlsx", LONG_AGO)
    assert drop.sync().streams["orders"].stored == 10


def test_a_half_written_file_waits(drop: Drop) -> None:
    drop.table("orders.csv", ORDERS[:4], at=NOW - timedelta(seconds=5))
    assert drop.sync().streams["orders"].read == 0
    drop.table("orders.csv", ORDERS, at=NOW + timedelta(seconds=10))
    assert drop.sync(at=NOW + timedelta(seconds=20)).streams["orders"].read == 0
    assert drop.sync(at=NOW + timedelta(seconds=60)).streams["orders"].stored == 10


def test_a_file_dated_in_the_future_is_read_once_it_has_looked_the_same_for_long_enough(drop: Drop) -> None:
    drop.table("orders.csv", ORDERS, at=NOW + timedelta(days=1))
    assert drop.sync().streams["orders"].read == 0
    assert drop.sync(at=NOW + timedelta(seconds=10)).streams["orders"].read == 0
    assert drop.sync(at=NOW + timedelta(seconds=31)).streams["orders"].stored == 10


def test_bad_rows_are_refused_shown_and_given_back(drop: Drop) -> None:
    rows = [
        [f"T{n}", "昨天" if n % 20 == 0 else "2026-11-01 10:00", "1.001" if n % 20 == 1 else "1.00", ""]
        for n in range(1, 101)
    ]
    drop.table("orders.csv", [ORDERS[0], *rows])
    tally = drop.sync().streams["orders"]
    assert (tally.read, tally.stored, tally.refused) == (100, 90, 10)
    reasons = drop.refusals()
    assert len(reasons) == 10
    assert all(reason.startswith("orders.csv #") for reason in reasons)
    assert drop.names("failed") == ["orders-错误行.csv"]
    given_back = (drop.folder / "failed" / "orders-错误行.csv").read_text(encoding="utf-8-sig").splitlines()
    assert len(given_back) == 11
    assert "下单时间" in given_back[-1]


def test_columns_nothing_uses_are_named(drop: Drop) -> None:
    drop.table("orders.csv", [[*ORDERS[0], "旺旺心情"], [*ORDERS[1], "x"]])
    assert drop.sync().notes == ["orders.csv 里没有用到的列:旺旺心情。"]
    with read():
        assert last_result(drop.account_id)["notes"] == ["orders.csv 里没有用到的列:旺旺心情。"]


@pytest.mark.parametrize(
    ("content", "says"),
    [(b"\x89PNG\r\n\x1a\n" + b"\0" * 50, "orders.csv"), (b"", "空"), ("甲,乙\n1,2\n".encode(), "订单号")],
)
def test_a_file_that_cannot_be_read_moves_to_failed_with_its_reason(drop: Drop, content: bytes, says: str) -> None:
    (drop.folder / "orders.csv").write_bytes(content)
    drop.aged(drop.folder / "orders.csv", LONG_AGO)
    drop.table("orders2.csv", ORDERS)
    tally = drop.sync().streams["orders"]
    assert (tally.stored, tally.refused) == (10, 1)
    assert drop.names("failed") == ["orders.csv", "orders.csv.txt"]
    assert says in drop.refusals()[0]


def test_a_file_of_no_known_kind_stays_and_is_named(drop: Drop) -> None:
    drop.table("whatever.csv", ORDERS)
    assert "whatever.csv" in drop.sync().error
    assert drop.names() == ["whatever.csv"]


def test_links_and_hidden_files_are_not_read(drop: Drop, tmp_path: Path) -> None:
    secret = tmp_path / "secret.csv"
    drop.table(".orders.csv", ORDERS).replace(secret)
    (drop.folder / "orders.csv").symlink_to(secret)
    drop.table(".orders-part.csv", ORDERS)
    assert drop.sync().streams["orders"].read == 0
    assert secret.exists()


def test_a_large_file_is_stored_page_by_page_and_a_crash_in_between_costs_nothing(
    drop: Drop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(folder_drop, "PAGE_ROWS", 3)
    bad = ["T77", "昨天", "1.00", ""]
    drop.table("orders.csv", [ORDERS[0], bad, *ORDERS[1:]])
    stop_after(monkeypatch, pages=2, drop=drop)
    assert (count(Order), drop.names()) == (5, ["orders.csv"])
    tally = drop.sync().streams["orders"]
    assert (tally.read, tally.stored, tally.unchanged) == (5, 5, 0)
    assert (count(Order), drop.names("done"), drop.names("failed")) == (10, ["orders.csv"], ["orders-错误行.csv"])


def test_a_crash_before_the_file_is_moved_only_leaves_it_to_be_moved(
    drop: Drop, monkeypatch: pytest.MonkeyPatch
) -> None:
    drop.table("orders.csv", ORDERS)
    stop_after(monkeypatch, pages=1, drop=drop)
    assert (count(Order), drop.names()) == (10, ["orders.csv"])
    assert drop.sync().streams["orders"].read == 0
    assert (drop.names(), drop.names("done")) == ([], ["orders.csv"])


def test_a_file_replaced_while_it_is_stored_is_read_again_not_moved_unread(
    drop: Drop, monkeypatch: pytest.MonkeyPatch
) -> None:
    drop.table("orders.csv", ORDERS)
    real: Callable[..., None] = syncing._finish_files

    def replaced_first(*args: Any) -> None:
        if args[2].files and count(Order) == 10:
            drop.table("orders.csv", [ORDERS[0], ["T55", "2026-11-01 10:00", "5", ""]])
        real(*args)

    monkeypatch.setattr(syncing, "_finish_files", replaced_first)
    drop.sync()
    assert (count(Order), drop.names("done")) == (11, ["orders.csv"])


def test_two_accounts_have_folders_of_their_own(app: Flask, drop: Drop) -> None:
    other = Drop(app, "京东店")
    other.table("orders.csv", ORDERS)
    drop.sync()
    assert (count(Order), count(ChannelAccount)) == (0, 2)
    other.sync()
    assert count(Order) == 10


def stop_after(monkeypatch: pytest.MonkeyPatch, *, pages: int, drop: Drop) -> None:
    """Sync until this many pages are committed, then die before anything else happens."""
    seen = [0]
    real: Callable[..., None] = syncing._finish_files

    def die(*args: Any) -> None:
        seen[0] += 1
        if seen[0] == pages_before + pages:
            raise KeyboardInterrupt
        real(*args)

    # the streams before orders have one empty page each
    pages_before = list(folder_drop.KINDS).index("orders")
    with monkeypatch.context() as patched:
        patched.setattr(syncing, "_finish_files", die)
        with pytest.raises(KeyboardInterrupt):
            drop.sync()
