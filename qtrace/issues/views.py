"""The list of issues and the page of one."""

from datetime import timedelta
from typing import Any

from flask import Blueprint, Response, request, url_for
from flask_babel import gettext as _

from qtrace.accounts.access import actor, needs
from qtrace.accounts.queries import people
from qtrace.classification.controls import loudness
from qtrace.complaints.platform import nearest_deadline
from qtrace.core import clock
from qtrace.core.db import write
from qtrace.core.ids import as_id
from qtrace.flows.instances import definition_of
from qtrace.flows.stages import decision_box, names_of
from qtrace.forms.answers import shown
from qtrace.forms.queries import stored_definition
from qtrace.forms.registry import FieldDefinition
from qtrace.forms.seed import ISSUE_FORM
from qtrace.issues import queries
from qtrace.issues.filters import Filters
from qtrace.issues.in_turn import allowed
from qtrace.issues.listing import (
    capped,
    facet_menus,
    list_filters,
    removable,
    shipped_views,
    view_filters,
    view_tabs,
)
from qtrace.issues.models import Issue
from qtrace.issues.panels import panels
from qtrace.issues.queries import Reader
from qtrace.issues.saved import delete_view, save_view
from qtrace.issues.service import assign_owner
from qtrace.issues.stages import stage_names, stage_steps
from qtrace.issues.timeline import entries
from qtrace.tasks.looks import look_at_case
from qtrace.web.csrf import answer_at
from qtrace.web.filters import site_zone
from qtrace.web.htmx import go, render
from qtrace.web.photos import SHOWN

bp = Blueprint("issues", __name__)
SOON = timedelta(hours=4)
TREES = ("type", "severity", "responsible_party")


@bp.get("/issues")
@needs("issue.read")
def index() -> Response:
    """Show the issues of a view or of the filters in the address."""
    reader = reader_now()
    filters = list_filters(request.args)
    page = queries.issue_page(filters, reader, after=request.args.get("after", ""))
    terms, stages, saved = queries.terms(*TREES), stage_names(), queries.saved_views(reader.user)
    shipped = shipped_views(terms)
    today = Filters(opened_from=reader.now.astimezone(reader.zone).date().isoformat())
    found = queries.counts([*(view for _name, view in shipped), *map(view_filters, saved), today], reader)
    return render(
        "issues/index.html", "issues/_list.html", rows=page.rows, next=page.next, filters=filters, terms=terms, stages=stages,
        loud=loudness(terms.values()), menus=facet_menus(filters, queries.facets(filters, reader), terms, stages),
        tabs=view_tabs(filters, shipped, saved, found), chips=removable(filters), counts=[capped(n) for n in found],
        capped=capped, now=reader.now, soon=reader.now + SOON, first=not request.args.get("after"),
    )  # fmt: skip


@bp.get("/issues/<number>")
@needs("issue.read")
def show(number: str) -> Response:
    """Show one issue: where it stands, where it comes from, what was found and what happened."""
    issue = queries.visible_issue(number, actor())
    look_at_case("issue", issue.id, actor(), now=clock.now())
    return render("issues/show.html", **page_of(issue))


@bp.post("/issues/<number>/owner")
@needs("issue.decide")
def owner_update(number: str) -> Response:
    """Hand the issue over to a colleague."""
    issue = queries.visible_issue(number, actor())
    url = url_for("issues.show", number=number)
    owner_id = as_id(request.form.get("owner_id", "")) or 0
    note = request.form.get("note", "").strip()[:500]
    with write():
        assign_owner(issue.id, owner_id=owner_id, by=actor().id, note=note, now=clock.now())
        answer_at(url)
    return go(url, trigger={"toast": _("已转交")})


@bp.post("/issues/views")
@needs("issue.read")
def view_create() -> Response:
    """Keep the filters of the list under a name."""
    filters = list_filters(request.form)
    url = f"{url_for('issues.index')}?{filters.query()}"
    with write():
        save_view(actor().id, request.form.get("name", ""), filters)
        answer_at(url)
    return go(url, trigger={"toast": _("视图已保存")})


@bp.post("/issues/views/<int:view_id>/removal")
@needs("issue.read")
def view_delete(view_id: int) -> Response:
    """Remove one of the person's own views."""
    with write():
        delete_view(actor().id, view_id)
        answer_at(url_for("issues.index"))
    return go(url_for("issues.index"), trigger={"toast": _("视图已删除")})


def reader_now() -> Reader:
    """Return who asks and when."""
    return Reader(actor(), clock.now(), site_zone())


def page_of(issue: Issue) -> dict[str, Any]:
    """Return everything the page of an issue shows."""
    now, user = clock.now(), actor()
    flow = definition_of("issue", issue.id)
    steps = stage_steps(issue, flow, now)
    names = {node: stage.label for node, stage in names_of(flow[0]).items()} if flow else {}
    severities = queries.terms("severity")
    return {
        "issue": issue, "steps": steps, "box": decision_box(flow, user), "now": now, "soon": now + SOON, "loud": loudness(severities.values()),
        "entries": entries(issue.id, names), "comments": queries.comments_of(issue.id),
        "attachments": queries.attachments_of(issue.id), "shown_types": SHOWN,
        "complaints": queries.complaints_of(issue.id), "costs": queries.costs_of(issue.id), "answers": _answers(issue),
        "people": people(active_only=True),
        "platform_due": nearest_deadline(issue.id) if issue.status == "open" else None, "lot_link": queries.lot_link_of(issue),
        "may_change": allowed(issue, user).changes, "panels": {place: panels(place, issue, user) for place in ("actions", "top", "main", "side")},
    }  # fmt: skip


def _answers(issue: Issue) -> list[tuple[FieldDefinition, str]]:
    if not issue.answers or issue.form_version_id is None:
        return []
    definition = stored_definition(ISSUE_FORM, issue.form_version_id)
    return shown(definition, issue.answers)
