"""The description of the API (OpenAPI 3.1), made from what stands beside each view.

Whoever asks with a token that may read forms also finds the company's own forms described, each with its fields.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, cast

from flask import Response, current_app, g, render_template
from flask_login import current_user
from werkzeug.routing import Rule

from qtrace.accounts.access import public
from qtrace.api.blueprint import PREFIX, bp
from qtrace.api.operation import OPERATION, Operation, Parameter
from qtrace.api.problems import MEDIA_TYPE
from qtrace.api.schema import Schema, integer, listed, ref, text, thing
from qtrace.api.scopes import SCOPES
from qtrace.api.values import values_schema
from qtrace.forms.queries import stored_definition
from qtrace.records.queries import record_forms
from qtrace.web.limits import limited

VERSION = "1.0"
PATH_PART = re.compile(r"<(?:(?P<kind>[a-z]+):)?(?P<name>[a-z_]+)>")
PATH_SCHEMAS: Mapping[str, Schema] = {"int": integer(0), "": text(120, least=1), "path": text(120, least=1)}
PROBLEM: Schema = {
    "type": "object", "required": ["type", "title", "status", "detail", "errors"],
    "properties": {
        "type": text(), "title": text(), "status": {"type": "integer"}, "detail": text(), "request_id": text(),
        "errors": listed(thing({"path": text(), "message": text()})),
    },
}  # fmt: skip
ERRORS: Mapping[int, str] = {
    400: "The body is no JSON.", 401: "No token, or one that opens nothing.",
    403: "The token lacks the scope, or its person the permission.",
    404: "There is no such thing, or the person may not see it.", 409: "Somebody else was faster.",
    412: "If-Match names a version that is gone.", 413: "The body is too large.", 415: "The body must be JSON.",
    422: "What is wrong stands in `errors`, each with its path.",
    428: "The change does not say which version it changes.", 429: "Too many requests; see Retry-After.",
    503: "The database is busy; try again later.",
}  # fmt: skip
REQUEST_HEADERS: Mapping[str, Schema] = {
    "Idempotency-Key": {
        "name": "Idempotency-Key", "in": "header", "schema": {"type": "string", "pattern": "^[!-~]{1,120}$"},
        "description": "Makes a repetition harmless: for 24 hours the same key with the same request is given the first answer.",
    },
    "If-Match": {
        "name": "If-Match", "in": "header", "schema": {"type": "string", "pattern": '^"[0-9]{1,9}"$'},
        "description": "The ETag of the version that is changed; or say `version` in the body.",
    },
}  # fmt: skip


@dataclass(frozen=True)
class Endpoint:
    """An address of the API with a method and its description."""

    method: str
    path: str
    rule: Rule
    operation: Operation


@bp.get("/openapi.json")
@public
@limited("api")
def openapi_show() -> Response:
    """Return the description as JSON."""
    with_forms = current_user.is_authenticated and current_user.can("record.read")
    with_forms = with_forms and "records:read" in g.api_token.scopes
    return Response(current_app.json.dumps(describe(forms=with_forms)), content_type="application/json")


@bp.get("/docs")
@public
@limited("api")
def docs_show() -> Response:
    """Show the description to people."""
    return Response(
        render_template("api/docs.html", endpoints=endpoints(), scopes=SCOPES, errors=ERRORS, prefix=PREFIX)
    )


def endpoints() -> list[Endpoint]:
    """Return every described address, in the order of the addresses."""
    found = []
    for rule in current_app.url_map.iter_rules():
        described = getattr(current_app.view_functions[rule.endpoint], OPERATION, None)
        if described is not None:
            (method,) = (rule.methods or set()) - {"HEAD", "OPTIONS"}
            path = PATH_PART.sub(r"{\g<name>}", rule.rule.removeprefix(PREFIX))
            found.append(Endpoint(method, path, rule, described))
    order = ("GET", "POST", "PATCH")
    return sorted(found, key=lambda one: (one.path.split("/")[1], one.path, order.index(one.method)))


def describe(*, forms: bool = False) -> dict[str, Any]:
    """Return the description; with the company's own forms only for those who may read them."""
    paths: dict[str, dict[str, Any]] = {}
    for one in endpoints():
        paths.setdefault(one.path, {})[one.method.lower()] = _operation(one)
    if forms:
        for path, methods in _form_paths():
            paths[path] = methods
    return {
        "openapi": "3.1.0",
        "info": {"title": "qtrace API", "version": VERSION, "description": "Same rules and permissions as the pages."},
        "servers": [{"url": PREFIX}],
        "security": [{"token": []}],
        "paths": paths,
        "components": {
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer", "description": "A token of one's account."}},
            "schemas": {"Problem": PROBLEM},
            "responses": {str(status): _problem(note) for status, note in ERRORS.items()},
        },
    }  # fmt: skip


