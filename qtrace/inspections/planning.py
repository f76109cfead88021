"""Verbs on standing plans: add one, change it, put it away or bring it back."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

from flask_babel import gettext as _
from sqlalchemy import select

from qtrace.catalog.checklist import MOST_ITEMS, read_item
from qtrace.catalog.models import Category, Sku, Standard, Supplier
from qtrace.core import events
from qtrace.core.db import existing, require_write
from qtrace.core.errors import Conflict, Refused
from qtrace.forms.models import Form
from qtrace.inspections import events as told
from qtrace.inspections.models import InspectionPlan
from qtrace.inspections.sampling import AQLS, LEVELS, NONE_ALLOWED
from qtrace.inspections.words import CONSEQUENCES, KINDS

SUBJECT = "inspection_plan"
MAX_NAME = 120
CHOICES = (NONE_ALLOWED, *AQLS)


@dataclass(frozen=True, kw_only=True)
class PlanContent:
    """What a standing plan says."""

    name: str
    kind: str
    sku_id: int | None = None
    category_id: int | None = None
    supplier_id: int | None = None
    level: str = "II"
    measured_level: str = ""
    aql_critical: str = ""
    aql_major: str = ""
    aql_minor: str = ""
    consequence: str = "warn"
    standard_id: int | None = None
    form_id: int | None = None
    items: Sequence[str] = ()


def add_plan(content: PlanContent, *, by: int, now: datetime) -> int:
    """Add a standing plan and return its id; it holds for inspections that begin from now on."""
    session = require_write()
    values = _checked(content)
    plan = InspectionPlan(**values, created_at=now, created_by=by)
    session.add(plan)
    session.flush()  # the event names the plan
    events.record(told.PLAN_ADDED, subject=(SUBJECT, plan.id), by=by, now=now, body=values)
    return plan.id


def change_plan(plan_id: int, content: PlanContent, *, seen: int, by: int, now: datetime) -> None:
    """Change a plan; inspections that have begun keep the one they began with."""
    require_write().execute(select(InspectionPlan.id).where(InspectionPlan.id == plan_id).with_for_update())
    plan = existing(InspectionPlan, plan_id, fresh=True)
    if plan.version != seen:
        raise Conflict(_("刚刚有人改了这个方案。请看过再保存。"))
    body = events.change(plan, _checked(content))
    if body:
        plan.version += 1
        events.record(told.PLAN_CHANGED, subject=(SUBJECT, plan_id), by=by, now=now, body=body)


def switch_plan(plan_id: int, *, active: bool, by: int, now: datetime) -> None:
    """Put a plan away or bring it back."""
    plan = existing(InspectionPlan, plan_id)
    if (plan.retired_at is None) == active:
        return
    plan.retired_at = None if active else now
    name = told.PLAN_RESTORED if active else told.PLAN_RETIRED
    events.record(name, subject=(SUBJECT, plan_id), by=by, now=now)


def _checked(content: PlanContent) -> dict[str, object]:
    values = asdict(content) | {"name": content.name.strip()[:MAX_NAME], "items": _items(content.items)}
    if not values["name"]:
        raise Refused(_("请填写名称。"), field="name")
    if content.kind not in KINDS:
        raise Refused(_("请选择检验类型。"), field="kind")
    if content.sku_id and content.category_id:
        raise Refused(_("SKU 和品类只能选一个。"), field="category")
    if content.level not in LEVELS or content.measured_level not in ("", *LEVELS):
        raise Refused(_("请选择检验水平。"), field="level")
    if content.consequence not in CONSEQUENCES:
        raise Refused(_("请选择不合格时怎么办。"), field="consequence")
    aqls = [content.aql_critical, content.aql_major, content.aql_minor]
    if any(aql and aql not in CHOICES for aql in aqls):
        raise Refused(_("请从列表里选 AQL。"), field="aql_major")
    if not any(aqls) and not values["items"] and not content.form_id and not content.standard_id:
        raise Refused(_("请至少选一类缺陷的 AQL,或写检查项目。"), field="aql_major")
    models = ((Sku, content.sku_id), (Category, content.category_id), (Supplier, content.supplier_id),
              (Standard, content.standard_id), (Form, content.form_id))  # fmt: skip
    for model, row_id in models:
        if row_id is not None:
            existing(model, row_id)
    return values


def _items(lines: Sequence[str]) -> list[str]:
    kept = [line.strip() for line in lines if line.strip()]
    if len(kept) > MOST_ITEMS:
        raise Refused(_("最多 %(most)d 个检查项目。", most=MOST_ITEMS), field="items")
    try:
        names = [read_item(line).name for line in kept]
    except Refused as refused:
        raise Refused(refused.message, field="items") from refused
    double = next((name for name in names if names.count(name) > 1), None)
    if double:
        raise Refused(_("「%(name)s」写了两次。", name=double), field="items")
    return kept
