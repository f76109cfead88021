"""For what a flow begins by itself: chosen on a page, with the same editor of conditions as its branches."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from flask import Response, request, url_for
from flask_babel import gettext as _

from qtrace.accounts.access import actor, needs
from qtrace.conditions.builder import BuilderSetup, builder_of, edit_builder, read_builder, typed_builder
from qtrace.conditions.builder_view import ShownBuilder, shown
from qtrace.conditions.tree import All, ConditionError, dump, parse
from qtrace.core import clock
from qtrace.core.db import write
from qtrace.core.errors import NotFound, Refused
from qtrace.flows.condition_fields import groups_for, setup_of
from qtrace.flows.models import FlowStart
from qtrace.flows.naming import flow_name
from qtrace.flows.queries import flow_of
from qtrace.flows.starting import NewStart, drop_start, set_start, starts_for, starts_of
from qtrace.flows.subjects import flow_subjects
from qtrace.flows.telling import wording_of
from qtrace.flows.views import bp
from qtrace.web.csrf import answer_at
from qtrace.web.htmx import go, render

WHEN = "when"


@dataclass(frozen=True)
class StartTold:
    """One kind of thing a flow begins for: when, and which flows are asked before it."""

    id: int
    kind: str
    label: str
    sentence: str
    before: Sequence[str]


@bp.get("/flows/<key>/starts")
@needs("config.flows")
def start_list(key: str) -> Response:
    """Show for what the flow begins by itself, and ask for more."""
    kind = _kind(request.args.get("kind", ""))
    return _page(key, kind, _stored(key, kind))


@bp.post("/flows/<key>/starts")
@needs("config.flows")
def start_create(key: str) -> Response:
    """Let the flow begin for a kind of subject; a button of the condition's editor only changes the editor."""
    kind = _kind(request.form.get("kind", ""))
    form, setup = request.form.to_dict(flat=False), _setup(kind, None)
    if edit := request.form.get("_edit"):
        builder, errors = edit_builder(form, edit, setup)
        return _page(key, kind, shown(builder, setup, errors))
    condition, errors = read_builder(form, setup)
    if condition is None:
        return _page(key, kind, shown(typed_builder(form, setup), setup, errors), status=422)
    url = url_for("flows.start_list", key=key, kind=kind)
    new = NewStart(flow_of(key).key, kind, None if condition == All(()) else dump(condition))
    try:
        with write():
            set_start(new, by=actor().id, now=clock.now())
            answer_at(url)
    except Refused as error:
        return _page(key, kind, shown(typed_builder(form, setup), setup), status=422, problem=error.message)
    return go(url, trigger={"toast": _("已保存,只影响以后进来的")})


@bp.post("/flows/<key>/starts/<int:start_id>/removal")
@needs("config.flows")
def start_delete(key: str, start_id: int) -> Response:
    """Let the flow no longer begin by itself for a kind."""
    if start_id not in [start.id for start in starts_of(flow_of(key).key)]:
        raise NotFound
    url = url_for("flows.start_list", key=key)
    with write():
        drop_start(start_id, by=actor().id, now=clock.now())
        answer_at(url)
    return go(url, trigger={"toast": _("已取消,进行中的不受影响")})


def _page(key: str, kind: str, builder: ShownBuilder, *, status: int = 200, problem: str = "") -> Response:
    flow = flow_of(key)
    return render(
        "flows/starts.html", status=status, flow=flow, name=flow_name(flow.shown.definition), kind=kind, kinds=_kinds(),
        starts=[_told(start) for start in starts_of(key)], builder=builder, problem=problem,
    )  # fmt: skip


def _stored(key: str, kind: str) -> ShownBuilder:
    """Return the editor of what is set for this kind, an empty one where nothing is."""
    start = next((one for one in starts_of(key) if one.subject_kind == kind), None)
    data = start.condition if start else None
    setup = _setup(kind, data)
    if start and not data:
        return shown(typed_builder({}, setup), setup)
    try:
        return shown(builder_of(parse(data, setup.kinds) if data else None, setup), setup)
    except ConditionError:  # a field it asked is gone; it is set again
        return shown(builder_of(None, setup), setup)


def _told(start: FlowStart) -> StartTold:
    earlier = [
        one.flow for one in starts_for(start.subject_kind) if (one.position, one.id) < (start.position, start.id)
    ]
    words = wording_of(start.flow)
    sentence = words.names.condition(start.condition) if start.condition else _("全部")
    names = [flow_name(flow_of(flow).shown.definition) for flow in earlier]
    return StartTold(start.id, start.subject_kind, _kinds()[start.subject_kind], sentence, names)


def _setup(kind: str, condition: object) -> BuilderSetup:
    return setup_of(groups_for(kind), condition, WHEN)


def _kinds() -> Mapping[str, str]:
    return {kind: str(subject.label) for kind, subject in flow_subjects().items() if subject.begins}


def _kind(asked: str) -> str:
    """Return the kind that was asked for, else the first a flow may begin for."""
    return asked if asked in _kinds() else next(iter(_kinds()))
