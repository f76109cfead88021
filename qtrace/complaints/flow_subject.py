"""Complaints as what goes through a flow: found by number to try a flow on them."""

from collections.abc import Sequence

from flask_babel import lazy_gettext as _l

from qtrace.accounts.models import User
from qtrace.complaints.models import Complaint
from qtrace.complaints.queries import visible_complaint, visible_complaints
from qtrace.core.db import db
from qtrace.core.errors import NotFound
from qtrace.flows.service import Case

MOST_TITLE = 60


class ComplaintSubject:
    """Every complaint the person may see."""

    label = _l("客诉")

    def find(self, number: str, user: User) -> tuple[str, Case]:
        """Return the complaint with this number."""
        if not user.can("complaint.read"):
            raise NotFound
        found = visible_complaint(number.upper(), user)
        url = f"/complaints/{found.number}"
        return found.number, Case(("complaint", found.id), _title(found), url, found.created_by, found.department_id)

    def newest(self, user: User, most: int) -> Sequence[tuple[str, str]]:
        """Return the newest complaints."""
        if not user.can("complaint.read"):
            return []
        rows = visible_complaints(user).order_by(Complaint.id.desc()).limit(most)
        return [(found.number, _title(found)) for found in db.session.scalars(rows)]


def _title(found: Complaint) -> str:
    return (found.text or found.raw_reason)[:MOST_TITLE]
