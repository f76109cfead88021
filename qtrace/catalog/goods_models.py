"""Tables of what an article consists of and how it was offered, each valid for a time."""

from datetime import date, datetime

from sqlalchemy import ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from qtrace.catalog.models import Sku
from qtrace.core.db import Base


class KitPart(Base):
    """A kit (套装) holds so many pieces of a part from one day until another; a gift goes with it for nothing."""

    __tablename__ = "kit_part"
    __table_args__ = (
        UniqueConstraint("shop_id", "external_id"),
        Index("ix_kit_part_kit", "kit_id"),
        Index("ix_kit_part_part", "part_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    shop_id: Mapped[int] = mapped_column(ForeignKey("shop.id"))
    external_id: Mapped[str] = mapped_column(String(260))  # kit|part|first day
    kit_id: Mapped[int | None] = mapped_column(ForeignKey("sku.id"))
    part_id: Mapped[int | None] = mapped_column(ForeignKey("sku.id"))
    kind: Mapped[str] = mapped_column(String(12), default="component")  # component, gift
    quantity: Mapped[int] = mapped_column(default=1)
    valid_from: Mapped[date | None]
    valid_until: Mapped[date | None]  # the last day

    kit: Mapped[Sku | None] = relationship(foreign_keys=[kit_id])
    part: Mapped[Sku | None] = relationship(foreign_keys=[part_id])


class Listing(Base):
    """How an offer looked at a moment (详情页快照): its title, the hashes of its pictures, its key attributes."""

    __tablename__ = "listing"
    __table_args__ = (
        UniqueConstraint("shop_id", "external_id"),
        Index("ix_listing_sku", "sku_id", "seen_at"),
        Index("ix_listing_offer", "offer", "seen_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    shop_id: Mapped[int] = mapped_column(ForeignKey("shop.id"))
    external_id: Mapped[str] = mapped_column(String(260))  # offer|SKU|moment
    offer: Mapped[str] = mapped_column(String(120), default="")  # the platform's number of the offer (商品 ID)
    sku_id: Mapped[int | None] = mapped_column(ForeignKey("sku.id"))
    title: Mapped[str] = mapped_column(String(500), default="")
    pictures: Mapped[str] = mapped_column(Text, default="")  # one a line: hash, then the address if known
    attributes: Mapped[str] = mapped_column(Text, default="")  # one a line: name: value
    price_minor: Mapped[int | None]
    seen_at: Mapped[datetime]

    sku: Mapped[Sku | None] = relationship()
