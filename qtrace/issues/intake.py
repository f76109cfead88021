"""Quality problems that were kept elsewhere come in as issues: once each, by the verbs a person uses.

What the records of the other kinds are made of is left to the store of facts; a batch may hold both.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import select

from qtrace.catalog.models import Shop
from qtrace.classification.models import Term
from qtrace.core.db import db, require_write
from qtrace.forms.answers import Answers
from qtrace.forms.queries import current_definition
from qtrace.forms.registry import Value
from qtrace.forms.seed import ISSUE_FORM
from qtrace.issues.fields import TERM_COLUMNS
from qtrace.issues.models import ImportedIssue
from qtrace.issues.service import NewIssue, create_issue
from qtrace.orders import upsert
from qtrace.orders.batch import Outcome, Rehearsal
from qtrace.orders.facts import EARLIEST, MAX_COUNT, MAX_ID, MAX_TEXT, storable
from qtrace.orders.fields import label
from qtrace.orders.frames import Frame, Frames, framed
from qtrace.orders.rows import shape_of
from qtrace.orders.upsert import MASTER_PLATFORM, Counts, Written
from qtrace.rules.doors import Checked, Door, check_answers, note_warnings, take_answers
from qtrace.rules.queries import FormRules, load_rules
from qtrace.sdk.records import Lot, Order, Product, QualityIssue, Record, Supplier

KIND = "issues"
MAX_TITLE = 300
NAMED: dict[str, tuple[str, type[Order | Product | Lot | Supplier]]] = {
    "order": ("orders", Order),
    "sku": ("products", Product),
    "lot": ("lots", Lot),
    "supplier": ("suppliers", Supplier),
}
TERMS = ("type", "severity", "responsible_party", "detection_point", "disposition")

Names = Mapping[str, Mapping[str, int]]


class _UnfitError(Exception):
    """The problem cannot become an issue; the message says why."""


@dataclass(frozen=True)
class _Known:
    """What a batch is checked against: the terms by code and name, the problems that came in before, the form's rules."""

    terms: Names
    before: frozenset[str]
    rules: FormRules
    version_id: int


@dataclass(frozen=True)
class _Judged:
    """A problem with the reason why it is refused, empty when it is not, and what the rules made of it."""

    record: QualityIssue
    why: str = ""
    checked: Checked | None = None


def store(
    shop_id: int, records: Sequence[Record] | Frames, *, now: datetime, by: int | None, source: tuple[str, int]
) -> Counts:
    """Store facts and open issues inside the open write; an issue that came in before is left as people made it."""
    require_write()
    facts, problems = _split(records)
    counts = upsert.store(shop_id, facts, now=now, by=by, source=source)  # locks the shop, also for the issues
    if not problems:
        return counts
    known, judged = _judge(shop_id, problems, now, by)
    links = _link(shop_id, [one.record for one in judged.values() if not one.why], now=now, by=by, source=source)
    done: dict[int, Outcome] = {}
    opened: list[int] = []
    seen = set(known.before)
    for at, one in judged.items():
        done[at] = _outcome(one.record, one.why, seen)
        if done[at] == "stored":
            opened.append(_open(shop_id, one, known, links, by=by, now=now))
    merged = _merged(counts, done, judged)
    return replace(merged, written=(*merged.written, Written(KIND, opened, {}))) if opened else merged


def rehearse(shop: tuple[int, str], records: Sequence[Record] | Frames, *, now: datetime, memory: Rehearsal) -> Counts:
    """Say what `store` would do in the shop (id, currency), writing nothing."""
    facts, problems = _split(records)
    counts = upsert.rehearse(shop, facts, now=now, memory=memory)
    if not problems:
        return counts
    known, judged = _judge(shop[0], problems, now, None)
    seen = set(known.before) | {str(name) for kind, name in memory.ids if kind == KIND}
    done: dict[int, Outcome] = {}
    for at, one in judged.items():
        done[at] = _outcome(one.record, one.why, seen)
        if done[at] == "stored":
            memory.invent(KIND, one.record.external_id)
    return _merged(counts, done, judged)


def _split(records: Sequence[Record] | Frames) -> tuple[Frames, list[tuple[int, QualityIssue]]]:
    frames = records if isinstance(records, Frames) else framed(records)
    problems = [
        (at, record)
        for frame in frames.frames
        if frame.kind == KIND
        for at, record in zip(frame.index, _records(frame), strict=True)
    ]
    return replace(frames, frames=[frame for frame in frames.frames if frame.kind != KIND]), sorted(problems, key=_at)


