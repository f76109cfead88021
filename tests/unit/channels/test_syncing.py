"""Syncing stores every page once, whatever happens between pages."""

from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from qtrace.channels import syncing
from qtrace.channels.models import IntakeRecord
from qtrace.channels.syncing import sync
from qtrace.core.db import db, read
from qtrace.core.errors import Conflict, Refused
from qtrace.core.events import subscribe
from qtrace.core.models import EventRow
from qtrace.orders.models import Order
from qtrace.sdk import Health, Misconfigured, Page, Permanent, RawRecord, Retry, Stream, Text, Window
from tests.unit.channels.shopfloor import (
    NOW,
    account,
    bookmark,
    connect,
    count,
    order,
    refusals,
    three_pages,
)  # fmt: skip


def at_now() -> Any:
    return NOW


def test_every_page_is_stored_and_the_bookmark_stands_at_the_end(app: Flask) -> None:
    floor, account_id = connect(app)
    floor.pull = three_pages
    result = sync(account_id, clock=at_now)
    assert result.streams["orders"].as_json() == {"read": 6, "stored": 6, "updated": 0, "unchanged": 0, "refused": 0}
    assert (count(Order), bookmark(account_id)) == (6, "6")
    assert (account(account_id).synced_at, account(account_id).error) == (NOW, "")


def test_a_second_sync_of_the_same_rows_stores_nothing(app: Flask) -> None:
    floor, account_id = connect(app)
    floor.pull = lambda *_: Page(records=(order("A1"), order("A2"), order("A1")))
    sync(account_id, clock=at_now)
    again = sync(account_id, clock=at_now).streams["orders"]
    assert (again.read, again.unchanged) == (3, 3)
    assert (count(Order), count(IntakeRecord)) == (2, 2)


def test_a_new_state_of_a_known_row_is_stored(app: Flask) -> None:
    floor, account_id = connect(app)
    floor.pull = lambda *_: Page(records=(order("A1"),))
    sync(account_id, clock=at_now)
    floor.pull = lambda *_: Page(records=(order("A1", "refunded"),))
    assert sync(account_id, clock=at_now).streams["orders"].updated == 1
    with read():
        assert db.session.scalars(select(Order.status)).all() == ["refunded"]


