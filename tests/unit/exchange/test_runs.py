"""A run can be paused, go on, be cancelled and be taken back; its refused rows come back with their reasons."""

import io
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import func, select, update

from qtrace.catalog.models import Shop, Sku
from qtrace.core import files
from qtrace.core.db import db, read, write
from qtrace.core.errors import Conflict
from qtrace.core.events import verify_chain
from qtrace.core.models import EventRow
from qtrace.exchange import storing
from qtrace.exchange.choosing import choose
from qtrace.exchange.importing import Progress, run_import
from qtrace.exchange.models import ImportRun
from qtrace.exchange.queries import detail_of, run_by_id
from qtrace.exchange.reasons import Reasons, read_reasons, shape_of
from qtrace.exchange.service import cancel, go_on, keep_file, open_run, pause
from qtrace.exchange.targets import Undone
from qtrace.exchange.undoing import undo_import
from qtrace.issues.models import ImportedIssue, Issue
from qtrace.orders.models import Order, OrderLine
from qtrace.records.models import Record
from tests.conftest import user_id
from tests.factories.forms import make_form

NOW = datetime(2026, 11, 20, 2, 0, tzinfo=UTC)
ORDERS = "订单号,下单时间,实付金额\n" + "".join(f"A{n},2026-11-01,{n}.50\n" for n in range(6)) + "A9,昨天,1\n"
LINES = "order_no,line_no,sku,quantity,price\nA1,1,S1,1,2\nA2,1,S2,1,2\n"

Begin = Callable[..., int]


def clock() -> datetime:
    """The test's clock."""
    return NOW


@pytest.fixture
def begin(sqlite_app: Flask) -> Begin:
    """Open a run of this text and return its id."""

    def begin(text: str, name: str = "订单.csv", *, dry_run: bool = False, **options: str) -> int:
        folder = sqlite_app.config["QTRACE_DATA_DIR"]
        stored = files.store(io.BytesIO(text.encode()), display_name=name, data_dir=folder)
        with read():
            chosen = choose(files.open_path(stored.id, data_dir=folder), name=name, **options)
        with write():
            keep_file(stored, by=None, now=NOW)
            return open_run(
                chosen, file_name=name, file_id=stored.id, dry_run=dry_run, by=user_id("quality_lead"), now=NOW
            )

    return begin


def do(app: Flask, run_id: int, progress: Callable[[Progress], None] | None = None) -> ImportRun:
    """Do the run and return it as it is then."""
    run_import(run_id, data_dir=app.config["QTRACE_DATA_DIR"], clock=clock, progress=progress)
    return run(run_id)


def run(run_id: int) -> ImportRun:
    """Return the run as it is now."""
    with read():
        found = run_by_id(run_id)
        db.session.expunge(found)
        return found


def undo(run_id: int, by: int) -> Undone:
    """Take the run back."""
    with write():
        return undo_import(run_id, by=by, now=NOW)


def count(model: type) -> int:
    """Return how many rows a table has."""
    with read():
        return db.session.scalar(select(func.count()).select_from(model)) or 0


def ask_at(read_rows: int, run_id: int, ask: Callable[[int], None]) -> Callable[[Progress], None]:
    """Return a progress that asks for something once so many rows are read."""

    def told(step: Progress) -> None:
        if step.read == read_rows:
            with write():
                ask(run_id)

    return told


