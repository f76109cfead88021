"""Merging a term into another of its tree: seen before, done everywhere at once, undone while nothing changed since."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import ColumnElement, Select, Table, and_, func, insert, literal, not_, select, update

from qtrace.classification.models import Taxonomy, Term, TermMerger, TermMergerRow
from qtrace.classification.places import Merging, Place, label_of, mentions, places
from qtrace.classification.queries import taxonomy
from qtrace.classification.tree import Shape
from qtrace.core import events
from qtrace.core.db import Base, affected, db, existing, require_write, table_of
from qtrace.core.errors import Conflict, Refused
from qtrace.forms.queries import forms

MERGED, UNMERGED = "term_merged", "term_unmerged"
ROWS = table_of(TermMergerRow)


@dataclass(frozen=True)
class Moved:
    """How many rows of one kind a merger moves."""

    label: str
    count: int


def preview_merger(term_id: int, into_id: int) -> list[Moved]:
    """Return what a merger would move, in words of the staff; refuse one that can't be."""
    term, target = existing(Term, term_id), existing(Term, into_id)
    _check(term, target)
    merging = _merging(term, target)
    counted: dict[str, int] = {}
    for place in places(term.kind).values():
        if place.counted or place.table.name == Term.__tablename__:
            number = db.session.scalar(_ids(place, merging, count=True)) or 0
            counted[label_of(place.key)] = counted.get(label_of(place.key), 0) + number
    for mention in mentions():
        number = len(list(mention.find(merging)))
        counted[label_of(mention.key)] = counted.get(label_of(mention.key), 0) + number
    return [Moved(label, count) for label, count in counted.items() if count]


def merge_term(term_id: int, into_id: int, *, by: int, now: datetime, seen: tuple[int, int] | None = None) -> int:
    """Put one term into another: it goes off, every record that carried it carries the other; return how many did.

    `seen` are the versions of both terms the person looked at.
    """
    term, target = _locked(term_id, into_id)
    if seen is not None and seen != (term.version, target.version):
        raise Conflict(_("这两项分类刚刚有人改过。请看一眼再合并。"))
    _check(term, target)
    merging = _merging(term, target)
    session = require_write()
    merger = TermMerger(kind=term.kind, term_id=term.id, into_id=target.id, rewrites=[], at=now, by=by)
    session.add(merger)
    session.flush()  # the rows name their merger
    moved = {key: count for key, place in places(term.kind).items() if (count := _move(place, merging, merger.id))}
    merger.rewrites = _rewrite(merging)
    told = {key: count for key, count in moved.items() if places(term.kind)[key].counted}
    merger.records = sum(told.values())
    term.active, term.merged_into_id = False, target.id
    term.version += 1
    target.version += 1
    _raise_tree(term.kind)
    body = {
        "kind": term.kind, "into": target.id, "records": told, "code": term.code, "into_code": target.code,
        "name": term.name_zh, "into_name": target.name_zh, "merger": merger.id,
        "rewritten": [f"{row['place']}:{row['row']}" for row in merger.rewrites],
    }  # fmt: skip
    session.flush()  # what was moved by statements is read anew
    events.record(MERGED, subject=("term", term.id), by=by, now=now, body=body)
    records = merger.records
    session.expire_all()
    return records


def undo_merger(merger_id: int, *, by: int, now: datetime) -> int:
    """Give every record its former term back; refused once one of them, or a rule, was changed since."""
    session = require_write()
    merger = existing(TermMerger, merger_id)
    term, target = _locked(merger.term_id, merger.into_id)
    if merger.undone_at is not None:
        raise Refused(_("这次合并已经撤销。"))
    if term.merged_into_id != target.id:
        raise Refused(_("「%(name)s」后来又改动过,不能撤销这次合并。", name=term.name_zh))
    known = places(merger.kind)
    used = list(session.scalars(select(ROWS.c.place).where(ROWS.c.merger_id == merger.id).distinct()))
    changed = sum(_changed(known.get(key), key, merger) for key in used) + _rewritten_since(merger.rewrites)
    if changed:
        raise Refused(_("合并之后有 %(n)d 处又改过,不能整体撤销。请逐条改回,或新建一项分类。", n=changed))
    for key in used:
        session.execute(_back(known[key], merger))
    for row in merger.rewrites:
        table, column = _column(row["place"])
        session.execute(update(table).where(table.c.id == row["row"]).values({column: row["before"]}))
    term.active, term.merged_into_id = True, None
    term.version += 1
    target.version += 1
    merger.undone_at, merger.undone_by = now, by
    _raise_tree(term.kind)
    records = merger.records
    body = {"kind": term.kind, "from": target.id, "merger": merger.id, "records": records, "name": term.name_zh}
    events.record(UNMERGED, subject=("term", term.id), by=by, now=now, body=body)
    session.flush()  # before everything is read anew
    session.expire_all()
    return records


