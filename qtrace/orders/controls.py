"""Controls that name facts: orders and their lines, parcels, receipts, after-sales, reviews, lots and GS1 codes."""

# ruff: noqa: ARG002 -- every control keeps the signatures of the contract

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from flask import Flask
from flask_babel import gettext as _
from flask_babel import lazy_gettext
from sqlalchemy import select

from qtrace.catalog.controls import MOST_FOUND, ShopRow
from qtrace.catalog.models import Shop
from qtrace.conditions.tree import FieldKind
from qtrace.core import clock
from qtrace.core.codes import GROUP_SEPARATOR
from qtrace.core.db import db
from qtrace.core.errors import Refused
from qtrace.core.money import Money
from qtrace.forms.controls.identity import CodeLine, half_width
from qtrace.forms.controls.text import PLACEHOLDER
from qtrace.forms.registry import (
    Cell,
    Choice,
    Control,
    FieldDefinition,
    Option,
    Samples,
    Sent,
    Storage,
    Value,
    cell_text,
    register_control,
)
from qtrace.gs1.dates import day_of
from qtrace.gs1.digits import fault_in, fault_of
from qtrace.gs1.elements import elements, printed
from qtrace.orders.models import AfterSale, Lot, Order, OrderLine, Parcel, Receipt, Review
from qtrace.orders.queries import clean_number

SLASH = "/"
WORDS_SHOWN = 40
MUST_EXIST = Option(
    "known", bool, label_zh="只收系统里有的", label_en="Only ones we know", default=False,
    help_zh="不勾选时,系统里没有的编号也可以填。", help_en="Otherwise numbers we have no record of may be typed too.",
)  # fmt: skip
AFTER_SALES = {
    "refund": lazy_gettext("仅退款"), "return": lazy_gettext("退货退款"), "exchange": lazy_gettext("换货"),
    "reship": lazy_gettext("补发"),
}  # fmt: skip


class FactRow(ShopRow):
    """A fact a shop reported, named by its number as staff paste it."""

    def cleaned(self, text: str) -> str:
        """Return the number without the words and marks that platforms copy along."""
        return clean_number(half_width(text))


class OrderRef(FactRow):
    """An order, named by its number."""

    key, name_zh, name_en = "order_ref", "订单", "Order"
    basic = True
    icon = "cart"
    model = Order


class LotNo(FactRow):
    """A lot, named by its number."""

    key, name_zh, name_en = "lot_no", "批次", "Lot"
    family = "identity"
    basic = True
    icon = "layers"
    model = Lot


class ReturnRef(FactRow):
    """A refund, return or exchange, named by the platform's after-sale number."""

    key, name_zh, name_en = "return_ref", "售后单", "After-sale"
    icon = "undo"
    model = AfterSale

    def label(self, row: Any) -> str:
        """Return the number, the kind and the money."""
        parts = [row.external_id, str(AFTER_SALES.get(row.kind, row.kind))]
        return " · ".join([*parts, str(Money(row.refund_minor, row.currency))] if row.refund_minor else parts)


class ReviewRef(FactRow):
    """A buyer's review, named by the platform's number."""

    key, name_zh, name_en = "review_ref", "评价", "Review"
    icon = "star"
    model = Review

    def label(self, row: Any) -> str:
        """Return the stars and the first words."""
        words = (row.title or row.text).strip().replace("\n", " ")
        cut = f"{words[:WORDS_SHOWN]}…" if len(words) > WORDS_SHOWN else words
        return " · ".join(part for part in (_("%(n)s 星", n=row.stars), cut or row.external_id) if part)


