"""The pages that show forms."""

from typing import Any

from flask import Flask


def test_the_lead_sees_the_forms_and_their_controls(app: Flask, login: Any) -> None:
    browser = login("quality_lead")
    listed = browser.get("/forms")
    assert listed.status_code == 200
    assert 'id="form-issue"' in listed.text
    assert "/forms/controls" in listed.text
    assert 'id="field-severity"' in browser.get("/forms/issue").text


def test_a_form_that_is_not_there_is_a_404(app: Flask, login: Any) -> None:
    assert login("quality_lead").get("/forms/nothing").status_code == 404


def test_forms_are_for_those_who_configure(app: Flask, login: Any) -> None:
    assert login("customer_service").get("/forms").status_code == 403
