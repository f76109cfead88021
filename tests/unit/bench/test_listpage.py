"""The bare page must touch no database, so rows in its context become plain objects."""

from types import SimpleNamespace

from bench.listpage import detached
from qtrace.accounts.models import Role, User


def test_rows_become_plain_objects_with_what_was_loaded() -> None:
    role = Role(key="lead", name_zh="主管", permissions=["issue.read"], scope="all")
    user = User(username="wangjie", name="王姐", roles=[role])
    plain = detached({"people": [user], "n": 3}, {})
    person = plain["people"][0]
    assert type(person) is SimpleNamespace
    assert (person.name, person.roles[0].name_zh, plain["n"]) == ("王姐", "主管", 3)
    assert person.can("issue.read")
    assert not person.can("issue.close")


def test_a_row_met_twice_stays_one_object() -> None:
    role = Role(key="lead", name_zh="主管", permissions=[], scope="all")
    first, second = detached([role, role], {})
    assert first is second
