"""Files put into the drop folder are read by the preset their name fits, and go to done/ or refused/ with the result."""

import io
import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import func, select

from qtrace.core import jobs
from qtrace.core.db import db, read, write
from qtrace.core.models import JobRow
from qtrace.exchange.dropping import import_dropped, preset_of, presets_for_drop, waiting_files
from qtrace.exchange.jobs import DROP
from qtrace.exchange.models import ImportMapping, ImportRun
from qtrace.exchange.service import save_mapping, set_preset
from qtrace.orders.models import Order
from qtrace.worker import fire_schedules
from tests.conftest import Browser, log_in

NOW = datetime(2026, 11, 20, 2, 0, tzinfo=UTC)
DEFINITION = {"kind": "orders", "columns": {"external_id": {"header": "单号"}, "placed_at": {"header": "时间"}}}


def clock() -> datetime:
    """The test's clock."""
    return NOW


@pytest.fixture
def folder(sqlite_app: Flask) -> Path:
    """The drop folder of a site with one preset."""
    with write():
        save_mapping("淘宝订单", DEFINITION, now=NOW, pattern="订单*.csv")
    with write() as session:
        set_preset(session.scalars(select(ImportMapping.id)).one(), pattern="订单*.csv", shop_key="", dropped=True)
    path: Path = sqlite_app.config["QTRACE_DATA_DIR"] / "drop"
    path.mkdir()
    return path


def lay(folder: Path, name: str, text: str, *, age: timedelta = timedelta(minutes=5)) -> Path:
    """Lay a file into the folder that was last written to so long ago."""
    path = folder / name
    path.write_text(text, encoding="utf-8")
    changed = (NOW - age).timestamp()
    os.utime(path, (changed, changed))
    return path


def take(app: Flask) -> int:
    """Import what is there."""
    return import_dropped(app.config["QTRACE_DATA_DIR"], clock=clock, in_write=lambda: None)


def test_a_file_is_imported_and_moved_with_its_result(sqlite_app: Flask, folder: Path) -> None:
    lay(folder, "订单0101.csv", "单号,时间\nA1,2026-11-01\nA2,昨天\n")
    assert take(sqlite_app) == 1
    assert sorted(path.name for path in folder.rglob("*") if path.is_file()) == [
        "订单0101-错误行.csv", "订单0101.csv", "订单0101.csv.txt",
    ]  # fmt: skip
    assert "新增 1" in (folder / "done" / "订单0101.csv.txt").read_text("utf-8")
    assert "昨天" in (folder / "refused" / "订单0101-错误行.csv").read_text("utf-8-sig")
    lay(folder, "订单0101.csv", "单号,时间\nA3,2026-11-01\n")
    take(sqlite_app)
    assert (folder / "done" / "订单0101-2.csv").is_file()
    with read():
        assert db.session.scalar(select(func.count()).select_from(Order)) == 2


def test_a_file_somebody_still_writes_to_waits(sqlite_app: Flask, folder: Path) -> None:
    path = lay(folder, "订单.csv", "单号,时间\nA1,2026", age=timedelta(seconds=5))
    assert (take(sqlite_app), path.is_file()) == (0, True)


def test_a_file_that_is_no_table_goes_to_refused_with_the_reason(sqlite_app: Flask, folder: Path) -> None:
    lay(folder, "订单坏.csv", "别的列,时间\n1,2\n")
    take(sqlite_app)
    assert "单号" in (folder / "refused" / "订单坏.csv.txt").read_text("utf-8")


def test_other_files_links_and_folders_are_left_alone(sqlite_app: Flask, folder: Path) -> None:
    lay(folder, "别的.csv", "单号\nA1\n")
    lay(folder, ".订单.csv", "单号\nA1\n")
    (folder / "订单账号").mkdir()
    (folder / "订单链接.csv").symlink_to(folder / "别的.csv")
    assert take(sqlite_app) == 0
    with read():
        waiting = waiting_files(folder.parent, presets_for_drop(), now=NOW)
    assert [(one.name, one.preset) for one in waiting] == [("别的.csv", None)]


