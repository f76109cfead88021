"""Issues, the goods they are about, and what a page's forms send."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from qtrace.catalog.models import Shop, Sku, Supplier
from qtrace.classification.models import Term
from qtrace.complaints.models import Complaint
from qtrace.core.db import db, write
from qtrace.flows.models import FlowInstance
from qtrace.investigation.models import Action
from qtrace.issues.models import Issue
from qtrace.issues.service import NewIssue, create_issue
from qtrace.orders.models import Lot, Order, OrderLine, Parcel
from tests.conftest import NOW, Browser, user_id


@dataclass(frozen=True)
class Goods:
    """The ids of one article with its shop, supplier and lot, and of its kind of complaint with a child."""

    shop: int
    supplier: int
    sku: int
    lot: int
    kind: int
    kind_below: int
    other_kind: int


@dataclass(frozen=True)
class Sale:
    """One order of one article: when it left, how many pieces, by which line, and what was complained about."""

    number: str
    shipped_at: datetime | None
    quantity: int = 1
    line: str = ""
    parcels: int = 1
    sku: int | None = None
    complaints: tuple[int | None, ...] = ()  # the type of each


def make_goods() -> Goods:
    """Create one serum of 恒美包材 with a lot, and a small tree of complaint types."""
    with write() as session:
        shop = Shop(key="douyin", name="抖店旗舰店")
        session.add(shop)
        session.flush()
        supplier = Supplier(shop_id=shop.id, external_id="HM", name="恒美包材")
        session.add(supplier)
        session.flush()
        sku = Sku(shop_id=shop.id, external_id="ROSE-30", name="玫瑰精华液 30ml", supplier_id=supplier.id)
        kind, other = (
            Term(kind="type", code=code, name_zh=name, name_en=code, position=900)
            for code, name in (("t_defect", "测试缺陷"), ("t_late", "测试迟到"))
        )
        session.add_all([sku, kind, other])
        session.flush()
        below = Term(kind="type", code="t_leak", name_zh="测试漏液", name_en="t_leak", position=901, parent_id=kind.id)
        lot = Lot(shop_id=shop.id, external_id="B2409-17", sku_id=sku.id, supplier_id=supplier.id)
        session.add_all([below, lot])
        session.flush()
        return Goods(shop.id, supplier.id, sku.id, lot.id, kind.id, below.id, other.id)


def sell(goods: Goods, sales: list[Sale]) -> None:
    """Create the orders with their lines, parcels and complaints."""
    with write() as session:
        for sale in sales:
            order = Order(shop_id=goods.shop, external_id=sale.number, currency="CNY", shipped_at=sale.shipped_at)
            session.add(order)
            session.flush()
            sku = goods.sku if sale.sku is None else sale.sku
            session.add(
                OrderLine(
                    order_id=order.id, external_id="1", sku_id=sku, supplier_id=goods.supplier, quantity=sale.quantity
                )
            )
            parcels = [
                Parcel(
                    shop_id=goods.shop, external_id=f"{sale.number}-{n}", order_id=order.id, line=sale.line,
                    shipped_at=sale.shipped_at,
                )
                for n in range(sale.parcels)
            ]  # fmt: skip
            session.add_all(parcels)
            session.flush()
            for n, kind in enumerate(sale.complaints):
                session.add(
                    Complaint(
                        number=f"CP-{sale.number}-{n}"[:20], source_kind="staff", source_id=order.id * 100 + n,
                        occurred_at=NOW, created_at=NOW, order_id=order.id, sku_id=sku, supplier_id=goods.supplier,
                        courier_line=sale.line, parcel_id=parcels[0].id if sale.parcels == 1 else None, type_id=kind,
                    )
                )  # fmt: skip


def make_issue(*, by: str = "quality_lead", now: datetime = NOW, **values: Any) -> Issue:
    """Open an issue the way every road does, flow and first to-do included, and return it."""
    with write():
        issue_id = create_issue(NewIssue(**{"title": "瓶盖漏液,外包装浸湿"} | values), by=user_id(by), now=now).id
    return anew(Issue, issue_id)


def party(code: str, name: str) -> int:
    """Create a responsible party and return its id."""
    with write() as session:
        term = Term(kind="responsible_party", code=code, name_zh=name, name_en=code, position=900)
        session.add(term)
        session.flush()
        return term.id


def fresh() -> Session:
    """Return a session that sees what the last request wrote."""
    db.session.remove()
    return db.session()


def anew(model: Any, row_id: int) -> Any:
    """Return a row as it is now, whatever an earlier read remembers."""
    return fresh().get_one(model, row_id)


def version_of(issue_id: int) -> int:
    """Return the version the flow of an issue stands at."""
    return (
        fresh()
        .scalars(
            select(FlowInstance.moved).where(FlowInstance.subject_kind == "issue", FlowInstance.subject_id == issue_id)
        )
        .one()
    )


def decide_on(browser: Browser, issue: Issue, verdict: str = "submit", **form: Any) -> Any:
    """Send the decision box of an issue as its page would."""
    data = {"version": version_of(issue.id), "verdict": verdict, "note": ""} | form
    return browser.post(f"/issues/{issue.number}/decisions", data)


def actions_of(issue_id: int) -> list[Action]:
    """Return the actions of an issue as they are now."""
    return list(fresh().scalars(select(Action).where(Action.issue_id == issue_id).order_by(Action.id)))
