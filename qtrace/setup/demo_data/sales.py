"""What was sold: orders over eighteen months with their lines, customers and parcels."""

from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from itertools import accumulate
from random import Random

from qtrace.sdk.records import Customer, Order, OrderLine, Shipment
from qtrace.setup.demo_data.goods import Good, Shelf
from qtrace.setup.demo_data.names import (
    COURIERS,
    GUANGZHOU,
    PROVINCES,
    SHOP_SHARES,
    SHOPS,
    SURNAMES,
    WAREHOUSE_CITIES,
    Courier,
    Province,
)

CHINA = timezone(timedelta(hours=8))
CARELESS_LINE = "韵达·广州→湖南"
LATE_SHARE = 0.22

_USUALLY_LATE = 0.006
_HOURS = (3, 1, 1, 1, 1, 1, 2, 4, 6, 8, 10, 10, 9, 7, 7, 7, 7, 7, 8, 10, 14, 15, 12, 7)
_WEEKDAYS = (1.0, 0.95, 0.95, 1.0, 1.05, 1.2, 1.25)
# month, first day, last day, how much busier
_PEAKS = ((6, 1, 3, 1.8), (6, 16, 20, 3.4), (11, 1, 3, 2.2), (11, 10, 12, 4.5), (12, 11, 12, 1.7), (3, 6, 8, 1.7))


@dataclass(frozen=True, kw_only=True)
class SoldLine:
    """An order line with what the company cannot see: the lot it truly came from; `value` is what a refund costs."""

    record: OrderLine
    good: Good
    true_lot: str
    value: Decimal


@dataclass(frozen=True, kw_only=True)
class Sale:
    """One order of a shop with everything that belongs to it; `customer` is set when the buyer is new."""

    shop: str
    order: Order
    customer: Customer | None
    lines: tuple[SoldLine, ...]
    shipments: tuple[Shipment, ...]


@dataclass(frozen=True, kw_only=True)
class Trip:
    """The way one order takes: from where, by whom, and when."""

    warehouse: str
    courier: Courier
    line: str
    shipped_at: datetime | None
    delivered_at: datetime | None
    promised_at: datetime


