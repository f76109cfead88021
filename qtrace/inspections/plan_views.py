"""Configuration of inspections: standing plans, and the series with what people decide about them."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from flask import Blueprint, Response, request, url_for
from flask_babel import gettext as _

from qtrace.accounts.access import actor, needs
from qtrace.catalog.checklist import standard_choices
from qtrace.catalog.queries import skus_by_code, suppliers_by_code
from qtrace.core import clock
from qtrace.core.db import db, existing, write
from qtrace.core.errors import Conflict, DomainError, Refused
from qtrace.core.ids import as_id
from qtrace.inspections import queries
from qtrace.inspections.models import InspectionPlan
from qtrace.inspections.planning import CHOICES, PlanContent, add_plan, change_plan, switch_plan
from qtrace.inspections.sampling import LEVELS, NONE_ALLOWED, Plan, acceptance, counts_defects, plan_for
from qtrace.inspections.series import decide_series
from qtrace.inspections.words import STATES
from qtrace.web.csrf import answer_at
from qtrace.web.htmx import go, render
from qtrace.web.limits import limited

bp = Blueprint("inspection_plans", __name__, url_prefix="/config/inspections")
LOTS = (90, 280, 500, 1200, 3200, 10_000)  # sizes a plan is tried on
TEXTS = ("name", "kind", "level", "measured_level", "aql_critical", "aql_major", "aql_minor", "consequence")


@bp.get("")
@needs("config.inspections")
@limited("search")
def index() -> Response:
    """List the standing plans, and the series that ask for attention first."""
    words, state = request.args.get("q", "").strip()[:100], request.args.get("state", "")
    state, retired = state if state in STATES else "", request.args.get("retired") == "1"
    return render(
        "inspections/config.html", plans=queries.plans(retired=retired), retired=retired, q=words, state=state,
        series=queries.series_page(words, state), most=queries.MOST_SERIES,
    )  # fmt: skip


@bp.get("/plans/new")
@needs("config.inspections")
def new() -> Response:
    """Show the form of a new plan."""
    return _plan_page(None)


@bp.post("/plans")
@needs("config.inspections")
def create() -> Response:
    """Add a standing plan."""
    url = url_for("inspection_plans.index")
    try:
        content = _content(request.form)
        with write():
            add_plan(content, by=actor().id, now=clock.now())
            answer_at(url)
    except Refused as error:
        return _plan_page(None, error)
    return go(url, trigger={"toast": _("已添加")})


@bp.get("/plans/<int:plan_id>")
@needs("config.inspections")
def edit(plan_id: int) -> Response:
    """Show a plan to be changed, with what it means for lots of some sizes."""
    return _plan_page(existing(InspectionPlan, plan_id))


@bp.post("/plans/<int:plan_id>")
@needs("config.inspections")
def update(plan_id: int) -> Response:
    """Change a plan."""
    url, seen = url_for("inspection_plans.index"), as_id(request.form.get("version")) or 0
    existing(InspectionPlan, plan_id)
    try:
        content = _content(request.form)
        with write():
            change_plan(plan_id, content, seen=seen, by=actor().id, now=clock.now())
            answer_at(url)
    except (Refused, Conflict) as error:
        db.session.remove()  # the write dropped what was read before it
        return _plan_page(existing(InspectionPlan, plan_id), error)
    return go(url, trigger={"toast": _("已保存")})


@bp.post("/plans/<int:plan_id>/activity")
@needs("config.inspections")
def activity_update(plan_id: int) -> Response:
    """Put a plan away or bring it back."""
    active, url = request.form.get("active") == "1", url_for("inspection_plans.index")
    with write():
        switch_plan(plan_id, active=active, by=actor().id, now=clock.now())
        answer_at(url)
    return go(url, trigger={"toast": _("已启用") if active else _("已停用;已有记录保持不变")})


@bp.get("/series/<int:series_id>")
@needs("config.inspections")
def series_show(series_id: int) -> Response:
    """Show where a series stands and what led there."""
    return _series_page(series_id)


@bp.post("/series/<int:series_id>/decisions")
@needs("config.inspections")
def decision_create(series_id: int) -> Response:
    """Agree to reduced inspection, end it, or resume after a stop."""
    form, url = request.form, url_for("inspection_plans.series_show", series_id=series_id)
    try:
        with write():
            decide_series(
                series_id, form.get("what", ""), reason=form.get("reason", ""), seen=as_id(form.get("version")) or 0,
                by=actor().id, now=clock.now(), steady=form.get("steady") == "1",
            )  # fmt: skip
            answer_at(url)
    except (Refused, Conflict) as error:
        db.session.remove()  # the write dropped what was read before it
        return _series_page(series_id, error)
    return go(url, trigger={"toast": _("已保存;从下一批起执行")})


def _series_page(series_id: int, error: DomainError | None = None) -> Response:
    series = queries.series_shown(series_id)
    return render(
        "inspections/series.html", status=error.status if error else 200, series=series, history=queries.history(series_id),
        error=error.message if error else "", wrong=(error.field or "") if error else "", form=request.form,
    )  # fmt: skip


def _content(form: Mapping[str, str]) -> PlanContent:
    texts = {name: form.get(name, "") for name in TEXTS}
    return PlanContent(
        **texts, sku_id=_named(form.get("sku", ""), "sku"), supplier_id=_named(form.get("supplier", ""), "supplier"),
        category_id=as_id(form.get("category")), standard_id=as_id(form.get("standard")), form_id=as_id(form.get("form")),
        items=form.get("items", "").splitlines(),
    )  # fmt: skip


def _named(text: str, field: str) -> int | None:
    """Return the row a number or name in the form means; nothing where nothing is named."""
    code = text.strip()[:200]
    if not code:
        return None
    found = skus_by_code(code, limit=2) if field == "sku" else suppliers_by_code(code, limit=2)
    if not found:
        raise Refused(_("没有找到「%(code)s」。请检查编号,或清空后提交。", code=code[:60]), field=field)
    if len(found) > 1:
        raise Refused(_("「%(code)s」对应多条记录。请填写更具体的编号。", code=code[:60]), field=field)
    return found[0].id


def _plan_page(plan: InspectionPlan | None, error: DomainError | None = None) -> Response:
    return render(
        "inspections/plan.html", status=error.status if error else 200, plan=plan, values=_values(plan, sent=error is not None),
        error=error.message if error else "", wrong=(error.field or "") if error else "", levels=LEVELS, aqls=CHOICES,
        categories=queries.plan_categories(), standards=standard_choices(), forms=queries.checklist_forms(),
        trial=_trial(plan) if plan else [],
    )  # fmt: skip


def _values(plan: InspectionPlan | None, *, sent: bool) -> dict[str, Any]:
    """Return what the inputs hold: what was sent, else the plan, else what is usual."""
    if sent:
        return request.form.to_dict()
    if plan is None:
        return {"kind": "incoming", "level": "II", "aql_critical": NONE_ALLOWED, "aql_major": "2.5", "aql_minor": "4.0",
                "consequence": "stop", "sku": request.args.get("sku", "")}  # fmt: skip
    return {name: getattr(plan, name) for name in TEXTS} | {
        "sku": plan.sku.external_id if plan.sku else "", "supplier": plan.supplier.external_id if plan.supplier else "",
        "category": plan.category_id or "", "standard": plan.standard_id or "", "form": plan.form_id or "",
        "items": "\n".join(plan.items),
    }  # fmt: skip


def _trial(plan: InspectionPlan) -> list[tuple[int, list[tuple[str, Plan, float | None]]]]:
    """Return what the plan means for lots of some sizes: its numbers, and how likely a lot at the AQL is accepted."""
    return [(lot, [(key, *_tried(lot, aql, plan.level)) for key, aql in plan.aqls.items()]) for lot in LOTS]


def _tried(lot: int, aql: str, level: str) -> tuple[Plan, float | None]:
    found = plan_for(lot, aql, level=level)
    if aql == NONE_ALLOWED:
        return found, None
    return found, acceptance(found, Decimal(aql), per_hundred=counts_defects(aql))
