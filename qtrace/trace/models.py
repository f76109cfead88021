"""The table of boxes that got a number of their own when their label was made."""

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from qtrace.core.db import Base
from qtrace.orders.models import Lot


class Carton(Base):
    """A box of one lot; its number is an SSCC where the company has a GS1 prefix, else one of ours."""

    __tablename__ = "carton"
    __table_args__ = (UniqueConstraint("number"), Index("ix_carton_lot", "lot_id"))

    id: Mapped[int] = mapped_column(primary_key=True)
    number: Mapped[str] = mapped_column(String(40))
    lot_id: Mapped[int] = mapped_column(ForeignKey("lot.id"))
    quantity: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[datetime]
    created_by: Mapped[int] = mapped_column(ForeignKey("user.id"))

    lot: Mapped[Lot] = relationship()
