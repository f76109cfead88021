"""Try a flow on a real record: nothing is written, and the address holds the way that was followed."""

from dataclasses import dataclass

from flask import Response, request, url_for
from flask_babel import gettext as _

from qtrace.accounts.access import actor, needs
from qtrace.core.errors import NotFound
from qtrace.core.ids import as_id
from qtrace.flows.case import Case
from qtrace.flows.company import CompanyFacts
from qtrace.flows.condition_fields import seen_of
from qtrace.flows.definition import Definition, Tree
from qtrace.flows.drafting import Draft, draft_of
from qtrace.flows.naming import flow_name
from qtrace.flows.queries import Flow, flow_of
from qtrace.flows.ready import faults_here
from qtrace.flows.simulating import LETTERS, MOST_STOPS, Simulation, simulate
from qtrace.flows.simulation_words import StopTold, told
from qtrace.flows.subjects import find_case, flow_subjects
from qtrace.flows.telling import wording_of
from qtrace.flows.versions import told_faults
from qtrace.flows.views import bp
from qtrace.web.htmx import render
from qtrace.web.limits import limited

NEWEST = 4
MOST_NUMBER = 60
DRAFT = "draft"
STARTED_EARLIER = frozenset({"issue"})  # its flow begins before it is handed in; others are submitted as they are made


@dataclass(frozen=True)
class Tried:
    """A flow tried on one case: which one, the way it went, and the way in words."""

    number: str
    case: Case
    simulation: Simulation
    stops: list[StopTold]


@bp.get("/flows/<key>/simulate")
@needs("config.flows")
@limited("search")
def simulate_show(key: str) -> Response:
    """Show step by step who would get a real record, and why."""
    draft, chosen = draft_of(key), request.args.get("version", "")
    flow = flow_of(key) if draft.published else None
    definition = _definition(draft, flow, chosen)
    number, problem, tried = request.args.get("number", "").strip(), "", None
    wrong = told_faults(definition) if faults_here(definition) else []
    if number and not wrong:
        try:
            tried = _tried(definition, chosen, number)
        except NotFound:
            problem = _("没有找到编号 %(number)s,或者您看不到它。", number=number[:MOST_NUMBER])
    return render(
        "flows/simulate.html", status=422 if problem else 200, key=key, name=flow_name(definition), chosen=chosen,
        number=number, problem=problem, wrong=wrong, tried=tried, flow=flow, has_draft=draft.changed,
        newest=_newest(), most=MOST_STOPS, starter=actor().name,
    )  # fmt: skip


def _tried(definition: Definition, chosen: str, number: str) -> Tried:
    if len(number) > MOST_NUMBER or not number.isprintable():
        raise NotFound
    found, case = find_case(number, actor())
    tree = Tree(definition)
    path = "".join(letter for letter in request.args.get("path", "")[:MOST_STOPS] if letter in LETTERS)
    initiator = case.initiator_id or actor().id
    facts = CompanyFacts(tree, case.subject, initiator, case.department_id, actor().id)
    went = simulate(tree, facts, initiator=initiator, path=path, submitted=case.subject[0] not in STARTED_EARLIER)

    def url_of(path: str) -> str:
        return url_for(
            "flows.simulate_show", key=definition.key, version=chosen or None, number=found, path=path, _anchor="way"
        )

    stops = told(went, tree, wording_of(definition.key), seen_of(*case.subject), url_of)
    return Tried(found, case, went, stops)


def _definition(draft: Draft, flow: Flow | None, chosen: str) -> Definition:
    """Return the version or the draft that was asked for; the current version where nothing was."""
    if flow is None or chosen == DRAFT:
        return draft.definition
    return flow.version(as_id(chosen) or flow.shown.number).definition


def _newest() -> list[tuple[str, list[tuple[str, str]]]]:
    """Return of each kind of subject the newest the person sees, as (number, title)."""
    rows = [(str(subject.label), list(subject.newest(actor(), NEWEST))) for subject in flow_subjects().values()]
    return [(label, found) for label, found in rows if found]
