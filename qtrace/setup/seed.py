"""What every new company starts with."""

from datetime import datetime

from qtrace.accounts.service import seed_roles
from qtrace.calendars.seed import seed as seed_calendars
from qtrace.classification.seed import seed as seed_classification
from qtrace.complaints.seed import seed as seed_complaints
from qtrace.flows.seed import seed as seed_flows
from qtrace.forms.seed import seed as seed_forms
from qtrace.issues.seed import seed as seed_issues


def seed(*, now: datetime) -> None:
    """Add shipped roles, taxonomies, rules, forms, flows and calendars that are missing; changes nothing that is there."""
    seed_roles()
    seed_calendars()
    seed_flows()
    seed_classification()
    seed_complaints()
    seed_issues()
    seed_forms(now=now)
