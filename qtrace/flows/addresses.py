"""The addresses of other systems that flows may call: registered by the administrator, with headers nobody sees again."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from flask_babel import gettext as _
from sqlalchemy import func, select

from qtrace.core import events
from qtrace.core.db import db, existing, require_write
from qtrace.core.errors import Refused
from qtrace.core.net import check_url
from qtrace.flows.instances import stored_tree
from qtrace.flows.models import FlowAddress, FlowDefinition
from qtrace.flows.naming import flow_name

SUBJECT = "flow_address"
MOST_ADDRESSES = 50
MOST_NAME = 40
MOST_HEADERS = 5
MOST_VALUE = 500
TOKEN = frozenset("!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
OURS = frozenset({"host", "content-length", "connection", "transfer-encoding", "idempotency-key"})


@dataclass(frozen=True)
class NewAddress:
    """What the administrator wants of an address; a header's value that is left empty keeps the one it has."""

    name: str
    url: str
    headers: Sequence[tuple[str, str]]


def add_address(new: NewAddress, *, by: int, now: datetime) -> int:
    """Register an address and return its id; its name is how flows call it, so it stays."""
    session, name = require_write(), " ".join(new.name.split())
    if not name or len(name) > MOST_NAME:
        raise Refused(_("请起个名字(最多 %(n)d 个字)。", n=MOST_NAME), field="name")
    if session.scalar(select(FlowAddress.id).where(FlowAddress.name == name)) is not None:
        raise Refused(_("已有名为「%(name)s」的外部地址。请换一个名字。", name=name), field="name")
    if (session.scalar(select(func.count(FlowAddress.id))) or 0) >= MOST_ADDRESSES:
        raise Refused(_("最多 %(n)d 个外部地址。", n=MOST_ADDRESSES), field="name")
    check_url(new.url)
    row = FlowAddress(name=name, url=new.url, headers=_headers(new.headers, {}), created_at=now, created_by=by)
    session.add(row)
    session.flush()  # for the id, which the event and the answer carry
    events.record("flow_address_added", subject=(SUBJECT, row.id), by=by, now=now, body={"name": name, "url": new.url})
    return row.id


def change_address(address_id: int, new: NewAddress, *, by: int, now: datetime) -> None:
    """Give an address another URL or other headers; the record says which changed, never a header's value."""
    row = existing(FlowAddress, address_id, fresh=True)
    check_url(new.url)
    headers = _headers(new.headers, row.headers)
    changed = sorted(name for name in {*headers, *row.headers} if headers.get(name) != row.headers.get(name))
    body = events.change(row, {"url": new.url}) | ({"headers": changed} if changed else {})
    row.headers = headers
    if body:
        events.record("flow_address_changed", subject=(SUBJECT, address_id), by=by, now=now, body=body)


def switch_address(address_id: int, *, enabled: bool, by: int, now: datetime) -> None:
    """Switch an address on or off; nodes that call one that is off fail, with the reason."""
    row = existing(FlowAddress, address_id, fresh=True)
    if row.enabled != enabled:
        row.enabled = enabled
        name = "flow_address_switched_on" if enabled else "flow_address_switched_off"
        events.record(name, subject=(SUBJECT, address_id), by=by, now=now)


def remove_address(address_id: int, *, by: int, now: datetime) -> None:
    """Remove an address no flow in use calls."""
    row = existing(FlowAddress, address_id, fresh=True)
    using = flows_calling(row.name)
    if using:
        raise Refused(_("这些流程还在用它:%(flows)s。请先改流程。", flows="、".join(using)))
    body = {"name": row.name, "url": row.url}
    require_write().delete(row)
    events.record("flow_address_removed", subject=(SUBJECT, address_id), by=by, now=now, body=body)


def addresses() -> Sequence[FlowAddress]:
    """Return every address by name."""
    return db.session.scalars(select(FlowAddress).order_by(FlowAddress.name)).all()


def address_named(name: str) -> FlowAddress | None:
    """Return the address flows call so."""
    return db.session.scalar(select(FlowAddress).where(FlowAddress.name == name))


def flows_calling(name: str) -> list[str]:
    """Return the names of the flows in use with a node that calls the address."""
    rows = db.session.scalars(select(FlowDefinition.id).where(FlowDefinition.active).order_by(FlowDefinition.key))
    found = {}
    for definition_id in rows:
        tree = stored_tree(definition_id)
        if any(name in settings_of(node.options).values() for node in tree.walk() if node.kind == "auto"):
            found[tree.definition.key] = flow_name(tree.definition)
    return list(found.values())


def settings_of(options: Mapping[str, object]) -> Mapping[str, object]:
    """Return the settings of an automatic node's own kind, as its definition holds them."""
    given = options.get("with")
    return given if isinstance(given, Mapping) else {}


def _headers(given: Sequence[tuple[str, str]], held: Mapping[str, str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for row, (typed, text) in enumerate(given):
        name, value = typed.strip(), text.strip()
        if not name:
            continue
        if len(name) > MOST_NAME or set(name) - TOKEN or name.lower() in OURS:
            raise Refused(_("「%(name)s」不能用作请求头的名称。", name=name[:MOST_NAME]), field=f"header.{row}")
        value = value or held.get(name, "")
        if not value or len(value) > MOST_VALUE or not value.isascii() or not value.isprintable():
            raise Refused(_("请填写请求头「%(name)s」的内容(英文和数字)。", name=name), field=f"header.{row}")
        found[name] = value
    if len(found) > MOST_HEADERS:
        raise Refused(_("最多 %(n)d 个请求头。", n=MOST_HEADERS), field="header.0")
    return found
