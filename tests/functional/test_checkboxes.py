"""A box says what is saved: what it sends, and whether it stands ticked."""

import re
from collections.abc import Callable
from typing import Any

Login = Callable[[str], Any]


def box(page: str, name: str) -> str:
    """Return the tag of the checkbox of this name."""
    found = re.search(rf'<input type="checkbox" name="{name}"[^>]*>', page)
    assert found is not None, f"no checkbox {name}"
    return found[0]


def test_the_safety_box_of_a_complaint_sends_what_the_server_reads(login: Login) -> None:
    browser = login("customer_service")
    assert box(browser.get("/complaints/new").text, "safety") == '<input type="checkbox" name="safety" value="y">'
    browser.post("/complaints", {"text": "孩子用后手臂红肿", "safety": "y", "severity": ""})
    assert "孩子用后手臂红肿" in browser.get("/complaints?status=safety").text


def test_a_member_who_may_log_in_is_shown_so_and_saving_keeps_it(login: Login) -> None:
    browser = login("admin")
    assert " checked" in box(browser.get("/config/members/new").text, "active")
    address = re.search(r'href="(/config/members/\d+)"', browser.get("/config/members").text)
    assert address is not None
    assert " checked" in box(browser.get(address[1]).text, "active")
