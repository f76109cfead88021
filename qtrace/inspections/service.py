"""Verbs on inspections: start one, keep what is found, judge it, decide what happens with the goods."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date, datetime

from flask_babel import gettext as _
from sqlalchemy import func, select, update

from qtrace.accounts.models import User
from qtrace.core import events
from qtrace.core.db import existing, require_write
from qtrace.core.errors import Conflict, Refused
from qtrace.core.files import StoredFile
from qtrace.core.models import StoredFileRow
from qtrace.core.numbering import next_number
from qtrace.forms.registry import refuse_long
from qtrace.inspections import events as told
from qtrace.inspections.checks import Row, Said, failed, fresh_rows, refuse_unfinished, said_row
from qtrace.inspections.failing import open_issue
from qtrace.inspections.models import Inspection, InspectionClass, InspectionPhoto
from qtrace.inspections.plans import Prepared, prepare
from qtrace.inspections.sampling import MOST_LOT, counts_defects
from qtrace.inspections.series import SWITCHED, Goods, count_lot
from qtrace.inspections.words import AFTER_REFUSAL, KINDS

PREFIX = "IN"
SUBJECT = "inspection"
LONGEST_NOTE = 5000
LONGEST_REASON = 500
MOST_FOUND = 1_000_000
MOST_PHOTOS = 30


@dataclass(frozen=True, kw_only=True)
class NewInspection:
    """What is to be inspected: which goods, how many, and which refused inspection it repeats."""

    kind: str
    goods: Goods
    quantity: int
    previous_id: int | None = None


@dataclass(frozen=True, kw_only=True)
class Findings:
    """What was found so far; nothing said of a class or item leaves it as it was."""

    found: Mapping[str, int] = field(default_factory=dict)
    said: Mapping[int, Said] = field(default_factory=dict)  # by the place of the item
    note: str | None = None
    photos: Sequence[StoredFile] = ()


def start_inspection(new: NewInspection, *, by: User, now: datetime, on: date) -> Inspection:
    """Begin an inspection by the plan and the state that hold now; refuse goods whose inspection is discontinued."""
    session = require_write()
    prepared = prepared_for(new, on=on)
    goods, plan = new.goods, prepared.terms.plan
    inspection = Inspection(
        number=next_number(PREFIX, now), kind=new.kind, plan_id=plan.id if plan else None,
        standard_version_id=prepared.standard.id if prepared.standard else None, previous_id=new.previous_id,
        quantity=new.quantity, level=prepared.terms.level, measured_n=prepared.measured_n,
        consequence=prepared.terms.consequence, checklist=fresh_rows(prepared.items), department_id=by.department_id,
        created_at=now, created_by=by.id, **asdict(goods),
    )  # fmt: skip
    inspection.classes = [
        InspectionClass(key=one.key, aql=one.aql, state=one.state.value, **asdict(one.plan), found=0)
        for one in prepared.classes
    ]
    session.add(inspection)
    session.flush()  # the event and the answer need the id
    body = told.InspectionStarted(
        number=inspection.number, kind=new.kind, lot_id=goods.lot_id, quantity=new.quantity, sample=prepared.sample,
        previous_id=new.previous_id,
    )  # fmt: skip
    events.record(told.STARTED, subject=(SUBJECT, inspection.id), by=by.id, now=now, body=body.body())
    return inspection


def prepared_for(new: NewInspection, *, on: date) -> Prepared:
    """Return what the inspection would take; refuse what cannot be inspected."""
    if new.kind not in KINDS:
        raise Refused(_("请选择检验类型。"), field="kind")
    if not 1 <= new.quantity <= MOST_LOT:
        raise Refused(_("请填写批量:1 到一亿之间的整数。"), field="quantity")
    if new.previous_id is not None:
        _refuse_repeated(new.previous_id)
    prepared = prepare(new.kind, new.goods, new.quantity, on=on, again=new.previous_id is not None)
    if prepared.stopped:
        raise Refused(_("这个供应商的这个商品已暂停检验。请先让供应商整改,由质量主管在「检验方案」里恢复检验。"))
    return prepared


def save_findings(inspection_id: int, findings: Findings, *, seen: int, by: int, now: datetime) -> Inspection:
    """Keep what was found so far; refuse when somebody else saved in between or the verdict is out."""
    inspection = _taken(inspection_id, seen)
    by_key = {one.key: one for one in inspection.classes}
    for key, found in findings.found.items():
        if key in by_key:
            by_key[key].found = _count(by_key[key], found, inspection.sample)
    inspection.checklist = [
        said_row(row, findings.said[place]) if place in findings.said else row
        for place, row in enumerate(inspection.checklist)
    ]
    if findings.note is not None:
        inspection.note = refuse_long(findings.note.strip(), LONGEST_NOTE)
    _keep_photos(inspection, findings.photos, by=by, now=now)
    counts = {one.key: one.found for one in inspection.classes}
    body = told.InspectionSaved(found=counts, photos=[photo.sha256 for photo in findings.photos])
    events.record(told.SAVED, subject=(SUBJECT, inspection.id), by=by, now=now, body=body.body())
    return inspection


def judge(inspection: Inspection, *, by: int, now: datetime) -> Inspection:
    """Give the verdict on what was saved in this write; a refused lot opens an issue and every series moves on."""
    rows: list[Row] = inspection.checklist
    refuse_unfinished(rows, photos=photo_count(inspection.id))
    wrong = failed(rows)
    accepted = not wrong and all(one.accepted for one in inspection.classes)
    inspection.verdict = "accepted" if accepted else "refused"
    inspection.judged_at, inspection.judged_by = now, by
    if accepted:
        inspection.disposition, inspection.decided_at, inspection.decided_by = "accept", now, by
    for one in inspection.classes:
        count_lot(inspection, one, by=by, now=now)
    if not accepted:
        _follow(inspection, wrong, by=by, now=now)
    counts = {one.key: one.found for one in inspection.classes}
    body = told.InspectionJudged(
        verdict=inspection.verdict, found=counts, failed_items=wrong, issue_id=inspection.issue_id
    )
    events.record(told.JUDGED, subject=(SUBJECT, inspection.id), by=by, now=now, body=body.body())
    return inspection


def dispose(inspection_id: int, disposition: str, note: str, *, by: int, now: datetime) -> None:
    """Decide what happens with refused goods, once; another decision needs another inspection."""
    session = require_write()
    inspection = existing(Inspection, inspection_id)
    if disposition not in AFTER_REFUSAL:
        raise Refused(_("请选择处置方式。"), field="disposition")
    note = refuse_long(note.strip(), LONGEST_REASON)
    if disposition == "concession" and not note:
        raise Refused(_("让步接收要写明理由。"), field="note")
    if inspection.verdict != "refused":
        raise Refused(_("只有判为不合格的检验需要决定处置。"))
    changed = session.execute(
        update(Inspection)
        .where(Inspection.id == inspection_id, Inspection.disposition == "")
        .values(
            disposition=disposition, disposition_note=note, decided_at=now, decided_by=by, version=Inspection.version + 1
        )
        .returning(Inspection.id)
    ).scalar_one_or_none()  # fmt: skip
    if changed is None:
        raise Conflict(_("处置已经决定,不能再改。需要时请做复检。"))
    body = told.InspectionDecided(disposition=disposition).body()
    events.record(told.DECIDED, subject=(SUBJECT, inspection_id), by=by, now=now, body=body, reason=note)


def goods_of(inspection: Inspection) -> Goods:
    """Return what an inspection is about."""
    return Goods(
        inspection.shop_id, inspection.sku_id, inspection.supplier_id, inspection.lot_id, inspection.receipt_id
    )


def photo_count(inspection_id: int) -> int:
    """Return how many photos an inspection has."""
    statement = select(func.count()).select_from(InspectionPhoto).where(InspectionPhoto.inspection_id == inspection_id)
    return require_write().scalar(statement) or 0


def counts_in_series(inspection: Inspection) -> bool:
    """Say whether the lot moves its series: it comes from a process and is shown for the first time."""
    known = inspection.sku_id is not None and inspection.supplier_id is not None
    return inspection.kind in SWITCHED and inspection.previous_id is None and known


def _follow(inspection: Inspection, wrong: Sequence[str], *, by: int, now: datetime) -> None:
    """Open the issue of a refused lot and, where the plan says stop, suggest to keep the lot apart."""
    inspection.issue_id = open_issue(inspection, wrong, by=by, now=now)
    if inspection.consequence != "stop":
        return
    inspection.hold_suggested_at = now
    if inspection.lot_id is not None:
        body = told.HoldSuggested(number=inspection.number, inspection_id=inspection.id).body()
        events.record(told.HOLD_SUGGESTED, subject=("lot", inspection.lot_id), by=by, now=now, body=body)


def _taken(inspection_id: int, seen: int) -> Inspection:
    """Return an open inspection for this write alone, its version raised."""
    session = require_write()
    taken = session.execute(
        update(Inspection)
        .where(Inspection.id == inspection_id, Inspection.verdict == "", Inspection.version == seen)
        .values(version=seen + 1)
        .returning(Inspection.id)
    ).scalar_one_or_none()
    inspection = existing(Inspection, inspection_id, fresh=True)
    if taken is None and inspection.verdict:
        raise Conflict(_("这次检验已经下了结论,不能再改。需要时请做复检。"))
    if taken is None:
        raise Conflict(_("刚刚有人保存了这次检验。请刷新后核对再提交。"))
    return inspection


def _refuse_repeated(previous_id: int) -> None:
    previous = existing(Inspection, previous_id)
    if previous.verdict != "refused":
        raise Refused(_("只有不合格的检验可以复检。"))
    later = require_write().scalar(select(Inspection.number).where(Inspection.previous_id == previous_id))
    if later is not None:
        raise Refused(_("已经有复检 %(number)s。", number=later))


def _count(one: InspectionClass, found: int, sample: int) -> int:
    most = MOST_FOUND if counts_defects(one.aql) else max(one.n, sample)
    if not 0 <= found <= most:
        raise Refused(_("不合格数要在 0 到 %(most)d 之间。", most=most), field=f"found_{one.key}")
    return found


def _keep_photos(inspection: Inspection, photos: Sequence[StoredFile], *, by: int, now: datetime) -> None:
    if not photos:
        return
    session = require_write()
    if photo_count(inspection.id) + len(photos) > MOST_PHOTOS:
        raise Refused(_("最多 %(most)d 张照片。请去掉几张。", most=MOST_PHOTOS), field="photos")
    session.add_all(StoredFileRow(**asdict(photo), created_at=now, created_by=by) for photo in photos)
    session.flush()  # the inspection's rows refer to the files
    session.add_all(InspectionPhoto(inspection_id=inspection.id, file_id=photo.id) for photo in photos)
