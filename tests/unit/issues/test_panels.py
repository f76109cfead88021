"""Panels of upper packages on the issue page."""

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from markupsafe import Markup

from qtrace.issues.models import Issue
from qtrace.issues.panels import register_panel


def test_panels_stand_at_their_place_in_their_order(app: Flask, login: Any, open_issue: Callable[..., Issue]) -> None:
    register_panel(app, "main", lambda issue, _user: Markup('<p id="second">{}</p>').format(issue.number), order=20)
    register_panel(app, "main", lambda _issue, user: Markup('<p id="first">{}</p>').format(user.name), order=10)
    register_panel(app, "side", lambda _issue, _user: Markup(""), order=10)
    issue = open_issue()
    page = login("quality_lead").get(f"/issues/{issue.number}").text
    assert page.index('id="first">王姐') < page.index(f'id="second">{issue.number}')


def test_a_place_that_is_not_there_is_refused(sqlite_app: Flask) -> None:
    with pytest.raises(ValueError, match="roof"):
        register_panel(sqlite_app, "roof", lambda _issue, _user: Markup("x"))
