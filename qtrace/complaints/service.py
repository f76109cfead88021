"""Verbs on complaints: record, classify, handle and close in one step, reopen, hold in an issue."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import or_, select, update

from qtrace.accounts.models import User
from qtrace.classification.models import Term
from qtrace.complaints.amounts import USUAL
from qtrace.complaints.intake import PREFIX, document
from qtrace.complaints.links import Links
from qtrace.complaints.models import Complaint, ComplaintPhoto
from qtrace.core import events, search
from qtrace.core.db import existing, require_write
from qtrace.core.errors import Conflict, NotFound, Refused
from qtrace.core.files import StoredFile
from qtrace.core.models import StoredFileRow
from qtrace.core.numbering import next_number
from qtrace.flows.field_rights import rights_in_all
from qtrace.flows.instances import stored_definition
from qtrace.flows.models import FlowInstance
from qtrace.flows.naming import flow_name
from qtrace.web.filters import localised

RECLASSIFIED = "complaints_reclassified"
TERM_COLUMNS = {"type": "type_id", "severity": "severity_id", "responsible_party": "responsible_party_id"}


@dataclass(frozen=True, kw_only=True)
class NewComplaint:
    """What a colleague records by hand."""

    text: str
    links: Links
    shop_id: int | None = None
    order_id: int | None = None
    terms: Mapping[str, int] | None = None
    safety: bool = False
    amount_minor: int = 0
    currency: str = USUAL
    platform_due_at: datetime | None = None
    photos: Sequence[StoredFile] = ()


def record_complaint(new: NewComplaint, *, by: User, now: datetime) -> int:
    """Record a complaint a colleague was told of and return its id; the opening rules see it at once."""
    if not new.text.strip():
        raise Refused(_("请写一句买家说了什么。"), field="text")
    session = require_write()
    complaint = Complaint(
        number=next_number(PREFIX, now),
        source_kind="staff",
        occurred_at=now,
        created_at=now,
        created_by=by.id,
        department_id=by.department_id,
        shop_id=new.shop_id,
        order_id=new.order_id,
        text=new.text.strip()[:5000],
        amount_minor=new.amount_minor,
        currency=new.currency,
        platform_due_at=new.platform_due_at,
        **{"safety": new.safety} | asdict(new.links) | _columns(new.terms or {}),
    )
    session.add(complaint)
    session.flush()  # the id is needed by the search index and the event
    _keep_photos(complaint.id, new.photos, by=by.id, now=now)
    search.index("complaint", [(complaint.id, document(complaint.number, complaint.text, complaint.courier_line))])
    body: dict[str, Any] = {"source": "staff", "ids": [complaint.id], "count": 1, "number": complaint.number}
    if new.photos:
        body["photos"] = [photo.sha256 for photo in new.photos]
    events.record("complaints_opened", subject=("complaint", complaint.id), by=by.id, now=now, body=body)
    return complaint.id


def _keep_photos(complaint_id: int, photos: Sequence[StoredFile], *, by: int, now: datetime) -> None:
    """Refer to photos that lie in the store, so that nobody sweeps them away."""
    if not photos:
        return
    session = require_write()
    session.add_all(StoredFileRow(**asdict(photo), created_at=now, created_by=by) for photo in photos)
    session.flush()  # the complaint's rows refer to the files
    session.add_all(ComplaintPhoto(complaint_id=complaint_id, file_id=photo.id) for photo in photos)


def settle(
    ids: Sequence[int], *, handling: str, terms: Mapping[str, int], by: int, now: datetime, version: int | None = None
) -> list[int]:
    """Classify, handle and close complaints in one step; return those that were open. Each one's story tells it.

    With a `version` (one complaint) somebody else's change since is told, not overwritten.
    """
    session = require_write()
    handling_id = session.scalar(select(Term.id).where(Term.kind == "handling", Term.code == handling, Term.active))
    if handling_id is None:
        raise Refused(_("请选择一种处理方式。"), field="handling")
    _refuse_beyond(ids, terms, by)
    _refuse_in_flow(ids)
    statement = update(Complaint).where(Complaint.id.in_(ids), Complaint.status == "open")
    if version is not None:
        statement = statement.where(Complaint.version == version)
    values = {
        "status": "closed",
        "handling_id": handling_id,
        "handled_by": by,
        "closed_at": now,
        "version": Complaint.version + 1,
        **_columns(terms),
    }
    retyped = _retyped(ids, terms)
    closed = sorted(session.execute(statement.values(values).returning(Complaint.id)).scalars())
    if version is not None and not closed:
        raise Conflict(_who_was_faster(ids[0]))
    body = {"handling": handling, "terms": dict(terms), "together": len(closed)}
    for complaint_id in closed:
        told = {"ids": [complaint_id], "count": 1, **body}
        events.record("complaints_settled", subject=("complaint", complaint_id), by=by, now=now, body=told)
    judge_anew(sorted(retyped & set(closed)), by=by, now=now)
    return closed


def _refuse_in_flow(ids: Sequence[int]) -> None:
    """Refuse to close what others are still to agree to: a tap here must not get around them."""
    running = select(FlowInstance.definition_id).where(
        FlowInstance.subject_kind == "complaint", FlowInstance.subject_id.in_(ids), FlowInstance.status == "running"
    )
    found = require_write().scalar(running.limit(1))
    if found is not None:
        name = flow_name(stored_definition(found))
        raise Refused(_("还在流程「%(flow)s」里。请等它走完,或请管流程的人终止它,再办结。", flow=name))


def classify(complaint_id: int, *, terms: Mapping[str, int], by: int | None, now: datetime, version: int) -> None:
    """Change the category of a complaint; the opening rules look at it anew."""
    complaint = locked_complaint(complaint_id, version)
    _refuse_beyond([complaint_id], terms, by)
    changes = events.change(complaint, _columns(terms))
    if not changes:
        return
    complaint.version += 1
    events.record("complaint_classified", subject=("complaint", complaint_id), by=by, now=now, body=changes)
    if complaint.issue_id is None:
        judge_anew([complaint_id], by=by, now=now)


def set_deadline(complaint_id: int, due: datetime | None, *, by: int, now: datetime, version: int) -> None:
    """Note until when the platform wants an answer, or that it does not say."""
    complaint = locked_complaint(complaint_id, version)
    if complaint.status != "open":
        raise Refused(_("%(number)s 已经办结,平台时限不能再改。", number=complaint.number))
    if complaint.platform_due_at == due:
        return
    told = {"old": _moment(complaint.platform_due_at), "new": _moment(due)}
    complaint.platform_due_at, complaint.version = due, complaint.version + 1
    body = {"ids": [complaint_id], "platform_due_at": told}
    events.record("complaint_deadline_set", subject=("complaint", complaint_id), by=by, now=now, body=body)


def reopen(complaint_id: int, *, by: int, now: datetime, version: int) -> None:
    """Open a closed complaint again."""
    complaint = locked_complaint(complaint_id, version)
    if complaint.status != "closed":
        raise Conflict(_("这条客诉已经是待处理状态。"))
    closed_at = complaint.closed_at.isoformat() if complaint.closed_at else None
    body = {"handling_id": complaint.handling_id, "handled_by": complaint.handled_by, "closed_at": closed_at}
    complaint.status, complaint.closed_at, complaint.handling_id = "open", None, None
    complaint.version += 1
    events.record("complaint_reopened", subject=("complaint", complaint_id), by=by, now=now, body=body)


def _moment(value: datetime | None) -> str | None:
    return value.isoformat() if value else None


def _retyped(ids: Sequence[int], terms: Mapping[str, int]) -> set[int]:
    """Return which of these complaints no issue holds and have another type than the one given."""
    if "type" not in terms:
        return set()
    other = or_(Complaint.type_id.is_(None), Complaint.type_id != terms["type"])
    statement = select(Complaint.id).where(Complaint.id.in_(ids), Complaint.issue_id.is_(None), other)
    return set(require_write().scalars(statement))


def judge_anew(ids: Sequence[int], *, by: int | None, now: datetime) -> None:
    """Let the opening rules look at complaints whose category changed."""
    if ids:
        body = {"ids": list(ids), "count": len(ids)}
        events.record(RECLASSIFIED, subject=("complaint", ids[0]), by=by, now=now, body=body)


def _refuse_beyond(ids: Sequence[int], terms: Mapping[str, int], by: int | None) -> None:
    """Refuse a person to classify anew what the own turn in a complaint's flow only shows, or hides (`flows.field_rights`)."""
    user = require_write().get(User, by) if by is not None and terms else None
    rights = rights_in_all("complaint", ids, user) if user is not None else {}
    for complaint_id, turn in rights.items():
        complaint = existing(Complaint, complaint_id)
        for name, value in terms.items():
            if getattr(complaint, TERM_COLUMNS[name]) != value and not turn.may_write(name, anyway=True):
                raise Refused(_("流程走到这一步,您不能改 %(number)s 的分类。", number=complaint.number), name)


