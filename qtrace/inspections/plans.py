"""Which standing plan fits some goods, and what an inspection of them would take."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import or_, select

from qtrace.catalog.checklist import Item
from qtrace.catalog.models import Category, Sku, StandardVersion
from qtrace.catalog.standards_queries import standard_for, versions
from qtrace.core.db import db
from qtrace.core.errors import NotFound
from qtrace.forms.models import Form
from qtrace.forms.queries import current_definition
from qtrace.inspections.checks import items_from
from qtrace.inspections.models import InspectionPlan
from qtrace.inspections.sampling import NONE_ALLOWED, USUAL_LEVEL, Plan, State, cell, letter_of, plan_for
from qtrace.inspections.series import SWITCHED, Goods, state_of

CHECKLIST = "inspection_checklist"
USUAL_AQLS = {"critical": NONE_ALLOWED, "major": "2.5", "minor": "4.0"}  # of trade, where no plan says otherwise


@dataclass(frozen=True)
class Terms:
    """By what goods are inspected: a standing plan's, or the usual ones."""

    plan: InspectionPlan | None
    level: str = USUAL_LEVEL
    measured_level: str = ""
    aqls: Mapping[str, str] | None = None
    consequence: str = "warn"
    lines: Sequence[str] = ()


@dataclass(frozen=True)
class ClassPlan:
    """The plan of one class of nonconformity, with the state that chose it."""

    key: str
    aql: str
    state: State
    plan: Plan


@dataclass(frozen=True)
class Prepared:
    """What an inspection would be: its classes, its sample and the list that goes with it."""

    terms: Terms
    quantity: int
    classes: Sequence[ClassPlan]
    items: Sequence[Item]
    standard: StandardVersion | None
    measured_n: int

    @property
    def sample(self) -> int:
        """Return how many pieces are taken out: enough for every class."""
        return max((one.plan.n for one in self.classes), default=0)

    @property
    def stopped(self) -> Sequence[ClassPlan]:
        """Return the classes for which inspection is discontinued."""
        return [one for one in self.classes if one.state == State.DISCONTINUED]


def prepare(kind: str, goods: Goods, quantity: int, *, on: date, again: bool = False) -> Prepared:
    """Return what inspecting these goods would take; goods shown `again` are never looked at less closely than usual."""
    terms = terms_for(kind, goods)
    standard = _standard(terms.plan, goods, on)
    classes = [_class(kind, goods, quantity, key, aql, terms, again=again) for key, aql in (terms.aqls or {}).items()]
    items = items_from(terms.lines, standard)
    measured = any(item.measured for item in items)
    letter = letter_of(quantity, terms.measured_level or terms.level)
    measured_n = min(cell(letter, NONE_ALLOWED).n, quantity) if measured else 0
    return Prepared(terms, quantity, classes, items, standard, measured_n)


def terms_for(kind: str, goods: Goods) -> Terms:
    """Return the terms of the plan that names these goods most closely, else the usual ones."""
    plan = plan_of(kind, goods)
    if plan is None:
        return Terms(None, aqls=USUAL_AQLS)
    lines = [*form_lines(plan.form_id), *plan.items]
    return Terms(plan, plan.level, plan.measured_level, plan.aqls, plan.consequence, lines)


def plan_of(kind: str, goods: Goods) -> InspectionPlan | None:
    """Return the closest plan in use: of the article, then of its category, then of the supplier, then of all."""
    sku = db.session.get(Sku, goods.sku_id) if goods.sku_id else None
    categories = select(Category.id).where(
        Category.shop_id == sku.shop_id, or_(Category.external_id == sku.category, Category.name == sku.category)
    ) if sku else ()  # fmt: skip
    statement = (
        select(InspectionPlan)
        .where(
            InspectionPlan.kind == kind, InspectionPlan.retired_at.is_(None),
            or_(InspectionPlan.sku_id.is_(None), InspectionPlan.sku_id == goods.sku_id),
            or_(InspectionPlan.supplier_id.is_(None), InspectionPlan.supplier_id == goods.supplier_id),
            or_(InspectionPlan.category_id.is_(None), InspectionPlan.category_id.in_(categories)),
        )
        .order_by(
            InspectionPlan.sku_id.is_(None), InspectionPlan.category_id.is_(None), InspectionPlan.supplier_id.is_(None),
            InspectionPlan.id.desc(),
        )
        .limit(1)
    )  # fmt: skip
    return db.session.scalar(statement)


def form_lines(form_id: int | None) -> list[str]:
    """Return the items of the checklists a form has, as its designer wrote them."""
    form = db.session.get(Form, form_id) if form_id else None
    if form is None:
        return []
    try:
        definition = current_definition(form.key)[1]
    except NotFound:
        return []
    return [line for field in definition.fields if field.control == CHECKLIST for line in field.words("items")]


def _class(kind: str, goods: Goods, quantity: int, key: str, aql: str, terms: Terms, *, again: bool) -> ClassPlan:
    state = state_of(goods, kind, key) if kind in SWITCHED and aql != NONE_ALLOWED else State.NORMAL
    if again and state == State.REDUCED:
        state = State.NORMAL
    closely = State.TIGHTENED if state == State.DISCONTINUED else state
    return ClassPlan(key, aql, state, plan_for(quantity, aql, level=terms.level, state=closely))


def _standard(plan: InspectionPlan | None, goods: Goods, on: date) -> StandardVersion | None:
    if plan is not None and plan.standard_id:
        return next((one for one in versions(plan.standard_id) if one.effective_on <= on), None)
    return standard_for(goods.sku_id, goods.shop_id, on) if goods.sku_id else None