def mergers_of(kind: str, *, limit: int = 20) -> Sequence[tuple[TermMerger, Term, Term]]:
    """Return the newest mergers of a tree that stand, each with the term and where it went."""
    rows = db.session.scalars(
        select(TermMerger)
        .where(TermMerger.kind == kind, TermMerger.undone_at.is_(None))
        .order_by(TermMerger.id.desc())
        .limit(limit)
    ).all()
    ids = {row.term_id for row in rows} | {row.into_id for row in rows}
    terms = {term.id: term for term in db.session.scalars(select(Term).where(Term.id.in_(ids)))} if ids else {}
    return [(row, terms[row.term_id], terms[row.into_id]) for row in rows]


def forms_naming(code: str) -> list[str]:
    """Return the names of the forms that list a term first; they follow a merger by themselves."""
    return [
        form.name_zh
        for form, version in forms()
        for section in version.definition["sections"]
        for asked in section["fields"]
        if code in (asked.get("options", {}).get("first") or ())
    ]


def _check(term: Term, target: Term) -> None:
    if term.id == target.id or term.kind != target.kind:
        raise Refused(_("请选择同一棵分类树里的另一项。"), field="into")
    if term.merged_into_id is not None:
        raise Refused(_("「%(name)s」已经合并过了。", name=term.name_zh), field="into")
    if not target.active:
        raise Refused(_("「%(name)s」已停用,请先启用它,或选择另一项。", name=target.name_zh), field="into")
    shape = Shape.of(term.kind)
    if term.id in shape.above(target.id):
        raise Refused(_("不能并入自己的下级。请反过来合并。"), field="into")
    if shape.level(target.id) + shape.height(term.id) - 1 > taxonomy(term.kind).depth:
        raise Refused(_("「%(name)s」还有下级,并过去层数就太多了。请选上一层的分类。", name=term.name_zh), field="into")


def _merging(term: Term, target: Term) -> Merging:
    return Merging(term.kind, term.id, target.id, term.code, target.code)


def _locked(*ids: int) -> tuple[Term, Term]:
    session = require_write()
    for term_id in sorted(ids):  # one order for everybody
        session.scalars(
            select(Term).where(Term.id == term_id).with_for_update().execution_options(populate_existing=True)
        )
    return existing(Term, ids[0]), existing(Term, ids[1])


def _raise_tree(kind: str) -> None:
    require_write().execute(update(Taxonomy).where(Taxonomy.key == kind).values(version=Taxonomy.version + 1))


def _ids(place: Place, merging: Merging, *, count: bool = False) -> Select[Any]:
    wanted = place.holds(merging.term_id)
    if place.clash is not None:
        wanted = and_(wanted, not_(place.clash(merging.into_id)))
    return select(func.count() if count else place.table.c.id).select_from(place.table).where(wanted)


def _move(place: Place, merging: Merging, merger_id: int) -> int:
    ids = _ids(place, merging).subquery()
    rows = select(literal(merger_id), literal(place.key), ids.c.id)
    require_write().execute(insert(ROWS).from_select(["merger_id", "place", "row_id"], rows))
    noted = place.table.c.id.in_(_noted(merger_id, place.key))
    return affected(update(place.table).where(noted).values(**place.put(merging.term_id, merging.into_id)))


def _noted(merger_id: int, key: str) -> Select[int]:
    return select(ROWS.c.row_id).where(ROWS.c.merger_id == merger_id, ROWS.c.place == key)


def _rewrite(merging: Merging) -> list[dict[str, Any]]:
    done = []
    for mention in mentions():
        table, column = _column(mention.key)
        for found in list(mention.find(merging)):
            require_write().execute(update(table).where(table.c.id == found.row_id).values({column: found.after}))
            done.append({"place": mention.key, "row": found.row_id, "before": found.before, "after": found.after})
    return done


def _changed(place: Place | None, key: str, merger: TermMerger) -> int:
    """Return how many moved rows no longer carry the term they were given; rows that are gone need nothing."""
    noted = _noted(merger.id, key)
    if place is None:
        return require_write().scalar(select(func.count()).select_from(noted.subquery())) or 0
    other: ColumnElement[bool] = not_(func.coalesce(place.holds(merger.into_id), False))
    statement = select(func.count()).select_from(place.table).where(place.table.c.id.in_(noted), other)
    return require_write().scalar(statement) or 0


def _rewritten_since(rewrites: Sequence[dict[str, Any]]) -> int:
    changed = 0
    for row in rewrites:
        table, column = _column(row["place"])
        now = require_write().execute(select(table.c[column]).where(table.c.id == row["row"])).one_or_none()
        changed += now is not None and now[0] != row["after"]
    return changed


def _back(place: Place, merger: TermMerger) -> Any:
    noted = place.table.c.id.in_(_noted(merger.id, place.key))
    return update(place.table).where(noted).values(**place.put(merger.into_id, merger.term_id))


def _column(key: str) -> tuple[Table, str]:
    table, column = key.split(".")
    return Base.metadata.tables[table], column
