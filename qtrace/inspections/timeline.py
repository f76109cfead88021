"""What happened to an inspection, in sentences."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from flask_babel import LazyString
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from qtrace.accounts.queries import names_of
from qtrace.core import events
from qtrace.core.models import EventRow
from qtrace.inspections import events as told
from qtrace.inspections.service import SUBJECT
from qtrace.inspections.words import DISPOSITIONS, VERDICTS

WORDS: dict[str, LazyString] = {told.STARTED: _l("开始检验"), told.SAVED: _l("保存了检验记录")}


@dataclass(frozen=True)
class Entry:
    """One line: when, who did what, and the reason given with it."""

    at: datetime
    who: str
    words: str
    reason: str = ""


def entries_of(inspection_id: int) -> Sequence[Entry]:
    """Return what happened to an inspection, newest first."""
    rows = events.timeline(SUBJECT, inspection_id)
    people = names_of({row.actor_id for row in rows if row.actor_id is not None})
    return [Entry(row.at, people.get(row.actor_id or 0, ""), _words(row), row.reason) for row in rows]


def _words(row: EventRow) -> str:
    if row.name == told.JUDGED:
        return _("判为%(verdict)s", verdict=VERDICTS[row.body["verdict"]])
    if row.name == told.DECIDED:
        return _("决定:%(what)s", what=DISPOSITIONS[row.body["disposition"]])
    return str(WORDS.get(row.name, row.name))