class OrderLineRef(ShopRow):
    """One article of an order: `order/line`, `order/SKU`, or the order alone where it has one line."""

    key, name_zh, name_en = "order_line", "订单商品", "Order line"
    icon = "package"
    model = OrderLine

    def only_one(self, text: str) -> int:
        """Return the line the text names; refuse several and tell which there are."""
        number, slash, rest = text.rpartition(SLASH)
        lines = self.lines_of(clean_number(number)) if slash else []
        lines = [line for line in lines if rest in (line.external_id, line.sku.external_id if line.sku else None)]
        lines = lines or self.lines_of(clean_number(text))
        if not lines:
            raise Refused(_("没有找到「%(code)s」。请写成 订单号/行号,或 订单号/SKU。", code=text[:60]))
        if len(lines) > 1:
            told = "、".join(f"{line.external_id} {self.article(line)}" for line in lines[:MOST_FOUND])
            raise Refused(_("这个订单有几件商品:%(lines)s。请写成 订单号/行号。", lines=told))
        return lines[0].id

    def lines_of(self, number: str) -> list[OrderLine]:
        """Return the lines of the orders with this number, `order@shop` for one shop's."""
        order, at, shop = number.rpartition("@")
        of_order = Order.external_id == number
        if at:
            of_shop = Order.shop_id.in_(select(Shop.id).where(Shop.name == shop))
            of_order = of_order | ((Order.external_id == order) & of_shop)
        statement = select(OrderLine).join(Order, Order.id == OrderLine.order_id).where(of_order)
        return list(db.session.scalars(statement.order_by(OrderLine.id)))

    def spelled(self, row: Any) -> str:
        """Return order/line, with the shop where two orders have the number."""
        number = row.order.external_id
        twins = {line.order_id for line in self.lines_of(number)}
        return f"{number}@{row.order.shop.name}/{row.external_id}" if len(twins) > 1 else f"{number}/{row.external_id}"

    def label(self, row: Any) -> str:
        """Return the article, how many, and the order."""
        return f"{self.article(row)} × {row.quantity} · {row.order.external_id}"

    def search_text(self, field: FieldDefinition, value: Value) -> str:
        """Return the order's number and the article."""
        row = self.row(value)
        return "" if row is None else f"{row.order.external_id} {self.article(row)}"

    def find(self, field: FieldDefinition, text: str) -> Sequence[Choice]:
        """Return the lines of the order that was typed."""
        number = self.cleaned(text).rpartition(SLASH)[0] or self.cleaned(text)
        return [
            Choice(self.spelled(line), self.label(line)) for line in self.lines_of(clean_number(number))[:MOST_FOUND]
        ]

    def article(self, row: OrderLine) -> str:
        """Return what staff call the article of a line."""
        return row.sku.label if row.sku else row.external_id


class FactCode(CodeLine):
    """A number that may name a fact of ours, or one we have no record of."""

    family = "commerce"
    model: Any
    options = (MUST_EXIST, PLACEHOLDER)

    def reads_company(self, field: FieldDefinition) -> bool:
        """Say yes where only known numbers count: then they can be tried."""
        return field.flag("known")

    def parse(self, field: FieldDefinition, sent: Sent) -> Value:
        """Return the number; refuse an unknown one where only known ones count."""
        text = clean_number(sent.first(field.id))
        code = super().parse(field, Sent({field.id: [text]}))
        if isinstance(code, str) and field.flag("known") and self.fact(code) is None:
            raise Refused(_("没有找到「%(code)s」。请检查编号,或清空后提交。", code=code[:60]))
        return code

    def fact(self, code: str) -> Any:
        """Return the fact with this number, None when we have none."""
        found = select(self.model).where(self.model.shop_id.in_(select(Shop.id)), self.model.external_id == code)
        return db.session.scalars(found.order_by(self.model.id).limit(1)).first()

    def find(self, field: FieldDefinition, text: str) -> Sequence[Choice]:
        """Return the facts whose number begins like this."""
        text, column = clean_number(half_width(text)), self.model.external_id
        if len(text) < 2:
            return []
        begins = self.model.shop_id.in_(select(Shop.id)) & (column >= text) & (column < text + "\U0010ffff")
        rows = db.session.scalars(select(self.model).where(begins).order_by(column).limit(MOST_FOUND))
        return [Choice(row.external_id, self.told(row)) for row in rows]

    def told(self, row: Any) -> str:
        """Return what is known of a fact."""
        raise NotImplementedError


