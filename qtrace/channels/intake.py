"""One page of raw rows becomes facts: dedupe, store and bookmark in a single transaction, nothing dropped."""

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from flask_babel import gettext as _
from sqlalchemy import insert, null, select, update

from qtrace.channels.entries import Entered, store_entries
from qtrace.channels.events import SUBJECT
from qtrace.channels.models import Bookmark, ChannelAccount, IntakeRecord
from qtrace.core.db import db, require_write
from qtrace.core.errors import Conflict
from qtrace.core.setting_fields import say
from qtrace.issues.intake import store
from qtrace.sdk.connector import Connector, RawRecord, Stream
from qtrace.sdk.errors import BadRecord
from qtrace.sdk.records import FormRecord, Record

MAX_ID, MAX_VERSION = 200, 64
CHUNK = 500

Seen = tuple[str, str]


@dataclass(frozen=True)
class Judged:
    """A raw row with its identity, and the record it is or the reason why it is none."""

    external_id: str
    version: str
    place: str
    record: Record | FormRecord | None
    reason: str = ""


@dataclass
class Tally:
    """What became of the rows of a stream; `read` is the sum of the other four."""

    read: int = 0
    stored: int = 0
    updated: int = 0
    unchanged: int = 0
    refused: int = 0

    def add(self, outcomes: Counter[str]) -> None:
        """Count one page."""
        self.read += outcomes.total()
        for name in ("stored", "updated", "unchanged", "refused"):
            setattr(self, name, getattr(self, name) + outcomes[name])

    def as_json(self) -> dict[str, int]:
        """Return the counts under their public names."""
        return dict(vars(self))


@dataclass(frozen=True)
class Move:
    """How the page moves the stream's bookmark; `before` guards against another sync that moved it meanwhile."""

    before: str
    after: str


@dataclass
class PageOfRows:
    """The judged rows of one page."""

    account_id: int
    shop_id: int
    stream: str
    rows: Sequence[Judged] = field(default_factory=tuple)


def judge(connector: Connector, stream: Stream, raws: Iterable[RawRecord]) -> list[Judged]:
    """Turn raw rows into records; a row the connector cannot turn keeps its reason, whatever went wrong."""
    return [_judge_one(connector, stream, raw) for raw in raws]


def store_page(page: PageOfRows, move: Move, *, now: datetime, tell: Callable[[], None]) -> Counter[str]:
    """Store what is new of a page and move the bookmark inside the open write; say what became of every row."""
    require_write()
    tell()
    _move_bookmark(page, move, now)
    fresh, repeated = _split(page)
    outcomes: Counter[str] = Counter(unchanged=repeated)
    ends = {id(row): Entered("refused", row.reason) for row in fresh if row.record is None}
    ends |= _store_facts(page, fresh, now)
    entries = [(row, row.record) for row in fresh if isinstance(row.record, FormRecord)]
    entered = store_entries(page.shop_id, [record for _row, record in entries], now=now)
    ends |= {id(row): end for (row, _record), end in zip(entries, entered, strict=True)}
    outcomes.update(end.outcome for end in ends.values())
    _forget_parked(page, [row for row, _record in entries])
    _keep(page, [(row, ends[id(row)]) for row in fresh], now)
    if outcomes.total() != len(page.rows):
        raise RuntimeError(f"{len(page.rows)} rows were read, but {dict(outcomes)} accounted for")
    return outcomes


def position_of(account_id: int, stream: str) -> str:
    """Return where the stream stands."""
    statement = select(Bookmark.position).where(Bookmark.account_id == account_id, Bookmark.stream == stream)
    return db.session.scalar(statement) or ""


def _judge_one(connector: Connector, stream: Stream, raw: RawRecord) -> Judged:
    external_id, version = _fit(raw.external_id, MAX_ID), _fit(raw.version or _digest(raw.body), MAX_VERSION)
    try:
        return Judged(external_id, version, raw.place, connector.to_record(stream, raw))
    except BadRecord as error:
        reason = say(error.reason)
    except Exception as error:  # noqa: BLE001 - a plugin may raise anything; its row is kept with what it said
        reason = _("连接器无法读取这一行(%(why)s)。请联系插件作者。", why=f"{type(error).__name__}: {error}"[:300])
    return Judged(external_id, version, raw.place, None, reason)