def _records(frame: Frame) -> list[QualityIssue]:
    return [record for record in frame.records() if isinstance(record, QualityIssue)]


def _at(placed: tuple[int, QualityIssue]) -> int:
    return placed[0]


def _judge(
    shop_id: int, problems: Sequence[tuple[int, QualityIssue]], now: datetime, by: int | None
) -> tuple[_Known, dict[int, _Judged]]:
    """Return what is known and, by place in the batch, each problem with the reason why it is refused."""
    wanted = {record.external_id for _at, record in problems}
    before = db.session.scalars(
        select(ImportedIssue.external_id).where(
            ImportedIssue.shop_id == shop_id, ImportedIssue.external_id.in_(sorted(wanted))
        )
    )
    version_id, definition = current_definition(ISSUE_FORM)
    known = _Known(_terms(), frozenset(before), load_rules(ISSUE_FORM, definition), version_id)
    links = _known_links(shop_id, [record for _at, record in problems]) if known.rules.rules else {}
    judged = {}
    for at, record in problems:
        try:
            _check(record, known.terms, now)
            judged[at] = _Judged(record)
        except _UnfitError as error:
            judged[at] = _Judged(record, str(error))
        if known.rules.rules and not judged[at].why and record.external_id not in known.before:
            judged[at] = _by_rules(record, known, links, now, by)
    return known, judged


def _by_rules(record: QualityIssue, known: _Known, links: Names, now: datetime, by: int | None) -> _Judged:
    """Hold a problem to the rules of the issue form; what it names and is not here yet is known by its number alone."""
    definition = known.rules.form.definition
    named = {f"{name}_id": links[name].get(number, number) for name in NAMED if (number := getattr(record, name))}
    affected = None if record.bad_qty is None else {"bad": record.bad_qty, "checked": record.checked_qty}
    columns: dict[str, Value] = {
        "title": record.title, "description": record.text, "courier_line": record.courier_line, "affected_qty": affected,
        **_term_ids(record, known.terms), **named,
    }  # fmt: skip
    checked = check_answers(known.rules, definition, Answers(columns), door=Door.EXCEL, by=by, now=now)
    if not checked.ok:
        return _Judged(record, " ".join(text for _path, text in checked.refusals))
    take_answers(known.rules, checked, now=now)
    return _Judged(record, checked=checked)


def _known_links(shop_id: int, records: Sequence[QualityIssue]) -> dict[str, dict[str, int]]:
    """Return the ids of what the problems name, as far as it is here."""
    found = {}
    for name, (kind, _make) in NAMED.items():
        wanted = {getattr(record, name) for record in records} - {""}
        found[name] = _ids(shop_id, kind, wanted) if wanted else {}
    return found


def _term_ids(record: QualityIssue, terms: Names) -> dict[str, Any]:
    return {f"{name}_id": terms[name][said.casefold()] for name in TERMS if (said := getattr(record, name))}


def _terms() -> dict[str, dict[str, int]]:
    """Return the terms in use of each tree by code and by either name."""
    found: dict[str, dict[str, int]] = defaultdict(dict)
    for term in db.session.scalars(select(Term).where(Term.active).order_by(Term.id.desc())):
        for name in (term.name_en, term.name_zh, term.code):
            found[term.kind][name.casefold()] = term.id
    return found


def _check(record: QualityIssue, terms: Names, now: datetime) -> None:
    for name, longest in (("external_id", MAX_ID), ("title", MAX_TITLE), ("text", MAX_TEXT), ("courier_line", MAX_ID)):
        _check_text(name, getattr(record, name), longest, needed=name in ("external_id", "title"))
    for name in NAMED:
        _check_text(name, getattr(record, name), MAX_ID, needed=False)
    for name in TERMS:
        said = getattr(record, name)
        if said and said.casefold() not in terms.get(name, {}):
            raise _UnfitError(
                _(
                    "「%(field)s」里没有「%(value)s」这个分类。请用分类的名称或代码。",
                    field=_name(name),
                    value=said[:60],
                )
            )
    for name in ("bad_qty", "checked_qty"):
        number = getattr(record, name)
        if number is not None and not 0 <= number <= MAX_COUNT:
            raise _UnfitError(_("「%(field)s」不能是 %(value)s。", field=_name(name), value=number))
    if record.bad_qty is not None and record.checked_qty is not None and record.bad_qty > record.checked_qty:
        raise _UnfitError(_("不良数量不能大于检查数量。"))
    if record.found_at is not None and (record.found_at.tzinfo is None or not EARLIEST <= record.found_at <= now):
        raise _UnfitError(_("「%(field)s」不合理:早于 2000 年或晚于现在。", field=_name("found_at")))


