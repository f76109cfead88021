"""The answer to a form of a card: the card anew, and every other place of the page that changed with it."""

from collections.abc import Callable
from typing import Any

from markupsafe import Markup

from qtrace.accounts.models import User
from qtrace.core import clock
from qtrace.flows.instances import definition_of
from qtrace.flows.stages import names_of
from qtrace.investigation import panels
from qtrace.issues.models import Issue
from qtrace.issues.stages import stage_steps
from qtrace.issues.timeline import entries

DRAW: dict[str, Callable[[Issue, User], Markup]] = {
    "responsibility": panels.responsibility,
    "whys": panels.whys,
    "actions": panels.actions,
    "effect": panels.effect,
    "costs": panels.costs,
}
FOLLOWS = {"actions": ("effect",)}  # a corrective action that is done makes the effect measurable


def card_with_what_follows(card: str, issue: Issue, user: User) -> dict[str, Any]:
    """Return what the answer shows: the card, the cards that depend on it, the stage bar and the timeline."""
    now, flow = clock.now(), definition_of("issue", issue.id)
    steps = stage_steps(issue, flow, now)
    names = {node: stage.label for node, stage in names_of(flow[0]).items()} if flow else {}
    others = [(name, DRAW[name](issue, user)) for name in FOLLOWS.get(card, ())]
    return {
        "issue": issue, "card": DRAW[card](issue, user), "others": others, "steps": steps,
        "entries": entries(issue.id, names),
    }  # fmt: skip