def _move_bookmark(page: PageOfRows, move: Move, now: datetime) -> None:
    session = require_write()
    # The account's row is the lock: a stream that has no bookmark yet has no row of its own to lock.
    session.execute(select(ChannelAccount.id).where(ChannelAccount.id == page.account_id).with_for_update())
    statement = select(Bookmark).where(Bookmark.account_id == page.account_id, Bookmark.stream == page.stream)
    row = session.scalar(statement)
    if (row.position if row else "") != move.before:
        raise Conflict(_("另一个同步刚刚处理了同一批数据。请稍后刷新页面查看结果。"))
    if move.after == move.before:
        return
    if row is None:
        session.add(Bookmark(account_id=page.account_id, stream=page.stream, position=move.after, moved_at=now))
    else:
        row.position, row.moved_at = move.after, now


def _split(page: PageOfRows) -> tuple[list[Judged], int]:
    """Return the rows not seen before, each once, and how many were repeated."""
    seen = _seen(page)
    fresh: list[Judged] = []
    for row in page.rows:
        key = (row.external_id, row.version)
        if key not in seen:
            seen.add(key)
            fresh.append(row)
    return fresh, len(page.rows) - len(fresh)


def _seen(page: PageOfRows) -> set[Seen]:
    names = sorted({row.external_id for row in page.rows})
    statement = select(IntakeRecord.external_id, IntakeRecord.version).where(
        IntakeRecord.account_id == page.account_id, IntakeRecord.stream == page.stream
    )
    return {
        (row.external_id, row.version)
        for start in range(0, len(names), CHUNK)
        for row in db.session.execute(statement.where(IntakeRecord.external_id.in_(names[start : start + CHUNK])))
    }


def _store_facts(page: PageOfRows, rows: Sequence[Judged], now: datetime) -> dict[int, Entered]:
    """Store everything but filled-in forms; say of each row what became of it."""
    facts = [(row, row.record) for row in rows if row.record is not None and not isinstance(row.record, FormRecord)]
    source = (SUBJECT, page.account_id)
    counts = store(page.shop_id, [record for _row, record in facts], now=now, by=None, source=source)
    reasons = dict(counts.refused)
    outcomes = zip(facts, counts.outcomes, strict=True)
    return {id(row): Entered(outcome, reasons.get(at, "")) for at, ((row, _fact), outcome) in enumerate(outcomes)}


def _forget_parked(page: PageOfRows, rows: Sequence[Judged]) -> None:
    """Let go of what waited of records that came anew: the newer version says all."""
    names = sorted({row.external_id for row in rows})
    older = (
        IntakeRecord.account_id == page.account_id, IntakeRecord.stream == page.stream, IntakeRecord.parked.is_not(None)
    )  # fmt: skip
    for start in range(0, len(names), CHUNK):
        some = IntakeRecord.external_id.in_(names[start : start + CHUNK])
        require_write().execute(update(IntakeRecord).where(*older, some).values(parked=null()))


def _keep(page: PageOfRows, rows: list[tuple[Judged, Entered]], now: datetime) -> None:
    last = {
        row.external_id: at for at, (row, _end) in enumerate(rows)
    }  # an earlier version of the page waits for nothing
    done, parked = [], []
    for at, (row, end) in enumerate(rows):
        kept = {
            "account_id": page.account_id, "stream": page.stream, "external_id": row.external_id,
            "version": row.version, "at": now, "refused": _told(row, end.reason),
        }  # fmt: skip
        if end.parked and last[row.external_id] == at:
            parked.append(kept | {"parked": end.parked})
        else:
            done.append(kept)
    for values in (done, parked):
        if values:
            require_write().execute(insert(IntakeRecord), values)


def _told(row: Judged, reason: str) -> str:
    if not reason:
        return ""
    return _clean(_("%(place)s:%(reason)s", place=row.place, reason=reason) if row.place else reason)


def _digest(body: object) -> str:
    text = json.dumps(body, ensure_ascii=False, sort_keys=True, default=repr)
    return hashlib.sha256(text.encode("utf-8", "backslashreplace")).hexdigest()


def _fit(text: str, longest: int) -> str:
    """Return an id the column holds; one that is too long keeps its start and is told apart by its digest."""
    clean = _clean(text)
    if len(clean) <= longest:
        return clean
    digest = hashlib.sha256(text.encode("utf-8", "backslashreplace")).hexdigest()[:40]
    return f"{clean[: longest - len(digest) - 1]}#{digest}"


def _clean(text: str) -> str:
    return text.encode("utf-8", "replace").decode().replace("\0", "\ufffd")
