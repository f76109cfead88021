"""Kinds that ask what else the company knows: master data, orders, and its other records."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal

from qtrace.rules.kinds.saying import LISTS, fault, plain
from qtrace.sdk.rules import Fault, Holds, RuleCase, RuleKind, RuleOption
from qtrace.sdk.text import Text

COMPARABLE: frozenset[Holds] = frozenset({"text", "number", "money", "day", "moment", "ref", "yes"})
NAMED: frozenset[Holds] = frozenset({"text", "ref"})
THINGS: Mapping[str, Text] = {
    "sku": Text("商品 SKU", "article"), "supplier": Text("供应商", "supplier"), "order": Text("订单", "order"),
    "lot": Text("批次", "lot"), "shop": Text("店铺", "shop"), "warehouse": Text("仓库", "warehouse"),
    "shipment": Text("运单", "shipment"), "category": Text("类目", "category"),
}  # fmt: skip
MOST_DAYS = 3650


def unique(case: RuleCase) -> Sequence[Fault]:
    """Find another record of the form with the same value, within the scope."""
    same = {name: case.values.get(name) for name in case.names("same")}
    if any(value is None for value in same.values()):
        return ()
    twin = case.world.twin(case.field, case.value, same, _days(case))
    if twin is None:
        return ()
    return fault(
        "「%(zh)s」%(value)s 已经有了(%(number)s)。请改用那条记录,或核对后更换。",
        "“%(en)s” %(value)s exists already (%(number)s). Please use that record, or check the value.",
        zh=case.label.zh, en=case.label.en, value=_told(case.value), number=twin.number,
    )  # fmt: skip


def similar(case: RuleCase) -> Sequence[Fault]:
    """Find another record that says the same of several fields: most likely it is the same matter twice."""
    names = case.names("fields")
    values = {name: case.values.get(name) for name in names}
    if not names or any(value is None or value in ("", ()) for value in values.values()):
        return ()
    match = case.world.alike(values, _days(case))
    if match is None:
        return ()
    labels = [case.label_of(name) for name in names]
    return fault(
        "可能已经登记过:%(number)s 的%(zh)s都相同。请先看那一条;确实是另一件事,请写明原因。",
        "This may be on record already: %(number)s is alike in %(en)s. Please look at it first; if it is another matter, say why.",
        number=match.number, zh="、".join(label.zh for label in labels), en=", ".join(label.en for label in labels),
    )  # fmt: skip


def option_active(case: RuleCase) -> Sequence[Fault]:
    """Find a choice that was retired since."""
    given = case.value if isinstance(case.value, tuple) else (case.value,)
    if all(case.world.option_active(case.field, one) is not False for one in given):
        return ()
    return fault(
        "「%(zh)s」选的这一项已经停用。请换一项。", "This choice of “%(en)s” is no longer in use. Please choose another.",
        zh=case.label.zh, en=case.label.en,
    )  # fmt: skip


def exists(case: RuleCase) -> Sequence[Fault]:
    """Find a number that is no order, article, supplier and so on we know."""
    kind = case.text("kind")
    if case.world.exists(kind, case.value) is not False:
        return ()
    thing = THINGS[kind]
    return fault(
        "没有找到%(zh)s「%(value)s」。请核对编号,或先导入资料。",
        "There is no %(en)s “%(value)s”. Please check the number, or import it first.",
        zh=thing.zh, en=thing.en, value=plain(case.value),
    )  # fmt: skip


def lot_of_sku(case: RuleCase) -> Sequence[Fault]:
    """Find a lot that is one of another article."""
    sku = case.values.get(case.text("sku"))
    if sku is None or case.world.lot_of_sku(case.value, sku) is not False:
        return ()
    return fault(
        "这个批次不是这个商品的。请核对「%(zh)s」和「%(other_zh)s」。",
        "This lot is not one of this article. Please check “%(en)s” and “%(other_en)s”.",
        zh=case.label.zh, en=case.label.en, other_zh=case.label_of(case.text("sku")).zh, other_en=case.label_of(case.text("sku")).en,
    )  # fmt: skip


def sku_in_order(case: RuleCase) -> Sequence[Fault]:
    """Find an article that was not in the order."""
    sku = case.values.get(case.text("sku"))
    if sku is None or case.world.sku_in_order(case.value, sku) is not False:
        return ()
    return fault(
        "这个订单里没有这个商品。请核对「%(zh)s」和「%(other_zh)s」。",
        "This order does not contain this article. Please check “%(en)s” and “%(other_en)s”.",
        zh=case.label.zh, en=case.label.en, other_zh=case.label_of(case.text("sku")).zh, other_en=case.label_of(case.text("sku")).en,
    )  # fmt: skip


def _days(case: RuleCase) -> int | None:
    days = case.number("days")
    return int(days) if days else None


def _told(value: object) -> str:
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d}"
    return f"「{plain(value)}」" if isinstance(value, str) else plain(value) if isinstance(value, Decimal) else ""


DAYS = RuleOption(
    name="days",
    kind="whole",
    label=Text("只看最近几天", "Of the last days"),
    hint=Text("不填就看全部", "All when empty"),
    least=1,
    most=MOST_DAYS,
)
SKU = RuleOption(name="sku", kind="field", label=Text("商品字段", "Field of the article"), required=True, fits=NAMED)
KINDS = (
    RuleKind(
        key="unique", name=Text("不能重复", "Unique"), family="facts", fits=COMPARABLE, judge=unique,
        hint=Text("同一表单里不能有两条相同的;可以限定同店铺、最近几天。", "No two records of the form may share it, or only within one shop or some days."),
        options=(RuleOption(name="same", kind="fields", label=Text("只在这些字段也相同时", "Only if these fields are equal too"), fits=COMPARABLE), DAYS),
        words="唯一 查重 duplicate",
    ),
    RuleKind(
        key="similar", name=Text("可能登记过", "Possible duplicate"), family="facts", judge=similar, judges_missing=True, level="warn",
        hint=Text("几个字段都相同的记录已经存在时提醒,例如同批次、同类型。", "Warns when a record with the same values of several fields exists."),
        options=(RuleOption(name="fields", kind="fields", label=Text("这些字段都相同", "Fields that are all equal"), required=True, fits=COMPARABLE), DAYS),
        words="相似 重复 查重 similar",
    ),
    RuleKind(
        key="option_active", name=Text("选项还在用", "Choice still in use"), family="facts", fits=NAMED | LISTS, judge=option_active,
        hint=Text("选到已停用的分类时拦住,旧链接和接口也一样。", "Stops choices that were retired, from old links and interfaces too."), words="停用 分类 有效",
    ),
    RuleKind(
        key="exists", name=Text("资料里要有", "Must be known"), family="facts", fits=NAMED, judge=exists,
        hint=Text("编号要能在订单、商品、供应商、批次等资料里查到。", "The number must be one of our orders, articles, suppliers, lots …"),
        options=(RuleOption(name="kind", kind="choice", label=Text("哪种资料", "Which data"), required=True, choices=tuple(THINGS.items())),),
        words="主数据 存在 查得到 master",
    ),
    RuleKind(
        key="lot_of_sku", name=Text("批次属于商品", "Lot belongs to the article"), family="facts", fits=NAMED, judge=lot_of_sku,
        hint=Text("批次和商品对不上时拦住。", "Stops a lot of another article."), options=(SKU,), words="批号 对不上",
    ),
    RuleKind(
        key="sku_in_order", name=Text("订单里有这个商品", "Order contains the article"), family="facts", fits=NAMED, judge=sku_in_order,
        hint=Text("订单和商品对不上时拦住。", "Stops an article that was not in the order."), options=(SKU,), words="订单 明细 对不上",
    ),
)  # fmt: skip
