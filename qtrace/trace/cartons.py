"""Boxes of a lot and their numbers."""

from collections.abc import Sequence
from datetime import datetime

from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import joinedload

from qtrace.core import events
from qtrace.core.db import db, require_write
from qtrace.core.errors import Refused
from qtrace.core.numbering import take_numbers, take_serials
from qtrace.gs1.epc import sscc_of
from qtrace.orders.models import Lot
from qtrace.trace.events import CARTONS_NUMBERED, CartonsNumbered
from qtrace.trace.models import Carton

MOST = 200
MAX_QUANTITY = 1_000_000
SERIALS = "SSCC"
PREFIX = "BX"


def number_cartons(lot: Lot, count: int, *, quantity: int, prefix: str, by: int, now: datetime) -> list[Carton]:
    """Give boxes of a lot their numbers; a number is never given twice."""
    if not 1 <= count <= MOST:
        raise Refused(_("一次可以给 1 到 %(n)s 箱编号。", n=MOST), field="count")
    if not 0 <= quantity <= MAX_QUANTITY:
        raise Refused(_("每箱件数应当在 0 到 %(n)s 之间。", n=MAX_QUANTITY), field="quantity")
    numbers = _ssccs(prefix, count) if prefix else take_numbers(PREFIX, now, count)
    cartons = [
        Carton(number=number, lot_id=lot.id, quantity=quantity, created_at=now, created_by=by) for number in numbers
    ]
    require_write().add_all(cartons)
    told = CartonsNumbered(lot=lot.external_id, first=numbers[0], last=numbers[-1], count=count, quantity=quantity)
    events.record(CARTONS_NUMBERED, subject=("lot", lot.id), by=by, now=now, body=told.body())
    return cartons


def cartons_named(number: str) -> Sequence[Carton]:
    """Return the box with this number, as a list of one or none."""
    statement = select(Carton).where(Carton.number == number).options(joinedload(Carton.lot))
    return db.session.scalars(statement).all()


def cartons_between(lot_id: int, first: str, last: str) -> Sequence[Carton]:
    """Return the boxes of a lot from one number to another."""
    ends = select(Carton.id).where(Carton.lot_id == lot_id, Carton.number.in_([first, last]))
    ids = sorted(db.session.scalars(ends))
    if not ids:
        return []
    between = Carton.id.between(ids[0], ids[-1])
    return db.session.scalars(
        select(Carton).where(Carton.lot_id == lot_id, between).order_by(Carton.id).limit(MOST)
    ).all()


def _ssccs(prefix: str, count: int) -> list[str]:
    try:
        return [sscc_of(prefix, serial) for serial in take_serials(f"{SERIALS}-{prefix}", count)]
    except ValueError:
        raise Refused(_("这个 GS1 前缀的箱码已经用完。请联系管理员换一个前缀。")) from None
