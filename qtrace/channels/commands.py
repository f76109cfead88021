"""What `qtrace channel …` does, as plain data in and out; call these inside an app context."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from flask import Flask
from flask_babel import gettext as _

from qtrace.catalog.queries import shop_by_key
from qtrace.channels.queries import account_by_name, account_rows, account_status
from qtrace.channels.service import NewAccount, add_account
from qtrace.channels.syncing import sync
from qtrace.core.db import read, write
from qtrace.core.errors import NotFound, Refused
from qtrace.core.setting_fields import check_settings
from qtrace.plugins import connectors


def channel_list() -> list[dict[str, Any]]:
    """Return every account."""
    return account_rows()


def channel_status(name: str) -> dict[str, Any]:
    """Return one account with its streams and refused rows."""
    _id_of(name)
    return account_status(name)


def channel_add(
    app: Flask, name: str, *, connector: str, shop_key: str = "", settings: Mapping[str, str], now: datetime
) -> dict[str, Any]:
    """Connect an account from the command line; without a shop one of the account's name is opened."""
    known = connectors(app)
    if connector not in known:
        raise Refused(
            _("没有连接器 %(key)s,可用的有:%(known)s。", key=connector, known="、".join(sorted(known)) or "—")
        )
    fields = known[connector].settings
    unknown = set(settings) - {field.name for field in fields}
    if unknown:
        raise Refused(_("没有这些设置项:%(names)s。", names="、".join(sorted(unknown))))
    checked = check_settings(fields, settings, {})
    if checked.errors:
        raise Refused(" ".join(checked.errors.values()))
    shop = shop_by_key(shop_key) if shop_key else None
    if shop_key and shop is None:
        raise Refused(_("没有店铺 %(key)s。", key=shop_key))
    new = NewAccount(name=name, connector=connector, shop_id=shop.id if shop else None, settings=checked.values)
    with write():
        add_account(new, by=None, now=now)
    return account_status(name)


def channel_sync(name: str, *, clock: Callable[[], datetime]) -> dict[str, Any]:
    """Sync one account here and now and return what it did."""
    return sync(_id_of(name), clock=clock).as_json()


def _id_of(name: str) -> int:
    with read():
        try:
            return account_by_name(name).id
        except NotFound:
            known = "、".join(row["name"] for row in account_rows()) or "—"
            raise Refused(_("没有名为「%(name)s」的对接账号,已有:%(known)s。", name=name, known=known)) from None
