"""Versions of a flow: stored whole or not at all, switched off and on; what was published never changes."""

from datetime import datetime

from flask_babel import gettext as _
from sqlalchemy import select

from qtrace.core import events
from qtrace.core.db import require_write
from qtrace.core.errors import NotFound, Refused
from qtrace.flows.beginning import DEFAULT_FLOW
from qtrace.flows.definition import Definition, Tree
from qtrace.flows.drafting import open_draft
from qtrace.flows.models import FlowDefinition
from qtrace.flows.publishing import publish
from qtrace.flows.ready import faults_here

FAULTS_TOLD = 5
SUBJECT = "flow_definition"


def add_version(definition: Definition, *, by: int | None, now: datetime) -> int:
    """Store the definition as the next version of its flow and return the version; refused with what is wrong in it."""
    told = told_faults(definition)
    if told:
        raise Refused("\n".join(told), "definition")
    return publish(open_draft(definition.key, definition, by=by, now=now), by=by, now=now)


def told_faults(definition: Definition) -> list[str]:
    """Return what is wrong with a definition, each with the node it is about, the first few."""
    found = faults_here(definition)
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
