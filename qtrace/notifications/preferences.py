"""What people prefer: which kinds by which way, where they are reached, the pace and the quiet hours."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import time
from typing import cast

from flask_babel import gettext as _
from sqlalchemy import select

from qtrace.accounts.models import User
from qtrace.core.db import db, require_write
from qtrace.core.errors import Refused
from qtrace.notifications.kinds import OFFERED
from qtrace.notifications.models import NoticePreference, NoticeSender
from qtrace.notifications.timing import Pace, Rule

PACES = ("now", "hourly", "daily")
DAILY_AT = time(9)
MOST_ADDRESS = 120


@dataclass(frozen=True)
class Preference:
    """A person's wishes; a sender without an entry in `ways` follows the company's choice."""

    ways: Mapping[int, frozenset[str]] = field(default_factory=dict)
    addresses: Mapping[int, str] = field(default_factory=dict)
    rule: Rule = Rule()  # noqa: RUF009 -- frozen

    def wants(self, kind: str, sender: NoticeSender) -> bool:
        """Say whether this kind comes by this sender."""
        return kind in self.ways.get(sender.id, sender.kinds)


def preference_of(user_id: int) -> Preference:
    """Return what a person prefers."""
    return preferences_of([user_id]).get(user_id, Preference())


def preferences_of(user_ids: Collection[int]) -> dict[int, Preference]:
    """Return what these people prefer; those who never chose are left out."""
    rows = db.session.scalars(select(NoticePreference).where(NoticePreference.user_id.in_(user_ids)))
    return {row.user_id: _read(row) for row in rows}


def keep_preference(user_id: int, wanted: Preference) -> None:
    """Keep what a person prefers, checked."""
    session = require_write()
    row = session.get(NoticePreference, user_id)
    if row is None:
        row = NoticePreference(user_id=user_id)
        session.add(row)
    row.ways = {str(sender): [kind for kind in OFFERED if kind in kinds] for sender, kinds in wanted.ways.items()}
    row.addresses = {str(sender): address for sender, address in wanted.addresses.items() if address}
    row.pace, row.daily_at = wanted.rule.pace, wanted.rule.daily_at.strftime("%H:%M")
    begin, end = wanted.rule.quiet or (None, None)
    row.quiet_from, row.quiet_until = (begin.strftime("%H:%M"), end.strftime("%H:%M")) if begin and end else ("", "")


def read_rule(pace: str, daily_at: str, quiet_from: str, quiet_until: str) -> Rule:
    """Return a rule as a form gives it; Refused with the field that is wrong."""
    if pace not in PACES:
        raise Refused(_("请选择发送节奏。"), field="pace")
    at = _time(daily_at, "daily_at") or DAILY_AT
    begin, end = _time(quiet_from, "quiet_from"), _time(quiet_until, "quiet_until")
    if (begin is None) != (end is None):
        raise Refused(_("免打扰的开始和结束时间要一起填。"), field="quiet_until" if begin else "quiet_from")
    if begin is not None and begin == end:
        raise Refused(_("免打扰的开始和结束不能是同一时间。"), field="quiet_until")
    return Rule(cast(Pace, pace), at, (begin, end) if begin is not None and end is not None else None)


def read_address(text: str, field_name: str) -> str:
    """Return an address as it is kept: one line, no blanks inside."""
    address = text.strip()
    if len(address) > MOST_ADDRESS or any(ord(char) < 33 for char in address):
        raise Refused(_("账号里不能有空格或换行,最多 %(n)d 个字符。", n=MOST_ADDRESS), field=field_name)
    return address


def address_at(sender: NoticeSender, preference: Preference, user: User) -> str:
    """Return where a person is reached by a sender: what they entered, for mail else their account's address."""
    return preference.addresses.get(sender.id, "") or (user.email if sender.key == "mail" else "")


def senders_in_use() -> Sequence[NoticeSender]:
    """Return the senders that are switched on, by name."""
    statement = select(NoticeSender).where(NoticeSender.enabled).order_by(NoticeSender.name, NoticeSender.id)
    return db.session.scalars(statement).all()


def _read(row: NoticePreference) -> Preference:
    begin, end = _kept_time(row.quiet_from), _kept_time(row.quiet_until)
    return Preference(
        {int(sender): frozenset(kinds) for sender, kinds in row.ways.items()},
        {int(sender): str(address) for sender, address in row.addresses.items()},
        Rule(
            cast(Pace, row.pace), _kept_time(row.daily_at) or DAILY_AT,
            (begin, end) if begin is not None and end is not None else None,
        ),
    )  # fmt: skip


def _time(text: str, field_name: str) -> time | None:
    if not text.strip():
        return None
    try:
        return time.fromisoformat(text.strip()).replace(second=0, microsecond=0, tzinfo=None)
    except ValueError:
        raise Refused(_("时间要写成 22:00 这样。"), field=field_name) from None


def _kept_time(text: str) -> time | None:
    return time.fromisoformat(text) if text else None
