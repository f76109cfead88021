"""Changing the draft of a form: one small write per change, each of the last ones can be taken back.

A change names the draft version it was made on. When somebody else was faster nothing is changed and the message says who
did what, so two people who design one form never lose each other's work.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import update

from qtrace.accounts.queries import names_of
from qtrace.core import events
from qtrace.core.db import affected, db
from qtrace.core.errors import Conflict, NotFound, Refused
from qtrace.forms import columns, drafting
from qtrace.forms.columns import is_column
from qtrace.forms.definition import FormDefinition, Section, dump_definition
from qtrace.forms.drafting import Place
from qtrace.forms.models import Form
from qtrace.forms.queries import form_of, version_of
from qtrace.forms.registry import Control, FieldDefinition, controls
from qtrace.forms.vocabulary import read_definition, read_draft
from qtrace.web.filters import show_time

UNDO_STEPS = 30
VERBS = {
    "add_field": _l("添加字段「%(name)s」"),
    "copy_field": _l("复制字段「%(name)s」"),
    "move_field": _l("移动字段「%(name)s」"),
    "change_field": _l("修改字段「%(name)s」"),
    "retire_field": _l("停用字段「%(name)s」"),
    "revive_field": _l("恢复字段「%(name)s」"),
    "remove_field": _l("删除字段「%(name)s」"),
    "add_section": _l("添加分区「%(name)s」"),
    "change_section": _l("修改分区「%(name)s」"),
    "move_section": _l("移动分区「%(name)s」"),
    "remove_section": _l("删除分区「%(name)s」"),
}


@dataclass(frozen=True)
class Turn:
    """One change of a draft: on which version of it, by whom and when."""

    expected: int
    by: int
    now: datetime


@dataclass(frozen=True)
class Step:
    """A change that can be taken back, in words."""

    what: str
    by: int | None
    at: str


@dataclass(frozen=True)
class Draft:
    """What the designer works on, and how it differs in standing from what is published."""

    form: Form
    definition: FormDefinition
    published: FormDefinition | None
    steps: tuple[Step, ...]
    undone: tuple[Step, ...] = ()  # what can be done again, the next one last

    @property
    def version(self) -> int:
        """Return the number every change must name."""
        return self.form.draft_version

    @property
    def changed(self) -> bool:
        """Say whether there is anything to publish."""
        return self.form.draft is not None and self.definition != self.published

    def was_published(self, field_id: str) -> bool:
        """Say whether records may hold this field, so that it can only be retired."""
        return self.published is not None and _holds(self.published, field_id)


@dataclass(frozen=True)
class _Edited:
    definition: FormDefinition
    verb: str
    name: str
    selected: str = ""


@dataclass(frozen=True)
class _Steps:
    done: list[Any] | None = None
    undone: list[Any] | None = None


def draft_of(key: str) -> Draft:
    """Return the draft of a form; one that nobody began is the published definition itself."""
    form = form_of(key)
    published = _published(form)
    definition = read_draft(key, form.draft) if form.draft is not None else published
    if definition is None:
        raise NotFound
    steps, undone = (tuple(_step(row) for row in rows or ()) for rows in (form.draft_undo, form.draft_redo))
    return Draft(form, definition, published, steps, undone)


def add_to_draft(key: str, control_key: str, place: Place, turn: Turn) -> str:
    """Add a field of this control and return its id."""
    control = _control(control_key)

    def edit(draft: Draft) -> _Edited:
        changed, field_id = drafting.add_field(draft.definition, control, place, control.starter())
        return _Edited(changed, "add_field", control.name_zh, field_id)

    return _change(key, turn, edit)


def copy_in_draft(key: str, field_id: str, turn: Turn) -> str:
    """Put a second field like this one behind it and return its id."""

    def edit(draft: Draft) -> _Edited:
        changed, new_id = drafting.copy_field(draft.definition, field_id)
        return _Edited(changed, "copy_field", _label(draft.definition, field_id), new_id)

    return _change(key, turn, edit)


def move_in_draft(key: str, field_id: str, place: Place, turn: Turn) -> None:
    """Put a field at another place."""
    _change(
        key, turn,
        lambda draft: _Edited(
            drafting.move_field(draft.definition, field_id, place), "move_field", _label(draft.definition, field_id)
        ),
    )  # fmt: skip


def shift_in_draft(key: str, path: str, turn: Turn, *, up: bool) -> None:
    """Put a field, or a column of a sub-table, one place further up or down."""

    def edit(draft: Draft) -> _Edited:
        shift = columns.shift_column if is_column(path) else drafting.shift_field
        return _Edited(shift(draft.definition, path, up=up), "move_field", _label(draft.definition, path))

    _change(key, turn, edit)


def change_in_draft(key: str, path: str, change: Callable[[FieldDefinition], FieldDefinition], turn: Turn) -> str:
    """Change the properties of a field or column and return its path; the id may be a new one until it is published."""

    def edit(draft: Draft) -> _Edited:
        if is_column(path):
            return _change_column(draft, path, change)
        before, _section = drafting.find_field(draft.definition, path)
        after = change(before)
        _refuse_unsafe(draft, before, after)
        return _Edited(drafting.change_field(draft.definition, path, after), "change_field", before.label_zh, after.id)

    return _change(key, turn, edit)


def retire_in_draft(key: str, path: str, turn: Turn, *, retired: bool) -> None:
    """Ask a field no more, or ask it again; what records hold stays."""

    def mark(field: FieldDefinition) -> FieldDefinition:
        return replace(field, retired=retired)

    def edit(draft: Draft) -> _Edited:
        if is_column(path):
            changed = columns.change_column(draft.definition, path, mark)
        else:
            changed = drafting.change_field(
                draft.definition, path, mark(drafting.find_field(draft.definition, path)[0])
            )
        return _Edited(changed, "retire_field" if retired else "revive_field", _label(draft.definition, path))

    _change(key, turn, edit)


def add_column(key: str, field_id: str, control_key: str, turn: Turn) -> str:
    """Add a column to a sub-table and return its path."""

    def edit(draft: Draft) -> _Edited:
        changed, path = columns.add_column(draft.definition, field_id, control_key)
        return _Edited(changed, "add_field", columns.column_of(changed, path).label_zh, path)

    return _change(key, turn, edit)


def remove_from_draft(key: str, path: str, turn: Turn) -> None:
    """Remove a field or column that was never published."""

    def edit(draft: Draft) -> _Edited:
        name = _label(draft.definition, path)
        if draft.was_published(path):
            raise Refused(_("「%(name)s」发布过,记录里可能有它的数据,所以不能删除,只能停用。", name=name))
        remove = columns.remove_column if is_column(path) else drafting.remove_field
        return _Edited(remove(draft.definition, path), "remove_field", name)

    _change(key, turn, edit)


def add_section_to_draft(key: str, turn: Turn, *, page_break: bool = False) -> str:
    """Add an empty section at the end and return its id."""

    def edit(draft: Draft) -> _Edited:
        n = len(draft.definition.sections) + 1
        changed, section_id = drafting.add_section(
            draft.definition, title_zh=f"第 {n} 部分", title_en=f"Part {n}", page_break=page_break
        )
        return _Edited(changed, "add_section", f"第 {n} 部分", section_id)

    return _change(key, turn, edit)


def change_section_in_draft(key: str, section_id: str, change: Callable[[Section], Section], turn: Turn) -> None:
    """Change the properties of a section."""

    def edit(draft: Draft) -> _Edited:
        before = drafting.find_section(draft.definition, section_id)
        return _Edited(drafting.change_section(draft.definition, change(before)), "change_section", before.title_zh)

    _change(key, turn, edit)


def move_section_in_draft(key: str, section_id: str, turn: Turn, *, index: int | None = None, by: int = 0) -> None:
    """Put a section at a place, or `by` places further."""

    def edit(draft: Draft) -> _Edited:
        section = drafting.find_section(draft.definition, section_id)
        to = draft.definition.sections.index(section) + by if index is None else index
        return _Edited(drafting.move_section(draft.definition, section_id, to), "move_section", section.title_zh)

    _change(key, turn, edit)


def remove_section_from_draft(key: str, section_id: str, turn: Turn) -> None:
    """Remove a section; its fields go to its neighbour."""

    def edit(draft: Draft) -> _Edited:
        name = drafting.find_section(draft.definition, section_id).title_zh
        return _Edited(drafting.remove_section(draft.definition, section_id), "remove_section", name)

    _change(key, turn, edit)


def undo_in_draft(key: str, turn: Turn) -> str:
    """Take the last change back and return it in words; refuse when there is none left."""
    draft = held_draft(key, turn)
    steps = list(draft.form.draft_undo or ())
    if not steps:
        raise Refused(_("没有可以撤销的改动了。最多保留最近 %(most)d 步。", most=UNDO_STEPS))
    last = steps.pop()
    undone = [*(draft.form.draft_redo or ()), _back_step(draft, last)]
    _store(draft.form, _with_step(draft, last), _Steps(steps, undone), turn)
    return _step(last).what


def redo_in_draft(key: str, turn: Turn) -> str:
    """Do the change again that was taken back last and return it in words; refuse when there is none."""
    draft = held_draft(key, turn)
    undone = list(draft.form.draft_redo or ())
    if not undone:
        raise Refused(_("没有可以重做的改动。"))
    last = undone.pop()
    steps = [*(draft.form.draft_undo or ()), _back_step(draft, last)][-UNDO_STEPS:]
    _store(draft.form, _with_step(draft, last), _Steps(steps, undone), turn)
    return _step(last).what


def discard_draft(key: str, turn: Turn) -> None:
    """Drop everything that is not published; a form that never was keeps its draft."""
    draft = held_draft(key, turn)
    if draft.published is None:
        raise Refused(_("这张表单还没有发布过,没有可以回到的版本。"))
    _store(draft.form, None, _Steps(), turn)
    events.record("form_draft_discarded", subject=("form", draft.form.id), by=turn.by, now=turn.now)


def _change(key: str, turn: Turn, edit: Callable[[Draft], _Edited]) -> str:
    draft = held_draft(key, turn)
    edited = edit(draft)
    if edited.definition != draft.definition:
        step = _undo_step(draft.definition, edited, turn)
        steps = [*(draft.form.draft_undo or ()), step][-UNDO_STEPS:]
        _store(draft.form, dump_definition(edited.definition), _Steps(steps), turn)
    return edited.selected


def held_draft(key: str, turn: Turn) -> Draft:
    """Return the draft in the open write; refuse when it is no longer the one this turn was made on."""
    db.session.expire_all()
    draft = draft_of(key)
    if draft.version != turn.expected:
        raise Conflict(_who_was_faster(draft))
    return draft


def _store(form: Form, draft: Mapping[str, object] | None, steps: _Steps, turn: Turn) -> None:
    """Write the draft if it still is the one that was read."""
    values = {
        "draft": draft, "draft_undo": steps.done, "draft_redo": steps.undone, "draft_version": turn.expected + 1,
        "draft_at": turn.now, "draft_by": turn.by,
    }  # fmt: skip
    mine = update(Form).where(Form.id == form.id, Form.draft_version == turn.expected).values(**values)
    if not affected(mine.execution_options(synchronize_session=False)):
        db.session.expire_all()
        raise Conflict(_who_was_faster(draft_of(form.key)))


def _who_was_faster(draft: Draft) -> str:
    who = names_of({draft.form.draft_by}).get(draft.form.draft_by, "—") if draft.form.draft_by else "—"
    what = draft.steps[-1].what if draft.steps else _("撤销了改动或发布了新版本")
    return _(
        "%(who)s 在 %(when)s 刚改过这份草稿(%(what)s),您的这一步没有保存。下面已是最新的草稿,请再做一次。",
        who=who, when=show_time(draft.form.draft_at), what=what,
    )  # fmt: skip


def _undo_step(before: FormDefinition, edited: _Edited, turn: Turn) -> dict[str, object]:
    """Return what takes the change back: the old sections that are no longer as they were, and the old order."""
    said = {"verb": edited.verb, "name": edited.name, "by": turn.by, "at": turn.now.isoformat()}
    return said | _difference(dump_definition(before), dump_definition(edited.definition))


def _back_step(draft: Draft, step: Mapping[str, Any]) -> dict[str, object]:
    """Return what leads from where the step leads back to here, told in the same words."""
    said = {name: step[name] for name in ("verb", "name", "by", "at")}
    return said | _difference(draft.form.draft or {"sections": []}, _with_step(draft, step))


def _difference(to: Mapping[str, Any], since: Mapping[str, Any]) -> dict[str, object]:
    held = {row["id"]: row for row in since["sections"]}
    touched = [row for row in to["sections"] if held.get(row["id"]) != row]
    return {"order": [row["id"] for row in to["sections"]], "sections": touched}


def _with_step(draft: Draft, step: Mapping[str, Any]) -> dict[str, object]:
    """Return the draft after a step was taken back, or done again."""
    now: Sequence[Any] = draft.form.draft["sections"] if draft.form.draft else ()
    sections = {row["id"]: row for row in now} | {row["id"]: row for row in step["sections"]}
    return {"sections": [sections[section_id] for section_id in step["order"]]}


def _step(row: Mapping[str, Any]) -> Step:
    return Step(str(VERBS[row["verb"]]) % {"name": row["name"]}, row["by"], row["at"])


def _refuse_unsafe(draft: Draft, before: FieldDefinition, after: FieldDefinition) -> None:
    published = draft.published.field(before.id) if draft.published else None
    if published is not None:
        _refuse_other_data(published, before, after)


def _refuse_other_data(published: FieldDefinition, before: FieldDefinition, after: FieldDefinition) -> None:
    """Refuse what would lose the data of records: another id, or another kind of storage."""
    if after.id != before.id:
        raise Refused(_("「%(name)s」发布过,字段编号不能再改。", name=before.label_zh), "id")
    known = controls()
    if known[after.control].storage != known[published.control].storage:
        raise Refused(_("「%(name)s」发布过,只能换成保存方式相同的控件。", name=before.label_zh), "control")


def _change_column(draft: Draft, path: str, change: Callable[[FieldDefinition], FieldDefinition]) -> _Edited:
    before = columns.column_of(draft.definition, path)
    after = change(before)
    if draft.was_published(path):
        published = columns.column_of(draft.published, path) if draft.published else before
        _refuse_other_data(published, before, after)
    changed = columns.change_column(draft.definition, path, lambda _column: after)
    return _Edited(changed, "change_field", before.label_zh, f"{path.partition('.')[0]}.{after.id}")


def _holds(definition: FormDefinition, path: str) -> bool:
    """Say whether a definition has this field or column."""
    if not is_column(path):
        return definition.field(path) is not None
    try:
        columns.column_of(definition, path)
    except NotFound:
        return False
    return True


def _published(form: Form) -> FormDefinition | None:
    version = version_of(form.id, form.current_version)
    return read_definition(form.key, version.definition) if version else None


def _label(definition: FormDefinition, path: str) -> str:
    if is_column(path):
        return columns.column_of(definition, path).label_zh
    field, _section = drafting.find_field(definition, path)
    return field.label_zh


def _control(key: str) -> Control:
    control = controls().get(key)
    if control is None:
        raise Refused(_("没有这个控件:%(key)s。", key=key))
    return control
