"""Pages of connected shops: the list, adding one, its settings, what came in and what was refused."""

from collections.abc import Mapping

from flask import Blueprint, Response, current_app, request, url_for
from flask_babel import gettext as _

from qtrace.accounts.access import actor, needs
from qtrace.catalog.queries import shops
from qtrace.channels.models import ChannelAccount
from qtrace.channels.queries import (
    PAGE,
    Counted,
    StreamState,
    account_by_id,
    accounts,
    bookmarks,
    counts_by_account,
    counts_by_stream,
    last_result,
    recent_rows,
    refused_rows,
)
from qtrace.channels.service import NewAccount, add_account, change_settings, pause, queue_sync, resume
from qtrace.core import clock
from qtrace.core.db import write
from qtrace.core.errors import NotFound, Refused
from qtrace.core.ids import as_id
from qtrace.core.setting_fields import ShownField, check_settings, say, shown_fields
from qtrace.plugins import connectors, installed
from qtrace.sdk.connector import Connector
from qtrace.web.csrf import answer_at
from qtrace.web.htmx import go, render

bp = Blueprint("channels", __name__, url_prefix="/channels")


@bp.get("")
@needs("channels.manage")
def index() -> Response:
    """List the accounts and the plugins they come from."""
    return render(
        "channels/index.html",
        accounts=accounts(),
        counts=counts_by_account(),
        nothing=Counted(),
        names=_names(),
        plugins=installed(current_app),
    )


@bp.get("/new")
@needs("channels.manage")
def new() -> Response:
    """Show the form of a new account, made from the connector's settings."""
    known = connectors(current_app)
    key = request.args.get("connector") or next(iter(sorted(known)), "")
    if not key:
        raise NotFound(_("没有可用的连接器。请先安装插件,或到列表页看插件为何无法加载。"))
    connector = _connector(key)
    return _form(key, {"name": "", "shop": ""}, shown_fields(connector.settings, {}))


@bp.post("")
@needs("channels.manage")
def create() -> Response:
    """Connect an account and queue its first sync."""
    key = request.form.get("connector", "")
    connector = _connector(key)
    entered = {"name": request.form.get("name", "").strip(), "shop": request.form.get("shop", "")}
    given = _given(connector)
    checked = check_settings(connector.settings, given, {})
    shown = shown_fields(connector.settings, {}, given=given, errors=checked.errors)
    if checked.errors:
        return _form(key, entered, shown, status=422)
    shop_id = as_id(entered["shop"])
    account = NewAccount(name=entered["name"], connector=key, shop_id=shop_id, settings=checked.values)
    try:
        with write():
            account_id = add_account(account, by=actor().id, now=clock.now())
            queue_sync(account_id, now=clock.now())
            answer_at(url_for("channels.show", account_id=account_id))
    except Refused as error:
        return _form(key, entered, shown, status=422, error=error)
    return go(url_for("channels.show", account_id=account_id), trigger={"toast": _("已添加,正在第一次同步")})


@bp.get("/<int:account_id>")
@needs("channels.manage")
def show(account_id: int) -> Response:
    """Show an account: its streams, what was refused, what came in, its settings."""
    account = account_by_id(account_id)
    connector = connectors(current_app).get(account.connector)
    fields = shown_fields(connector.settings, account.settings) if connector else []
    return _show(account, connector, fields)


@bp.post("/<int:account_id>")
@needs("channels.manage")
def update(account_id: int) -> Response:
    """Change an account's settings."""
    account = account_by_id(account_id)
    connector = _connector(account.connector)
    given = _given(connector)
    checked = check_settings(connector.settings, given, account.settings)
    if checked.errors:
        fields = shown_fields(connector.settings, account.settings, given=given, errors=checked.errors)
        return _show(account, connector, fields, status=422)
    with write():
        change_settings(account_id, checked.values, by=actor().id, now=clock.now())
    return go(url_for("channels.show", account_id=account_id), trigger={"toast": _("已保存")})


@bp.post("/<int:account_id>/syncs")
@needs("channels.manage")
def sync_create(account_id: int) -> Response:
    """Queue a sync now, unless one is waiting or running."""
    account_by_id(account_id)
    with write():
        job_id = queue_sync(account_id, now=clock.now())
    toast = _("已开始同步") if job_id is not None else _("这个账号已经在同步了")
    return go(url_for("channels.show", account_id=account_id), trigger={"toast": toast})


@bp.post("/<int:account_id>/pause")
@needs("channels.manage")
def pause_update(account_id: int) -> Response:
    """Pause an account (paused=1) or resume it (paused=0)."""
    account_by_id(account_id)
    act = pause if request.form.get("paused") == "1" else resume
    with write():
        act(account_id, by=actor().id, now=clock.now())
    return go(url_for("channels.show", account_id=account_id), trigger={"toast": _("已保存")})


def _connector(key: str) -> type[Connector]:
    found = connectors(current_app).get(key)
    if found is None:
        raise NotFound(_("连接器 %(key)s 没有安装或无法加载。", key=key))
    return found


def _names() -> dict[str, str]:
    return {key: say(connector.manifest.name) for key, connector in sorted(connectors(current_app).items())}


def _given(connector: type[Connector]) -> Mapping[str, str]:
    return {field.name: request.form.get(f"setting-{field.name}", "") for field in connector.settings}


def _form(
    key: str, entered: Mapping[str, str], fields: list[ShownField], *, status: int = 200, error: Refused | None = None
) -> Response:
    manifest = _connector(key).manifest
    errors = {error.field or "name": error.message} if error else {}
    shop_options = [(shop.id, shop.name) for shop in shops()]
    return render(
        "channels/new.html", status=status, key=key, manifest=manifest, title=say(manifest.name), names=_names(),
        entered=entered, fields=fields, errors=errors, shops=shop_options,
    )  # fmt: skip


def _show(
    account: ChannelAccount, connector: type[Connector] | None, fields: list[ShownField], *, status: int = 200
) -> Response:
    before = as_id(request.args.get("before"))
    refused = refused_rows(account.id, before=before)
    older = url_for("channels.show", account_id=account.id, before=refused[-1].id) if len(refused) == PAGE else ""
    streams = _streams(account.id, connector)
    return render(
        "channels/show.html", status=status, account=account, fields=fields, streams=streams, refused=refused,
        labels={stream.name: stream.label for stream in streams}, older=older, recent=recent_rows(account.id),
        last=last_result(account.id), manifest=connector.manifest if connector else None,
        title=say(connector.manifest.name) if connector else account.connector,
    )  # fmt: skip


def _streams(account_id: int, connector: type[Connector] | None) -> list[StreamState]:
    counted, marks = counts_by_stream(account_id), bookmarks(account_id)
    labels = {stream.name: say(stream.label) for stream in connector().streams()} if connector else {}
    labels |= {name: name for name in sorted({*counted, *marks}) if name not in labels}
    return [StreamState(name, label, counted.get(name, Counted()), marks.get(name)) for name, label in labels.items()]
