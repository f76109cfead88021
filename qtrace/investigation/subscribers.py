"""Keep actions in step with the flow and with their to-dos."""

from flask import Flask
from flask_babel import gettext as _

from qtrace.core.events import Event, subscribe
from qtrace.investigation.service import cancel_open_actions, hand_over_action


def subscribe_all(app: Flask) -> None:
    """Listen to the end of an issue and to to-dos that change hands."""
    subscribe(app, "flow_terminated", flow_terminated)
    subscribe(app, "task_claimed", task_moved)
    subscribe(app, "task_transferred", task_moved)


def flow_terminated(event: Event) -> None:
    """Cancel what nobody has to do any more."""
    if event.subject_kind == "issue":
        cancel_open_actions(event.subject_id, reason=_("问题已终止"), by=event.by, now=event.at)


def task_moved(event: Event) -> None:
    """Give the action to whoever has its to-do now."""
    owner = event.body["owner"]
    hand_over_action(event.body["task"], owner_id=owner["new"] if isinstance(owner, dict) else owner)
