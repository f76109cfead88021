"""The designer of flows: the tree, the properties of what is selected, and every change as one small POST."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from flask import Response, current_app, request, url_for

from qtrace.accounts.access import actor, needs
from qtrace.conditions.builder import BuilderSetup, builder_of, edit_builder, read_builder, typed_builder
from qtrace.conditions.builder_view import ShownBuilder, shown
from qtrace.conditions.tree import All, ConditionError, dump, parse
from qtrace.core import clock
from qtrace.core.db import write
from qtrace.core.errors import Conflict, Refused
from qtrace.core.ids import as_id
from qtrace.flows import designing, drafting, editing
from qtrace.flows.auto_choices import Auto, auto_of
from qtrace.flows.checking import Fault
from qtrace.flows.condition_fields import FieldGroup, groups_of, setup_of
from qtrace.flows.definition import JUDGING, SPLITS, Branch, Definition, Node
from qtrace.flows.design_choices import Choices, choices_for, tables, words_of
from qtrace.flows.designing import Edit, change
from qtrace.flows.doubts import doubts
from qtrace.flows.drafting import Draft, draft_of
from qtrace.flows.drawing import ICONS, cards_of
from qtrace.flows.editing import Spot
from qtrace.flows.errors import FlowError
from qtrace.flows.naming import flow_name
from qtrace.flows.properties import Sent, amount_of, fits
from qtrace.flows.ready import faults_here
from qtrace.flows.views import bp
from qtrace.flows.wording import Wording
from qtrace.forms.designing import UNDO_STEPS, Turn
from qtrace.plugins import flow_nodes
from qtrace.web.csrf import answer_at
from qtrace.web.htmx import go, render, wants_piece

VIEWS = ("canvas", "panel")
ZOOMS = (50, 75, 100, 125, 150)
EVERYDAY = ("handle", "approve", "countersign", "cc", "branch")
FURTHER = ("fill", "verify", "parallel", "inclusive", "timer", "auto", "subflow", "end")
WHEN = "when"


@dataclass(frozen=True)
class Selection:
    """What the page shows besides the tree: the node, way or flow being set, the spot something is added at, the zoom."""

    node: str = ""
    way: str = ""  # split.branch
    whole: bool = False
    at: str = ""  # column:index
    zoom: int = 100
    view: str = "canvas"


@dataclass(frozen=True)
class Panel:
    """The properties of a node, ready to be drawn."""

    node: Node
    choices: Choices
    fits: Sequence[str]
    judging: bool
    is_first: bool
    columns: Sequence[tuple[str, str]]  # where it may be moved to
    wrong: dict[str, str]  # by the property a fault is about
    auto: Auto | None  # of an automatic node


@dataclass(frozen=True)
class WayPanel:
    """The properties of a way, ready to be drawn."""

    split: Node
    way: Branch
    builder: ShownBuilder | None
    unsaved: bool = False


@bp.get("/flows/<key>/design")
@needs("config.flows")
def design(key: str) -> Response:
    """Show the designer with a node, a way or the flow itself selected."""
    return _desk(key, _selection())


@bp.post("/flows/<key>/draft/nodes")
@needs("config.flows")
def draft_node_create(key: str) -> Response:
    """Add a node where the "+" was pressed."""
    column, _colon, index = request.form.get("at", "").partition(":")
    return _change(key, designing.adding(request.form.get("kind", ""), Spot(column, as_id(index))), fresh=True)


@bp.post("/flows/<key>/draft/nodes/<node_id>")
@needs("config.flows")
def draft_node_update(key: str, node_id: str) -> Response:
    """Save the properties of a node."""
    return _change(key, designing.setting(node_id, _sent(), flow_nodes(current_app)))


@bp.post("/flows/<key>/draft/nodes/<node_id>/position")
@needs("config.flows")
def draft_node_position_update(key: str, node_id: str) -> Response:
    """Move a node one place up or down, or to a place of a column."""
    to = request.form.get("to", "")
    if to in {"up", "down"}:
        return _change(key, designing.shifting(node_id, up=to == "up"))
    spot = Spot(request.form.get("section", ""), as_id(request.form.get("index")))
    return _change(key, designing.moving(node_id, spot))


@bp.post("/flows/<key>/draft/nodes/<node_id>/copies")
@needs("config.flows")
def draft_node_copy_create(key: str, node_id: str) -> Response:
    """Copy a node with all that stands in it."""
    return _change(key, designing.copying(node_id))


@bp.post("/flows/<key>/draft/nodes/<node_id>/removal")
@needs("config.flows")
def draft_node_delete(key: str, node_id: str) -> Response:
    """Remove a node with all that stands in it."""
    return _change(key, designing.removing(node_id), fresh=True)


@bp.post("/flows/<key>/draft/nodes/<node_id>/ways")
@needs("config.flows")
def draft_way_create(key: str, node_id: str) -> Response:
    """Add a way to a split."""
    return _change(key, designing.adding_way(node_id))


@bp.post("/flows/<key>/draft/nodes/<node_id>/ways/<way_id>")
@needs("config.flows")
def draft_way_update(key: str, node_id: str, way_id: str) -> Response:
    """Save the name and the condition of a way; a button of the condition's editor only changes the editor."""
    draft, selection = draft_of(key), _selection()
    found = _way(draft.definition, f"{node_id}.{way_id}")
    if found is None:
        return _desk(key, selection, status=422, error=designing.refusal(_gone(draft.definition, node_id, way_id)))
    split, way = found
    if split.kind == "parallel":
        return _change(key, designing.setting_way(node_id, way_id, _sent(), lambda one: one.condition))
    form, setup = request.form.to_dict(flat=False), _setup(groups_of(key), way)
    if edit := request.form.get("_edit"):
        builder, errors = edit_builder(form, edit, setup)
        return _desk(key, selection, typed=WayPanel(split, way, shown(builder, setup, errors), unsaved=True))
    condition, errors = read_builder(form, setup)
    if condition is None:
        told = errors if request.form.get("save") else {}
        builder = typed_builder(form, setup)
        status = 422 if told else 200
        return _desk(
            key, selection, status=status, typed=WayPanel(split, way, shown(builder, setup, told), unsaved=True)
        )
    plain = None if condition == All(()) else dump(condition)
    return _change(key, designing.setting_way(node_id, way_id, _sent(), lambda _one: plain))


