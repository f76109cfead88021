"""The stages of an issue's flow as the pages show them."""

from datetime import datetime

from qtrace.flows.beginning import DEFAULT_FLOW
from qtrace.flows.default import default_definition
from qtrace.flows.instances import active_definition
from qtrace.flows.stages import Flow, StageName, Step, names_of
from qtrace.flows.stages import stage_steps as steps_of
from qtrace.issues.models import Issue


def stage_names() -> dict[str, StageName]:
    """Return the stages of the flow new issues start with."""
    found = active_definition(DEFAULT_FLOW)
    return names_of(found[1] if found else default_definition())


def stage_steps(issue: Issue, flow: Flow | None, now: datetime) -> list[Step]:
    """Return the stage bar of an issue."""
    return steps_of(flow, now, late=issue.is_overdue(now))
