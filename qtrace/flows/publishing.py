"""Publishing a draft: a new version beside the older ones, which go on for the cases they started."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from flask_babel import gettext as _
from sqlalchemy import select

from qtrace.core import events
from qtrace.core.db import db, require_write
from qtrace.core.errors import Conflict, Refused
from qtrace.flows.checking import Fault
from qtrace.flows.draft_models import FlowDraft
from qtrace.flows.drafting import Draft, newest_version, settle
from qtrace.flows.models import FlowDefinition
from qtrace.flows.reading import dump_definition
from qtrace.flows.ready import faults_here

MOST_NOTE = 500


class Unfinished(Refused):
    """A draft that cannot run yet; `faults` says at which node what is missing."""

    def __init__(self, found: Sequence[Fault]) -> None:
        super().__init__(_(found[0].message), found[0].node)
        self.faults = tuple(found)


def publish(draft: Draft, *, by: int | None, now: datetime, note: str = "") -> int:
    """Make the draft the newest version and return its number; refused with every fault, or when nothing changed.

    Cases under way keep their version; those that start from now on take the new one.
    """
    found = faults_here(draft.definition)
    if found:
        raise Unfinished(found)
    if not draft.changed:
        raise Refused(_("草稿和已发布的版本一样,没有要发布的改动。"))
    held = select(FlowDraft.version).where(FlowDraft.key == draft.key).with_for_update()
    if require_write().scalar(held) != draft.version or newest_version(draft.key) != draft.newest:
        raise Conflict(_("草稿刚刚被别人改过,没有发布。请刷新后再看一遍影响。"))
    number = draft.newest + 1
    definition = replace(draft.definition, version=number)
    row = FlowDefinition(
        key=draft.key, version=number, definition=dump_definition(definition), active=True,
        note=note.strip()[:MOST_NOTE] or None, published_at=now, published_by=by,
    )  # fmt: skip
    db.session.add(row)
    db.session.flush()
    settle(draft, by=by, now=now, version=number)
    body = {"key": draft.key, "version": number}
    events.record("flow_published", subject=("flow_definition", row.id), by=by, now=now, body=body)
    return number
