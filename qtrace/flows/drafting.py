"""Drafts of flows: one small write per change, each of the last ones can be taken back.

A change names the draft version it was made on. When somebody else was faster nothing is changed and the message says who
did what, so two people who design one flow never lose each other's work.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import delete, null, select, update

from qtrace.accounts.queries import names_of
from qtrace.core import events
from qtrace.core.db import affected, db, require_write
from qtrace.core.errors import Conflict, NotFound, Refused
from qtrace.flows.definition import Definition
from qtrace.flows.draft_models import FlowDraft, FlowDraftStep
from qtrace.flows.models import FlowDefinition
from qtrace.flows.reading import dump_definition, parse_definition
from qtrace.forms.designing import UNDO_STEPS, Step, Turn
from qtrace.web.filters import show_time

VERBS: Final[Mapping[str, Any]] = {
    "add_node": _l("添加「%(name)s」"), "copy_node": _l("复制「%(name)s」"), "move_node": _l("移动「%(name)s」"),
    "change_node": _l("修改「%(name)s」"), "remove_node": _l("删除「%(name)s」"), "add_branch": _l("添加分支「%(name)s」"),
    "change_branch": _l("修改分支「%(name)s」"), "move_branch": _l("移动分支「%(name)s」"),
    "remove_branch": _l("删除分支「%(name)s」"), "change_flow": _l("修改流程设置"),
}  # fmt: skip
MOST_NAME = 120


@dataclass(frozen=True)
class Edited:
    """A definition after one change, said in words; `selected` is the node to show next."""

    definition: Definition
    verb: str
    name: str = ""
    selected: str = ""


@dataclass(frozen=True)
class Draft:
    """What the designer works on, and how it differs in standing from what is published."""

    key: str
    definition: Definition
    published: Definition | None  # the newest version
    version: int  # the number every change must name
    base_version: int
    steps: tuple[Step, ...] = ()  # what can be taken back, the newest last
    undone: tuple[Step, ...] = ()  # what can be done again, the next one last
    row_id: int | None = None
    held: bool = False  # somebody changed something since the last publication
    updated_by: int | None = None
    updated_at: datetime | None = None

    @property
    def newest(self) -> int:
        """Return the number of the newest published version, 0 without one."""
        return self.published.version if self.published else 0

    @property
    def changed(self) -> bool:
        """Say whether there is anything to publish."""
        return self.held and (self.published is None or _bare(self.definition) != _bare(self.published))

    @property
    def overtaken(self) -> bool:
        """Say whether a version was published past this draft."""
        return self.held and self.base_version != self.newest


def open_draft(key: str, definition: Definition, *, by: int | None, now: datetime) -> Draft:
    """Begin a draft of a flow, new or published; refused while there is another one of it."""
    row, newest = _row(key), newest_version(key)
    if row is not None and row.definition is not None:
        raise Conflict(_("这个流程已有一份未发布的草稿。请先发布或放弃它。"))
    if row is None:
        row = FlowDraft(key=key, base_version=newest, version=0, updated_by=by, updated_at=now)
        require_write().add(row)
    row.definition = dump_definition(replace(definition, key=key, version=newest or 1))
    row.base_version, row.version = newest, row.version + 1
    row.updated_by, row.updated_at = by, now
    require_write().flush()
    body = {"key": key, "verb": "open"}
    events.record("flow_draft_changed", subject=("flow_draft", row.id), by=by, now=now, body=body)
    return draft_of(key)


def draft_of(key: str) -> Draft:
    """Return the draft of a flow; one that nobody began is the newest published version itself."""
    row, published = _row(key), newest_definition(key)
    if row is None or row.definition is None:
        if published is None:
            raise NotFound
        version, row_id = (row.version, row.id) if row else (0, None)
        return Draft(key, published, published, version, published.version, row_id=row_id)
    done, undone = _steps(row.id)
    return Draft(
        key, parse_definition(row.definition), published, row.version, row.base_version, done, undone, row.id, held=True,
        updated_by=row.updated_by, updated_at=row.updated_at,
    )  # fmt: skip


def drafts() -> list[Draft]:
    """Return every draft that differs from what is published, by key."""
    held = select(FlowDraft.key).where(FlowDraft.definition.is_not(None)).order_by(FlowDraft.key)
    return [draft for key in db.session.scalars(held).all() if (draft := draft_of(key)).changed]


def save(draft: Draft, edited: Edited, *, by: int | None, now: datetime) -> int:
    """Store one change of a draft if it still is the one that was read, and return its new version."""
    row_id = _moved(draft, by, now, definition=edited.definition, base_version=draft.base_version)
    session = require_write()
    session.execute(delete(FlowDraftStep).where(FlowDraftStep.draft_id == row_id, FlowDraftStep.undone))
    last = session.scalar(
        select(FlowDraftStep.position).where(FlowDraftStep.draft_id == row_id).order_by(FlowDraftStep.position.desc()).limit(1)
    ) or 0  # fmt: skip
    step = FlowDraftStep(
        draft_id=row_id, position=last + 1, undone=False, verb=edited.verb, name=edited.name[:MOST_NAME],
        definition=dump_definition(draft.definition), by=by, at=now,
    )  # fmt: skip
    session.add(step)
    session.execute(
        delete(FlowDraftStep).where(FlowDraftStep.draft_id == row_id, FlowDraftStep.position <= last + 1 - UNDO_STEPS)
    )
    body = {"key": draft.key, "verb": edited.verb, "name": step.name}
    events.record("flow_draft_changed", subject=("flow_draft", row_id), by=by, now=now, body=body)
    return draft.version + 1


def undo(key: str, turn: Turn) -> str:
    """Take the last change back and return it in words; refuse when there is none left."""
    return _crossed(held_draft(key, turn), turn, undone=True)


def redo(key: str, turn: Turn) -> str:
    """Do the change again that was taken back last and return it in words; refuse when there is none."""
    return _crossed(held_draft(key, turn), turn, undone=False)


def discard(key: str, turn: Turn) -> bool:
    """Drop everything that is not published; return whether anything of the flow is left."""
    draft = held_draft(key, turn)
    if not draft.held:
        return True
    row_id = _moved(draft, turn.by, turn.now, definition=None, base_version=draft.newest)
    _forget_steps(row_id)
    if draft.published is None:
        require_write().execute(delete(FlowDraft).where(FlowDraft.id == row_id))
    events.record(
        "flow_draft_discarded", subject=("flow_draft", row_id), by=turn.by, now=turn.now, body={"key": draft.key}
    )
    return draft.published is not None


def settle(draft: Draft, *, by: int | None, now: datetime, version: int) -> None:
    """Close a draft that became a version."""
    _forget_steps(_moved(draft, by, now, definition=None, base_version=version))


def held_draft(key: str, turn: Turn) -> Draft:
    """Return the draft in the open write; refuse when it is no longer the one this turn was made on."""
    db.session.expire_all()
    draft = draft_of(key)
    if draft.version != turn.expected:
        raise Conflict(_who_was_faster(draft))
    return draft


def newest_definition(key: str) -> Definition | None:
    """Return the newest published version of a flow, whether new cases may start with it or not."""
    found = db.session.scalar(_newest(key))
    return None if found is None else replace(parse_definition(found.definition), version=found.version)


def newest_version(key: str) -> int:
    """Return the number of the newest published version, 0 without one."""
    found = db.session.scalar(_newest(key))
    return found.version if found else 0


def _newest(key: str) -> Any:
    return select(FlowDefinition).where(FlowDefinition.key == key).order_by(FlowDefinition.version.desc()).limit(1)


def _row(key: str) -> FlowDraft | None:
    found: FlowDraft | None = db.session.scalar(select(FlowDraft).where(FlowDraft.key == key))
    return found


def _moved(
    draft: Draft, by: int | None, now: datetime, *, definition: Definition | None, base_version: int
) -> int:  # fmt: skip
    """Write the draft under its next version if it still is the one that was read, and return the row's id."""
    values = {
        "definition": null() if definition is None else dump_definition(definition), "base_version": base_version,
        "version": draft.version + 1, "updated_by": by, "updated_at": now,
    }  # fmt: skip
    if draft.row_id is None:
        if _row(draft.key) is not None:
            raise Conflict(_who_was_faster(draft_of(draft.key)))
        row = FlowDraft(key=draft.key, **values)
        require_write().add(row)
        require_write().flush()
        return row.id
    mine = update(FlowDraft).where(FlowDraft.id == draft.row_id, FlowDraft.version == draft.version).values(**values)
    if not affected(mine.execution_options(synchronize_session=False)):
        db.session.expire_all()
        raise Conflict(_who_was_faster(draft_of(draft.key)))
    db.session.expire_all()
    return draft.row_id


