"""Records that go through a flow: chosen for their form, started as they are made, decided on, waiting while void."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Protocol

from flask import Flask
from flask_babel import gettext as _
from sqlalchemy import select, update
from sqlalchemy.orm.util import identity_key

from qtrace.accounts.models import Role, User
from qtrace.core import clock, events
from qtrace.core.db import db, require_write, table_of
from qtrace.core.errors import Conflict, Refused
from qtrace.core.events import Event, subscribe
from qtrace.flows.allowed import without
from qtrace.flows.beginning import start_submitted
from qtrace.flows.case import Case
from qtrace.flows.deciding import Verdict, decide
from qtrace.flows.gates import WRITE, register_watch
from qtrace.flows.impact import flows_for
from qtrace.flows.instances import active_definition, definition_of
from qtrace.flows.models import FlowDefinition
from qtrace.flows.reading import dump_definition
from qtrace.flows.rights import may_decide
from qtrace.flows.service import halt, resume
from qtrace.forms.definition import FormDefinition
from qtrace.forms.models import Form
from qtrace.forms.queries import stored_definition
from qtrace.forms.registry import Storage, controls
from qtrace.records.flow_templates import APPROVE, APPROVED, FILL, TEMPLATES, build, chosen_in, flow_key
from qtrace.records.models import Record
from qtrace.rules.doors import Held, missing_to_leave
from qtrace.rules.facts import register_stages
from qtrace.tasks.models import Task
from qtrace.web.filters import localised

KIND = "record"
OWN = "flow:"  # before the key of a flow of the company's own


class Standing(Protocol):
    """What is asked of a record: which one, where it stands and who made it."""

    @property
    def id(self) -> int:
        """The record's id."""

    @property
    def state(self) -> str:
        """Open, done or void."""

    @property
    def stage(self) -> str:
        """Where it stands in its flow."""

    @property
    def created_by(self) -> int | None:
        """Who filled it in."""


def reviewers() -> list[Role]:
    """Return the roles that may be asked to check records."""
    return [role for role in db.session.scalars(select(Role).order_by(Role.id)) if APPROVE in role.permissions]


def own_flows() -> dict[str, str]:
    """Return the names of the company's own flows records may go through, by their keys."""
    return {key: name for key, name in flows_for(KIND).items() if not chosen_in(key)[0]}


def choose_flow(form: Form, template: str, role: str, *, by: int | None, now: datetime) -> None:
    """Let the form's new records go through a flow, or through none; those under way keep theirs."""
    found = next((one for one in TEMPLATES if one.key == template), None)
    own = template.removeprefix(OWN) if template.startswith(OWN) else ""
    if template and found is None and own not in own_flows():
        raise Refused(_("请从列出的流程里选一个。"), "template")
    if found and role not in [one.key for one in reviewers()]:
        raise Refused(_("请选择由谁审核。"), "role")
    key = flow_key(found.key, role) if found else own
    if found and active_definition(key) is None:
        definition = build(found, role)
        row = FlowDefinition(key=key, version=definition.version, definition=dump_definition(definition))
        require_write().add(row)
    body = events.change(require_write().get_one(Form, form.id), {"flow": key})
    if body:
        events.record("form_flow_chosen", subject=("form", form.id), by=by, now=now, body=body)


def asked_at_start(form: Form, definition: FormDefinition, besides: Collection[str] = ()) -> FormDefinition:
    """Return the form as it is filled in first: without what the first node of its flow hides or only shows.

    Fields `besides` are kept: a link fills them itself.
    """
    found = active_definition(form.flow) if form.flow else None
    rights, known = found[1].first.fields if found else {}, controls()
    left_out = {
        asked.id for asked in definition.all_fields
        if rights.get(asked.id, WRITE) != WRITE and asked.id not in besides
        and not (known[asked.control].assigned or known[asked.control].storage is Storage.COMPUTED)
    }  # fmt: skip
    return without(definition, left_out) if left_out else definition


def begin(record: Record, form: Form, *, by: int | None, now: datetime) -> None:
    """Start the form's flow for a record that was just stored: it is submitted as it is made."""
    if not form.flow:
        return
    start_submitted(case_of(record, form), flow=form.flow, by=by, now=now)


def decide_on(
    record_id: int, form: Form, verdict: Verdict, *, flow_version: int, record_version: int, by: User, now: datetime,
    note: str,
) -> None:  # fmt: skip
    """Approve, return, submit again or reopen; refused when the record says something else than what was looked at."""
    row = require_write().scalars(select(Record).where(Record.id == record_id).with_for_update()).one()
    if row.state == "void":
        raise Refused(_("这条记录已作废。请先恢复再修改。"))
    if row.version != record_version:
        raise Conflict(_("这条记录刚被别人改过。请看一下新的内容,再决定。"))
    decide(case_of(row, form), verdict=verdict, expected_version=flow_version, by=by, now=now, note=note)


