"""Controls that name master data: shops, articles, categories, suppliers, warehouses and buyers."""

# ruff: noqa: ARG002 -- every control keeps the signatures of the contract

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, ClassVar

from flask import Flask
from flask_babel import gettext as _
from sqlalchemy import ColumnElement, func, or_, select

from qtrace.catalog.models import Category, Customer, Shop, Sku, Supplier, Warehouse
from qtrace.catalog.queries import shops
from qtrace.core.db import db
from qtrace.core.errors import Refused
from qtrace.forms.controls.identity import half_width
from qtrace.forms.controls.people import OnePick
from qtrace.forms.controls.text import PLACEHOLDER, Line, refuse_mask
from qtrace.forms.registry import (
    Cell,
    Choice,
    FieldDefinition,
    Samples,
    Sent,
    Storage,
    Value,
    cell_text,
    register_control,
)

MARKS = " \t\r\n\u3000\xa0\ufeff#:：,，;；'\"“”[]【】"
MAX_CODE = 200
MOST_FOUND = 8
FEWEST_LETTERS = 2
AT = "@"  # between a number and the shop it belongs to, where several shops have it


class ShopRow(Line):
    """A row some shop reported, named by its number there; `number@shop` where several shops have it."""

    family = "commerce"
    storage = Storage.REF
    model: ClassVar[Any]
    code = True
    options = (PLACEHOLDER,)

    def longest(self, field: FieldDefinition) -> int:
        """Return room for a number with the words platforms copy along."""
        return MAX_CODE

    def after(self, field: FieldDefinition) -> str:
        """Return nothing: numbers have no unit."""
        return ""

    def samples(self, field: FieldDefinition) -> Samples:
        """Return a row there is, and numbers nothing has."""
        first = db.session.scalars(select(self.model).order_by(self.model.id).limit(1)).first()
        right = [Sent({field.id: [self.spelled(first)]})] if first is not None else []
        return Samples(right, [Sent({field.id: [text]}) for text in ("查无此号-0", "0@没有这家店")])

    def reads_company(self, field: FieldDefinition) -> bool:
        """Say yes: which numbers there are is the company's knowledge."""
        return True

    def parse(self, field: FieldDefinition, sent: Sent) -> Value:
        """Return the row's id; refuse a number nothing or more than one thing has."""
        text = self.cleaned(sent.first(field.id))
        return self.only_one(text) if text else None

    def send(self, field: FieldDefinition, value: Value) -> dict[str, list[str]]:
        """Return the number, with its shop where it needs one."""
        row = self.row(value)
        return {} if row is None else {field.id: [self.spelled(row)]}

    def show(self, field: FieldDefinition, value: Value) -> str:
        """Return what staff call it."""
        row = self.row(value)
        return "—" if row is None else self.label(row)

    def to_cell(self, field: FieldDefinition, value: Value) -> Cell:
        """Return the number as text, so that no sheet shortens it."""
        row = self.row(value)
        return None if row is None else self.spelled(row)

    def from_cell(self, field: FieldDefinition, cell: Cell) -> Value:
        """Read the number."""
        return self.parse(field, Sent({field.id: ["" if cell is None else cell_text(cell)]}))

    def search_text(self, field: FieldDefinition, value: Value) -> str:
        """Return its number and its name."""
        row = self.row(value)
        return "" if row is None or self.sensitive else f"{row.external_id} {self.label(row)}"

    def find(self, field: FieldDefinition, text: str) -> Sequence[Choice]:
        """Return the first rows whose number begins like this, or whose name holds it, to be picked while typing."""
        text = self.cleaned(text)
        if len(text) < FEWEST_LETTERS:
            return []
        rows = db.session.scalars(select(self.model).where(self.begins(text)).order_by(self.model.id).limit(MOST_FOUND))
        return [Choice(self.spelled(row), self.label(row)) for row in rows]

    def row(self, value: Value) -> Any:
        """Return the row with this id, None when there is none."""
        return db.session.get(self.model, value) if isinstance(value, int) and not isinstance(value, bool) else None

    def label(self, row: Any) -> str:
        """Return what staff call a row."""
        return str(row.external_id)

    def named(self, text: str) -> ColumnElement[bool]:
        """Return the condition that a row is what the text names."""
        return self.numbered(text)

    def numbered(self, text: str) -> ColumnElement[bool]:
        """Return the condition that a row has this number; every shop's index is asked."""
        found: ColumnElement[bool] = self.model.shop_id.in_(select(Shop.id)) & (self.model.external_id == text)
        return found

    def begins(self, text: str) -> ColumnElement[bool]:
        """Return the condition that a row may be meant by the first letters."""
        column = self.model.external_id
        found: ColumnElement[bool] = (
            self.model.shop_id.in_(select(Shop.id)) & (column >= text) & (column < text + "\U0010ffff")
        )
        return found

    def cleaned(self, text: str) -> str:
        """Return the number without the words and marks that are copied along."""
        return half_width(text).strip(MARKS)[:MAX_CODE]

    def only_one(self, text: str) -> int:
        """Return the id of the only match; refuse none and several."""
        found = self.matches(text)
        number, at, shop = text.rpartition(AT)
        if not found and at:
            found = self.matches(number, shop)
        if not found:
            raise Refused(_("没有找到「%(code)s」。请检查编号,或清空后提交。", code=text[:60]))
        if len(found) > 1:
            names = db.session.scalars(select(Shop.name).where(Shop.id.in_({row.shop_id for row in found}))).all()
            raise Refused(
                _(
                    "「%(code)s」在几家店铺里都有(%(shops)s)。请写成 编号@店铺名。",
                    code=text[:60],
                    shops="、".join(names),
                )
            )
        return int(found[0].id)

    def matches(self, text: str, shop: str = "") -> Sequence[Any]:
        """Return the first two rows the text names, of one shop if it is told."""
        statement = select(self.model).where(self.named(text))
        if shop:
            statement = statement.where(
                self.model.shop_id.in_(select(Shop.id).where(or_(Shop.name == shop, Shop.key == shop)))
            )
        return db.session.scalars(statement.order_by(self.model.id).limit(2)).all()

    def spelled(self, row: Any) -> str:
        """Return the shortest text that names this row and no other."""
        same = db.session.scalar(select(func.count()).select_from(self.model).where(self.named(row.external_id)))
        if (same or 0) < 2 and AT not in row.external_id:
            return str(row.external_id)
        return f"{row.external_id}{AT}{db.session.get_one(Shop, row.shop_id).name}"