@dataclass
class Seller:
    """Make one sale after the other; the same random numbers make the same sales."""

    goods: dict[str, Good]
    shelves: dict[str, Shelf]
    rng: Random
    today: date
    careless_since: date
    shipped: Counter[tuple[str, str]] = field(default_factory=Counter)
    _buyers: dict[str, list[tuple[str, Province]]] = field(default_factory=dict)
    _number: int = 0
    _parcel: int = 0

    def __post_init__(self) -> None:
        """Prepare the tables that every sale draws from."""
        self.cutoff = datetime.combine(self.today, time(), CHINA)
        singles = [good for good in self.goods.values() if good.share]
        self._singles = singles
        self._single_sums = list(accumulate(good.share for good in singles))
        self._kits = [good for good in self.goods.values() if good.parts]
        self._gifts = [good for good in self.goods.values() if good.trade == "gift"]
        self._province_sums = list(accumulate(province.share for province in PROVINCES))
        self._courier_sums = list(accumulate(courier.share for courier in COURIERS))

    def sell(self, day: date, shop: str = "") -> Sale:
        """Return the next sale, placed on that day; the shop is drawn where none is named."""
        rng = self.rng
        shop = shop or rng.choices(SHOPS, SHOP_SHARES)[0].key
        placed = self._placed_at(day)
        number = self.next_number(shop, day)
        buyer, province, customer = self._buyer(shop)
        canceled = rng.random() < 0.02
        trip = self._trip(placed, province)
        if canceled:
            trip = replace(trip, shipped_at=None, delivered_at=None)
        lines = self._lines(number, trip, placed)
        order = Order(
            external_id=number,
            customer=buyer,
            status="canceled" if canceled else _status(trip),
            currency="CNY",
            paid=sum((line.record.price * line.record.quantity + line.record.freight for line in lines), Decimal(0)),
            placed_at=placed,
            shipped_at=trip.shipped_at,
            delivered_at=trip.delivered_at,
            promised_at=trip.promised_at,
        )
        shipments = self._parcels(number, trip, len(lines))
        return Sale(shop=shop, order=order, customer=customer, lines=tuple(lines), shipments=shipments)

    def next_number(self, shop: str, day: date) -> str:
        """Return an order number that looks like the platform's and was never given before."""
        self._number += 1
        # A stride with a random rest keeps numbers unique without counting visibly.
        tail = self._number * 7919 + self.rng.randrange(7919)
        if shop == "pdd":
            return f"{day:%y%m%d}-{tail:015d}"
        # What only the ERP knows looks like an order of 天猫 that the shop never reported.
        prefix = {"douyin": "69", "tmall": "28", "wechat": "37", "erp": "28"}[shop]
        return f"{prefix}{day:%y%m%d}{tail:011d}"

    def _placed_at(self, day: date) -> datetime:
        hour = self.rng.choices(range(24), _HOURS)[0]
        moment = time(hour, self.rng.randrange(60), self.rng.randrange(60))
        return datetime.combine(day, moment, CHINA).astimezone(UTC)

    def _buyer(self, shop: str) -> tuple[str, Province, Customer | None]:
        known = self._buyers.setdefault(shop, [])
        if known and self.rng.random() < 0.22:
            buyer, province = self.rng.choice(known)
            return buyer, province, None
        province = self.rng.choices(PROVINCES, cum_weights=self._province_sums)[0]
        buyer = f"{shop[0].upper()}C{len(known) + 1:06d}"
        known.append((buyer, province))
        name = f"{self.rng.choice(SURNAMES)}{self.rng.choice(('*', '**'))}"
        customer = Customer(external_id=buyer, person_id=buyer, masked_name=name, region=province.name)
        return buyer, province, customer

    def _trip(self, placed: datetime, province: Province) -> Trip:
        rng = self.rng
        warehouse = province.warehouse if rng.random() < 0.88 else rng.choice(list(WAREHOUSE_CITIES))
        courier = self._courier(warehouse, province)
        line = f"{courier.name}·{WAREHOUSE_CITIES[warehouse]}→{province.name}"
        days = province.days + (warehouse != province.warehouse)
        shipped = placed + timedelta(minutes=rng.randint(180, 2200))
        promised = placed + timedelta(days=days + 3, hours=12)
        delivered = shipped + timedelta(days=days, minutes=rng.randint(-400, 1100))
        careless = line == CARELESS_LINE and placed.astimezone(CHINA).date() >= self.careless_since
        late = rng.random() < (LATE_SHARE if careless else _USUALLY_LATE)
        delivered = promised + timedelta(hours=rng.randint(3, 70)) if late else min(delivered, promised)
        return Trip(
            warehouse=warehouse,
            courier=courier,
            line=line,
            shipped_at=self._past(shipped),
            delivered_at=self._past(delivered),
            promised_at=promised,
        )

    def _courier(self, warehouse: str, province: Province) -> Courier:
        # Each line has the courier who won it; the rest is spread.
        if self.rng.random() < 0.7:
            if (warehouse, province.name) == (GUANGZHOU, "湖南"):
                return next(courier for courier in COURIERS if courier.name == "韵达")
            return COURIERS[(PROVINCES.index(province) + sum(map(ord, warehouse))) % len(COURIERS)]
        return self.rng.choices(COURIERS, cum_weights=self._courier_sums)[0]

    def _past(self, moment: datetime) -> datetime | None:
        return moment if moment < self.cutoff else None

    def _lines(self, order: str, trip: Trip, placed: datetime) -> list[SoldLine]:
        rng = self.rng
        ship_by = placed + timedelta(hours=48)
        count = rng.choices((1, 2, 3), (64, 27, 9))[0]
        wanted = rng.choices(self._singles, cum_weights=self._single_sums, k=count)
        found: list[SoldLine] = []
        if rng.random() < 0.08:
            kit = rng.choice(self._kits)
            wanted = wanted[1:]
            found += self._kit(order, trip, ship_by, kit)
        for good in dict.fromkeys(wanted):
            quantity = rng.choices((1, 2, 3), (88, 10, 2))[0]
            price = good.price - rng.choice((0, 0, 0, 5, 8))
            found.append(self._line(order, trip, ship_by, good, OrderLine(
                order=order, external_id=f"{len(found) + 1}", quantity=quantity, price=price,
                freight=Decimal(rng.choice((0, 0, 0, 6))) if not found else Decimal(0),
            )))  # fmt: skip
        if rng.random() < 0.16:
            gift = OrderLine(order=order, external_id=f"{len(found) + 1}", kind="gift", parent="1")
            found.append(self._line(order, trip, ship_by, rng.choice(self._gifts), gift))
        return found

    def _kit(self, order: str, trip: Trip, ship_by: datetime, kit: Good) -> list[SoldLine]:
        head = OrderLine(
            order=order,
            external_id="1",
            sku=kit.sku,
            supplier=kit.product.supplier,
            kind="kit",
            price=kit.price,
            ship_by=ship_by,
            lot_method="unknown",
            lot_confidence=0,
        )
        found = [SoldLine(record=head, good=kit, true_lot="", value=kit.price)]
        whole = sum((self.goods[part].price for part in kit.parts), Decimal(0))
        for part in kit.parts:
            good = self.goods[part]
            piece = OrderLine(order=order, external_id=f"{len(found) + 1}", kind="component", parent="1")
            share = (kit.price * good.price / whole).quantize(Decimal("0.01"))
            found.append(self._line(order, trip, ship_by, good, piece, value=share))
        return found

    def _line(
        self, order: str, trip: Trip, ship_by: datetime, good: Good, draft: OrderLine, value: Decimal | None = None
    ) -> SoldLine:
        lot, known, method, confidence = "", "", "unknown", 0
        if trip.shipped_at:
            lot = self.shelves[good.sku].pick(trip.shipped_at.astimezone(CHINA).date(), self.rng).external_id
            self.shipped[lot, trip.warehouse] += draft.quantity
            known, method, confidence = self._lot_knowledge(lot)
        record = OrderLine(
            order=order,
            external_id=draft.external_id,
            sku=good.sku,
            supplier=good.product.supplier,
            kind=draft.kind,
            parent=draft.parent,
            quantity=draft.quantity,
            price=draft.price,
            freight=draft.freight,
            ship_by=ship_by,
            lot=known,
            lot_method=method,
            lot_confidence=confidence,
        )
        worth = draft.price * draft.quantity if value is None else value
        return SoldLine(record=record, good=good, true_lot=lot, value=worth)

    def _lot_knowledge(self, lot: str) -> tuple[str, str, int]:
        chance = self.rng.random()
        if chance < 0.72:
            return lot, "scanned", 100
        if chance < 0.94:
            return lot, "fifo", self.rng.randint(60, 95)
        return "", "unknown", 0

    def _parcels(self, order: str, trip: Trip, lines: int) -> tuple[Shipment, ...]:
        if trip.shipped_at is None:
            return ()
        count = 2 if lines > 1 and self.rng.random() < 0.12 else 1
        found: list[Shipment] = []
        for at in range(count):
            self._parcel += 1
            early = timedelta(minutes=at * self.rng.randint(60, 600))
            found.append(
                Shipment(
                    external_id=f"{trip.courier.prefix}{7_000_000_000_000 + self._parcel * 6151}",
                    order=order,
                    courier=trip.courier.name,
                    line=trip.line,
                    warehouse=trip.warehouse,
                    shipped_at=trip.shipped_at,
                    delivered_at=trip.delivered_at - early if trip.delivered_at else None,
                    promised_at=trip.promised_at,
                )
            )
        return tuple(found)


def days_of_sales(rng: Random, orders: int, span: tuple[date, date]) -> list[date]:
    """Return the day of each order, earliest first: growing, busier at weekends, and at the 618 and 双11 sales."""
    start, end = span
    days = [start + timedelta(days=at) for at in range((end - start).days)]
    weights = [_demand(day, at / len(days)) for at, day in enumerate(days)]
    return sorted(rng.choices(days, weights, k=orders))


def _demand(day: date, progress: float) -> float:
    peak = max((by for month, first, last, by in _PEAKS if day.month == month and first <= day.day <= last), default=1)
    return (0.7 + 0.6 * progress) * _WEEKDAYS[day.weekday()] * peak


def _status(trip: Trip) -> str:
    if trip.delivered_at:
        return "delivered"
    return "shipped" if trip.shipped_at else "processing"
