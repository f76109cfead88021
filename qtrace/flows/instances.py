"""Cases and the versions of flows they run on, as they are stored."""

from flask_babel import gettext as _
from sqlalchemy import bindparam, select

from qtrace.core.db import db, require_write, table_of
from qtrace.core.errors import NotFound, Refused
from qtrace.core.memo import remembered
from qtrace.flows.case import Case
from qtrace.flows.definition import Definition, Tree
from qtrace.flows.models import FlowDefinition, FlowInstance
from qtrace.flows.reading import parse_definition

FLOWS = table_of(FlowDefinition)
ACTIVE = (
    select(FLOWS.c.id).where(FLOWS.c.key == bindparam("flow"), FLOWS.c.active).order_by(FLOWS.c.version.desc()).limit(1)
)


def locked(subject: tuple[str, int]) -> FlowInstance:
    """Return the flow of a subject, which nobody else changes in this transaction."""
    instance = require_write().scalar(
        select(FlowInstance)
        .where(FlowInstance.subject_kind == subject[0], FlowInstance.subject_id == subject[1])
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if instance is None:
        raise NotFound
    return instance


def case_of(instance: FlowInstance) -> Case:
    """Return the case of an instance, as it was when the flow started."""
    subject = (instance.subject_kind, instance.subject_id)
    return Case(subject, instance.title, instance.url, instance.initiator_id, instance.department_id)


def definition_of(subject_kind: str, subject_id: int) -> tuple[Definition, FlowInstance] | None:
    """Return the flow of a subject and where it stands."""
    from_row = instance_of(subject_kind, subject_id)
    return None if from_row is None else (stored_definition(from_row.definition_id), from_row)


def instance_of(subject_kind: str, subject_id: int) -> FlowInstance | None:
    """Return the flow of a subject, None where it has none."""
    statement = select(FlowInstance).where(
        FlowInstance.subject_kind == subject_kind, FlowInstance.subject_id == subject_id
    )
    return db.session.scalar(statement)


def active_definition(flow: str) -> tuple[int, Definition] | None:
    """Return (id, definition) of the newest active version of a flow."""
    found = db.session.scalar(ACTIVE, {"flow": flow})
    return None if found is None else (found, stored_definition(found))


def active_tree(flow: str) -> tuple[int, Tree]:
    """Return (id, tree) of the newest active version of a flow; refused where it has none."""
    found = db.session.scalar(ACTIVE, {"flow": flow})
    if found is None:
        raise Refused(_("没有启用的流程 %(key)s。请管理员先启用一个流程。", key=flow))
    return found, stored_tree(found)


def stored_definition(definition_id: int) -> Definition:
    """Return one version of a flow; a version never changes, so it is read once."""
    return stored_tree(definition_id).definition


def stored_tree(definition_id: int) -> Tree:
    """Return the ways through one version of a flow."""
    return remembered(
        "flow",
        definition_id,
        lambda: Tree(parse_definition(db.session.get_one(FlowDefinition, definition_id).definition)),
    )