class PurchaseOrder(FactCode):
    """The number of a purchase or of its receipt into a warehouse."""

    key, name_zh, name_en = "purchase_order", "采购单/入库单", "Purchase order"
    icon = "clipboard-list"
    public = False
    model = Receipt

    def told(self, row: Any) -> str:
        """Return where the goods were received and when."""
        day = row.received_at.date().isoformat() if row.received_at else ""
        return " ".join(part for part in (row.external_id, row.warehouse.name if row.warehouse else "", day) if part)


class ShipmentTracking(FactCode):
    """A courier's tracking number."""

    key, name_zh, name_en = "shipment_tracking", "快递单号", "Tracking number"
    icon = "truck"
    model = Parcel

    def told(self, row: Any) -> str:
        """Return the courier."""
        return " ".join(part for part in (row.external_id, row.courier) if part)


GS1_PARTS = {"gtin": "01", "lot": "10", "expiry": "17", "serial": "21"}
GS1_NAMES = {
    "gtin": lazy_gettext("商品条码"), "lot": lazy_gettext("批号"), "expiry": lazy_gettext("有效期"),
    "serial": lazy_gettext("序列号"),
}  # fmt: skip
LONGEST_PART = 20


class Gs1Scan(Control):
    """Article, lot, expiry and serial of one scan of a GS1 code, each of which can be typed too."""

    key, name_zh, name_en = "gs1_scan", "GS1 扫码", "GS1 scan"
    family = "identity"
    icon = "qr-code"
    storage = Storage.JSON_LIST
    compared_as = FieldKind.TEXT  # the printed form: (01)…(10)…
    grouped = True
    wide = True
    options = (
        Option("need_lot", bool, label_zh="必须有批号", label_en="Needs a lot", default=False),
        Option("need_expiry", bool, label_zh="必须有有效期", label_en="Needs an expiry date", default=False),
    )

    def samples(self, field: FieldDefinition) -> Samples:
        """Return a printed code, a Digital Link and typed parts; and codes that are none or wrong."""
        right: list[Mapping[str, list[str]]] = [
            {field.id: ["(01)06901234567892(10)B2409-17(17)261231"]},
            {field.id: ["https://id.gs1.org/01/06901234567892/10/B2409-17/21/0087?17=261231"]},
            {field.id: [f"010690123456789217261231{GROUP_SEPARATOR}10B2409-17"]},
            {f"{field.id}.gtin": ["6901234567892"], f"{field.id}.expiry": ["2026-12-31"]},
        ]
        wrong: list[Mapping[str, list[str]]] = [
            {field.id: ["随便写的"]}, {f"{field.id}.gtin": ["6901234567893"]}, {f"{field.id}.expiry": ["下个月"]},
            {f"{field.id}.lot": ["批" * 3]},
        ]  # fmt: skip
        return Samples([Sent(one) for one in right], [Sent(one) for one in wrong])

    def parse(self, field: FieldDefinition, sent: Sent) -> Value:
        """Return the parts: those of the scanned code, where none was typed over them."""
        typed = {name: half_width(sent.first(f"{field.id}.{name}")) for name in GS1_PARTS}
        scanned = read_gs1(sent.first(field.id))
        parts = {name: self.part(name, typed[name] or scanned.get(name, "")) for name in GS1_PARTS}
        if not any(parts.values()):
            return None
        for name, option in (("lot", "need_lot"), ("expiry", "need_expiry")):
            if field.flag(option) and not parts[name]:
                raise Refused(_("码里没有%(part)s。请补填。", part=str(GS1_NAMES[name])))
        return {name: text for name, text in parts.items() if text}

    def part(self, name: str, text: str) -> str:
        """Return one part as it is kept; refuse what no label carries."""
        if name == "gtin" and text:
            if fault := fault_of(text):
                raise Refused(fault)
            return text.zfill(14)
        if name == "expiry" and text:
            try:
                return date.fromisoformat(text).isoformat()
            except ValueError:
                raise Refused(_("有效期「%(text)s」不是日期。请写成 2026-12-31。", text=text[:40])) from None
        if text and (len(text) > LONGEST_PART or not text.isascii() or not text.isprintable() or "(" in text):
            raise Refused(_("「%(text)s」不像标签上的编号:最多 20 个字母、数字和符号。", text=text[:40]))
        return text

    def send(self, field: FieldDefinition, value: Value) -> dict[str, list[str]]:
        """Return every part under its input."""
        parts = value if isinstance(value, Mapping) else {}
        return {f"{field.id}.{name}": [str(parts[name])] for name in GS1_PARTS if parts.get(name)}

    def parts(self) -> list[tuple[str, str]]:
        """Return each part's name with the words for it."""
        return [(name, str(words)) for name, words in GS1_NAMES.items()]

    def show(self, field: FieldDefinition, value: Value) -> str:
        """Return the parts with their names."""
        parts = value if isinstance(value, Mapping) else {}
        return " · ".join(f"{words} {parts[name]}" for name, words in self.parts() if parts.get(name)) or "—"

    def to_condition(self, field: FieldDefinition, value: Value) -> object:
        """Return the code as it is printed below a symbol."""
        return code_of(value) or None

    def search_text(self, field: FieldDefinition, value: Value) -> str:
        """Return every part, the article's number without its leading zero too."""
        parts = value if isinstance(value, Mapping) else {}
        return " ".join(str(parts[name]) for name in GS1_PARTS if parts.get(name))

    def to_cell(self, field: FieldDefinition, value: Value) -> Cell:
        """Return the printed form, like (01)06901234567892(10)B2409-17."""
        return code_of(value) or None

    def from_cell(self, field: FieldDefinition, cell: Cell) -> Value:
        """Read the printed form, a Digital Link or a bare article number."""
        text = "" if cell is None else cell_text(cell)
        name = f"{field.id}.gtin" if text.isdecimal() else field.id
        return self.parse(field, Sent({name: [text]}))


