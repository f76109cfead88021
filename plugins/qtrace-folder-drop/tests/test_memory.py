"""The bookmark remembers what it must and no more, and names tell what files hold."""

from datetime import UTC, datetime, timedelta

import pytest
from qtrace_folder_drop.connector import kind_of
from qtrace_folder_drop.memory import KEPT, Memory

from qtrace.sdk import DropFile

NOW = datetime(2026, 11, 20, 2, 0, tzinfo=UTC)
SETTLE = timedelta(seconds=30)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("orders.csv", "orders"),
        ("Orders 2026.XLSX", "orders"),
        ("订单.xls", "orders"),
        ("订单明细-11月.csv", "lines"),
        ("退款导出.csv", "aftersales"),
        ("采购入库.ods", "receipts"),
        ("供应商.csv", "suppliers"),
        ("orders.csv.part", None),
        ("orders.pdf", None),
        ("readme.txt", None),
    ],
)
def test_the_beginning_of_a_name_tells_what_a_file_holds(name: str, kind: str | None) -> None:
    assert kind_of(name) == kind


def test_nothing_to_remember_is_an_empty_bookmark() -> None:
    assert Memory.read("").text() == ""


def test_a_bookmark_survives_being_written_and_read() -> None:
    file = DropFile("订单.csv", 5, NOW)
    memory = Memory().finished("aa", "空").at("bb", 7).looking([file], NOW)
    assert Memory.read(memory.text()) == memory


def test_the_bookmark_does_not_grow_without_end() -> None:
    memory = Memory()
    for n in range(KEPT + 20):
        memory = memory.finished(str(n))
    assert len(memory.done) == KEPT
    assert str(KEPT + 19) in memory.done


def test_a_file_that_changes_begins_to_wait_anew() -> None:
    growing, grown = DropFile("a.csv", 5, NOW), DropFile("a.csv", 9, NOW)
    memory = Memory().looking([growing], NOW)
    later = NOW + timedelta(seconds=29)
    assert not memory.is_complete(growing, later, SETTLE)
    assert not memory.looking([grown], later).is_complete(grown, later, SETTLE)


def test_a_file_that_is_old_enough_is_complete_at_first_sight() -> None:
    assert Memory().is_complete(DropFile("a.csv", 5, NOW - SETTLE), NOW, SETTLE)
    assert not Memory().is_complete(DropFile("a.csv", 5, NOW - SETTLE / 2), NOW, SETTLE)
