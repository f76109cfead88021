"""Every route × every role × {own, foreign, missing} against docs/security/permissions.csv.

The file is the expectation and is read by people; `QTRACE_WRITE_TABLE=1` writes what the site answers, to be reviewed in
the diff. A route that is not in the file fails.
"""

import contextvars
import csv
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select
from werkzeug.routing import IntegerConverter, Rule

from qtrace.accounts.models import User
from qtrace.accounts.permissions import PERMISSIONS, ROLES
from qtrace.accounts.service import add_user_hashed, ensure_department
from qtrace.accounts.sessions import open_session
from qtrace.complaints.models import Complaint
from qtrace.core import clock
from qtrace.core.db import db, write
from qtrace.forms.models import Form
from qtrace.forms.queries import current_definition
from qtrace.investigation.models import Action, Why
from qtrace.issues.models import Issue
from qtrace.issues.service import NewIssue, create_issue
from qtrace.records.service import NewRecord, create_record
from qtrace.tasks.service import NewTask, open_task
from tests.conftest import NOW, USERNAMES
from tests.factories.api import make_token
from tests.factories.forms import make_form
from tests.tokens import csrf_token_of

TABLE = Path(__file__).resolve().parent.parent.parent / "docs" / "security" / "permissions.csv"
PEOPLE = ("anonymous", *(role.key for role in ROLES))
ENDS_LOGIN = {"/logout", "/me/password"}
HEAD = ["method", "rule", "access", *PEOPLE]


@dataclass(frozen=True)
class Things:
    """One person's own records, or a stranger's."""

    issue: str
    complaint: str
    task: int
    why: int
    action: int
    record: str


MISSING = Things("QI-0001-9999", "CP-0001-9999", 999_999, 999_999, 999_999, "IQ-0001-9999")


@pytest.fixture
def world(sqlite_app: Flask, password_hash: str) -> tuple[Flask, dict[str, Things], dict[str, str]]:
    """Own records of each role, a stranger's records, and a fresh way to log in."""
    make_form()
    with write():
        elsewhere = ensure_department("别的部门")
        stranger = add_user_hashed(
            "stranger", "外人", password_hash, ["inspector"], by=None, now=NOW, department_id=elsewhere
        )
    things = {"stranger": _make(stranger, elsewhere)}
    for role, username in USERNAMES.items():
        user_id = db.session.scalars(select(User.id).where(User.username == username)).one()
        things[role] = _make(user_id, None)
    db.session.remove()
    return sqlite_app, things, USERNAMES


def test_every_route_answers_every_role_as_the_table_says(
    world: tuple[Flask, dict[str, Things], dict[str, str]],
) -> None:
    app, things, _usernames = world
    found = [_row(app, rule, method, things) for rule, method in _routes(app)]
    if os.environ.get("QTRACE_WRITE_TABLE"):
        _write(found)
    with TABLE.open(encoding="utf-8", newline="") as handle:
        expected = {(row["method"], row["rule"]): row for row in csv.DictReader(handle)}
    unlisted = [(row["method"], row["rule"]) for row in found if (row["method"], row["rule"]) not in expected]
    assert unlisted == [], "these routes have no line in docs/security/permissions.csv"
    gone = set(expected) - {(row["method"], row["rule"]) for row in found}
    assert gone == set(), "these lines name routes that are gone"
    wrong = [
        f"{row['method']} {row['rule']} {name}: table {expected[row['method'], row['rule']][name]}, site {row[name]}"
        for row in found
        for name in HEAD[2:]
        if row[name] != expected[row["method"], row["rule"]][name]
    ]
    assert wrong == []


def test_the_table_itself_agrees_with_the_roles() -> None:
    """A role without the permission is refused in each line, whatever the site answers."""
    allowed = {role.key: set(role.permissions) for role in ROLES}
    with TABLE.open(encoding="utf-8", newline="") as handle:
        for row in csv.DictReader(handle):
            access = row["access"]
            assert access in {"public", "login"} or access in PERMISSIONS, row
            if access == "public":
                continue
            assert row["anonymous"] == "login", row
            for role, permissions in allowed.items():
                refused = row[role] == "no"
                assert refused == (access != "login" and access not in permissions), (row["rule"], role)


def test_a_person_whose_scope_is_the_department_never_reaches_a_strangers_record() -> None:
    narrow = [role.key for role in ROLES if role.scope != "all"]
    with TABLE.open(encoding="utf-8", newline="") as handle:
        rows = [row for row in csv.DictReader(handle) if "<number>" in row["rule"]]
    assert rows
    for row in rows:
        for role in narrow:
            if row[role] != "no":
                own, *others = row[role].split("/")
                assert (others[0] if others else own) == "404", (row["rule"], role)