class SkuRef(ShopRow):
    """An article, named by its SKU code or barcode."""

    key, name_zh, name_en = "sku", "商品 SKU", "SKU"
    basic = True
    icon = "tag"
    model = Sku

    def label(self, row: Any) -> str:
        """Return the article's name, or its code where no name is known."""
        return str(row.label)

    def named(self, text: str) -> ColumnElement[bool]:
        """Return the condition that a row has this code or barcode."""
        return or_(self.numbered(text), Sku.barcode == text)

    def begins(self, text: str) -> ColumnElement[bool]:
        """Return the condition that the code begins like this or the name holds it."""
        return or_(super().begins(text), Sku.name.contains(text, autoescape=True))


class SupplierRef(ShopRow):
    """A supplier, named by code or name."""

    key, name_zh, name_en = "supplier", "供应商", "Supplier"
    basic = True
    icon = "factory"
    public = False  # outsiders must not learn whom the company buys from
    model = Supplier
    code = False

    def label(self, row: Any) -> str:
        """Return the supplier's name."""
        return str(row.name)

    def named(self, text: str) -> ColumnElement[bool]:
        """Return the condition that a row has this code or name."""
        return or_(self.numbered(text), Supplier.name == text)

    def begins(self, text: str) -> ColumnElement[bool]:
        """Return the condition that the code begins like this or the name holds it."""
        return or_(super().begins(text), Supplier.name.contains(text, autoescape=True))


class CustomerRef(ShopRow):
    """A buyer, named by the number the shop gives; shown masked, because who bought is nobody's business."""

    key, name_zh, name_en = "customer", "买家", "Buyer"
    icon = "user"
    public = False
    sensitive = True
    model = Customer

    def parse(self, field: FieldDefinition, sent: Sent) -> Value:
        """Return the buyer's id; refuse a mask, so that a masked sheet never overwrites what is kept."""
        refuse_mask(sent.first(field.id))
        return super().parse(field, sent)

    def named(self, text: str) -> ColumnElement[bool]:
        """Return the condition that a row has this number; one person's orders lead to the first of them."""
        return self.numbered(text)

    def label(self, row: Any) -> str:
        """Return the masked name and the region."""
        return " · ".join(part for part in (row.masked_name or _("匿名买家"), row.region) if part)

    def masked(self, field: FieldDefinition, value: Value) -> str:
        """Return what is shown anyway: no name was ever kept whole."""
        return self.show(field, value)

    def revealed(self, field: FieldDefinition, value: Value) -> str:
        """Return the number by which the shop knows the buyer too."""
        row = self.row(value)
        return "—" if row is None else f"{self.label(row)} · {row.external_id}"

    def find(self, field: FieldDefinition, text: str) -> Sequence[Choice]:
        """Return nothing: buyers are not to be browsed."""
        return []


