"""The description holds every address, leaves out nobody's secrets, and is what the documentation shows."""

import os
from pathlib import Path

from flask import Flask

from qtrace.api.openapi import describe, endpoints
from qtrace.api.scopes import SCOPES
from tests.factories.api import program
from tests.factories.forms import make_form

PAGE = Path(__file__).resolve().parent.parent.parent.parent / "docs" / "user" / "api.md"
HEAD, FOOT = "|---|---|---|---|\n", "<!-- end -->"


def test_every_address_of_the_api_is_described(sqlite_app: Flask) -> None:
    described = {(one.rule.rule, one.method) for one in endpoints()}
    there = {
        (rule.rule, method)
        for rule in sqlite_app.url_map.iter_rules()
        if rule.endpoint.startswith("api.")
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }
    assert {rule for rule, _method in there - described} == {"/api/v1/openapi.json", "/api/v1/docs"}


def test_every_address_needs_a_scope_that_can_be_given(sqlite_app: Flask) -> None:
    assert {one.operation.scope for one in endpoints()} == set(SCOPES)


def test_every_name_of_an_operation_is_its_own(sqlite_app: Flask) -> None:
    make_form()
    names = [
        operation["operationId"] for methods in describe(forms=True)["paths"].values() for operation in methods.values()
    ]
    assert len(names) == len(set(names))


def test_a_companys_forms_are_described_to_those_only_who_may_read_them(sqlite_app: Flask) -> None:
    make_form()
    client = sqlite_app.test_client()
    assert "/records/inspection" not in client.get("/api/v1/openapi.json").json["paths"]
    assert "/records/inspection" not in program(sqlite_app, scopes=["trace:read"]).get("/openapi.json").json["paths"]
    body = program(sqlite_app).get("/openapi.json").json["paths"]["/records/inspection"]["post"]["requestBody"]
    values = body["content"]["application/json"]["schema"]["properties"]["values"]
    assert values["properties"]["qty"]["title"] == "Qty"
    assert values["additionalProperties"] is False


def test_the_description_is_shown_to_people_without_scripts(sqlite_app: Flask) -> None:
    page = sqlite_app.test_client().get("/api/v1/docs").text
    assert all(one.path in page for one in endpoints())
    assert "<script" not in page


def test_the_documentation_lists_the_addresses_of_the_code(sqlite_app: Flask) -> None:
    rows = [
        f"| `{one.method} {one.path}` | {one.operation.summary} | `{one.operation.scope}` | "
        f"{f'`{one.operation.permission}`' if one.operation.permission else '—'} |\n"
        for one in endpoints()
    ]
    before, rest = PAGE.read_text(encoding="utf-8").split(HEAD, 1)
    _old, after = rest.split(FOOT, 1)
    wanted = before + HEAD + "".join(rows) + FOOT + after
    if os.environ.get("QTRACE_WRITE_TABLE"):
        PAGE.write_text(wanted, encoding="utf-8")
    assert PAGE.read_text(encoding="utf-8") == wanted
