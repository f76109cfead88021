"""The flow a new company starts with."""

from sqlalchemy import select

from qtrace.core.db import require_write
from qtrace.flows.default import default_definition
from qtrace.flows.models import FlowDefinition
from qtrace.flows.reading import dump_definition


def seed() -> None:
    """Add the five-stage flow where no version of it exists."""
    session = require_write()
    definition = default_definition()
    if session.scalar(select(FlowDefinition.id).where(FlowDefinition.key == definition.key)) is None:
        row = FlowDefinition(key=definition.key, version=definition.version, definition=dump_definition(definition))
        session.add(row)
