"""The photos of the complaints an issue holds, on the issue's page."""

from flask import Flask, render_template
from markupsafe import Markup

from qtrace.accounts.models import User
from qtrace.complaints.queries import photos_held
from qtrace.issues.models import Issue
from qtrace.issues.panels import register_panel


def register(app: Flask) -> None:
    """Draw the photos at the side of the issue page."""
    register_panel(app, "side", _held_photos, order=90)


def _held_photos(issue: Issue, user: User) -> Markup:
    if not issue.complaint_count or not user.can("complaint.read"):
        return Markup("")
    photos = photos_held(issue.id, user)
    return Markup(render_template("issues/_held_photos.html", photos=photos)) if photos else Markup("")  # noqa: S704 -- a template of ours, escaped
