"""The API is held to its own description with generated requests, valid and not, as people of several roles.

`QTRACE_TEST_EXAMPLES` sets how many requests each address gets; the nightly run asks for many, as every role.
"""

import os
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import pytest
import schemathesis
from flask import Flask
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_schema_conformance,
    status_code_conformance,
)
from sqlalchemy import select

from qtrace.complaints.models import Complaint
from qtrace.flows.models import FlowInstance
from qtrace.issues.models import Issue
from qtrace.records.models import Record
from qtrace.tasks.models import Task
from tests.conftest import NOW, USERNAMES, user_id
from tests.factories.api import Program, program
from tests.factories.forms import make_form
from tests.factories.issues import Sale, fresh, make_goods, make_issue, sell

MANY = os.environ.get("QTRACE_TEST_EXAMPLES", "")
EXAMPLES = int(MANY or "2")
ROLES = tuple(USERNAMES) if MANY else ("quality_lead",)
CHECKS = [
    not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance,
    negative_data_rejection,
]  # fmt: skip
REFUSALS = ["400", "401", "403", "404", "409", "412", "413", "415", "422", "428"]
ISSUE = {"type": "t_leak", "severity": "major", "lot": "B2409-17"}
INSPECTION = {"item": "瓶盖扭矩", "result": "pass", "qty": 12}
Change = Callable[[Any, int], None]


@dataclass
class Session:
    """The requests sent so far: how often each status came, and which addresses were carried out."""

    app: Flask
    erp: Program
    statuses: Counter[int] = field(default_factory=Counter)
    done: set[str] = field(default_factory=set)

    def run(self, mode: GenerationMode, change: Change) -> None:
        """Send generated requests to every address, each changed before it leaves."""
        headers = {"Authorization": f"Bearer {self.erp.key}", "Accept-Encoding": "identity"}
        schema = schemathesis.openapi.from_wsgi("/api/v1/openapi.json", self.app, headers=headers)
        schema.config.checks.negative_data_rejection.expected_statuses = REFUSALS
        schema.config.generation.update(with_security_parameters=False)  # requests carry the token as it is
        for found in schema.get_all_operations():
            operation = found.ok()
            described = operation.definition.raw
            if mode is GenerationMode.POSITIVE or described["parameters"] or "requestBody" in described:
                self._try(operation, mode, change, headers)

    def _try(self, operation: Any, mode: GenerationMode, change: Change, headers: dict[str, str]) -> None:
        number = count()

        @settings(
            max_examples=EXAMPLES, deadline=None, database=None, derandomize=True, phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )  # fmt: skip
        @given(case=operation.as_strategy(generation_mode=mode))
        def send(case: Any) -> None:
            change(case, next(number))
            response = case.call(headers=headers)
            self.statuses[response.status_code] += 1
            if response.status_code < 300:
                self.done.add(operation.label)
            case.validate_response(response, checks=CHECKS)

        send()


@pytest.fixture
def world(sqlite_app: Flask) -> Flask:
    """A site with an article, a sale, a complaint, a form, a record and three issues, and no limits."""
    sqlite_app.config["QTRACE_RATE_FACTOR"] = 0
    goods = make_goods()
    sell(goods, [Sale("O1", NOW, complaints=(goods.kind,))])
    make_form()
    make_issue(type_id=goods.kind_below, severity_id=goods.kind_below)
    make_issue(type_id=goods.kind_below, owner_id=user_id("quality_lead"))
    make_issue(type_id=goods.kind_below, owner_id=user_id("quality_lead"))
    assert program(sqlite_app).post("/records/inspection", {"values": INSPECTION}).status_code == 201
    return sqlite_app


def as_it_is(_case: Any, _number: int) -> None:
    """Send the request as it was generated."""


def put_right(case: Any, number: int) -> None:
    """Name things that exist and give the values a form needs, so that the request reaches what it asks for."""
    session, path = fresh(), case.operation.path
    issue = session.scalars(select(Issue).order_by(Issue.id.desc())).first()
    record = session.scalars(select(Record)).first()
    complaint = session.scalars(select(Complaint.number)).first()
    assert issue and record
    # what is agreed to over one address is not what the other ends
    about_issue = Task.subject_id != issue.id if path.endswith("/decide") else Task.subject_id == issue.id
    task = session.scalars(
        select(Task)
        .where(about_issue, Task.subject_kind == "issue", Task.state == "open", Task.kind == "stage")
        .order_by(Task.id.desc())
    ).first()
    about = issue.number if path.startswith("/issues") else complaint if "complaints" in path else record.number
    parts = {
        "number": "B2409-17" if "trace" in path else about, "form": "inspection", "kind": "lot", "name": "quality",
        "key": "inspection", "task_id": task.id if task else 0,
    }  # fmt: skip
    for name in case.path_parameters or {}:
        case.path_parameters[name] = parts[name]
    for name in ("cursor", "filter"):
        case.query.pop(name, None)
    case.headers.pop("If-Match", None)
    if case.method != "GET":
        case.headers["Idempotency-Key"] = f"{case.operation.label.replace(' ', '')}{number}"
    if isinstance(case.body, dict):
        _fill(case.body, path, issue, record)


def _fill(body: dict[str, Any], path: str, issue: Issue, record: Record) -> None:
    values = ISSUE if "issues" in path else INSPECTION
    if "values" in body:
        body["values"] = dict(values)
    if "rows" in body and "key" in body:
        body |= {"key": "item", "rows": [{"values": dict(values)}]}
    if "shop" in body:
        body["shop"] = "douyin"
    if "flow_version" in body:
        flow = fresh().scalar(select(FlowInstance.moved).where(FlowInstance.subject_id == issue.id))
        body |= {"verdict": "terminate", "flow_version": flow, "note": "重复登记"}
    if path.endswith("/decide"):
        body |= {"verdict": "approve", "note": "查过了", "target": "", "chosen": []}
    body.pop("version", None)
    if "{number}" in path and "comments" not in path:
        body["version"] = (issue if "issues" in path else record).version


@pytest.mark.parametrize("role", ROLES)
def test_no_generated_request_breaks_the_api_or_its_description(world: Flask, role: str) -> None:
    session = Session(world, program(world, role))
    session.run(GenerationMode.POSITIVE, as_it_is)
    session.run(GenerationMode.NEGATIVE, as_it_is)
    assert session.statuses.total() >= 40
    assert not [status for status in session.statuses if status >= 500]


def test_every_address_is_carried_out_and_answers_as_described(world: Flask) -> None:
    session = Session(world, program(world, "admin"))
    session.run(GenerationMode.POSITIVE, put_right)
    missing = {
        found.ok().label for found in schemathesis.openapi.from_wsgi("/api/v1/openapi.json", world).get_all_operations()
    } - session.done
    assert missing == set(), session.statuses
