"""Issues as what goes through a flow: found by number to try a flow on them."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import Select, select

from qtrace.accounts.access import Viewer
from qtrace.accounts.models import User
from qtrace.classification.models import Term
from qtrace.core.db import db
from qtrace.core.errors import NotFound
from qtrace.flows.case import Case
from qtrace.flows.instances import definition_of
from qtrace.flows.stages import stages_of
from qtrace.flows.subjects import CaseFile, CaseSummary, Change, rows_responsible
from qtrace.forms.answers import shown
from qtrace.forms.queries import current_definition, stored_definition
from qtrace.forms.registry import Storage, controls
from qtrace.forms.seed import ISSUE_FORM
from qtrace.issues.answering import edited_definition
from qtrace.issues.models import Issue
from qtrace.issues.queries import attachments_of, visible_issue
from qtrace.issues.timeline import entries
from qtrace.issues.visibility import seen, visible_issues
from qtrace.web.filters import localised
from qtrace.web.photos import SHOWN

TITLED_BY = frozenset({"title", "type", "sku"})  # a title that was left empty is made of the type and the article


class IssueSubject:
    """Every issue the person may see."""

    begins = True
    permission = "issue.read"
    label = _l("质量问题")

    def number(self, subject_id: int) -> str:
        """Return the number of it."""
        return db.session.get_one(Issue, subject_id).number

    def find(self, number: str, user: User) -> tuple[str, Case]:
        """Return the issue with this number."""
        if not user.can(self.permission):
            raise NotFound
        issue = visible_issue(number.upper(), user)
        case = Case(("issue", issue.id), issue.title, f"/issues/{issue.number}", issue.created_by, issue.department_id)
        return issue.number, case

    def seen_by(self, subject_id: int, user: Viewer) -> Select[int]:
        """Select its id where it is in the person's reach."""
        return seen(select(Issue.id), user).where(Issue.id == subject_id)

    def newest(self, user: User, most: int) -> Sequence[tuple[str, str]]:
        """Return the newest issues."""
        if not user.can(self.permission):
            return []
        rows = visible_issues(user).order_by(Issue.id.desc()).limit(most)
        return [(issue.number, issue.title) for issue in db.session.scalars(rows)]

    def links(self, subject_id: int) -> Mapping[str, int]:
        """Return the rows an issue is about."""
        return rows_responsible(db.session.get_one(Issue, subject_id))

    def visible(self, subject_ids: Collection[int], user: User) -> Collection[int]:
        """Return which of the issues the person may see."""
        if not user.can("issue.read"):
            return []
        return db.session.scalars(seen(select(Issue.id).where(Issue.id.in_(subject_ids)), user)).all()

    def title(self, subject_id: int, hidden: frozenset[str], called: str) -> str:
        """Return its title, or its number where what a title is made of is hidden."""
        return db.session.get_one(Issue, subject_id).number if hidden & TITLED_BY else called

    def fillable(self, subject_id: int, user: User) -> Mapping[str, str]:
        """Return the fields of its form that are edited on its page."""
        if not user.can("issue.read"):
            return {}
        issue, known = db.session.get_one(Issue, subject_id), controls()
        return {
            asked.id: localised(asked, "label") for asked in edited_definition(issue).fields
            if not known[asked.control].layout and known[asked.control].storage is not Storage.COMPUTED
        }  # fmt: skip

    def missing(self, _subject_id: int, _fields: Collection[str]) -> Sequence[str]:
        """Return none: what is required of it was asked when it was recorded."""
        return ()

    def summary(self, subject_id: int, hidden: frozenset[str]) -> CaseSummary:
        """Return the issue in a few facts."""
        issue = db.session.get_one(Issue, subject_id)
        hidden |= _columns_of(issue, hidden)
        rows = [
            ("number", _("编号"), issue.number), ("type_id", _("问题类型"), _name(issue.type)),
            ("severity_id", _("严重程度"), _name(issue.severity)),
            ("responsible_party_id", _("责任方"), _name(issue.responsible_party)),
            ("sku_id", _("商品"), issue.sku.label if issue.sku else ""),
            ("lot_id", _("批次"), issue.lot.external_id if issue.lot else ""),
            ("supplier_id", _("供应商"), issue.supplier.name if issue.supplier else ""),
            ("courier_line", _("快递线路"), issue.courier_line), ("shop_id", _("店铺"), issue.shop.name if issue.shop else ""),
            ("complaint_count", _("客诉"), str(issue.complaint_count or "")),
        ]  # fmt: skip
        facts = [(label, value) for name, label, value in rows if value and name not in hidden]
        if issue.form_version_id is not None and issue.answers:
            asked = shown(stored_definition(ISSUE_FORM, issue.form_version_id), issue.answers)
            facts += [(localised(field, "label"), value) for field, value in asked if field.id not in hidden]
        files = [
            CaseFile(one.file.name, f"/issues/{issue.number}/files/{one.id}", one.file.media_type in SHOWN)
            for one in attachments_of(issue.id)
            if "photos" not in hidden
        ]
        text = "" if "description" in hidden else issue.description
        return CaseSummary(
            self.title(issue.id, hidden, issue.title), facts, text, files, fill_url=f"/issues/{issue.number}/edit"
        )

    def changes(self, subject_id: int, since: datetime) -> Sequence[Change]:
        """Return what happened to an issue after a moment, in the words of its timeline."""
        found = definition_of("issue", subject_id)
        names = {node.id: localised(node) for node in stages_of(found[0])} if found else {}
        lines = entries(subject_id, names)
        return [Change(line.at, line.who, line.text, line.reason) for line in lines if line.at > since]


def _columns_of(issue: Issue, hidden: frozenset[str]) -> frozenset[str]:
    """Return the columns the hidden fields of the form are kept in."""
    made = issue.form_version_id
    definition = current_definition(ISSUE_FORM)[1] if made is None else stored_definition(ISSUE_FORM, made)
    return frozenset(field.column for field in definition.all_fields if field.id in hidden and field.column)


def _name(term: Term | None) -> str:
    return localised(term) if term else ""
