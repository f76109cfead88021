"""The designer: palette, canvas, properties and a preview at phone width; every change is one small POST."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from flask import Response, request, url_for

from qtrace.accounts.access import actor, needs
from qtrace.core import clock
from qtrace.core.db import write
from qtrace.core.errors import Conflict, NotFound, Refused
from qtrace.core.ids import as_id
from qtrace.forms import designing
from qtrace.forms.answers import bind, new_sent
from qtrace.forms.columns import column_of, is_column
from qtrace.forms.definition import FormDefinition, Problem, Section, problems_of
from qtrace.forms.designing import Draft, Turn, draft_of
from qtrace.forms.drafting import Place, find_field, find_section
from qtrace.forms.properties import Property, properties, read_field, read_section, same_storage
from qtrace.forms.queries import all_forms
from qtrace.forms.registry import FAMILIES, Control, Family, FieldDefinition, Opening, OptionChoice, controls
from qtrace.forms.remarks import open_remarks
from qtrace.forms.use import uses_of
from qtrace.forms.views import bp
from qtrace.forms.vocabulary import vocabulary
from qtrace.web.csrf import answer_at
from qtrace.web.filters import site_zone
from qtrace.web.headers import CSP
from qtrace.web.htmx import go, render, wants_piece

VIEWS = ("palette", "canvas", "panel", "preview")
FRAMING = {
    "Content-Security-Policy": CSP.replace("frame-ancestors 'none'", "frame-ancestors 'self'"),
    "X-Frame-Options": "SAMEORIGIN",
}
FRAMED = CSP.replace("object-src", "frame-src 'self'; object-src")


@dataclass(frozen=True)
class Drawer:
    """One drawer of the palette."""

    key: str
    family: Family
    basic: list[Control]
    advanced: list[Control]


@dataclass(frozen=True)
class Panel:
    """The properties of what is selected."""

    path: str
    field: FieldDefinition
    control: Control
    first: list[Property]
    advanced: list[Property]
    changes: list[Control]
    published: bool
    column: bool


@bp.get("/forms/<key>/design")
@needs("config.forms")
def design(key: str) -> Response:
    """Show the designer with a field or a section selected."""
    return _desk(key, request.args.get("field", ""), request.args.get("section", ""))


@bp.get("/forms/<key>/preview")
@needs("config.forms")
def preview(key: str) -> Response:
    """Show the draft as it will be drawn; a field whose settings are not finished says so."""
    draft = draft_of(key)
    unfinished = {problem.field_id for problem in problems_of(draft.definition, vocabulary(key))}
    sections = tuple(
        Section(**(vars(section) | {"fields": tuple(f for f in section.fields if f.id not in unfinished)}))
        for section in draft.definition.sections
    )
    ready, now = FormDefinition(sections), clock.now()
    sent = new_sent(ready, Opening(now, now.astimezone(site_zone()).date(), actor().id, actor().department_id))
    waiting = [field for field in draft.definition.fields if field.id in unfinished]
    response = render("forms/preview.html", form=bind(ready, sent), title=draft.form, waiting=waiting)
    response.headers.update(FRAMING)
    return response


@bp.post("/forms/<key>/draft/fields")
@needs("config.forms")
def draft_field_create(key: str) -> Response:
    """Add a field from the palette."""
    return _change(key, lambda turn: designing.add_to_draft(key, request.form.get("control", ""), _place(), turn))


@bp.post("/forms/<key>/draft/fields/<path>")
@needs("config.forms")
def draft_field_update(key: str, path: str) -> Response:
    """Save the properties of a field, or of a column of a sub-table."""
    sent = request.form
    return _change(
        key, lambda turn: designing.change_in_draft(key, path, lambda field: read_field(field, sent), turn), stay=path
    )


@bp.post("/forms/<key>/draft/fields/<path>/position")
@needs("config.forms")
def draft_position_update(key: str, path: str) -> Response:
    """Move a field one place up or down, or to a place of a section."""
    to = request.form.get("to", "")
    if to in {"up", "down"}:
        return _change(key, lambda turn: designing.shift_in_draft(key, path, turn, up=to == "up"))
    return _change(key, lambda turn: designing.move_in_draft(key, path, _place(), turn))


@bp.post("/forms/<key>/draft/fields/<path>/copies")
@needs("config.forms")
def draft_copy_create(key: str, path: str) -> Response:
    """Copy a field."""
    return _change(key, lambda turn: designing.copy_in_draft(key, path, turn))


@bp.post("/forms/<key>/draft/fields/<path>/retirement")
@needs("config.forms")
def draft_retirement_update(key: str, path: str) -> Response:
    """Ask a field no more, or ask it again; what records hold stays."""
    retired = request.form.get("retired") == "1"
    return _change(key, lambda turn: designing.retire_in_draft(key, path, turn, retired=retired), stay=path)


@bp.post("/forms/<key>/draft/fields/<path>/removal")
@needs("config.forms")
def draft_field_delete(key: str, path: str) -> Response:
    """Remove a field that was never published."""
    parent = path.split(".")[0] if is_column(path) else ""
    return _change(key, lambda turn: designing.remove_from_draft(key, path, turn), stay=parent, forget=True)


@bp.post("/forms/<key>/draft/fields/<path>/columns")
@needs("config.forms")
def draft_column_create(key: str, path: str) -> Response:
    """Add a column to a sub-table."""
    return _change(key, lambda turn: designing.add_column(key, path, request.form.get("control", ""), turn))


@bp.post("/forms/<key>/draft/sections")
@needs("config.forms")
def draft_section_create(key: str) -> Response:
    """Add a section at the end, on a page of its own if asked."""
    page_break = request.form.get("page_break") == "1"
    return _change(
        key, lambda turn: designing.add_section_to_draft(key, turn, page_break=page_break), selects="section"
    )


@bp.post("/forms/<key>/draft/sections/<section_id>")
@needs("config.forms")
def draft_section_update(key: str, section_id: str) -> Response:
    """Save the properties of a section."""
    sent = request.form
    return _change(
        key,
        lambda turn: designing.change_section_in_draft(key, section_id, lambda part: read_section(part, sent), turn),
    )


@bp.post("/forms/<key>/draft/sections/<section_id>/position")
@needs("config.forms")
def draft_section_position_update(key: str, section_id: str) -> Response:
    """Move a section up or down, or to a place among all."""
    to, index = request.form.get("to", ""), as_id(request.form.get("index"))
    by = {"up": -1, "down": 1}.get(to, 0)
    return _change(key, lambda turn: designing.move_section_in_draft(key, section_id, turn, index=index, by=by))


@bp.post("/forms/<key>/draft/sections/<section_id>/removal")
@needs("config.forms")
def draft_section_delete(key: str, section_id: str) -> Response:
    """Remove a section; its fields go to its neighbour."""
    return _change(key, lambda turn: designing.remove_section_from_draft(key, section_id, turn), forget=True)


@bp.post("/forms/<key>/draft/undo")
@needs("config.forms")
def draft_undo(key: str) -> Response:
    """Take the last change of the draft back."""
    return _change(key, lambda turn: designing.undo_in_draft(key, turn) and "")


@bp.post("/forms/<key>/draft/redo")
@needs("config.forms")
def draft_redo(key: str) -> Response:
    """Do the change again that was taken back last."""
    return _change(key, lambda turn: designing.redo_in_draft(key, turn) and "")


@bp.post("/forms/<key>/draft/removal")
@needs("config.forms")
def draft_delete(key: str) -> Response:
    """Drop what is not published."""
    return _change(key, lambda turn: designing.discard_draft(key, turn), forget=True)


def _change(
    key: str, act: Callable[[Turn], str | None], *, stay: str = "", forget: bool = False, selects: str = "field"
) -> Response:
    """Do one change and answer with the desk; `act` returns the id to select next, if any."""
    field, section = ("", "") if forget else (request.form.get("field", ""), request.form.get("at_section", ""))
    field = stay or field
    turn = Turn(as_id(request.form.get("draft_version")) or 0, actor().id, clock.now())
    try:
        with write():
            selected = act(turn)
            if selected:
                field, section = (selected, "") if selects == "field" else ("", selected)
            answer_at(_address(key, field, section))
    except Conflict as conflict:
        return _desk(key, field, section, status=409, notice=conflict.message)
    except Refused as refused:
        return _desk(key, field, section, status=422, error=refused)
    return _desk(key, field, section) if wants_piece() else go(_address(key, field, section))


def _address(key: str, field: str, section: str) -> str:
    view = request.values.get("view")
    return url_for(
        "forms.design", key=key, field=field or None, section=None if field else section or None,
        view=view if view in VIEWS else None,
    )  # fmt: skip


def _desk(
    key: str, field: str, section: str, *, status: int = 200, notice: str = "", error: Refused | None = None
) -> Response:
    draft = draft_of(key)
    part = _section(draft.definition, section)
    panel = None if part else _panel(draft, field)
    response = render(
        "forms/design.html", "forms/_designer.html", status=status, notice=notice, error=error, draft=draft, form=draft.form,
        definition=draft.definition, panel=panel, part=part, drawers=palette(), controls=controls(), families=FAMILIES,
        adding_to=_adding_to(draft.definition, panel, part), view=_view(bool(panel or part)), problems=_by_field(problems_of(draft.definition, vocabulary(key))),
        uses=uses_of(draft.form.id), remarks=open_remarks(draft.form.id), undo_steps=designing.UNDO_STEPS,
        row_controls=[control for control in controls().values() if not control.not_in_rows and not control.layout],
    )  # fmt: skip
    response.headers["Content-Security-Policy"] = FRAMED
    return response


def palette() -> list[Drawer]:
    """Return the drawers with their controls, the basic ones apart from the rest."""
    known = controls().values()
    drawers = [
        Drawer(
            key, family,
            [control for control in known if control.family == key and control.basic],
            [control for control in known if control.family == key and not control.basic],
        )
        for key, family in FAMILIES.items()
    ]  # fmt: skip
    return [drawer for drawer in drawers if drawer.basic or drawer.advanced]


def _view(selected: bool) -> str:
    asked = request.values.get("view", "")
    return asked if asked in VIEWS else "panel" if selected and request.method == "GET" else "canvas"


def _place() -> Place:
    return Place(request.form.get("section", ""), as_id(request.form.get("index")))


def _section(definition: FormDefinition, section_id: str) -> Section | None:
    try:
        return find_section(definition, section_id) if section_id else None
    except NotFound:
        return None


def _panel(draft: Draft, path: str) -> Panel | None:
    """Return the panel of the selected field or column; None when nothing is selected, or it is gone by now."""
    try:
        field = column_of(draft.definition, path) if is_column(path) else find_field(draft.definition, path)[0]
    except NotFound:
        return None
    control, published = controls()[field.control], draft.was_published(path)
    table = find_field(draft.definition, path.partition(".")[0])[0] if is_column(path) else None
    beside = [*(controls()[table.control].columns(table) if table else ()), *draft.definition.fields]
    first, advanced = properties(field, control, beside, _other_forms())
    alike = [known for known in controls().values() if known.layout == control.layout]
    changes = same_storage(control) if published else alike
    return Panel(path, field, control, first, advanced, changes, published, is_column(path))


def _other_forms() -> list[OptionChoice]:
    """Return the forms whose records can be linked to."""
    return [OptionChoice(form.key, form.name_zh, form.name_en) for form, _version in all_forms() if not form.built_in]


def _adding_to(definition: FormDefinition, panel: Panel | None, part: Section | None) -> str:
    """Return the section new fields go to: where something is selected, else the last one."""
    if part:
        return part.id
    if panel:
        return find_field(definition, panel.path.partition(".")[0])[1].id
    return definition.sections[-1].id


def _by_field(problems: list[Problem]) -> Mapping[str, list[Any]]:
    found: dict[str, list[Any]] = {}
    for problem in problems:
        found.setdefault(problem.field_id or problem.section_id, []).append(problem)
    return found
