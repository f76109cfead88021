"""Versions of a flow: stored whole or not at all, switched off and on; what was published never changes."""

from dataclasses import replace
from datetime import datetime

from flask_babel import gettext as _
from sqlalchemy import func, select

from qtrace.core import events
from qtrace.core.db import require_write
from qtrace.core.errors import NotFound, Refused
from qtrace.flows.checking import faults
from qtrace.flows.definition import Definition, Tree
from qtrace.flows.models import FlowDefinition
from qtrace.flows.queries import PUBLISHED, SUBJECT
from qtrace.flows.reading import dump_definition
from qtrace.flows.service import DEFAULT_FLOW

FAULTS_TOLD = 5


def add_version(definition: Definition, *, by: int | None, now: datetime) -> int:
    """Store the definition as the next version of its flow and return the version; refused with what is wrong in it."""
    told = told_faults(definition)
    if told:
        raise Refused("\n".join(told), "definition")
    session = require_write()
    newest = session.scalar(select(func.max(FlowDefinition.version)).where(FlowDefinition.key == definition.key)) or 0
    definition = replace(definition, version=newest + 1)
    row = FlowDefinition(
        key=definition.key, version=definition.version, definition=dump_definition(definition), active=True
    )
    session.add(row)
    session.flush()  # the id is the subject of the event
    body = {"key": row.key, "version": row.version}
    events.record(PUBLISHED, subject=(SUBJECT, row.id), by=by, now=now, body=body)
    return row.version


def told_faults(definition: Definition) -> list[str]:
    """Return what is wrong with a definition, each with the node it is about, the first few."""
    found = faults(definition)
    names = {node.id: node.name_zh for node in Tree(definition).walk()} if definition.nodes else {}
    told = [
        _("「%(node)s」:%(what)s", node=names[fault.node] or fault.node, what=_(fault.message))
        if fault.node in names
        else _(fault.message)
        for fault in found[:FAULTS_TOLD]
    ]
    more = len(found) - len(told)
    return [*told, _("还有 %(n)d 处。", n=more)] if more > 0 else told


def switch_version(key: str, number: int, *, active: bool, by: int | None, now: datetime) -> None:
    """Let new cases start on a version, or no more; cases under way are not touched."""
    session = require_write()
    rows = list(session.scalars(select(FlowDefinition).where(FlowDefinition.key == key).with_for_update()))
    row = next((one for one in rows if one.version == number), None)
    if row is None:
        raise NotFound
    others = [one for one in rows if one.active and one.id != row.id]
    if not active and not others and key == DEFAULT_FLOW:
        raise Refused(_("质量问题都要走这个流程,至少要有一个版本启用。请先发布或启用另一个版本。"))
    body = events.change(row, {"active": active})
    if body:
        events.record("flow_switched", subject=(SUBJECT, row.id), by=by, now=now, body=body)
