"""The flows of the company: the list, one with its versions, new ones from a shipped flow, versions on and off."""

from dataclasses import replace

from flask import Blueprint, Response, request, url_for
from flask_babel import gettext as _

from qtrace.accounts.access import actor, needs
from qtrace.core import clock
from qtrace.core.db import write
from qtrace.core.errors import Conflict, Refused
from qtrace.core.ids import as_id
from qtrace.flows.beginning import DEFAULT_FLOW
from qtrace.flows.comparing import compare, grouped
from qtrace.flows.default import WORKDAY
from qtrace.flows.definition import Definition, Node, Who
from qtrace.flows.drafting import draft_of, drafts, open_draft
from qtrace.flows.drawing import cards_of, steps_of
from qtrace.flows.impact import uses
from qtrace.flows.naming import flow_name, wording_now
from qtrace.flows.queries import Flow, all_flows, flow_of, keys
from qtrace.flows.telling import fields_asked, wording_of
from qtrace.flows.templates import TEMPLATES, template_of
from qtrace.flows.versions import add_version, switch_version
from qtrace.web.csrf import answer_at
from qtrace.web.htmx import go, render

MOST_NAME = 120
MOST_KEY = 54  # leaves room for a number behind it
BLANK = "blank"

bp = Blueprint("flows", __name__)


@bp.get("/flows")
@needs("config.flows")
def index() -> Response:
    """Show every flow with its version, its running cases and what goes through it."""
    flows = all_flows()
    shown = {flow.key: flow.shown.definition for flow in flows}
    words = wording_now()
    return render(
        "flows/index.html", flows=flows, uses=uses(),
        names={key: flow_name(definition) for key, definition in shown.items()},
        steps={key: steps_of(definition, words) for key, definition in shown.items()},
        drafts={draft.key: flow_name(draft.definition) for draft in drafts()},
    )  # fmt: skip


@bp.get("/flows/new")
@needs("config.flows")
def new() -> Response:
    """Show the shipped flows to start from, each readable as a whole."""
    return _new_page(request.args.get("template", ""), None)


@bp.post("/flows")
@needs("config.flows")
def create() -> Response:
    """Make a flow of the company from a shipped one or from nothing: use it at once, or design it first."""
    start, name = request.form.get("template", ""), request.form.get("name", "")
    chosen = template_of(start)
    try:
        with write():
            if chosen and chosen.subject == "issue" and "into" in request.form:
                url = begin(replace(chosen.definition, key=DEFAULT_FLOW), at_once=False)
            else:
                definition = named(chosen.definition if chosen else blank(), name)
                url = begin(definition, at_once=chosen is not None and "publish" in request.form)
            answer_at(url)
    except (Refused, Conflict) as error:
        return _new_page(start, error)
    return go(url, trigger={"toast": _("已新建流程")})


@bp.get("/flows/<key>")
@needs("config.flows")
def show(key: str) -> Response:
    """Show a flow in words, its versions, and what goes through it."""
    flow = flow_of(key)
    version = flow.version(as_id(request.args.get("version")) or flow.shown.number)
    return render(
        "flows/show.html", flow=flow, version=version, name=flow_name(flow.shown.definition),
        cards=cards_of(version.definition, wording_of(key)), uses=uses().get(key, ()), draft=draft_of(key),
    )  # fmt: skip


@bp.post("/flows/<key>/versions/<number>/state")
@needs("config.flows")
def state_update(key: str, number: str) -> Response:
    """Let new cases start on a version, or no more."""
    active, url = request.form.get("active") == "1", url_for("flows.show", key=key)
    with write():
        switch_version(key, as_id(number) or 0, active=active, by=actor().id, now=clock.now())
        answer_at(url)
    return go(url, trigger={"toast": _("已启用") if active else _("已停用,进行中的不受影响")})


@bp.get("/flows/<key>/compare")
@needs("config.flows")
def compare_show(key: str) -> Response:
    """Show what differs between two versions, in words."""
    flow = flow_of(key)
    newest = flow.versions[0].number
    b = flow.version(as_id(request.args.get("b")) or newest)
    a = flow.version(as_id(request.args.get("a")) or _before(flow, b.number))
    found = compare(a.definition, b.definition, wording_of(key))
    return render(
        "flows/compare.html",
        flow=flow,
        name=flow_name(flow.shown.definition),
        a=a,
        b=b,
        changes=grouped(found),
        count=len(found),
    )


def begin(definition: Definition, *, at_once: bool) -> str:
    """Publish the definition at once, or open a draft of it for the designer, and return where to go on."""
    if at_once:
        add_version(definition, by=actor().id, now=clock.now())
        return url_for("flows.show", key=definition.key)
    open_draft(definition.key, definition, by=actor().id, now=clock.now())
    return url_for("flows.design", key=definition.key)


def blank() -> Definition:
    """Return a flow of one step: somebody starts it."""
    start = Node("start", "start", _("发起"), "Start", who=(Who("initiator"),), due_minutes=WORKDAY)
    return Definition("flow", 1, (start,), name_zh=_("新流程"), name_en="New flow")


def named(definition: Definition, name: str) -> Definition:
    """Return the definition under a key that is free, and with the name that was typed."""
    typed = name.strip()
    if len(typed) > MOST_NAME:
        raise Refused(_("名称最多 %(n)d 个字。", n=MOST_NAME), "name")
    key = free_key(definition.key)
    if not typed or typed == definition.name_zh:
        return replace(definition, key=key)
    return replace(definition, key=key, name_zh=typed, name_en=typed)


def free_key(wanted: str) -> str:
    """Return the key, numbered where a flow or a draft has it already."""
    taken, key, count = keys(), wanted, 1
    while key in taken:
        count += 1
        key = f"{wanted[:MOST_KEY]}_{count}"
    return key


def _new_page(start: str, error: Refused | Conflict | None) -> Response:
    chosen = template_of(start)
    words = wording_of(chosen.key if chosen else "-")
    asked = fields_asked(chosen.definition, words) if chosen else []
    return render(
        "flows/new.html", status=error.status if error else 200, templates=TEMPLATES, chosen=chosen, blank=start == BLANK,
        cards=cards_of(chosen.definition, words) if chosen else [], words=words,
        asked=words.joined(f"{label}({name})" for name, label in asked), name=request.form.get("name", ""),
        subjects={"issue": _("质量问题"), "complaint": _("客诉"), "record": _("表单记录")}, error=error,
    )  # fmt: skip


def _before(flow: Flow, number: int) -> int:
    earlier = [one.number for one in flow.versions if one.number < number]
    return max(earlier, default=number)
