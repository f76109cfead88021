"""The pages of members."""

from collections.abc import Callable

from tests.conftest import Browser


def test_roles_are_named_in_the_readers_language(login: Callable[[str], Browser]) -> None:
    admin = login("admin")
    assert "质量主管" in admin.get("/config/members/new").text
    admin.post("/language", {"lang": "en"})
    for page in ("/config/members/new", "/config/members"):
        shown = admin.get(page).text
        assert "Quality lead" in shown
        assert "质量主管" not in shown
