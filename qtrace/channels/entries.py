"""Filled-in forms a connector brings: stored by the door every batch of records takes, held to the same rules.

What a form does not take is parked with its reason and tried again at every sync, until it fits or comes anew.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import null, select, update

from qtrace.channels.models import ChannelAccount, IntakeRecord
from qtrace.core.db import existing, require_write
from qtrace.core.errors import NotFound
from qtrace.forms.definition import FormDefinition
from qtrace.forms.queries import current_form, stored_definition
from qtrace.forms.registry import cell_text
from qtrace.orders.facts import storable
from qtrace.records.bulk import Outcome, Row, RowOutcome, Sender, Target, take_rows, told_reasons
from qtrace.records.doors import check_rows
from qtrace.records.plain import named_by_label, row_of
from qtrace.rules.doors import Door
from qtrace.sdk.records import FormRecord
from qtrace.web.filters import site_zone

SENDER = Sender("connector", None)
MOST_ID = 170  # beside the shop it is told apart by in the record's key
BATCH = 500

Parked = Mapping[str, Any]


@dataclass(frozen=True)
class Entered:
    """What became of a form: why it was refused, and what is parked of it."""

    outcome: Outcome
    reason: str = ""
    parked: Parked = field(default_factory=dict)


def store_entries(shop_id: int, entries: Sequence[FormRecord], *, now: datetime) -> list[Entered]:
    """Store filled-in forms inside the open write and say of each, in their order, what became of it."""
    return _store(shop_id, [as_parked(entry) for entry in entries], now)


def retry_parked(account_id: int, after: int, *, now: datetime) -> tuple[int, int]:
    """Try the parked forms behind this row once more; return (the last row tried, 0 at the end; how many fit now)."""
    session = require_write()
    shop_id = existing(ChannelAccount, account_id).shop_id
    waiting = select(IntakeRecord).where(
        IntakeRecord.account_id == account_id, IntakeRecord.parked.is_not(None), IntakeRecord.id > after
    )
    rows = session.scalars(waiting.order_by(IntakeRecord.id).limit(BATCH)).all()
    results = _store(shop_id, [row.parked or {} for row in rows], now)
    for row, result in zip(rows, results, strict=True):
        if result.outcome == "refused":
            row.refused = result.reason
        else:
            done = update(IntakeRecord).where(IntakeRecord.id == row.id)
            session.execute(done.values(refused="", parked=null()))
    return rows[-1].id if rows else 0, sum(1 for one in results if one.outcome != "refused")


def as_parked(entry: FormRecord) -> Parked:
    """Return a form as plain data, as it is kept while it waits."""
    return {"external_id": entry.external_id, "form": entry.form, "values": _plain(entry.values)}


def _store(shop_id: int, parked: Sequence[Parked], now: datetime) -> list[Entered]:
    found: dict[int, Entered] = {}
    of_form: dict[str, list[int]] = {}
    for at, one in enumerate(parked):
        why = _unfit(one)
        if why:
            found[at] = Entered("refused", why)
        else:
            of_form.setdefault(one["form"], []).append(at)
    for key, places in of_form.items():
        target = _target(key)
        for wave in _waves(parked, places):
            some = [parked[at] for at in wave]
            found |= zip(wave, _into(target, shop_id, some, now) if target else _homeless(some), strict=True)
    return [found[at] for at in range(len(parked))]


def _into(target: Target, shop_id: int, parked: Sequence[Parked], now: datetime) -> list[Entered]:
    rows = [_row(target.definition, shop_id, one) for one in parked]
    check_rows(target, rows, door=Door.CONNECTOR, by=None, now=now)
    outcomes = take_rows(target, rows, SENDER, now=now)
    return [_entered(target.definition, *pair) for pair in zip(parked, outcomes, strict=True)]


def _row(definition: FormDefinition, shop_id: int, one: Parked) -> Row:
    return row_of(definition, named_by_label(definition, one["values"]), key=f"shop:{shop_id}:{one['external_id']}")


def _entered(definition: FormDefinition, one: Parked, outcome: RowOutcome) -> Entered:
    if outcome.outcome != "refused":
        return Entered(outcome.outcome)
    told = told_reasons(definition, outcome.reasons)
    lines = [_("%(place)s:%(reason)s", place=label, reason=why) if label else why for label, why in told]
    return Entered("refused", " ".join(lines), one)


def _homeless(parked: Sequence[Parked]) -> list[Entered]:
    return [Entered("refused", _("没有可以填写的表单「%(key)s」。", key=one["form"]), one) for one in parked]


def _target(key: str) -> Target | None:
    """Return the form the records are of; None when there is none that takes records."""
    try:
        form, version = current_form(key)
    except NotFound:
        return None
    if form.built_in or form.state != "active":
        return None
    return Target(form, version.id, stored_definition(form.key, version.id))


def _waves(parked: Sequence[Parked], places: Sequence[int]) -> Iterator[list[int]]:
    """Yield the places in stretches that name each record once: what comes again is a change of what came before."""
    wave: dict[str, int] = {}
    for at in places:
        name = parked[at]["external_id"]
        if name in wave or len(wave) == BATCH:
            yield list(wave.values())
            wave = {}
        wave[name] = at
    yield list(wave.values())


def _unfit(one: Parked) -> str:
    """Say why a form can't even be parked; empty when it can."""
    if not one["external_id"] or len(one["external_id"]) > MOST_ID:
        return _("表单记录要有 1 到 %(max)s 个字符的外部编号。", max=MOST_ID)
    if not all(storable(text) for text in _texts(one)):
        return _("这条记录里有无法保存的字符,请联系数据来源方清理。")
    return ""


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for name, item in value.items():
            yield from _texts(name)
            yield from _texts(item)
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)


def _plain(value: object) -> Any:
    """Return a value as JSON keeps it; a moment becomes what a person at the site would type."""
    if isinstance(value, Mapping):
        return {str(name): _plain(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, datetime) and value.tzinfo is not None:
        return cell_text(value.astimezone(site_zone()))
    if isinstance(value, date):
        return cell_text(value)
    if isinstance(value, Decimal):
        return f"{value:f}"
    return value if value is None or isinstance(value, bool | int | str) else str(value)
