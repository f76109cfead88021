"""The conditions of intake and classification rules in the editor of conditions: what can be asked, and what was typed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from qtrace.catalog.queries import shops
from qtrace.classification.models import ClassificationRule
from qtrace.classification.suggest import FIELDS
from qtrace.complaints.models import IntakeRule
from qtrace.complaints.sources import SOURCES
from qtrace.conditions.builder import (
    BuilderField,
    BuilderSetup,
    builder_of,
    edit_builder,
    read_builder,
    typed_builder,
)
from qtrace.conditions.builder_view import ShownBuilder, shown
from qtrace.conditions.tree import All, ConditionError, FieldKind, dump, parse
from qtrace.orders.controls import AFTER_SALES
from qtrace.web.filters import site_zone

PREFIX = "when"
SOURCE_NAMES = {"review": _l("评价"), "order": _l("订单"), "after_sale": _l("售后")}
ALL_SOURCES = SOURCE_NAMES | {"staff": _l("同事登记")}
FIELD_NAMES = {
    "stars": _l("星级"), "title": _l("标题"), "text": _l("买家的话"), "reviewed_at": _l("评价时间"), "shop_id": _l("店铺"),
    "status": _l("状态"), "placed_at": _l("下单时间"), "shipped_at": _l("发货时间"), "delivered_at": _l("送达时间"),
    "promised_at": _l("承诺时间"), "kind": _l("售后种类"), "reason": _l("售后原因"), "reason_code": _l("原因代码"),
    "refund_minor": _l("退款(分)"), "opened_at": _l("申请时间"), "raw_reason": _l("买家选的原因"), "source_kind": _l("来源"),
    "sku": _l("商品名"), "category": _l("类目"), "courier_line": _l("快递线路"),
}  # fmt: skip
Form = Mapping[str, Sequence[str]]


@dataclass(frozen=True)
class Typed:
    """A condition as somebody sent it: what it is, None where it can't be read, and the editor that says why."""

    condition: object
    builder: ShownBuilder


def fields_of(row: IntakeRule | ClassificationRule) -> Mapping[str, FieldKind]:
    """Return what a rule may ask about."""
    return SOURCES[row.source_kind].fields if isinstance(row, IntakeRule) else FIELDS


def stored_builder(row: IntakeRule | ClassificationRule) -> ShownBuilder:
    """Return the editor of the condition a rule has."""
    setup = _setup(row)
    return shown(builder_of(parse(row.condition, setup.kinds), setup), setup)


def edited_builder(row: IntakeRule | ClassificationRule, form: Form, edit: str) -> ShownBuilder:
    """Return the editor after one of its buttons; nothing is decided yet."""
    setup = _setup(row)
    builder, errors = edit_builder(form, edit, setup)
    return shown(builder, setup, errors)


def was_sent(form: Form) -> bool:
    """Say whether the page that was sent had the editor on it."""
    return any(name.startswith(f"{PREFIX}.") for name in form)


def typed_condition(row: IntakeRule | ClassificationRule, form: Form) -> Typed:
    """Return the condition that was typed; one for intake may not hold for every record there is."""
    setup = _setup(row)
    condition, errors = read_builder(form, setup)
    if condition == All(()) and isinstance(row, IntakeRule):
        condition, errors = (
            None,
            {PREFIX: ConditionError(_("请至少加一条条件:没有条件的规则会把每条记录都变成客诉。"), "")},
        )
    builder = shown(typed_builder(form, setup), setup, errors)
    return Typed(None if condition is None else dump(condition), builder)


def _setup(row: IntakeRule | ClassificationRule) -> BuilderSetup:
    known = {
        "shop_id": [(str(shop.id), shop.name) for shop in shops()],
        "kind": [(code, str(name)) for code, name in AFTER_SALES.items()],
        "source_kind": [(code, str(name)) for code, name in ALL_SOURCES.items()],
    }
    fields = tuple(
        BuilderField(name, str(FIELD_NAMES.get(name, name)), kind, tuple(known.get(name, ())))
        for name, kind in fields_of(row).items()
    )
    return BuilderSetup(fields, PREFIX, site_zone())
