"""Lead on after a text was sent, and say on the next page whom it called."""

from flask import Response

from qtrace.accounts.access import actor
from qtrace.flows.mentions import Subject, with_called
from qtrace.web.htmx import go


def go_on_telling(url: str, done: str, subject: Subject, text: str, *, to_dos: bool = True) -> Response:
    """Send the browser on and say what was done; whom the text called, or called in vain, is said where it arrives."""
    told = with_called(done, subject, text, by=actor().id, to_dos=to_dos)
    return go(url, trigger={"toast": told}, say=told if told != done else "")
