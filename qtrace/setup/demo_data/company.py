"""The demo company as a whole: who works there, what each source reports, and what is planted in it."""

from collections import Counter
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from random import Random

from qtrace.sdk.records import (
    AfterSale,
    Category,
    Customer,
    Lot,
    Order,
    OrderLine,
    Product,
    PurchaseReceipt,
    Record,
    Review,
    Shipment,
    Supplier,
    Warehouse,
)
from qtrace.setup.demo_data import voices
from qtrace.setup.demo_data.feedback import Feedback
from qtrace.setup.demo_data.goods import CARDIGAN, CATEGORIES, SERUM, TOTE, Good, LotInUse, Shelf, catalog, shelves
from qtrace.setup.demo_data.names import (
    DEPARTMENTS,
    ERP,
    GUANGZHOU,
    HANGZHOU,
    PEOPLE,
    SHOPS,
    WAREHOUSES,
    Department,
    Person,
    ShopSeed,
    suppliers,
)
from qtrace.setup.demo_data.planted import BadLot, CarelessLine, Findings, Planted, SolvedProblem, WrongListing
from qtrace.setup.demo_data.sales import CARELESS_LINE, CHINA, LATE_SHARE, Sale, Seller, days_of_sales
from qtrace.setup.demo_data.troubles import Lots, Plan, Troubles, plan_of

_WITHOUT_LINES = 3
_ERP_ONLY = 2
_MASTERS = (Category, Supplier, Product, Warehouse, Lot, PurchaseReceipt)
_LOAD_ORDER = {kind: at for at, kind in enumerate((Customer, Order, OrderLine, Shipment, Review, AfterSale))}


@dataclass(frozen=True, kw_only=True)
class Demo:
    """A generated company; `records` holds each source's records by shop key, in load order, the ERP first."""

    shops: tuple[ShopSeed, ...]
    departments: tuple[Department, ...]
    people: tuple[Person, ...]
    records: dict[str, tuple[Record, ...]]
    planted: Planted

    def self_contained(self, shop: str) -> tuple[Record, ...]:
        """Return the shop's records after the ERP's master data, for a loader that looks in one shop only."""
        if shop == ERP.key:
            return self.records[shop]
        masters = tuple(record for record in self.records[ERP.key] if isinstance(record, _MASTERS))
        return masters + self.records[shop]


def generate(seed: int, orders: int, today: date) -> Demo:
    """Return the company whose last day of sales is yesterday; the same arguments give the same company."""
    rng = Random(seed)  # noqa: S311 - a demo must be repeatable, not secret
    plan = plan_of(today)
    goods = catalog()
    span = (plan.starts_on, today)
    stock = shelves(goods, rng, span, plan.opening_days())
    seller = Seller(goods=goods, shelves=stock, rng=rng, today=today, careless_since=plan.line_since)
    sales = [seller.sell(day) for day in days_of_sales(rng, orders, span)]
    for at in range(1, _WITHOUT_LINES + 1):
        place = len(sales) * at // (_WITHOUT_LINES + 1)
        sales[place] = replace(sales[place], lines=())
    only_erp = [seller.sell(today - timedelta(days=9 + 17 * at), shop=ERP.key) for at in range(_ERP_ONLY)]
    stray = _review_of_unknown_order(seller)
    found = _shop_records(sales, Troubles(plan=plan, lots=_planted_lots(stock, plan), rng=rng), seller)
    found[SHOPS[0].key].append(stray)
    found[ERP.key] = [*_masters(goods, stock, seller.shipped), *_in_load_order(_sold(only_erp))]
    return Demo(
        shops=(ERP, *SHOPS),
        departments=DEPARTMENTS,
        people=PEOPLE,
        records={shop.key: tuple(found[shop.key]) for shop in (ERP, *SHOPS)},
        planted=_planted(plan, stock, _findings(sales, only_erp, stray)),
    )


def _shop_records(sales: list[Sale], troubles: Troubles, seller: Seller) -> dict[str, list[Record]]:
    feedback = Feedback(rng=seller.rng, cutoff=seller.cutoff)
    found: dict[str, list[Record]] = {}
    for shop in SHOPS:
        found[shop.key] = []
    for sale in sales:
        found[sale.shop] += [*_sold([sale]), *feedback.of(sale, troubles.of(sale))]
    return {shop: _in_load_order(records) for shop, records in found.items()}