@pytest.mark.parametrize("place", ["before the second page", "after the second commit"])
def test_a_crash_between_pages_loses_and_doubles_nothing(
    app: Flask, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    floor, account_id = connect(app)

    def crash(*_args: object) -> None:
        raise KeyboardInterrupt

    def crash_before(ctx: Any, stream: Stream, window: Window, page: str) -> Page:
        if window.bookmark == "2":
            raise KeyboardInterrupt
        return three_pages(ctx, stream, window, page)

    floor.pull = crash_before if place == "before the second page" else three_pages
    with monkeypatch.context() as patched:
        if place != "before the second page":
            patched.setattr(syncing, "_finish_files", crash)
        with pytest.raises(KeyboardInterrupt):
            sync(account_id, clock=at_now)
    assert (count(Order), bookmark(account_id)) == (2, "2")
    floor.pull = three_pages
    assert sync(account_id, clock=at_now).streams["orders"].stored == 4
    assert (count(Order), count(IntakeRecord), bookmark(account_id)) == (6, 6, "6")


def test_a_page_whose_transaction_fails_is_stored_by_no_part(app: Flask) -> None:
    floor, account_id = connect(app)
    floor.pull = three_pages

    def veto(_event: object) -> None:
        raise Refused("the subscriber said no")

    subscribe(app, "records_imported", veto)
    with pytest.raises(Refused):
        sync(account_id, clock=at_now)
    assert (count(Order), count(IntakeRecord), bookmark(account_id)) == (0, 0, None)
    assert "the subscriber said no" in account(account_id).error


def test_a_row_that_cannot_be_mapped_is_kept_with_its_reason(app: Flask) -> None:
    floor, account_id = connect(app)
    bad = RawRecord(external_id="x", body={"bad": 1}, place="第 7 行")
    broken = RawRecord(external_id="y", body={})
    floor.pull = lambda *_: Page(records=(order("A1"), bad, broken))
    tally = sync(account_id, clock=at_now).streams["orders"]
    assert (tally.read, tally.stored, tally.refused) == (3, 1, 2)
    first, second = refusals(account_id)
    assert first == "第 7 行:没有订单号"
    assert "KeyError" in second


def test_a_record_the_store_refuses_is_kept_with_its_reason(app: Flask) -> None:
    floor, account_id = connect(app)
    floor.pull = lambda *_: Page(records=(order("A" * 130), order("B1")))
    tally = sync(account_id, clock=at_now).streams["orders"]
    assert (tally.stored, tally.refused) == (1, 1)
    assert "130" in refusals(account_id)[0]


def test_ids_no_column_can_hold_are_told_apart_all_the_same(app: Flask) -> None:
    floor, account_id = connect(app)
    rows = [RawRecord(external_id="长" * 300 + end, body={"bad": end}) for end in ("a", "b\0", "\udc80")]
    floor.pull = lambda *_: Page(records=tuple(rows))
    assert sync(account_id, clock=at_now).streams["orders"].refused == 3
    assert sync(account_id, clock=at_now).streams["orders"].unchanged == 3


def test_the_stores_event_names_the_account_as_its_source(app: Flask) -> None:
    floor, account_id = connect(app)
    heard: list[Any] = []
    subscribe(app, "records_imported", heard.append)
    floor.pull = lambda *_: Page(records=(order("A1"),))
    sync(account_id, clock=at_now)
    assert [(event.subject_kind, event.subject_id, event.body["kind"]) for event in heard] == [
        ("channel_account", account_id, "orders")
    ]


def test_a_sync_that_brings_nothing_records_no_event(app: Flask) -> None:
    _floor, account_id = connect(app)
    sync(account_id, clock=at_now)
    with read():
        names = db.session.scalars(select(EventRow.name).where(EventRow.subject_kind == "channel_account")).all()
    assert names == ["channel_added"]


def test_two_syncs_at_once_do_not_overtake_each_other(app: Flask) -> None:
    floor, account_id = connect(app)

    def race(ctx: Any, stream: Stream, window: Window, page: str) -> Page:
        floor.pull = three_pages
        sync(account_id, clock=at_now)
        return three_pages(ctx, stream, window, page)

    floor.pull = race
    with pytest.raises(Conflict):
        sync(account_id, clock=at_now)
    assert (count(Order), bookmark(account_id), account(account_id).error) == (6, "6", "")


def test_a_stream_by_time_is_read_in_windows_up_to_now(app: Flask) -> None:
    floor, account_id = connect(app)
    floor.streams = [
        Stream(
            name="orders", record="orders", label=Text("订单", "Orders"), cursor="time",
            max_window=timedelta(hours=10), overlap=timedelta(hours=1), history=timedelta(days=1),
        )
    ]  # fmt: skip

    def by_time(_ctx: Any, _stream: Stream, window: Window, page: str) -> Page:
        return Page(records=(order(f"{window.until}{page}"),), next=None if page else "2")

    floor.pull = by_time
    sync(account_id, clock=at_now)
    assert bookmark(account_id) == NOW.isoformat()
    assert count(Order) == 6
    assert all(window.until - window.since <= timedelta(hours=10) for _, window, _ in floor.calls)  # type: ignore[operator]
    assert sync(account_id, clock=at_now).streams["orders"].read == 0


def test_the_bookmark_of_a_window_waits_for_its_last_page(app: Flask) -> None:
    floor, account_id = connect(app)
    floor.streams = [
        Stream(name="orders", record="orders", label=Text("", ""), cursor="time", history=timedelta(hours=1))
    ]

    def fails_on_page_two(_ctx: Any, _stream: Stream, _window: Window, page: str) -> Page:
        if page:
            raise Retry(Text("超时", "timed out"))
        return Page(records=(order("A1"),), next="2")

    floor.pull = fails_on_page_two
    with pytest.raises(Retry):
        sync(account_id, clock=at_now)
    assert (count(Order), bookmark(account_id)) == (1, None)


def test_a_connector_that_does_not_advance_is_stopped(app: Flask) -> None:
    floor, account_id = connect(app)
    floor.pull = lambda *_: Page(next="again")
    with pytest.raises(Permanent):
        sync(account_id, clock=at_now)
    assert "没有进展" in account(account_id).error


def test_an_error_is_shown_with_its_hint_and_gone_after_a_good_sync(app: Flask) -> None:
    floor, account_id = connect(app)

    def misconfigured(*_args: object) -> Page:
        raise Misconfigured(Text("密钥不对。", "wrong key"), hint=Text("请到后台复制。", "copy it"))

    floor.pull = misconfigured
    with pytest.raises(Misconfigured):
        sync(account_id, clock=at_now)
    assert account(account_id).error == "设置有误:密钥不对。 请到后台复制。"
    floor.pull = lambda *_: Page()
    sync(account_id, clock=at_now)
    assert account(account_id).error == ""


def test_a_connector_that_raises_anything_is_shown_and_told_apart_from_its_data(app: Flask) -> None:
    floor, account_id = connect(app)

    def breaks(*_args: object) -> Page:
        raise ZeroDivisionError("division by zero")

    floor.pull = breaks
    with pytest.raises(ZeroDivisionError):
        sync(account_id, clock=at_now)
    assert "ZeroDivisionError: division by zero" in account(account_id).error


def test_what_health_finds_is_shown(app: Flask) -> None:
    floor, account_id = connect(app)
    floor.health = Health(Text("证书快到期了。", "expires soon"))
    assert sync(account_id, clock=at_now).error == "证书快到期了。"
    assert account(account_id).error == "证书快到期了。"


def test_a_connector_without_the_capability_gets_no_folder(app: Flask) -> None:
    floor, account_id = connect(app)
    floor.pull = lambda ctx, *_: Page(total=len(ctx.files.list()))
    with pytest.raises(Permanent, match="drop_folder"):
        sync(account_id, clock=at_now)