def _columns(terms: Mapping[str, int]) -> dict[str, Any]:
    """Return the columns the chosen terms become; a type that touches safety makes a safety complaint."""
    columns: dict[str, Any] = {TERM_COLUMNS[name]: value for name, value in terms.items()}
    kind = require_write().get(Term, terms["type"]) if "type" in terms else None
    return columns | {"safety": True} if kind is not None and kind.safety else columns


def locked_complaint(complaint_id: int, version: int) -> Complaint:
    """Return the complaint for writing; refuse when somebody changed it since this version was read."""
    complaint = require_write().scalar(select(Complaint).where(Complaint.id == complaint_id).with_for_update())
    if complaint is None:
        raise NotFound
    if complaint.version != version:
        raise Conflict(_who_was_faster(complaint_id))
    return complaint


def _who_was_faster(complaint_id: int) -> str:
    complaint = existing(Complaint, complaint_id)
    if complaint.status != "closed":
        return _("这条客诉刚刚被别人改过,您的修改没有保存。请刷新后再处理。")
    who = require_write().get(User, complaint.handled_by) if complaint.handled_by else None
    return _(
        "%(name)s 刚刚已办结这条客诉(%(handling)s),您的操作没有保存。",
        name=who.name if who else _("系统"),
        handling=localised(complaint.handling),
    )
