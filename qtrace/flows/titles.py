"""What a case is called to the people of a node: nothing a node hides may stand in a title."""

from qtrace.flows.case import Case
from qtrace.flows.definition import Node
from qtrace.flows.subjects import flow_subjects

HIDDEN = "hidden"


def hidden_at(node: Node | None) -> frozenset[str]:
    """Return the fields a node hides from its people."""
    return (
        frozenset(name for name, right in node.fields.items() if right == HIDDEN) if node is not None else frozenset()
    )


def title_at(node: Node | None, case: Case) -> str:
    """Return what a case is called in a to-do of the node and in what is told of it."""
    hidden, subject = hidden_at(node), flow_subjects().get(case.subject[0])
    return subject.title(case.subject[1], hidden, case.title) if hidden and subject is not None else case.title
