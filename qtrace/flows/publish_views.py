"""What publishing the draft of a flow would change, and publishing it."""

from flask import Response, request, url_for
from flask_babel import gettext as _

from qtrace.accounts.access import actor, needs
from qtrace.core import clock
from qtrace.core.db import write
from qtrace.core.errors import Conflict, NotFound, Refused
from qtrace.flows.comparing import compare
from qtrace.flows.condition_fields import groups_of
from qtrace.flows.design_choices import words_of
from qtrace.flows.design_views import turn_sent
from qtrace.flows.doubts import doubts
from qtrace.flows.drafting import draft_of, held_draft
from qtrace.flows.editing import walk
from qtrace.flows.impact import uses
from qtrace.flows.naming import flow_name
from qtrace.flows.publishing import publish
from qtrace.flows.queries import flow_of
from qtrace.flows.ready import faults_here
from qtrace.flows.views import bp
from qtrace.web.csrf import answer_at
from qtrace.web.htmx import go, render


@bp.get("/flows/<key>/impact")
@needs("config.flows")
def impact(key: str) -> Response:
    """Show what publishing the draft would change, for whom, and what is still missing."""
    return _impact_page(key)


@bp.post("/flows/<key>/versions")
@needs("config.flows")
def version_create(key: str) -> Response:
    """Publish the draft as the next version."""
    try:
        with write():
            draft = held_draft(key, turn_sent())
            number = publish(draft, by=actor().id, now=clock.now(), note=request.form.get("note", ""))
            url = url_for("flows.show", key=key)
            answer_at(url)
    except (Refused, Conflict) as error:
        return _impact_page(key, error)
    return go(url, trigger={"toast": _("已发布第 %(n)d 版。新的从这一版开始,进行中的不变。", n=number)})


def _impact_page(key: str, error: Refused | Conflict | None = None) -> Response:
    draft = draft_of(key)
    groups = groups_of(key)
    words = words_of(groups)
    found = compare(draft.published, draft.definition, words) if draft.published and draft.changed else []
    try:
        versions = flow_of(key).versions
    except NotFound:  # never published
        versions = ()
    return render(
        "flows/impact.html", status=error.status if error else 200, error=error, draft=draft, name=flow_name(draft.definition),
        faults=faults_here(draft.definition), names={node.id: words.called(node) for node in walk(draft.definition.nodes)},
        found=found, versions=[one for one in versions if one.running], uses=uses().get(key, ()),
        note=request.form.get("note", ""), doubts=doubts(draft.definition, groups),
    )  # fmt: skip
