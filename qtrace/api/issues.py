"""Issues over the API: the list, one, a new one, a change, a comment."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Select
from sqlalchemy.orm import aliased

from qtrace.accounts.models import User
from qtrace.api.answers import Answer, kept
from qtrace.api.blueprint import PREFIX, bp
from qtrace.api.listing import Column, Listing, list_parameters, page_schema, read_one, read_page
from qtrace.api.operation import Call, Operation, etag, operation, refuse_stale
from qtrace.api.problems import Wrong
from qtrace.api.schema import Problem, Schema, flag, integer, moment, one_of, text, thing
from qtrace.api.values import REASONS, VALUES, field_paths, sent_of, stopped, told_values
from qtrace.catalog.models import Shop, Sku, Supplier
from qtrace.classification.models import Term
from qtrace.conditions.tree import FieldKind
from qtrace.core import clock
from qtrace.core.db import write
from qtrace.core.errors import Forbidden, NotFound
from qtrace.flows.models import FlowInstance
from qtrace.forms.answers import read_answers, sent_from
from qtrace.forms.definition import FormDefinition
from qtrace.forms.queries import current_definition, stored_definition
from qtrace.forms.registry import Sent
from qtrace.forms.seed import ISSUE_FORM
from qtrace.issues import queries
from qtrace.issues.answering import columns_of, edited_definition, further_answers, pasted_number
from qtrace.issues.in_turn import allowed, checked_change
from qtrace.issues.models import Issue
from qtrace.issues.origin import complete
from qtrace.issues.remarks import MAX_COMMENT, add_comment
from qtrace.issues.rule_facts import issue_columns
from qtrace.issues.service import NewIssue, create_issue, edit_issue
from qtrace.issues.visibility import seen
from qtrace.orders.models import Lot, Order
from qtrace.records.plain import merged
from qtrace.rules.doors import Checked, Door, Held, check_answers, note_warnings
from qtrace.rules.pieces import reasons_in

TYPE, SEVERITY, PARTY, POINT, DISPOSITION, CAUSE = (aliased(Term) for _term in range(6))
OWNER = aliased(User)


def _term(alias: Any) -> Column:
    return Column(alias.code, text(60), FieldKind.TEXT, may_miss=True)


def _origin(statement: Select[Any]) -> Select[Any]:
    terms = (
        (TYPE, Issue.type_id), (SEVERITY, Issue.severity_id), (PARTY, Issue.responsible_party_id),
        (POINT, Issue.detection_point_id), (DISPOSITION, Issue.disposition_id), (CAUSE, Issue.verified_cause_id),
    )  # fmt: skip
    statement = statement.select_from(Issue)
    for alias, column in terms:
        statement = statement.outerjoin(alias, alias.id == column)
    about = (
        (Shop, Issue.shop_id),
        (Order, Issue.order_id),
        (Sku, Issue.sku_id),
        (Lot, Issue.lot_id),
        (Supplier, Issue.supplier_id),
    )
    for model, column in about:
        statement = statement.outerjoin(model, model.id == column)
    flow = (FlowInstance.subject_kind == "issue") & (FlowInstance.subject_id == Issue.id)
    return statement.outerjoin(OWNER, OWNER.id == Issue.owner_id).outerjoin(FlowInstance, flow)


ISSUES = Listing(
    {
        "number": Column(Issue.number, text(20), FieldKind.TEXT, sortable=True),
        "title": Column(Issue.title, text(300), FieldKind.TEXT),
        "description": Column(Issue.description, text(), FieldKind.TEXT),
        "status": Column(Issue.status, one_of("open", "closed", "terminated"), FieldKind.TEXT),
        "stage": Column(Issue.stage, text(60), FieldKind.TEXT),
        "type": _term(TYPE), "severity": _term(SEVERITY), "responsible_party": _term(PARTY),
        "detection_point": _term(POINT), "disposition": _term(DISPOSITION), "verified_cause": _term(CAUSE),
        "safety": Column(Issue.safety, flag(), FieldKind.BOOL),
        "shop": Column(Shop.key, text(60), FieldKind.TEXT, may_miss=True),
        "order": Column(Order.external_id, text(120), FieldKind.TEXT, may_miss=True),
        "sku": Column(Sku.external_id, text(120), FieldKind.TEXT, may_miss=True),
        "lot": Column(Lot.external_id, text(120), FieldKind.TEXT, may_miss=True),
        "supplier": Column(Supplier.external_id, text(120), FieldKind.TEXT, may_miss=True),
        "courier_line": Column(Issue.courier_line, text(120), FieldKind.TEXT),
        "bad_qty": Column(Issue.bad_qty, integer(), FieldKind.NUMBER, may_miss=True),
        "checked_qty": Column(Issue.checked_qty, integer(), FieldKind.NUMBER, may_miss=True),
        "complaint_count": Column(Issue.complaint_count, integer(), FieldKind.NUMBER),
        "owner": Column(OWNER.username, text(80), FieldKind.TEXT, may_miss=True),
        "opened_at": Column(Issue.opened_at, moment(), FieldKind.DATETIME, sortable=True),
        "closed_at": Column(Issue.closed_at, moment(), FieldKind.DATETIME, sortable=True, may_miss=True),
        "due_at": Column(Issue.due_at, moment(), FieldKind.DATETIME, sortable=True, may_miss=True),
        "version": Column(Issue.version, integer(), FieldKind.NUMBER),
        "flow_version": Column(FlowInstance.moved, integer(), may_miss=True),
    },
    _origin, Issue.__table__.c.id, "-opened_at", "number",
)  # fmt: skip
ISSUE: Schema = thing({**ISSUES.item["properties"], "values": VALUES})
COMMENT: Schema = thing({"id": integer()})


@bp.get("/issues")
@operation(
    Operation(
        summary="List issues", scope="issues:read", permission="issue.read", answer=page_schema(ISSUES.item),
        query=list_parameters(ISSUES.sorts),
    )
)  # fmt: skip
def issues_index(call: Call) -> Answer:
    """Return a page of the issues the person may see."""
    return Answer(read_page(ISSUES, call, lambda statement: seen(statement, call.user)).data)


@bp.get("/issues/<number>")
@operation(Operation(summary="Read an issue", scope="issues:read", permission="issue.read", answer=ISSUE))
def issue_show(call: Call, number: str) -> Answer:
    """Return one issue with the further answers of its form."""
    return issue_answer(number, call.user)


@bp.post("/issues")
@operation(
    Operation(
        summary="Open an issue", scope="issues:write", permission="issue.create", answer=ISSUE, status=201,
        body=thing({"values": VALUES}, {"source": text(200), "reasons": REASONS}),
        note="`source` is a pasted number (order, waybill, SKU or lot) from which the rest is filled in.",
    )
)  # fmt: skip
def issue_create(call: Call) -> Answer:
    """Open an issue by the rules of its form."""
    version_id, definition = current_definition(ISSUE_FORM)
    sent, problems = sent_of(definition, call.body["values"], call.body.get("reasons", {}))
    now = clock.now()
    checked = _checked(definition, sent, problems, call.user.id, now)
    source = call.body.get("source", "").strip() or pasted_number(definition, sent)
    columns = complete(columns_of(checked.answers.columns), source)
    new = NewIssue(
        **_given(columns), form_version_id=version_id, answers=checked.answers.answers,
        department_id=call.user.department_id,
    )  # fmt: skip
    with write():
        issue = create_issue(new, by=call.user.id, now=now)
        note_warnings("issue", issue.id, checked, now=now)
        number, version = issue.number, issue.version
        where = {"Location": f"{PREFIX}/issues/{number}", **etag(version)}
        return kept(Answer(_told(number, call.user), 201, where))


@bp.patch("/issues/<number>")
@operation(
    Operation(
        summary="Change an issue", scope="issues:write", permission="issue.read", answer=ISSUE, version=True,
        body=thing({"values": VALUES}, {"reasons": REASONS, "version": integer(0)}),
        note="Values that are left out stay as they are; null empties a field.",
    )
)  # fmt: skip
def issue_update(call: Call, number: str) -> Answer:
    """Change fields of an issue unless somebody else was faster."""
    issue = queries.visible_issue(number, call.user)
    may = allowed(issue, call.user)
    if not may.changes:
        raise Forbidden
    expected = refuse_stale(call, issue.version)
    definition = edited_definition(issue)
    given, problems = sent_of(definition, call.body["values"], call.body.get("reasons", {}))
    sent = merged(sent_from(definition, issue_columns(issue), issue.answers, reveal=True), given, call.body["values"])
    now, issue_id = clock.now(), issue.id
    checked, changed = checked_change(issue, definition, sent, may, door=Door.API, by=call.user.id, now=now)
    wrong = stopped(checked, problems)
    if wrong:
        raise Wrong(wrong)
    answers = checked.answers
    changes = columns_of(answers.columns) | {"answers": dict(issue.answers) | further_answers(definition, answers)}
    changes["title"] = changes.get("title") or issue.title
    with write(), field_paths():
        edit_issue(issue_id, changes, expected_version=expected, by=call.user.id, now=now, given=changed)
        note_warnings("issue", issue_id, checked, now=now)
        return kept(issue_answer(number, call.user))


@bp.post("/issues/<number>/comments")
@operation(
    Operation(
        summary="Comment on an issue", scope="issues:write", permission="issue.comment", answer=COMMENT, status=201,
        body=thing({"text": text(MAX_COMMENT, least=1)}),
    )
)  # fmt: skip
def comment_create(call: Call, number: str) -> Answer:
    """Add a remark to an issue."""
    issue_id = queries.visible_issue(number, call.user).id
    with write():
        comment = add_comment(issue_id, call.body["text"], by=call.user.id, now=clock.now())
        return kept(Answer({"id": comment}, 201))


def _checked(
    definition: FormDefinition, sent: Sent, problems: list[Problem], by: int, now: datetime, record: Held | None = None
) -> Checked:
    held = record.answers if record else None
    checked = check_answers(
        ISSUE_FORM, definition, read_answers(definition, sent, held), door=Door.API, by=by, now=now, record=record,
        reasons=reasons_in(sent.values),
    )  # fmt: skip
    wrong = stopped(checked, problems)
    if wrong:
        raise Wrong(wrong)
    return checked


def _given(columns: Mapping[str, object]) -> dict[str, Any]:
    return {name: value for name, value in columns.items() if value is not None}


def issue_answer(number: str, user: User) -> Answer:
    """Return the answer that tells an issue as it stands."""
    told = _told(number, user)
    return Answer(told, headers=etag(told["version"]))


def _told(number: str, user: User) -> dict[str, Any]:
    found = read_one(ISSUES, lambda statement: seen(statement, user).where(Issue.number == number))
    if found is None:
        raise NotFound
    issue = queries.visible_issue(number, user)
    values = (
        told_values(stored_definition(ISSUE_FORM, issue.form_version_id), issue.answers)
        if issue.form_version_id is not None
        else {}
    )
    return found | {"values": values}
