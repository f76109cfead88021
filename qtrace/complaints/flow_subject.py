"""Complaints as what goes through a flow: found by number to try a flow on them."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import Select

from qtrace.accounts.access import Viewer
from qtrace.accounts.models import User
from qtrace.accounts.queries import names_of
from qtrace.catalog.models import Shop, Sku
from qtrace.classification.models import Term
from qtrace.complaints.models import Complaint
from qtrace.complaints.queries import photos_of, visible_complaint, visible_complaints
from qtrace.core.db import db
from qtrace.core.errors import NotFound
from qtrace.core.events import timeline
from qtrace.flows.case import Case
from qtrace.flows.subjects import CaseFile, CaseSummary, Change, rows_responsible
from qtrace.web.filters import localised, show_money

MOST_TITLE = 60
TOLD = {
    "complaint_classified": _l("改了分类"), "complaints_settled": _l("处理并关闭"), "complaint_reopened": _l("重新打开"),
    "complaints_joined": _l("并入了一个质量问题"),
}  # fmt: skip


class ComplaintSubject:
    """Every complaint the person may see."""

    begins = True
    permission = "complaint.read"
    label = _l("客诉")

    def number(self, subject_id: int) -> str:
        """Return the number of it."""
        return db.session.get_one(Complaint, subject_id).number

    def find(self, number: str, user: User) -> tuple[str, Case]:
        """Return the complaint with this number."""
        if not user.can(self.permission):
            raise NotFound
        found = visible_complaint(number.upper(), user)
        url = f"/complaints/{found.number}"
        return found.number, Case(("complaint", found.id), _title(found), url, found.created_by, found.department_id)

    def seen_by(self, subject_id: int, user: Viewer) -> Select[int]:
        """Select its id where it is in the person's reach."""
        return visible_complaints(user).with_only_columns(Complaint.id).where(Complaint.id == subject_id)

    def newest(self, user: User, most: int) -> Sequence[tuple[str, str]]:
        """Return the newest complaints."""
        if not user.can(self.permission):
            return []
        rows = visible_complaints(user).order_by(Complaint.id.desc()).limit(most)
        return [(found.number, _title(found)) for found in db.session.scalars(rows)]

    def links(self, subject_id: int) -> Mapping[str, int]:
        """Return the rows a complaint is about."""
        return rows_responsible(db.session.get_one(Complaint, subject_id))

    def visible(self, subject_ids: Collection[int], user: User) -> Collection[int]:
        """Return which of the complaints the person may see."""
        if not user.can("complaint.read"):
            return []
        rows = visible_complaints(user).where(Complaint.id.in_(subject_ids))
        return db.session.scalars(rows.with_only_columns(Complaint.id)).all()

    def title(self, subject_id: int, hidden: frozenset[str], called: str) -> str:
        """Return what the buyer said, or its number where that is hidden."""
        found = db.session.get_one(Complaint, subject_id)
        return found.number if ("text" if found.text else "raw_reason") in hidden else called

    def fillable(self, _subject_id: int, _user: User) -> Mapping[str, str]:
        """Return none."""
        return {}

    def missing(self, _subject_id: int, _fields: Collection[str]) -> Sequence[str]:
        """Return none: what is required of it was asked when it was recorded."""
        return ()

    def summary(self, subject_id: int, hidden: frozenset[str]) -> CaseSummary:
        """Return the complaint in a few facts."""
        found = db.session.get_one(Complaint, subject_id)
        sku = db.session.get(Sku, found.sku_id) if found.sku_id else None
        shop = db.session.get(Shop, found.shop_id) if found.shop_id else None
        amount = show_money(found.amount_minor, found.currency) if found.amount_minor else ""
        rows = [
            ("number", _("编号"), found.number), ("amount", _("金额"), amount),
            ("type", _("问题类型"), _name(found.type_id)), ("severity", _("严重程度"), _name(found.severity_id)),
            ("responsible_party", _("责任方"), _name(found.responsible_party_id)),
            ("safety", _("涉及安全"), _("是") if found.safety else ""), ("sku", _("商品"), sku.label if sku else ""),
            ("shop", _("店铺"), shop.name if shop else ""), ("raw_reason", _("买家选的原因"), found.raw_reason),
            ("courier_line", _("快递线路"), found.courier_line),
        ]  # fmt: skip
        facts = [(label, value) for name, label, value in rows if value and name not in hidden]
        files = [
            CaseFile(photo.file.name, f"/complaints/{found.number}/photos/{photo.id}", shown=True)
            for photo in photos_of(found.id)
        ]
        called = self.title(found.id, hidden, _title(found) or found.number)
        return CaseSummary(called, facts, "" if "text" in hidden else found.text, files)

    def changes(self, subject_id: int, since: datetime) -> Sequence[Change]:
        """Return what was saved of a complaint after a moment: who, and that it changed."""
        rows = [
            event for event in timeline("complaint", subject_id, limit=50) if event.at > since and event.name in TOLD
        ]
        people = names_of({event.actor_id for event in rows if event.actor_id is not None})
        return [
            Change(event.at, people.get(event.actor_id or 0, _("系统")), str(TOLD[event.name]), event.reason)
            for event in rows
        ]


def _name(term_id: int | None) -> str:
    term = db.session.get(Term, term_id) if term_id else None
    return localised(term) if term else ""


def _title(found: Complaint) -> str:
    return (found.text or found.raw_reason)[:MOST_TITLE]