def _operation(one: Endpoint) -> dict[str, Any]:
    described = one.operation
    found: dict[str, Any] = {
        "operationId": one.rule.endpoint.partition(".")[2],
        "summary": described.summary,
        "tags": [one.path.split("/")[1]],
        "security": [{"token": [described.scope] if described.scope else []}],
        "x-permission": described.permission or None,
        "parameters": [*_path_parameters(one.rule), *map(_query_parameter, described.query), *_headers(described)],
        "responses": _responses(described, has_path="{" in one.path),
    }
    if described.note:
        found["description"] = described.note
    if described.body is not None:
        found["requestBody"] = {"required": True, "content": {"application/json": {"schema": described.body}}}
    return found


def _path_parameters(rule: Rule) -> list[dict[str, Any]]:
    return [
        {"name": part["name"], "in": "path", "required": True, "schema": PATH_SCHEMAS[part["kind"] or ""]}
        for part in PATH_PART.finditer(rule.rule)
    ]


def _query_parameter(parameter: Parameter) -> dict[str, Any]:
    return {
        "name": parameter.name, "in": "query", "required": parameter.required, "schema": parameter.schema,
        "description": parameter.note,
    }  # fmt: skip


def _headers(described: Operation) -> Iterator[Schema]:
    if described.writes:
        yield REQUEST_HEADERS["Idempotency-Key"]
    if described.version:
        yield REQUEST_HEADERS["If-Match"]


def _responses(described: Operation, *, has_path: bool) -> dict[str, Any]:
    answer: dict[str, Any] = {
        "description": described.summary, "content": {"application/json": {"schema": described.answer}}
    }  # fmt: skip
    statuses = {401, 403, 422, 429, 503}
    statuses |= {404} if has_path else set()
    statuses |= {400, 409, 413, 415} if described.writes else set()
    statuses |= {412, 428} if described.version else set()
    errors = {str(status): {"$ref": f"#/components/responses/{status}"} for status in sorted(statuses)}
    return {str(described.status): answer, **errors}


def _problem(note: str) -> dict[str, Any]:
    return {"description": note, "content": {MEDIA_TYPE: {"schema": ref("Problem")}}}


def _form_paths() -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the addresses of each form that makes records, with its own fields."""
    generic = {(one.path, one.method): one for one in endpoints() if one.path.startswith("/records/{form}")}
    for form, version in record_forms():
        values = values_schema(stored_definition(form.key, version.id))
        for (path, method), one in generic.items():
            if path not in ("/records/{form}", "/records/{form}/{number}") or method == "GET":
                continue
            found = _operation(one)
            found["operationId"] += f"_{form.key}"
            found["summary"] = f"{one.operation.summary}: {form.name_en or form.name_zh}"
            found["parameters"] = [part for part in found["parameters"] if part["name"] != "form"]
            found["requestBody"]["content"]["application/json"]["schema"] = _with_values(one.operation, values)
            yield path.replace("{form}", form.key), {method.lower(): found}


def _with_values(described: Operation, values: Schema) -> Schema:
    body = cast(Schema, described.body)
    return {**body, "properties": {**body["properties"], "values": values}}