@bp.post("/flows/<key>/draft/nodes/<node_id>/ways/<way_id>/position")
@needs("config.flows")
def draft_way_position_update(key: str, node_id: str, way_id: str) -> Response:
    """Move a way one place to the left or right."""
    return _change(key, designing.shifting_way(node_id, way_id, left=request.form.get("to") == "left"))


@bp.post("/flows/<key>/draft/nodes/<node_id>/ways/<way_id>/removal")
@needs("config.flows")
def draft_way_delete(key: str, node_id: str, way_id: str) -> Response:
    """Remove a way with its nodes."""
    return _change(key, designing.removing_way(node_id, way_id), fresh=True)


@bp.post("/flows/<key>/draft/settings")
@needs("config.flows")
def draft_settings_update(key: str) -> Response:
    """Save what concerns the flow as a whole."""
    return _change(key, designing.setting_flow(_sent()))


@bp.post("/flows/<key>/draft/undo")
@needs("config.flows")
def draft_undo(key: str) -> Response:
    """Take the last change of the draft back."""
    return _act(key, lambda turn: drafting.undo(key, turn) and "")


@bp.post("/flows/<key>/draft/redo")
@needs("config.flows")
def draft_redo(key: str) -> Response:
    """Do the change again that was taken back last."""
    return _act(key, lambda turn: drafting.redo(key, turn) and "")


@bp.post("/flows/<key>/draft/removal")
@needs("config.flows")
def draft_delete(key: str) -> Response:
    """Drop what is not published; a flow that never was is gone then."""
    with write():
        left = drafting.discard(key, turn_sent())
        url = url_for("flows.design", key=key) if left else url_for("flows.index")
        answer_at(url)
    return go(url)


def turn_sent() -> Turn:
    """Return the change that was asked for: on which version of the draft, by whom and when."""
    return Turn(as_id(request.form.get("draft_version")) or 0, actor().id, clock.now())


def _sent() -> Sent:
    return Sent(request.form.to_dict(flat=False))


def _selection() -> Selection:
    sent = request.values
    zoom, view = as_id(sent.get("zoom")) or 100, sent.get("view", "")
    found = Selection(
        sent.get("node", ""),
        sent.get("way", ""),
        sent.get("whole") == "1",
        sent.get("at", ""),
        zoom if zoom in ZOOMS else 100,
    )
    selected = bool(found.node or found.way or found.whole)
    default = "panel" if selected and request.method == "GET" else "canvas"
    return replace(found, view=view if view in VIEWS else default)


def _change(key: str, edit: Edit, *, fresh: bool = False) -> Response:
    return _act(key, lambda turn: change(key, turn, edit), fresh=fresh)


def _act(key: str, act: Callable[[Turn], str], *, fresh: bool = False) -> Response:
    """Do one change and answer with the desk; `act` returns what to select next, `fresh` forgets what was selected."""
    selection = _selection()
    try:
        with write():
            selected = act(turn_sent())
            if "." in selected:
                selection = replace(selection, node="", way=selected, whole=False, at="")
            elif selected or fresh:
                selection = replace(selection, node=selected, way="", whole=False, at="")
            answer_at(_address(key, selection))
    except Conflict as conflict:
        return _desk(key, selection, status=409, notice=conflict.message)
    except Refused as refused:
        return _desk(key, selection, status=422, error=refused)
    return _desk(key, selection) if wants_piece() else go(_address(key, selection))


