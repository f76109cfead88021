"""Who a comment calls by name: whoever may see the issue is told, the others are named to who wrote it."""

from dataclasses import dataclass

from sqlalchemy import select

from qtrace.accounts.models import User
from qtrace.accounts.queries import people
from qtrace.core.db import db
from qtrace.issues.models import Issue
from qtrace.issues.visibility import seen

SIGNS = ("@", "＠")


@dataclass(frozen=True)
class Mentions:
    """The people a text calls: those who may see the issue, and those who may not."""

    told: tuple[User, ...] = ()
    blind: tuple[User, ...] = ()


def mentions_in(text: str, issue_id: int, *, by: int) -> Mentions:
    """Return whom a text calls with an @ and the name as it is written; who wrote it is left out."""
    if not any(sign in text for sign in SIGNS):
        return Mentions()
    called = [person for person in _called(text) if person.id != by]
    told = tuple(person for person in called if _sees(person, issue_id))
    return Mentions(told, tuple(person for person in called if person not in told))


def _called(text: str) -> list[User]:
    """Return the people by the longest names first, so that a short name inside a longer one calls nobody."""
    left, found = text.replace(SIGNS[1], SIGNS[0]), []
    active = people(active_only=True)
    for name in sorted({person.name for person in active if person.name}, key=len, reverse=True):
        if f"@{name}" in left:
            left = left.replace(f"@{name}", "\n")
            found += [person for person in active if person.name == name]
    return found


def _sees(person: User, issue_id: int) -> bool:
    if not person.can("issue.read"):
        return False
    return db.session.scalar(seen(select(Issue.id), person).where(Issue.id == issue_id)) is not None