def _make(user_id: int, department_id: int | None) -> Things:
    with write() as session:
        user = session.get_one(User, user_id)
        department = department_id or user.department_id
        issue_id = create_issue(NewIssue(title="瓶盖漏液", department_id=department), by=user_id, now=NOW).id
        complaint = Complaint(
            number=f"CP-2611-{user_id:04d}", source_kind="staff", occurred_at=NOW, created_at=NOW, created_by=user_id,
            department_id=department, text="漏液",
        )  # fmt: skip
        why = Why(issue_id=issue_id, statement="瓶盖渗漏", at=NOW)
        action = Action(issue_id=issue_id, kind="corrective", text="重新标定", owner_id=user_id, created_at=NOW)
        session.add_all([complaint, why, action])
        session.flush()
        task = open_task(
            NewTask(kind="stage", subject=("thing", user_id), title="待办", url="/", owner_id=user_id), by=None, now=NOW
        )
        number = session.get_one(Issue, issue_id).number
        version_id, _definition = current_definition("inspection")
        form_id = session.scalars(select(Form.id).where(Form.key == "inspection")).one()
        new = NewRecord(form_id, version_id, {"item": "外观", "result": "pass"}, department_id=department)
        record = create_record(new, by=user_id, now=NOW)
        return Things(number, complaint.number, task, why.id, action.id, record)


def _routes(app: Flask) -> list[tuple[Rule, str]]:
    pairs = [
        (rule, method)
        for rule in app.url_map.iter_rules()
        if rule.endpoint != "static"
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"})
    ]
    return sorted(pairs, key=lambda pair: (pair[0].rule, pair[1]))


def _row(app: Flask, rule: Rule, method: str, things: dict[str, Things]) -> dict[str, str]:
    access = getattr(app.view_functions[rule.endpoint], "access", "NONE")
    row = {"method": method, "rule": rule.rule, "access": access}
    for person in PEOPLE:
        own = things.get(person, things["stranger"])
        parts = (own, things["stranger"], MISSING) if rule.arguments else (own,)
        answers = [_ask(app, rule, method, person, part) for part in parts]
        row[person] = answers[0] if len(set(answers)) == 1 else "/".join(answers)
    return row


def _ask(app: Flask, rule: Rule, method: str, person: str, part: Things) -> str:
    with app.test_request_context():
        url = app.url_map.bind("localhost").build(
            rule.endpoint, _values(rule, part), method=method, append_unknown=False
        )
    return contextvars.Context().run(_send, app, method, url, person)


def _send(app: Flask, method: str, url: str, person: str) -> str:
    response = (_call if url.startswith("/api/v1") else _visit)(app, method, url, person)
    assert response.status_code < 500 or url in {"/readyz"}, (method, url, person, response.status_code)
    led_away = response.status_code == 303 and (response.location or "").startswith("/login")
    if led_away and (person == "anonymous" or "next=" in (response.location or "")):
        return "login"
    return {401: "login", 403: "no", 404: "404"}.get(response.status_code, "ok")


def _visit(app: Flask, method: str, url: str, person: str) -> Any:
    client = app.test_client()
    if person != "anonymous":
        client.set_cookie("qt", _token(app, person, fresh=url in ENDS_LOGIN))
    headers = {} if method == "GET" else {"X-CSRF-Token": csrf_token_of(client, app)}
    return client.open(url, method=method, headers=headers, data={} if method == "POST" else None)


def _call(app: Flask, method: str, url: str, person: str) -> Any:
    """Ask as a program that has a token of the person with every scope."""
    headers = {} if person == "anonymous" else {"Authorization": f"Bearer {_key(app, person)}"}
    body = {"text": "核对"} if url.endswith("/comments") else {"version": 1, "values": {}} if method == "PATCH" else {}
    return app.test_client().open(url, method=method, headers=headers, json=None if method == "GET" else body)


def _key(app: Flask, person: str) -> str:
    kept: dict[str, str] = app.extensions.setdefault("test_keys", {})
    if person not in kept:
        with app.app_context():
            kept[person] = make_token(person)
    return kept[person]


def _token(app: Flask, person: str, *, fresh: bool) -> str:
    """Return a login of the role; one is kept for all requests but those that end it."""
    kept: dict[str, str] = app.extensions.setdefault("test_tokens", {})
    if fresh or person not in kept:
        with app.app_context():
            user_id = db.session.scalars(select(User.id).where(User.username == USERNAMES[person])).one()
            with write():
                token = open_session(user_id, ip="127.0.0.1", agent="test", now=clock.now())
        if fresh:
            return token
        kept[person] = token
    return kept[person]


def _values(rule: Rule, part: Things) -> dict[str, Any]:
    record, complaint = "/records/" in rule.rule, rule.rule.removeprefix("/api/v1").startswith("/complaints")
    named = {
        "number": part.record if record else part.complaint if complaint else part.issue,
        "form_key": "inspection",
        "form": "inspection",
        "task_id": part.task,
        "why_id": part.why,
        "action_id": part.action,
        "kind": "intake" if rule.rule.startswith("/config/rules") else "type",
    }
    if rule.endpoint in ("trace.show", "api.trace_show"):
        named["kind"] = "issue"
    numbers = {name for name in rule.arguments if isinstance(rule._converters[name], IntegerConverter)}
    return {name: named.get(name, 999_999 if name in numbers else "missing") for name in rule.arguments}


def _write(rows: list[dict[str, str]]) -> None:
    TABLE.parent.mkdir(parents=True, exist_ok=True)
    with TABLE.open("w", encoding="utf-8", newline="") as handle:
        writer = csv.DictWriter(handle, HEAD, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
