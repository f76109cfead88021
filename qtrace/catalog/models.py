"""Tables of the master data, each row known by (shop, external id), and of the quality standards of articles."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from qtrace.core.db import Base


class Shop(Base):
    """A source of records: a platform shop or the ERP; prices are in its currency."""

    __tablename__ = "shop"
    __table_args__ = (UniqueConstraint("key"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(String(60))
    name: Mapped[str] = mapped_column(String(120))
    platform: Mapped[str] = mapped_column(String(40), default="")
    currency: Mapped[str] = mapped_column(String(3), default="CNY")
    zone: Mapped[str] = mapped_column(String(60), default="Asia/Shanghai")


class Supplier(Base):
    """Who delivers goods; on a marketplace the seller."""

    __tablename__ = "supplier"
    __table_args__ = (
        UniqueConstraint("shop_id", "external_id"),
        Index("ix_supplier_name", "name"),
        Index("ix_supplier_merged_into", "merged_into_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    shop_id: Mapped[int] = mapped_column(ForeignKey("shop.id"))
    external_id: Mapped[str] = mapped_column(String(120))
    name: Mapped[str] = mapped_column(String(200))
    region: Mapped[str] = mapped_column(String(120), default="")
    contact: Mapped[str] = mapped_column(String(200), default="")
    merged_into_id: Mapped[int | None] = mapped_column(
        ForeignKey("supplier.id")
    )  # the same company under its new number


class Duty(Base):
    """A person is responsible for a row of the master data: `kind` says of which table (`classification.duties.KINDS`)."""

    __tablename__ = "duty"
    __table_args__ = (UniqueConstraint("kind", "ref_id", "user_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(String(20))
    ref_id: Mapped[int]
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"))


class Category(Base):
    """A product category with its translation."""

    __tablename__ = "category"
    __table_args__ = (UniqueConstraint("shop_id", "external_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    shop_id: Mapped[int] = mapped_column(ForeignKey("shop.id"))
    external_id: Mapped[str] = mapped_column(String(120))
    name: Mapped[str] = mapped_column(String(200))


class Sku(Base):
    """A sellable article, possibly one variant of a product."""

    __tablename__ = "sku"
    __table_args__ = (
        UniqueConstraint("shop_id", "external_id"),
        Index("ix_sku_name", "name"),
        Index("ix_sku_supplier", "supplier_id"),
        Index("ix_sku_replaced_by", "replaced_by_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    shop_id: Mapped[int] = mapped_column(ForeignKey("shop.id"))
    external_id: Mapped[str] = mapped_column(String(120))  # the SKU code
    product_code: Mapped[str] = mapped_column(String(120), default="")
    name: Mapped[str] = mapped_column(String(300), default="")
    category: Mapped[str] = mapped_column(String(200), default="")
    barcode: Mapped[str] = mapped_column(String(60), default="")
    supplier_id: Mapped[int | None] = mapped_column(ForeignKey("supplier.id"))
    weight_g: Mapped[int | None]
    known: Mapped[bool] = mapped_column(default=True)  # False: only named by an order, not in the product list
    brand: Mapped[str] = mapped_column(String(120), default="", server_default="")
    replaced_by_id: Mapped[int | None] = mapped_column(ForeignKey("sku.id"))  # the same article under its new code

    @property
    def label(self) -> str:
        """Return what staff call it: the name, or the code where no name is known."""
        return self.name or self.external_id


class Warehouse(Base):
    """Where goods are stored and packed."""

    __tablename__ = "warehouse"
    __table_args__ = (UniqueConstraint("shop_id", "external_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    shop_id: Mapped[int] = mapped_column(ForeignKey("shop.id"))
    external_id: Mapped[str] = mapped_column(String(120))
    name: Mapped[str] = mapped_column(String(120))
    region: Mapped[str] = mapped_column(String(120), default="")


class Customer(Base):
    """A buyer without personal data: a masked name and a region only."""

    __tablename__ = "customer"
    __table_args__ = (UniqueConstraint("shop_id", "external_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    shop_id: Mapped[int] = mapped_column(ForeignKey("shop.id"))
    external_id: Mapped[str] = mapped_column(String(120))  # as the order names it
    person_id: Mapped[str] = mapped_column(String(120), default="")  # the same buyer over several orders
    masked_name: Mapped[str] = mapped_column(String(80), default="")
    region: Mapped[str] = mapped_column(String(120), default="")


class Place(Base):
    """A postal code with its coordinates as scaled integers (1e-6 degrees)."""

    __tablename__ = "place"
    __table_args__ = (UniqueConstraint("shop_id", "external_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    shop_id: Mapped[int] = mapped_column(ForeignKey("shop.id"))
    external_id: Mapped[str] = mapped_column(String(200))  # postal code|lat|lng|city
    postal_code: Mapped[str] = mapped_column(String(20))
    city: Mapped[str] = mapped_column(String(120))
    region: Mapped[str] = mapped_column(String(120))
    latitude_e6: Mapped[int]
    longitude_e6: Mapped[int]


class Standard(Base):
    """A quality standard (质量标准/封样) of an article or category, for one shop or for all."""

    __tablename__ = "quality_standard"
    __table_args__ = (Index("ix_quality_standard_sku", "sku_id"), Index("ix_quality_standard_category", "category_id"))

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(120))
    sku_id: Mapped[int | None] = mapped_column(ForeignKey("sku.id"))
    category_id: Mapped[int | None] = mapped_column(ForeignKey("category.id"))
    shop_id: Mapped[int | None] = mapped_column(ForeignKey("shop.id"))
    created_at: Mapped[datetime]
    retired_at: Mapped[datetime | None]


class StandardVersion(Base):
    """What a standard says from a day on: words, limits per measured name, photos; never changed afterwards."""

    __tablename__ = "quality_standard_version"
    __table_args__ = (UniqueConstraint("standard_id", "version"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    standard_id: Mapped[int] = mapped_column(ForeignKey("quality_standard.id"))
    version: Mapped[int]
    effective_on: Mapped[date]
    text: Mapped[str] = mapped_column(Text, default="")
    limits: Mapped[list[Any]] = mapped_column(default=list)  # {name, low, high, unit}
    photos: Mapped[list[str]] = mapped_column(default=list)  # ids of stored files
    created_at: Mapped[datetime]
    created_by: Mapped[int | None]