def _sold(sales: list[Sale]) -> list[Record]:
    found: list[Record] = []
    for sale in sales:
        if sale.customer:
            found.append(sale.customer)
        found.append(sale.order)
        found += [line.record for line in sale.lines]
        found += sale.shipments
    return found


def _in_load_order(records: list[Record]) -> list[Record]:
    return sorted(records, key=lambda record: _LOAD_ORDER[type(record)])


def _masters(goods: dict[str, Good], stock: dict[str, Shelf], shipped: Counter[tuple[str, str]]) -> list[Record]:
    makers = [supplier for found in suppliers().values() for supplier in found]
    used = sorted((used for shelf in stock.values() for used in shelf.lots), key=lambda used: used.opens_on)
    products = [good.product for good in goods.values()]
    lots = [entry.lot for entry in used]
    return [*CATEGORIES, *makers, *products, *WAREHOUSES, *lots, *_receipts(used, shipped)]


def _receipts(used: list[LotInUse], shipped: Counter[tuple[str, str]]) -> list[PurchaseReceipt]:
    found: list[PurchaseReceipt] = []
    for entry in used:
        lot = entry.lot
        # Every lot came to the main warehouse; to the others only where it was sold from there.
        places = [place.external_id for place in WAREHOUSES if shipped[lot.external_id, place.external_id]]
        for place in places or [HANGZHOU]:
            gone = shipped[lot.external_id, place]
            arrived = datetime.combine(entry.opens_on - timedelta(days=2), time(10, 30), CHINA)
            found.append(
                PurchaseReceipt(
                    external_id=f"RK{arrived:%y%m%d}{len(found) + 1:05d}",
                    lot=lot.external_id,
                    sku=lot.sku,
                    supplier=lot.supplier,
                    warehouse=place,
                    quantity=(gone * 115 // 1000 + 3) * 10,
                    received_at=arrived.astimezone(UTC),
                )
            )
    return found


def _review_of_unknown_order(seller: Seller) -> Review:
    at = seller.cutoff - timedelta(days=20, hours=5)
    return Review(
        external_id=f"PJ{at:%y%m%d}999001",
        order=seller.next_number(SHOPS[0].key, at.date()),
        sku=SERUM,
        stars=3,
        title=voices.title(3),
        text="订单号对不上的一条评价:用着一般,再观察观察。",
        reviewed_at=at.astimezone(UTC),
    )


def _findings(sales: list[Sale], only_erp: list[Sale], stray: Review) -> Findings:
    return Findings(
        erp_only_orders=tuple(sale.order.external_id for sale in only_erp),
        orders_without_lines=tuple((sale.shop, sale.order.external_id) for sale in sales if not sale.lines),
        review_of_unknown_order=(SHOPS[0].key, stray.external_id, stray.order),
    )


def _planted_lots(stock: dict[str, Shelf], plan: Plan) -> Lots:
    return Lots(
        leaking=_lot_opened(stock[SERUM], plan.bad_lot_from).external_id,
        zipper=_lot_opened(stock[TOTE], plan.zipper_from).external_id,
    )


def _lot_opened(shelf: Shelf, day: date) -> Lot:
    return next(used.lot for used in shelf.lots if used.opens_on == day)


def _planted(plan: Plan, stock: dict[str, Shelf], findings: Findings) -> Planted:
    leaking = _lot_opened(stock[SERUM], plan.bad_lot_from)
    zipper = _lot_opened(stock[TOTE], plan.zipper_from)
    mended = _lot_opened(stock[TOTE], plan.zipper_effective_on)
    return Planted(
        bad_lot=BadLot(
            lot=leaking.external_id,
            sku=SERUM,
            supplier=leaking.supplier,
            shipped_from=plan.bad_lot_from,
            complaints_from=plan.complaints_from,
            rate=0.085,
            other_lots_rate=0.004,
        ),
        careless_line=CarelessLine(
            line=CARELESS_LINE,
            courier="韵达",
            warehouse=GUANGZHOU,
            since=plan.line_since,
            damage_rate=0.06,
            late_rate=LATE_SHARE,
        ),
        wrong_listing=WrongListing(sku=CARDIGAN, since=plan.listing_since, rate=0.12),
        solved=SolvedProblem(
            sku=TOTE,
            lot=zipper.external_id,
            lot_after=mended.external_id,
            supplier=zipper.supplier,
            shipped_from=plan.zipper_from,
            effective_on=plan.zipper_effective_on,
            rate_before=0.05,
            rate_after=0.003,
        ),
        findings=findings,
    )
