"""Move the running cases of a flow to its newest version, after a look at which can and which can't."""

from collections.abc import Sequence

from flask import Response, request, url_for
from flask_babel import gettext as _
from flask_babel import ngettext

from qtrace.accounts.access import actor, needs
from qtrace.core import clock
from qtrace.core.db import write
from qtrace.core.errors import Conflict, NotFound, Refused
from qtrace.core.ids import as_id
from qtrace.flows.comparing import compare, grouped
from qtrace.flows.migrating import MOST_SHOWN, move_case, preview
from qtrace.flows.naming import flow_name
from qtrace.flows.queries import Version, flow_of
from qtrace.flows.telling import wording_of
from qtrace.flows.views import bp
from qtrace.web.csrf import answer_at
from qtrace.web.htmx import go, render
from qtrace.web.limits import limited


@bp.get("/flows/<key>/move")
@needs("config.flows")
@limited("search")
def move_show(key: str) -> Response:
    """Show which running cases can move to the current version, which can't and why."""
    return _page(key, ())


@bp.post("/flows/<key>/moves")
@needs("config.flows")
def move_create(key: str) -> Response:
    """Move the ticked cases, each by itself: what can't be moved meanwhile keeps nobody else from it."""
    target, by, url = _target(key), actor().id, url_for("flows.move_show", key=key)
    ticked = [one for text in request.form.getlist("case") if (one := as_id(text))][:MOST_SHOWN]
    if not ticked:
        raise Refused(_("请先勾选要换的。"), "case")
    refused: list[str] = []
    for case in ticked:
        try:
            with write():
                move_case(case, target.id, key=key, by=by, now=clock.now())
                answer_at(url)
        except (Refused, Conflict, NotFound) as error:
            refused.append(error.message or _("这件事已经不在了。"))
    if refused:
        return _page(key, refused, moved=len(ticked) - len(refused))
    told = ngettext("已把 %(num)s 件换到第 %(n)d 版", "已把 %(num)s 件换到第 %(n)d 版", len(ticked), n=target.number)
    return go(url, trigger={"toast": told})


def _page(key: str, refused: Sequence[str], *, moved: int = 0) -> Response:
    flow, target = flow_of(key), _target(key)
    found, words = preview(key, target, actor()), wording_of(key)
    versions = sorted({case.version for case in found.cases})
    changed = [(one, grouped(compare(flow.version(one).definition, target.definition, words))) for one in versions]
    return render(
        "flows/move.html", status=422 if refused else 200, flow=flow, target=target, found=found, words=words,
        name=flow_name(target.definition), refused=refused, moved=moved, most=MOST_SHOWN, changed=changed,
    )  # fmt: skip


def _target(key: str) -> Version:
    current = flow_of(key).current
    if current is None:
        raise Refused(_("这个流程没有启用的版本,没有可换到的版本。"))
    return current
