"""A connector for tests that serves pages it was given, and the helpers to connect it."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any, ClassVar

from flask import Flask
from sqlalchemy import func, select

from qtrace.channels.models import Bookmark, ChannelAccount, IntakeRecord
from qtrace.channels.service import NewAccount, add_account
from qtrace.core.db import db, read, write
from qtrace.plugins import add_plugin
from qtrace.sdk import (
    BadRecord,
    Context,
    FormRecord,
    Health,
    Manifest,
    Order,
    Page,
    RawRecord,
    Record,
    SettingField,
    Stream,
    Text,
    Window,
    hookimpl,
)

NOW = datetime(2026, 11, 20, 2, 0, tzinfo=UTC)
FORMS = Stream(name="forms", record="forms", label=Text("巡检", "Checks"))
ORDERS = Stream(name="orders", record="orders", label=Text("订单", "Orders"))

Pull = Callable[[Context, Stream, Window, str], Page]


class Floor:
    """What the connector of one test serves."""

    def __init__(self) -> None:
        self.pull: Pull = lambda _ctx, _stream, _window, _page: Page()
        self.streams: list[Stream] = [ORDERS]
        self.health = Health()
        self.calls: list[tuple[str, Window, str]] = []


def connect(app: Flask, *, key: str = "fake", api_version: str = "1.0") -> tuple[Floor, int]:
    """Install a plugin with a fake connector, add an account, and return what it serves and the account's id."""
    floor = Floor()
    add_plugin(app, key, lambda: plugin_of(connector_of(floor, key=key, api_version=api_version)))
    with write():
        account_id = add_account(
            NewAccount(name=f"{key} 旗舰店", connector=key, shop_id=None, settings={"token": "s3cret", "limit": 5}),
            by=None,
            now=NOW,
        )
    return floor, account_id


def connector_of(floor: Floor, *, key: str = "fake", api_version: str = "1.0") -> type[Any]:
    """Return a connector class that serves the floor."""

    class Fake:
        manifest: ClassVar[Manifest] = Manifest(key=key, name_zh="假店", name_en="Fake", api_version=api_version)
        settings: ClassVar[tuple[SettingField, ...]] = (
            SettingField(name="token", label=Text("密钥", "Token"), kind="secret", required=True),
            SettingField(name="limit", label=Text("每页", "Page"), kind="number", default=5, least=1, most=50),
        )

        def streams(self) -> Sequence[Stream]:
            return floor.streams

        def pull(self, ctx: Context, stream: Stream, window: Window, page: str) -> Page:
            floor.calls.append((stream.name, window, page))
            return floor.pull(ctx, stream, window, page)

        def to_record(self, stream: Stream, raw: RawRecord) -> Record | FormRecord:
            if "bad" in raw.body:
                raise BadRecord(Text("没有订单号", "no order number"))
            values = raw.body.get("values")
            if isinstance(values, dict):
                return FormRecord(external_id=raw.external_id, form=str(raw.body["form"]), values=values)
            return Order(external_id=str(raw.body["id"]), status=str(raw.body.get("status", "")), currency="CNY")

        def health(self, ctx: Context) -> Health:
            return floor.health

    return Fake


def plugin_of(*connectors: type[Any]) -> object:
    """Return a plugin that registers these classes."""

    class Plugin:
        @hookimpl
        def qtrace_register_connectors(self) -> list[type[Any]]:
            return list(connectors)

    return Plugin()


def order(number: str, status: str = "paid") -> RawRecord:
    """Return a raw order."""
    return RawRecord(external_id=number, body={"id": number, "status": status})


def form_record(external_id: str, form: str, values: dict[str, object]) -> RawRecord:
    """Return a raw entry of a form of the company's own."""
    return RawRecord(external_id=external_id, body={"form": form, "values": values})


def serve(floor: Floor, *rows: RawRecord) -> None:
    """Let the connector deliver these rows, in one page."""
    floor.pull = lambda _ctx, _stream, window, _page: Page(records=rows, bookmark=window.bookmark + "+")


def three_pages(_ctx: Context, _stream: Stream, window: Window, _page: str) -> Page:
    """Serve six orders in three pages, by bookmark."""
    start = int(window.bookmark or 0)
    rows = tuple(order(f"A{n}") for n in range(start, min(start + 2, 6)))
    return Page(records=rows, bookmark=str(start + len(rows)), next="more" if start + 2 < 6 else None)


def count(model: type[Any]) -> int:
    """Return how many rows a table has."""
    with read():
        return db.session.scalar(select(func.count()).select_from(model)) or 0


def account(account_id: int) -> ChannelAccount:
    """Return the account as it is stored now."""
    with read():
        found = db.session.get(ChannelAccount, account_id)
        assert found is not None
        return found


def bookmark(account_id: int, stream: str = "orders") -> str | None:
    """Return where a stream stands."""
    with read():
        where = (Bookmark.account_id == account_id, Bookmark.stream == stream)
        return db.session.scalar(select(Bookmark.position).where(*where))


def refusals(account_id: int) -> list[str]:
    """Return the reasons of the refused rows."""
    with read():
        where = (IntakeRecord.account_id == account_id, IntakeRecord.refused != "")
        return list(db.session.scalars(select(IntakeRecord.refused).where(*where).order_by(IntakeRecord.id)))