def _crossed(draft: Draft, turn: Turn, *, undone: bool) -> str:
    """Go to the other side of the last change that can be taken back, or be done again."""
    nothing = (
        _("没有可以撤销的改动了。最多保留最近 %(most)d 步。", most=UNDO_STEPS) if undone else _("没有可以重做的改动。")
    )
    wanted = select(FlowDraftStep).where(FlowDraftStep.draft_id == draft.row_id, FlowDraftStep.undone.is_(not undone))
    order = FlowDraftStep.position.desc() if undone else FlowDraftStep.position
    step: FlowDraftStep | None = require_write().scalar(wanted.order_by(order).limit(1))
    if step is None or not draft.held:
        raise Refused(nothing)
    there, said = parse_definition(step.definition), str(VERBS[step.verb]) % {"name": step.name}
    step.definition, step.undone = dump_definition(draft.definition), undone
    require_write().flush()
    row_id = _moved(draft, turn.by, turn.now, definition=there, base_version=draft.base_version)
    body = {"key": draft.key, "verb": "undo" if undone else "redo", "name": said}
    events.record("flow_draft_changed", subject=("flow_draft", row_id), by=turn.by, now=turn.now, body=body)
    return said


def _steps(row_id: int) -> tuple[tuple[Step, ...], tuple[Step, ...]]:
    """Return the changes that can be taken back and those that can be done again, in words."""
    said = select(
        FlowDraftStep.verb, FlowDraftStep.name, FlowDraftStep.by, FlowDraftStep.at, FlowDraftStep.undone
    ).where(FlowDraftStep.draft_id == row_id)
    rows = db.session.execute(said.order_by(FlowDraftStep.position)).all()
    told = [(Step(str(VERBS[row.verb]) % {"name": row.name}, row.by, row.at.isoformat()), row.undone) for row in rows]
    return tuple(step for step, gone in told if not gone), tuple(step for step, gone in told if gone)[::-1]


def _forget_steps(row_id: int) -> None:
    require_write().execute(delete(FlowDraftStep).where(FlowDraftStep.draft_id == row_id))


def _bare(definition: Definition) -> Definition:
    return replace(definition, version=0)


def _who_was_faster(draft: Draft) -> str:
    who = names_of({draft.updated_by}).get(draft.updated_by, "—") if draft.updated_by else "—"
    what = draft.steps[-1].what if draft.steps else _("撤销了改动或发布了新版本")
    when = show_time(draft.updated_at) if draft.updated_at else "—"
    return _(
        "%(who)s 在 %(when)s 刚改过这份草稿(%(what)s),您的这一步没有保存。下面已是最新的草稿,请再做一次。",
        who=who, when=when, what=what,
    )  # fmt: skip