def test_the_pattern_that_says_most_wins() -> None:
    presets = [ImportMapping(name=name, pattern=name) for name in ("*.csv", "订单*.csv", "订单退款*.csv")]
    found = preset_of("订单退款01.CSV", presets)
    assert found is not None
    assert (found.name, preset_of("a.xlsx", presets)) == ("订单退款*.csv", None)


def test_the_worker_looks_every_minute(sqlite_app: Flask, folder: Path) -> None:
    lay(folder, "订单.csv", "单号,时间\nA1,2026-11-01\n")
    fire_schedules(sqlite_app, NOW)
    while jobs.run_one(clock=clock):
        pass
    assert (folder / "done" / "订单.csv").is_file()


def test_a_second_look_leaves_a_file_to_the_first_that_is_still_at_it(sqlite_app: Flask, folder: Path) -> None:
    lay(folder, "订单.csv", "单号,时间\nA1,2026-11-01\n")
    fire_schedules(sqlite_app, NOW)
    fire_schedules(sqlite_app, NOW + timedelta(minutes=1))
    with write() as session:
        first = session.scalars(select(JobRow).where(JobRow.name == DROP).order_by(JobRow.id)).first()
        assert first is not None
        first.state, first.lease_until = "running", NOW + timedelta(hours=1)
    while jobs.run_one(clock=lambda: NOW + timedelta(minutes=2)):
        pass
    assert (folder / "订单.csv").is_file()


def test_the_page_takes_a_file_a_preset_fits_and_refuses_others(sqlite_app: Flask, folder: Path) -> None:
    browser = log_in(sqlite_app, "quality_lead")

    def sent(name: str) -> int:
        data = {"file": (io.BytesIO("单号,时间\nA1,2026-11-01\n".encode()), name)}
        return int(browser.post("/imports/drop", data, content_type="multipart/form-data").status_code)

    assert [sent("订单1.csv"), sent("订单1.csv"), sent("../../x.csv")] == [303, 303, 422]
    page = browser.get("/imports/drop").text
    assert ("订单1.csv" in page, "订单1-2.csv" in page, "马上导入" in page) == (True, True, True)
    assert not list(folder.glob(".*"))


def test_a_preset_needs_a_file_name(sqlite_app: Flask, folder: Path) -> None:
    browser: Browser = log_in(sqlite_app, "quality_lead")
    with read():
        preset = db.session.scalars(select(ImportMapping.id)).one()
    address = f"/imports/drop/presets/{preset}"
    assert browser.post(address, {"pattern": "*", "dropped": "1"}).status_code == 422
    assert browser.post(address, {"pattern": "a/b"}).status_code == 422
    assert browser.post(address, {"pattern": "a*.csv", "shop": "none"}).status_code == 422
    assert browser.post(address, {"pattern": "单*.csv"}).status_code == 303
    with read():
        assert presets_for_drop() == []
    assert log_in(sqlite_app, "customer_service").post(address).status_code == 403


def test_nothing_is_imported_twice_when_a_move_fails(
    sqlite_app: Flask, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lay(folder, "订单.csv", "单号,时间\nA1,2026-11-01\n")
    rename: Callable[..., Path] = Path.rename

    def refuse(_path: Path, _target: Path) -> Path:
        raise PermissionError("read-only")

    monkeypatch.setattr(Path, "rename", refuse)
    with pytest.raises(PermissionError):
        take(sqlite_app)
    monkeypatch.setattr(Path, "rename", rename)
    take(sqlite_app)
    with read():
        runs = db.session.scalars(select(ImportRun).order_by(ImportRun.id)).all()
    assert [(run.stored, run.unchanged) for run in runs] == [(1, 0), (0, 1)]
