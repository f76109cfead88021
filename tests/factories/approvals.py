"""A small approval flow and cases of it, for the stories of to-dos."""

from typing import Any

from qtrace.core.db import write
from qtrace.flows.beginning import start_submitted
from qtrace.flows.case import Case
from qtrace.flows.models import FlowDefinition
from qtrace.flows.reading import dump_definition, parse_definition
from tests.conftest import NOW, user_id


def make_approval(key: str = "claim", *, who: str = "ligong", permission: str = "record.approve", **node: Any) -> None:
    """Put a flow into use in which one person approves what another handed in."""
    asked = {"who": [{"kind": "user", "value": who}], "due_minutes": 480, "permission": permission}
    start = {"id": "ask", "kind": "start", "name_zh": "申请", "name_en": "Ask", "who": [{"kind": "initiator"}],
             "due_minutes": 480, "permission": permission}  # fmt: skip
    approve = {"id": "boss", "kind": "approve", "name_zh": "主管审批", "name_en": "Approve"} | asked | node
    definition = parse_definition(
        {"key": key, "version": 1, "name_zh": "索赔审批", "name_en": "Claims", "nodes": [start, approve]}
    )
    with write() as session:
        session.add(FlowDefinition(key=key, version=1, definition=dump_definition(definition)))


def hand_in(number: int, title: str, *, flow: str = "claim", by: str = "customer_service") -> Case:
    """Start a case that now waits for its approval."""
    initiator = user_id(by)
    case = Case(("thing", number), title, f"/things/CL-{number}", initiator, None)
    with write():
        start_submitted(case, flow=flow, by=initiator, now=NOW)
    return case