def _check_text(name: str, text: str, longest: int, *, needed: bool) -> None:
    if needed and not text:
        raise _UnfitError(_("「%(field)s」是空的。", field=_name(name)))
    if len(text) > longest:
        raise _UnfitError(
            _("「%(field)s」有 %(n)s 个字符,最多 %(max)s 个。", field=_name(name), n=len(text), max=longest)
        )
    if not storable(text):
        raise _UnfitError(_("「%(field)s」里有无法保存的字符,请清理后重新导入。", field=_name(name)))


def _name(field: str) -> str:
    return str(label(KIND, field))


def _outcome(record: QualityIssue, why: str, seen: set[str]) -> Outcome:
    if why:
        return "refused"
    if record.external_id in seen:
        return "unchanged"
    seen.add(record.external_id)
    return "stored"


def _merged(counts: Counts, done: Mapping[int, Outcome], judged: Mapping[int, _Judged]) -> Counts:
    outcomes = tuple(done.get(at, outcome) for at, outcome in enumerate(counts.outcomes))
    refused = [(at, one.why) for at, one in judged.items() if one.why]
    return Counts(outcomes, tuple(sorted([*counts.refused, *refused])), counts.written)


def _link(
    shop_id: int, problems: Sequence[QualityIssue], *, now: datetime, by: int | None, source: tuple[str, int]
) -> dict[str, dict[str, int]]:
    """Return the ids of what the problems name; what has not come in yet is noted by its number alone."""
    found: dict[str, dict[str, int]] = {}
    for name, (kind, make) in NAMED.items():
        wanted = {getattr(record, name) for record in problems} - {""}
        known = _ids(shop_id, kind, wanted) if wanted else {}
        if missing := sorted(wanted - known.keys()):
            upsert.store(shop_id, [make(external_id=number) for number in missing], now=now, by=by, source=source)
            known |= _ids(shop_id, kind, missing)
        found[name] = known
    return found


def _ids(shop_id: int, kind: str, names: Iterable[str]) -> dict[str, int]:
    """Return the ids by number: the shop's own rows, and master data the ERP holds for every shop."""
    table = shape_of(kind).table
    own = table.c.shop_id == shop_id
    reach = own if kind == "orders" else own | (Shop.platform == MASTER_PLATFORM)
    statement = (
        select(table.c.external_id, table.c.id)
        .join(Shop, Shop.id == table.c.shop_id)
        .where(reach, table.c.external_id.in_(sorted(names)))
        .order_by(own, table.c.id)  # the shop's own come last and win
    )
    return dict(db.session.execute(statement).all())


def _open(shop_id: int, judged: _Judged, known: _Known, links: Names, *, by: int | None, now: datetime) -> int:
    record = judged.record
    terms = _term_ids(record, known.terms)
    assert terms.keys() <= TERM_COLUMNS.keys()
    named: dict[str, Any] = {f"{name}_id": links[name][number] for name in NAMED if (number := getattr(record, name))}
    new = NewIssue(
        title=record.title, description=record.text, courier_line=record.courier_line, bad_qty=record.bad_qty,
        checked_qty=record.checked_qty, shop_id=shop_id, opened_at=record.found_at, **terms, **named,
    )  # fmt: skip
    if judged.checked:
        new = _as_ruled(new, judged.checked, known.version_id)
    kept_as = _("原编号:%(number)s", number=record.external_id)
    issue = create_issue(replace(new, description=f"{new.description}\n{kept_as}".strip()), by=by, now=now)
    if judged.checked:
        note_warnings("issue", issue.id, judged.checked, now=now)
    require_write().add(ImportedIssue(shop_id=shop_id, external_id=record.external_id, issue_id=issue.id))
    return issue.id


def _as_ruled(new: NewIssue, checked: Checked, version_id: int) -> NewIssue:
    """Return the issue as the rules left it: what they emptied is empty, what they filled in is filled in."""
    columns: dict[str, Any] = dict(checked.answers.columns)
    counts = columns.pop("affected_qty", None)
    bad, examined = (counts.get("bad"), counts.get("checked")) if isinstance(counts, Mapping) else (None, None)
    # what the file names by number was given its id when it was linked
    changed = {name: value for name, value in columns.items() if not (isinstance(value, str) and name.endswith("_id"))}
    words = {name: changed.get(name) or "" for name in ("title", "description", "courier_line")}
    return replace(
        new, **(changed | words), bad_qty=bad, checked_qty=examined, answers=dict(checked.answers.answers),
        form_version_id=version_id if checked.answers.answers else None,
    )  # fmt: skip
