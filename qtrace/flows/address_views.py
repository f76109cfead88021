"""Where the administrator keeps the addresses of other systems that flows may call."""

from collections.abc import Callable

from flask import Blueprint, Response, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from qtrace.accounts.access import actor, needs
from qtrace.core import clock
from qtrace.core.db import existing, write
from qtrace.core.errors import Refused
from qtrace.core.net import Unreachable
from qtrace.flows import addresses
from qtrace.flows.addresses import MOST_HEADERS, NewAddress
from qtrace.flows.calling import make_call
from qtrace.flows.models import FlowAddress
from qtrace.sdk.flow_nodes import CallAddress
from qtrace.web.csrf import answer_at
from qtrace.web.htmx import go, render
from qtrace.web.limits import limited

bp = Blueprint("flow_addresses", __name__, url_prefix="/config/addresses")
REASONS = {
    "dns": _l("找不到这个域名"), "connect": _l("连不上"), "tls": _l("证书不对"), "timeout": _l("没有及时回答"),
    "protocol": _l("回答看不懂"),
}  # fmt: skip


@bp.get("")
@needs("api.manage")
def index() -> Response:
    """Show the addresses."""
    return render("flows/addresses.html", rows=addresses.addresses())


@bp.get("/new")
@needs("api.manage")
def new() -> Response:
    """Show an empty form."""
    return _form(NewAddress("", "", []))


@bp.post("")
@needs("api.manage")
def create() -> Response:
    """Register an address."""
    given = _given()
    try:
        with write():
            address_id = addresses.add_address(given, by=actor().id, now=clock.now())
            answer_at(url_for("flow_addresses.show", address_id=address_id))
    except Refused as refused:
        return _form(given, error=refused)
    return go(url_for("flow_addresses.show", address_id=address_id), trigger={"toast": _("已登记")})


@bp.get("/<int:address_id>")
@needs("api.manage")
def show(address_id: int) -> Response:
    """Show an address with the flows that call it; what its headers hold is never shown again."""
    row = existing(FlowAddress, address_id)
    return _form(NewAddress(row.name, row.url, [(name, "") for name in row.headers]), row)


@bp.post("/<int:address_id>")
@needs("api.manage")
def update(address_id: int) -> Response:
    """Change an address."""
    given = _given()
    try:
        return _act(
            address_id, _("已保存"),
            lambda: addresses.change_address(address_id, given, by=actor().id, now=clock.now()),
        )  # fmt: skip
    except Refused as refused:
        return _form(given, existing(FlowAddress, address_id), refused)


@bp.post("/<int:address_id>/state")
@needs("api.manage")
def state_update(address_id: int) -> Response:
    """Switch an address on or off."""
    enabled = request.form.get("enabled") == "1"
    return _act(
        address_id, _("已启用") if enabled else _("已停用"),
        lambda: addresses.switch_address(address_id, enabled=enabled, by=actor().id, now=clock.now()),
    )  # fmt: skip


@bp.post("/<int:address_id>/tries")
@needs("api.manage")
@limited("notice-test")
def try_create(address_id: int) -> Response:
    """Ask the address once with GET, and tell what it answers."""
    name = existing(FlowAddress, address_id).name
    try:
        answer = make_call(CallAddress(name, method="GET"), case_id=f"try-{address_id}")
        told = _("连上了,对方回答 %(status)d", status=answer.status)
    except Unreachable as away:
        told = _("没有连上:%(why)s", why=str(REASONS.get(away.reason, away.reason)))
    except Refused as refused:
        told = refused.message
    return go(url_for("flow_addresses.show", address_id=address_id), trigger={"toast": told})


@bp.post("/<int:address_id>/removal")
@needs("api.manage")
def delete(address_id: int) -> Response:
    """Remove an address no flow in use calls."""
    try:
        with write():
            addresses.remove_address(address_id, by=actor().id, now=clock.now())
            answer_at(url_for("flow_addresses.index"))
    except Refused as refused:
        row = existing(FlowAddress, address_id)
        return _form(NewAddress(row.name, row.url, [(name, "") for name in row.headers]), row, refused)
    return go(url_for("flow_addresses.index"), trigger={"toast": _("已删除")})


def _given() -> NewAddress:
    sent = request.form
    rows = [(sent.get(f"header.{n}", ""), sent.get(f"value.{n}", "")) for n in range(MOST_HEADERS)]
    return NewAddress(sent.get("name", ""), sent.get("url", "").strip(), rows)


def _act(address_id: int, told: str, change: Callable[[], None]) -> Response:
    url = url_for("flow_addresses.show", address_id=address_id)
    with write():
        change()
        answer_at(url)
    return go(url, trigger={"toast": told})


def _form(given: NewAddress, row: FlowAddress | None = None, error: Refused | None = None) -> Response:
    headers = [one for one in given.headers if one[0]]
    return render(
        "flows/address.html", status=error.status if error else 200, given=given, row=row, error=error,
        headers=[*headers, ("", "")][:MOST_HEADERS], kept=frozenset(row.headers) if row else frozenset(),
        flows=addresses.flows_calling(row.name) if row else (),
    )  # fmt: skip
