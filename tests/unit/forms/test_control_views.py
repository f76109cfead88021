"""The pages of the controls."""

from flask import Flask

from qtrace.forms.registry import controls
from tests.conftest import log_in


def test_every_control_is_listed_and_has_a_page(sqlite_app: Flask) -> None:
    browser = log_in(sqlite_app, "quality_lead")
    listed = browser.get("/forms/controls")
    assert listed.status_code == 200
    for key in controls():
        assert f'id="control-{key}"' in listed.text
        page = browser.get(f"/forms/controls/{key}")
        assert page.status_code == 200, key
        assert 'id="trial"' in page.text


def test_a_trial_says_what_becomes_of_what_was_typed(sqlite_app: Flask) -> None:
    browser = log_in(sqlite_app, "quality_lead")
    tried = browser.post("/forms/controls/measurement/trial", {"sample": "1.05"})
    assert tried.status_code == 200
    assert "1.05 N·m 偏高 (0.6–0.9)" in tried.text
    wrong = browser.post("/forms/controls/measurement/trial", {"sample": "很紧"})
    assert wrong.status_code == 422
    assert 'id="sample-error"' in wrong.text
    assert "很紧" in wrong.text


def test_the_controls_are_for_those_who_configure(sqlite_app: Flask) -> None:
    browser = log_in(sqlite_app, "customer_service")
    assert browser.get("/forms/controls").status_code == 403
    assert browser.post("/forms/controls/text/trial", {"sample": "x"}).status_code == 403


def test_a_control_that_is_not_there_is_a_404(sqlite_app: Flask) -> None:
    assert log_in(sqlite_app, "quality_lead").get("/forms/controls/teleport").status_code == 404
