"""Places on the issue page that upper packages fill without being imported."""

from collections.abc import Callable
from dataclasses import dataclass

from flask import Flask, current_app
from markupsafe import Markup

from qtrace.accounts.models import User
from qtrace.issues.models import Issue

EXTENSION = "qtrace_issue_panels"
POSITIONS = ("actions", "top", "main", "side")

Panel = Callable[[Issue, User], Markup]


@dataclass(frozen=True)
class _Place:
    position: str
    order: int
    panel: Panel


def register_panel(app: Flask, position: str, panel: Panel, *, order: int = 100) -> None:
    """Draw `panel(issue, user)` on the issue page: as a button, above the columns, in the main one or at the side."""
    if position not in POSITIONS:
        raise ValueError(f"there is no position {position!r}; choose one of {POSITIONS}")
    places: list[_Place] = app.extensions.setdefault(EXTENSION, [])
    places.append(_Place(position, order, panel))
    places.sort(key=lambda place: place.order)


def panels(position: str, issue: Issue, user: User) -> list[Markup]:
    """Return what the panels of one position have to say about an issue."""
    places: list[_Place] = current_app.extensions.get(EXTENSION, [])
    drawn = [place.panel(issue, user) for place in places if place.position == position]
    return [piece for piece in drawn if piece]
