"""Taking a whole import back while nobody has touched its rows: new rows go, changed ones get their values back.

What another import has told since, what other records use and what people have worked on stays, and is named.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import Column, Date, Table, and_, delete, func, select, update

from qtrace.accounts.models import User
from qtrace.core import events
from qtrace.core.db import UtcDateTime, affected, db, require_write
from qtrace.core.errors import Conflict, DomainError
from qtrace.core.models import EventRow
from qtrace.exchange.kinds import KIND_LABELS
from qtrace.exchange.models import ImportBatch, ImportRun
from qtrace.exchange.queries import detail_of, run_by_id
from qtrace.exchange.targets import Kept, Undone, other_targets
from qtrace.issues.intake import KIND as ISSUES
from qtrace.issues.models import ImportedIssue
from qtrace.issues.withdrawal import withdraw
from qtrace.orders.batch import chunks
from qtrace.orders.bulk import among
from qtrace.orders.crossing import lines_served_by, serve
from qtrace.orders.events import RECORDS_IMPORTED
from qtrace.orders.frames import ORDER_OF_KINDS
from qtrace.orders.kits import derived_parts
from qtrace.orders.rows import shape_of

Changed = Mapping[str, Mapping[str, Sequence[Any]]]
UNDOABLE = ("done", "cancelled", "failed", "paused")
MOST_NAMED = 200


def undo_import(run_id: int, *, by: int, now: datetime) -> Undone:
    """Take a run back inside the open write; refuse one that stored nothing, is under way or is undone already."""
    session = require_write()
    run = run_by_id(run_id)
    if run.dry_run or run.state not in UNDOABLE:
        raise Conflict(_("只有结束了的正式导入才能撤销。"))
    target = other_targets().get(run.kind)
    done = target.undo(run_id, by=by, now=now) if target else Undone()
    batches = session.scalars(select(ImportBatch).where(ImportBatch.run_id == run_id).order_by(ImportBatch.id.desc()))
    made: dict[str, list[int]] = defaultdict(list)
    changed: list[tuple[str, Changed]] = []
    for batch in batches:
        made[batch.kind] += batch.made
        changed.append((batch.kind, batch.changed))
    done += _withdrawn(made.pop(ISSUES, []), by=by, now=now)
    touched = _told_since(run_id)
    for kind, columns in changed:
        done += _restored(kind, columns, touched[kind])
    for kind in reversed(ORDER_OF_KINDS):
        done += _removed(kind, made.get(kind, []), touched[kind])
    detail = detail_of(run)
    named = [{"label": one.label, "why": one.why} for one in done.kept[:MOST_NAMED]]
    body = {"removed": done.removed, "restored": done.restored, "kept": len(done.kept)}
    run.definition, run.state, run.finished_at = replace(detail, undone=body | {"named": named}).stored(), "undone", now
    events.record("import_undone", subject=("import_run", run_id), by=by, now=now, body=body)
    return done


def can_undo(run: ImportRun) -> bool:
    """Say whether the run may be taken back."""
    return not run.dry_run and run.state in UNDOABLE and run.stored + run.updated > 0


def plain(value: object) -> Any:
    """Return a stored value as JSON keeps it."""
    return value.isoformat() if isinstance(value, (date, datetime)) else value


def _told_since(run_id: int) -> defaultdict[str, set[int]]:
    """Return by kind the rows that later imports and connectors have told something new of."""
    own = and_(EventRow.subject_kind == "import_run", EventRow.subject_id == run_id)
    last = db.session.scalar(select(func.max(EventRow.seq)).where(own, EventRow.name == RECORDS_IMPORTED)) or 0
    later = select(EventRow.body).where(EventRow.seq > last, EventRow.name == RECORDS_IMPORTED)
    found: defaultdict[str, set[int]] = defaultdict(set)
    for body in db.session.scalars(later):
        found[str(body["kind"])].update(body["ids"])
    return found


def _withdrawn(ids: Sequence[int], *, by: int, now: datetime) -> Undone:
    """End the issues nobody has worked on; their old numbers are free again."""
    user = db.session.get_one(User, by)
    removed, kept = 0, []
    for issue_id in ids:
        try:
            number = withdraw(issue_id, by=user, now=now, note=_("撤销导入"))
        except DomainError as error:
            kept.append(Kept(_("问题 %(id)s", id=issue_id), error.message))
            continue
        if number:
            kept.append(Kept(number, _("已经有人处理过。")))
        else:
            require_write().execute(delete(ImportedIssue).where(ImportedIssue.issue_id == issue_id))
            removed += 1
    return Undone(removed, 0, tuple(kept))


def _restored(kind: str, changed: Changed, touched: Collection[int]) -> Undone:
    """Give rows their earlier values back where they still say what the import said."""
    if kind == ISSUES or not changed:
        return Undone()
    table = shape_of(kind).table
    restored, kept = 0, []
    for row_id, columns in changed.items():
        old = {name: _value(table.c[name], pair[0]) for name, pair in columns.items()}
        still = [table.c[name].is_not_distinct_from(_value(table.c[name], pair[1])) for name, pair in columns.items()]
        statement = update(table).where(table.c.id == int(row_id), *still).values(old)
        if int(row_id) in touched or not affected(statement):
            kept.append(_kept(kind, table, int(row_id), _("后来又改过。")))
        else:
            restored += 1
    return Undone(0, restored, tuple(kept))


def _removed(kind: str, ids: Sequence[int], touched: Collection[int]) -> Undone:
    """Delete rows that nobody has told anything new of and that nothing else uses."""
    if not ids:
        return Undone()
    table = shape_of(kind).table
    kept = {row_id: _("后来又有数据说到它。") for row_id in ids if row_id in touched}
    for chunk in chunks(set(ids) - kept.keys()):
        kept |= dict.fromkeys(_used(table, chunk), _("还有别的记录用到它。"))
    gone = [row_id for row_id in ids if row_id not in kept]
    for chunk in chunks(gone):
        served = lines_served_by(kind, chunk)
        parts = derived_parts(chunk) if kind == "lines" else []
        require_write().execute(delete(table).where(among(table.c.id, [*chunk, *parts])))
        serve(served)
    named = [_kept(kind, table, row_id, why) for row_id, why in list(kept.items())[:MOST_NAMED]]
    named += [Kept(str(KIND_LABELS[kind]), why) for why in list(kept.values())[MOST_NAMED:]]
    return Undone(len(gone), 0, tuple(named))


def _used(table: Table, ids: Iterable[Any]) -> set[int]:
    """Return the rows that rows of other tables name; a line's lots go with the line, found links are only cut."""
    wanted = list(ids)
    return {
        row_id
        for column in _references(table)
        for row_id in db.session.scalars(select(column).where(among(column, wanted)).distinct())
    }


def _references(table: Table) -> Iterator[Column[Any]]:
    for other in table.metadata.tables.values():
        for column in other.columns:
            for key in column.foreign_keys:
                found = key.ondelete == "SET NULL" or (other.name == "line_lot" and column.name == "line_id")
                if key.column.table is table and not found:
                    yield column


def _value(column: Column[Any], stored: Any) -> Any:
    if stored is None or not isinstance(stored, str):
        return stored
    if isinstance(column.type, Date):
        return date.fromisoformat(stored)
    if isinstance(column.type, UtcDateTime):
        return datetime.fromisoformat(stored).astimezone(UTC)
    return stored


def _kept(kind: str, table: Table, row_id: int, why: str) -> Kept:
    name = table.c.external_id if "external_id" in table.c else table.c.id
    said = db.session.scalar(select(name).where(table.c.id == row_id))
    return Kept(f"{KIND_LABELS[kind]} {said}", why)