def test_a_paused_run_goes_on_where_it_stopped_and_loses_no_refused_row(
    sqlite_app: Flask, begin: Begin, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(storing, "BATCH", 1)
    run_id = begin("订单号,下单时间\nA0,昨天\nA1,2026-11-01\nA2,2026-11-01\nA3,前天\n")
    paused = do(sqlite_app, run_id, ask_at(2, run_id, pause))
    assert (paused.state, paused.read, paused.wish, count(Order)) == ("paused", 3, "", 2)
    with write():
        go_on(run_id, now=NOW)
    done = do(sqlite_app, run_id)
    assert (done.state, done.read, done.stored, done.refused) == ("done", 4, 2, 2)
    folder = sqlite_app.config["QTRACE_DATA_DIR"]
    assert done.refused_file_id
    text = files.open_path(done.refused_file_id, data_dir=folder).read_text("utf-8-sig")
    assert ("A0" in text, "A3" in text) == (True, True)
    assert list((folder / "scratch").iterdir()) == []


def test_a_cancelled_run_keeps_what_it_has_stored(
    sqlite_app: Flask, begin: Begin, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(storing, "BATCH", 2)
    run_id = begin(ORDERS)
    ended = do(sqlite_app, run_id, ask_at(2, run_id, lambda run_id: cancel(run_id, now=NOW)))
    assert (ended.state, ended.read, count(Order)) == ("cancelled", 4, 4)
    with pytest.raises(Conflict), write():
        cancel(run_id, now=NOW)


def test_a_run_that_waits_is_cancelled_before_its_first_row(sqlite_app: Flask, begin: Begin) -> None:
    run_id = begin(ORDERS)
    with write():
        cancel(run_id, now=NOW)
    assert (do(sqlite_app, run_id).state, count(Order)) == ("cancelled", 0)


def test_reasons_are_grouped_with_counts_and_first_rows(sqlite_app: Flask, begin: Begin) -> None:
    done = do(sqlite_app, begin("订单号,下单时间\nA1,昨天\nA2,前天\nA3,2026-11-01\n,2026-11-01\n"))
    groups = read_reasons(detail_of(done).reasons).most()
    assert [(one.count, [row for row, _said in one.examples]) for one in groups] == [(2, [2, 3]), (1, [5])]
    assert "下单时间" in groups[0].text


def test_a_dry_run_shows_the_first_rows_of_each_outcome(sqlite_app: Flask, begin: Begin) -> None:
    detail = detail_of(do(sqlite_app, begin(ORDERS, dry_run=True)))
    assert [row[1] for row in detail.examples["stored"]] == ["A0", "A1", "A2"]


def test_undo_takes_new_rows_away_and_gives_changed_ones_back(sqlite_app: Flask, begin: Begin) -> None:
    do(sqlite_app, begin("订单号,实付金额\nA1,5.00\n"))
    run_id = begin(ORDERS)
    do(sqlite_app, run_id)
    undone = undo(run_id, user_id("quality_lead"))
    assert (undone.removed, undone.restored, undone.kept) == (5, 1, ())
    with read():
        rest = db.session.execute(select(Order.external_id, Order.paid_minor, Order.placed_at)).all()
    assert [tuple(row) for row in rest] == [("A1", 500, None)]
    assert (run(run_id).state, verify_chain().broken_at) == ("undone", None)
    with pytest.raises(Conflict):
        undo(run_id, user_id("quality_lead"))


def test_undo_keeps_what_has_been_told_of_since_and_what_others_use(sqlite_app: Flask, begin: Begin) -> None:
    run_id = begin(ORDERS)
    do(sqlite_app, run_id)
    do(sqlite_app, begin("订单号,实付金额\nA1,99.00\n"))
    do(sqlite_app, begin("订单号,行号,数量\nA2,1,3\n", "明细.csv", kind="lines"))
    undone = undo(run_id, user_id("quality_lead"))
    assert (undone.removed, sorted(one.label for one in undone.kept)) == (4, ["订单 A1", "订单 A2"])
    with read():
        body = db.session.scalars(select(EventRow.body).where(EventRow.name == "import_undone")).one()
    assert body == {"removed": 4, "restored": 0, "kept": 2}


def test_undo_leaves_a_row_somebody_changed_by_hand(sqlite_app: Flask, begin: Begin) -> None:
    do(sqlite_app, begin("订单号,实付金额\nA1,5.00\n"))
    run_id = begin("订单号,实付金额\nA1,7.00\n")
    do(sqlite_app, run_id)
    with write() as session:
        session.execute(update(Order).values(paid_minor=800))
    undone = undo(run_id, user_id("quality_lead"))
    assert (undone.restored, [one.label for one in undone.kept]) == (0, ["订单 A1"])


def test_undo_takes_the_numbers_away_that_only_these_rows_named(sqlite_app: Flask, begin: Begin) -> None:
    run_id = begin("订单号,行号,sku,批号,数量\nA2,1,S1,L1,3\n", "明细.csv", kind="lines")
    do(sqlite_app, run_id)
    assert (count(Sku), count(OrderLine)) == (1, 1)
    assert undo(run_id, user_id("quality_lead")).kept == ()
    assert (count(Sku), count(OrderLine), count(Order)) == (0, 0, 0)


def test_undo_ends_issues_nobody_has_worked_on_and_they_can_come_again(sqlite_app: Flask, begin: Begin) -> None:
    text = "问题编号,标题\nQ1,漏液\nQ2,破损\n"
    run_id = begin(text, "问题.csv", kind="issues")
    do(sqlite_app, run_id)
    with write() as session:
        session.execute(update(Issue).where(Issue.title == "破损").values(version=2))
    undone = undo(run_id, user_id("quality_lead"))
    assert (undone.removed, len(undone.kept), count(ImportedIssue)) == (1, 1, 1)
    again = do(sqlite_app, begin(text, "问题.csv", kind="issues"))
    assert (again.stored, again.unchanged) == (1, 1)


def test_rows_of_a_companys_own_form_are_stored_updated_and_taken_back(
    sqlite_app: Flask, begin: Begin, tmp_path: Path
) -> None:
    make_form()
    mapping = tmp_path / "m.json"
    mapping.write_text(
        '{"kind": "form:inspection", "key": "item", "empty": ["/"], "columns": {"item": {"header": "项目"},'
        ' "result": {"header": "结论", "map": {"好": "pass"}}, "qty": {"header": "数"}, "day": {"header": "日"}}}',
        encoding="utf-8",
    )
    text = "项目,结论,数,日\n外观,好,3,42512\n气味,不合格,/,2026-11-01\n重量,不知道,1,\n外观,好,4,42512\n"
    dry = do(sqlite_app, begin(text, "质检.csv", mapping=str(mapping), dry_run=True))
    assert (dry.stored, dry.updated, dry.refused, count(Record)) == (2, 1, 1, 0)
    assert detail_of(dry).unknown == {"result": {"不知道": 1}}
    run_id = begin(text, "质检.csv", mapping=str(mapping))
    done = do(sqlite_app, run_id)
    assert (done.stored, done.updated, done.refused, count(Record)) == (2, 1, 1, 2)
    assert (done.shop_id, count(Shop)) == (None, 0)
    with read():
        first = db.session.scalars(select(Record).where(Record.key == "外观")).one()
        assert (first.answers, first.import_run_id) == (
            {"item": "外观", "result": "pass", "qty": 4, "day": "2016-05-22"},
            run_id,
        )
    second = begin("项目,结论,数,日\n外观,不合格,9,\n新,好,1,\n", "质检.csv", mapping=str(mapping))
    assert (do(sqlite_app, second).updated, count(Record)) == (1, 3)
    undone = undo(second, user_id("quality_lead"))
    assert (undone.removed, undone.restored, count(Record)) == (1, 1, 2)
    assert len(undo(run_id, user_id("quality_lead")).kept) == 1


def test_reasons_vary_only_in_their_values() -> None:
    assert shape_of("「数量」不是数字:「abc」。") == shape_of("「数量」不是数字:「x」。")
    assert shape_of("「数量」不是数字:「abc」。") != shape_of("「金额」不是数字:「abc」。")
    reasons = Reasons()
    for number in range(150):
        reasons.add(number, [f"「列{number}」是空的。"])
    assert (len(reasons.groups), reasons.others) == (100, 50)
    assert read_reasons(reasons.dump()).others == 50