class MasterPick(OnePick):
    """One row of a short list of master data."""

    family = "commerce"
    model: ClassVar[Any]

    def reads_company(self, field: FieldDefinition) -> bool:
        """Say yes: the list is offered."""
        return True

    def choices(self, field: FieldDefinition) -> Sequence[Choice]:
        """Return every row, grouped by shop where there are several."""
        names = {shop.id: shop.name for shop in shops()}
        rows = db.session.scalars(select(self.model).order_by(self.model.shop_id, self.model.name, self.model.id))
        return [Choice(str(row.id), row.name, group=names[row.shop_id] if len(names) > 1 else "") for row in rows]

    def show(self, field: FieldDefinition, value: Value) -> str:
        """Return the name."""
        row = db.session.get(self.model, value) if isinstance(value, int) else None
        return "—" if row is None else str(row.name)

    def to_cell(self, field: FieldDefinition, value: Value) -> Cell:
        """Return the name, with its shop where two shops have one of that name."""
        row = db.session.get(self.model, value) if isinstance(value, int) else None
        if row is None:
            return None
        twins = db.session.scalar(select(func.count()).select_from(self.model).where(self.model.name == row.name)) or 0
        return row.name if twins < 2 else f"{row.name}{AT}{db.session.get_one(Shop, row.shop_id).name}"

    def from_cell(self, field: FieldDefinition, cell: Cell) -> Value:
        """Read a name, a code, or `name@shop`."""
        text = "" if cell is None else cell_text(cell)
        if not text:
            return None
        name, at, shop = text.rpartition(AT)
        named = or_(self.model.name == text, self.model.external_id == text)
        if at:
            of_shop = self.model.shop_id.in_(select(Shop.id).where(Shop.name == shop))
            named = or_(named, of_shop & or_(self.model.name == name, self.model.external_id == name))
        found = db.session.scalars(select(self.model.id).where(named).limit(2)).all()
        if len(found) > 1:
            raise Refused(_("「%(name)s」在几家店铺里都有。请写成 名称@店铺名。", name=text[:60]))
        return self.parse(field, Sent({field.id: [str(found[0])] if found else [text]}))


class ProductCategory(MasterPick):
    """A product category."""

    key, name_zh, name_en = "product_category", "商品品类", "Product category"
    icon = "layers"
    public = True
    model = Category


class WarehouseRef(MasterPick):
    """A warehouse."""

    key, name_zh, name_en = "warehouse", "仓库", "Warehouse"
    icon = "warehouse"
    model = Warehouse


class ChannelShop(OnePick):
    """A shop on a platform, or the ERP."""

    key, name_zh, name_en = "channel_shop", "渠道店铺", "Shop"
    family = "commerce"
    icon = "store"
    public = False  # the list of shops is the company's own; a link brings its shop along

    def choices(self, field: FieldDefinition) -> Sequence[Choice]:
        """Return every shop."""
        return [Choice(str(shop.id), shop.name) for shop in shops()]

    def show(self, field: FieldDefinition, value: Value) -> str:
        """Return the shop's name."""
        shop = db.session.get(Shop, value) if isinstance(value, int) else None
        return shop.name if shop else "—"


def article_of(field: FieldDefinition, sent: Sent) -> int | None:
    """Return the article chosen in the field this one names; None when there is none yet."""
    named = field.text("sku")
    if not named or not sent.first(named):
        return None
    try:
        found = SkuRef().parse(replace(field, id=named, control="sku", options={}), sent)
    except Refused:
        return None
    return found if isinstance(found, int) else None


def register_controls(app: Flask) -> None:
    """Register the controls of this package."""
    for control in (
        ChannelShop(), SkuRef(), ProductCategory(), SupplierRef(), WarehouseRef(), CustomerRef(),
    ):  # fmt: skip
        register_control(app, control)