def _address(key: str, selection: Selection) -> str:
    return url_for(
        "flows.design", key=key, node=selection.node or None, way=selection.way or None, whole="1" if selection.whole else None,
        zoom=selection.zoom if selection.zoom != 100 else None, view=selection.view,
    )  # fmt: skip


def _desk(
    key: str, selection: Selection, *, status: int = 200, notice: str = "", error: Refused | None = None,
    typed: WayPanel | None = None,
) -> Response:  # fmt: skip
    draft, groups = draft_of(key), groups_of(key)
    words, found = words_of(groups), faults_here(draft.definition)
    return render(
        "flows/design.html", "flows/_designer.html", status=status, notice=notice, error=error, draft=draft,
        definition=draft.definition, name=flow_name(draft.definition), selection=selection, cards=cards_of(draft.definition, words),
        words=words, faults=_by_node(found), fault_count=len(found), icons=ICONS, everyday=EVERYDAY, further=FURTHER,
        panel=_panel(draft, selection, groups, found, words), way_panel=typed or _way_panel(draft.definition, selection, groups),
        zooms=ZOOMS, undo_steps=UNDO_STEPS, tables=tables(), amount_of=amount_of, splits=SPLITS,
        doubts=doubts(draft.definition, groups),
    )  # fmt: skip


def _panel(
    draft: Draft, selection: Selection, groups: Sequence[FieldGroup], found: Sequence[Fault], words: Wording
) -> Panel | None:
    """Return the panel of the selected node; None when none is, or it is gone by now."""
    definition = draft.definition
    node = next((one for one in editing.walk(definition.nodes) if one.id == selection.node), None)
    if node is None:
        return None
    wrong = {_property(fault.place): fault.message for fault in found if fault.node == node.id}
    return Panel(
        node, choices_for(definition, node, groups, words), fits(node), node.kind in JUDGING,
        node.id == definition.first.id, list(_columns_for(definition, node, words.called)), wrong,
        auto_of(node, groups) if node.kind == "auto" else None,
    )  # fmt: skip


def _columns_for(
    definition: Definition, node: Node, called: Callable[[Node | Branch | Definition], str]
) -> list[tuple[str, str]]:
    """Return the columns a node may go to: not the one it stands in, nor one inside itself."""
    inside = editing.ids(Definition("", 0, (node,)))
    here = editing.place_of(definition, node.id).column
    found = [] if here == editing.TRUNK else [(editing.TRUNK, "")]
    for one in editing.walk(definition.nodes):
        for way in one.branches:
            column = editing.column_name(one.id, way.id)
            if one.id not in inside and column != here:
                found.append((column, f"{called(one)} › {called(way)}"))
    return found


def _way_panel(definition: Definition, selection: Selection, groups: Sequence[FieldGroup]) -> WayPanel | None:
    found = _way(definition, selection.way)
    if found is None:
        return None
    split, way = found
    if split.kind == "parallel":
        return WayPanel(split, way, None)
    setup = _setup(groups, way)
    if way.condition is None and way is split.branches[-1]:  # most likely the one for all other cases
        return WayPanel(split, way, shown(typed_builder({}, setup), setup))
    if way.condition is None:
        return WayPanel(split, way, shown(builder_of(None, setup), setup))
    try:
        return WayPanel(split, way, shown(builder_of(parse(way.condition, setup.kinds), setup), setup))
    except ConditionError as wrong:
        return WayPanel(split, way, shown(builder_of(None, setup), setup, {WHEN: wrong}))


def _setup(groups: Sequence[FieldGroup], way: Branch) -> BuilderSetup:
    return setup_of(groups, way.condition, WHEN)


def _way(definition: Definition, column: str) -> tuple[Node, Branch] | None:
    """Return the way of a column with its split; None when there is none."""
    split_id, _dot, way_id = column.partition(".")
    try:
        return editing.find_branch(definition, split_id, way_id) if way_id else None
    except FlowError:
        return None


def _gone(definition: Definition, split_id: str, way_id: str) -> FlowError:
    try:
        editing.find_branch(definition, split_id, way_id)
    except FlowError as error:
        return error
    raise LookupError(way_id)


def _by_node(found: Sequence[Fault]) -> dict[str, list[Fault]]:
    groups: dict[str, list[Fault]] = {}
    for fault in found:
        groups.setdefault(fault.node, []).append(fault)
    return groups


def _property(place: str) -> str:
    """Return which property of its node a fault is about: `who` of `nodes[2].who[0].value`."""
    last = place.rpartition("nodes[")[2].partition("].")[2]
    return last.partition("[")[0]
