"""Issues as what goes through a flow: found by number to try a flow on them."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from qtrace.accounts.models import User
from qtrace.classification.models import Term
from qtrace.core.db import db
from qtrace.core.errors import NotFound
from qtrace.flows.case import Case
from qtrace.flows.service import definition_of
from qtrace.flows.stages import stages_of
from qtrace.flows.subjects import CaseFile, CaseSummary, Change, rows_responsible
from qtrace.forms.answers import shown
from qtrace.forms.queries import stored_definition
from qtrace.forms.seed import ISSUE_FORM
from qtrace.issues.models import Issue
from qtrace.issues.queries import attachments_of, visible_issue
from qtrace.issues.timeline import entries
from qtrace.issues.visibility import visible_issues
from qtrace.web.filters import localised
from qtrace.web.photos import SHOWN


class IssueSubject:
    """Every issue the person may see."""

    begins = True
    label = _l("质量问题")

    def find(self, number: str, user: User) -> tuple[str, Case]:
        """Return the issue with this number."""
        if not user.can("issue.read"):
            raise NotFound
        issue = visible_issue(number.upper(), user)
        case = Case(("issue", issue.id), issue.title, f"/issues/{issue.number}", issue.created_by, issue.department_id)
        return issue.number, case

    def newest(self, user: User, most: int) -> Sequence[tuple[str, str]]:
        """Return the newest issues."""
        if not user.can("issue.read"):
            return []
        rows = visible_issues(user).order_by(Issue.id.desc()).limit(most)
        return [(issue.number, issue.title) for issue in db.session.scalars(rows)]

    def links(self, subject_id: int) -> Mapping[str, int]:
        """Return the rows an issue is about."""
        return rows_responsible(db.session.get_one(Issue, subject_id))

    def summary(self, subject_id: int, user: User, hidden: frozenset[str]) -> CaseSummary:
        """Return the issue in a few facts."""
        issue = db.session.get_one(Issue, subject_id)
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
        ]
        text = "" if "description" in hidden else issue.description
        paper = f"/issues/{issue.number}/report" if user.can("print.issue") and not hidden else ""
        return CaseSummary(issue.title, facts, text, files, print_url=paper)

    def changes(self, subject_id: int, since: datetime) -> Sequence[Change]:
        """Return what happened to an issue after a moment, in the words of its timeline."""
        found = definition_of("issue", subject_id)
        names = {node.id: localised(node) for node in stages_of(found[0])} if found else {}
        lines = entries(subject_id, names)
        return [Change(line.at, line.who, line.text, line.reason) for line in lines if line.at > since]


def _name(term: Term | None) -> str:
    return localised(term) if term else ""