def wait(record: Record, form: Form, *, void: bool, by: int, now: datetime) -> None:
    """Let the flow of a record wait while it is void, and go on when it is restored."""
    if not record.stage:
        return
    if void:
        halt(case_of(record, form), by=by, now=now)
    else:
        resume(case_of(record, form), by=by, now=now)


def under_flow(record: Standing) -> bool:
    """Say whether a flow may have the record in hand: it is neither void nor approved."""
    return record.state != "void" and record.stage != APPROVED


def may_change_anyway(record: Standing, user: User) -> bool:
    """Say whether the person may change the answers now, whatever the fields are; a turn may give more (`in_turn`).

    What was returned is corrected by who filled it in; what is being checked, by who checks it; what is approved, by nobody
    before it is opened again.
    """
    if not under_flow(record):
        return False
    if record.stage == FILL and record.created_by == user.id and user.can("record.create"):
        return True
    if not user.can("record.edit"):
        return False
    flow = definition_of(KIND, record.id) if record.stage not in ("", FILL) else None
    return flow is None or may_decide(*flow, user)


def holder_of(record: Record) -> str:
    """Return who has the record now: a person, or the role in whose pool it waits; empty when nobody has."""
    statement = (
        select(User.name, Role).select_from(Task).outerjoin(User, User.id == Task.owner_id)
        .outerjoin(Role, Role.key == Task.role_key)
        .where(Task.subject_kind == KIND, Task.subject_id == record.id, Task.state == "open", Task.kind == "stage")
    )  # fmt: skip
    row = db.session.execute(statement.limit(1)).one_or_none()
    return "" if row is None else row[0] or localised(row[1])


def refuse_locked(record: Record) -> None:
    """Refuse to change a record that was approved, whichever door the change comes through."""
    if record.stage == APPROVED:
        raise Refused(_("这条记录已审核通过,内容已锁定。要修改请先重新打开。"))


def case_of(record: Record, form: Form, hidden: Collection[str] = ()) -> Case:
    """Return what the flow needs to know of a record; it goes by its number where a hidden field gives its title."""
    url = f"/records/{form.key}/{record.number}"
    title = f"{form.name_zh} {record.number if hidden else record.title}".strip()
    return Case((KIND, record.id), title, url, record.created_by, record.department_id)


def register(app: Flask) -> None:
    """Follow the flow's events, hold the rules at each stage, and name the stages for the rules."""
    register_watch(app, KIND, missing_to_leave_stages)
    register_stages(app, "*", lambda: [(FILL, _("填写")), ("check", _("审核")), ("lead_check", _("复核"))])
    for name, follow in (
        ("stage_entered", _entered), ("flow_closed", _closed), ("flow_terminated", _ended), ("flow_reopened", _reopened),
        ("task_claimed", _task_moved), ("task_transferred", _task_moved),
    ):  # fmt: skip
        subscribe(app, name, follow)


def missing_to_leave_stages(record_id: int, stages: Sequence[str]) -> Sequence[str]:
    """Return what the rules of the form want before a record leaves these stages."""
    record, form = db.session.execute(
        select(Record, Form).join(Form, Form.id == Record.form_id).where(Record.id == record_id)
    ).one()
    definition = stored_definition(form.key, record.form_version_id)
    held = Held(record.id, {}, record.answers)
    return missing_to_leave(form.key, definition, held, stages, now=clock.now())


def _entered(event: Event) -> None:
    _set(event, stage=event.body["node"], owner_id=event.body.get("owner_id"), state="open")


def _closed(event: Event) -> None:
    _set(event, stage=APPROVED, owner_id=None, state="done")


def _ended(event: Event) -> None:
    """Let a record whose flow ended without agreement say how: rejected, withdrawn or terminated."""
    _set(event, stage=event.body.get("status", "terminated"), owner_id=None, state="done")


def _reopened(event: Event) -> None:
    _set(event, stage=event.body["node"], state="open")


def _task_moved(event: Event) -> None:
    owner = event.body.get("owner")
    new_owner = owner.get("new") if isinstance(owner, dict) else owner
    if require_write().scalar(select(Task.kind).where(Task.id == event.body.get("task"))) == "stage":
        _set(event, owner_id=new_owner)


def _set(event: Event, **values: object) -> None:
    if event.subject_kind != KIND:
        return
    session = require_write()
    row = session.identity_map.get(identity_key(Record, event.subject_id))
    if row is None:
        rows = table_of(Record)
        session.execute(update(rows).where(rows.c.id == event.subject_id).values(**values))
        return
    for name, value in values.items():  # a record of this transaction stands as it is written
        setattr(row, name, value)