def read_gs1(text: str) -> dict[str, str]:
    """Return what a scanned GS1 code says by our names; refuse a text that is none, {} for nothing."""
    text = GROUP_SEPARATOR.join(half_width(part) for part in text.split(GROUP_SEPARATOR)).strip(GROUP_SEPARATOR)
    if not text:
        return {}
    found = elements(text, gs1=text.startswith("01"))
    parts = {name: found[key] for name, key in GS1_PARTS.items() if found.get(key)}
    if not parts:
        raise Refused(_("「%(text)s」不是 GS1 码。请重新扫描,或在下面分开填写。", text=text[:60]))
    if fault := fault_in({key: value.zfill(14) if key == "01" else value for key, value in found.items()}):
        raise Refused(fault)
    if "expiry" in parts:
        day = day_of(parts["expiry"], today=clock.now().date())
        parts["expiry"] = day.isoformat() if day else parts["expiry"]
    return parts


def code_of(value: Value) -> str:
    """Return the parts of a value as they are printed below a symbol; empty for none."""
    parts = value if isinstance(value, Mapping) else {}
    texts = {GS1_PARTS[name]: str(parts[name]) for name in GS1_PARTS if parts.get(name)}
    if "17" in texts:
        texts["17"] = texts["17"].replace("-", "")[2:]
    return printed(texts)


def register_controls(app: Flask) -> None:
    """Register the controls of this package."""
    for control in (
        OrderRef(), OrderLineRef(), PurchaseOrder(), ShipmentTracking(), ReturnRef(), ReviewRef(), LotNo(), Gs1Scan(),
    ):  # fmt: skip
        register_control(app, control)
