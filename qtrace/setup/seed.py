"""What every new company starts with."""

from datetime import datetime

from qtrace.accounts.service import seed_roles


def seed(*, now: datetime) -> None:
    """Add shipped roles, taxonomies, rules, forms, flows and calendars that are missing; changes nothing that is there."""
    seed_roles()
