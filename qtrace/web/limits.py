"""Rate limits kept in the database, so that they hold over all processes."""

from datetime import datetime

from flask_babel import gettext as _
from sqlalchemy import delete
from sqlalchemy.dialects.postgresql import insert as pg_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from qtrace.core.db import is_sqlite, write
from qtrace.core.errors import TooMany
from qtrace.core.models import RateCount

LIMITS = {  # what: (tries, seconds)
    "login-account": (5, 60),
    "login-ip": (20, 60),
    "upload": (60, 60),
    "import": (60, 3600),
    "print": (120, 3600),
}


def hit(what: str, who: str, *, now: datetime) -> None:
    """Count one try in its own short transaction; refused when the limit is passed."""
    tries, seconds = LIMITS[what]
    slot = int(now.timestamp()) // seconds
    key = f"{what}:{who}"[:160]
    insert = sqlite_insert if is_sqlite() else pg_insert
    statement = (
        insert(RateCount)
        .values(key=key, slot=slot, n=1)
        .on_conflict_do_update(index_elements=["key", "slot"], set_={"n": RateCount.n + 1})
        .returning(RateCount.n)
    )
    with write() as session:
        session.execute(delete(RateCount).where(RateCount.key == key, RateCount.slot < slot))
        count = session.execute(statement).scalar_one()
    if count > tries:
        wait = seconds - int(now.timestamp()) % seconds
        raise TooMany(_("操作太频繁,请在 %(n)d 秒后再试。", n=wait))
