"""The generated company is repeatable, whole, and shows what was planted in it."""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import fields
from datetime import date, datetime, timedelta, timezone

import pytest

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
from qtrace.setup.demo_data import QUALITY_REASONS, Demo, generate

TODAY = date(2026, 11, 4)
CHINA = timezone(timedelta(hours=8))
SALES = ["douyin", "tmall", "pdd", "wechat"]


class Facts:
    """The records of the platform shops, indexed anew from the demo alone."""

    def __init__(self, demo: Demo) -> None:
        self.records: list[Record] = [record for shop in SALES for record in demo.records[shop]]
        self.orders = {record.external_id: record for record in self.records if isinstance(record, Order)}
        self.lines = [record for record in self.records if isinstance(record, OrderLine)]
        self.line_at = {(line.order, line.external_id): line for line in self.lines}
        self.parcels = [record for record in self.records if isinstance(record, Shipment)]
        self.reviews = [record for record in self.records if isinstance(record, Review)]
        self.aftersales = [record for record in self.records if isinstance(record, AfterSale)]
        self.masters = {
            kind: {record.external_id: record for record in demo.records["erp"] if isinstance(record, kind)}
            for kind in (Category, Supplier, Product, Warehouse, Lot, PurchaseReceipt)
        }
        self.complaints = [
            (review.order, review.sku, review.title + review.text, review.reviewed_at)
            for review in self.reviews
            if review.stars <= 2
        ] + [
            (sale.order, self.line_at[sale.order, sale.line].sku, sale.reason + sale.text, sale.opened_at)
            for sale in self.aftersales
            if sale.reason in QUALITY_REASONS
        ]

    def about(self, *words: str) -> set[tuple[str, str]]:
        """Return (order, SKU) of the complaints that use one of the words."""
        return {(order, sku) for order, sku, text, _ in self.complaints if any(word in text for word in words)}

    def rate(self, chosen: Callable[[OrderLine], bool], complained: set[tuple[str, str]]) -> float:
        """Return the share of the chosen lines whose (order, SKU) drew a complaint."""
        lines = [line for line in self.lines if chosen(line)]
        return sum((line.order, line.sku) in complained for line in lines) / len(lines)

    def placed_on(self, order: str) -> date:
        """Return the day of the order as the shop's calendar has it."""
        placed = self.orders[order].placed_at
        assert placed
        return placed.astimezone(CHINA).date()


LEAK = ("漏", "瓶盖松", "浸湿", "瓶口", "滴", "过敏")


@pytest.fixture(scope="module")
def demo() -> Demo:
    """Return the demo as it ships."""
    return generate(7, 20_000, TODAY)


@pytest.fixture(scope="module")
def facts(demo: Demo) -> Facts:
    """Return its records, indexed."""
    return Facts(demo)


def test_the_same_seed_gives_the_same_company() -> None:
    assert generate(3, 600, TODAY) == generate(3, 600, TODAY)


def test_another_seed_gives_another_company() -> None:
    assert generate(3, 600, TODAY).records != generate(4, 600, TODAY).records


def test_the_shops_are_four_platforms_and_an_erp(demo: Demo) -> None:
    names = [shop.name for shop in demo.shops]
    assert names == ["ERP·商品与库存", "抖店旗舰店", "天猫旗舰店", "拼多多店", "微信小店"]


def test_the_erp_reports_masters_and_the_shops_report_sales(demo: Demo, facts: Facts) -> None:
    assert len(facts.orders) == 20_000
    assert len(facts.masters[Supplier]) == 40
    assert len({record.name for record in facts.masters[Supplier].values() if isinstance(record, Supplier)}) == 40
    assert 140 <= len(facts.masters[Product]) <= 170
    assert len(facts.masters[Warehouse]) == 3
    for shop in SALES:
        kinds = list(dict.fromkeys(type(record) for record in demo.records[shop]))
        assert kinds == [Customer, Order, OrderLine, Shipment, Review, AfterSale]


def test_everyone_has_a_known_department_and_every_role_is_held(demo: Demo) -> None:
    departments = {department.name for department in demo.departments}
    assert {person.department for person in demo.people} <= departments
    assert {department.head for department in demo.departments} <= {person.username for person in demo.people}
    roles = {"admin", "quality_lead", "inspector", "customer_service", "purchasing", "owner", "auditor"}
    assert {person.role for person in demo.people} == roles


def test_no_identifier_is_given_twice(demo: Demo) -> None:
    keys = [
        (type(record), getattr(record, "order", "") if isinstance(record, OrderLine) else "", record.external_id)
        for shop in demo.records.values()
        for record in shop
        if hasattr(record, "external_id")
    ]
    assert len(keys) == len(set(keys))


def test_lines_name_articles_suppliers_and_lots_that_fit_each_other(facts: Facts) -> None:
    for line in facts.lines:
        product = facts.masters[Product][line.sku]
        assert isinstance(product, Product)
        assert product.supplier == line.supplier
        assert line.order in facts.orders
        if line.lot:
            lot = facts.masters[Lot][line.lot]
            assert isinstance(lot, Lot)
            assert (lot.sku, lot.supplier) == (line.sku, line.supplier)


def test_masters_name_masters_that_exist(facts: Facts) -> None:
    categories = {getattr(record, "name", "") for record in facts.masters[Category].values()}
    for product in facts.masters[Product].values():
        assert isinstance(product, Product)
        assert product.category in categories
        assert product.supplier in facts.masters[Supplier]
    for receipt in facts.masters[PurchaseReceipt].values():
        assert isinstance(receipt, PurchaseReceipt)
        assert receipt.lot in facts.masters[Lot]
        assert receipt.warehouse in facts.masters[Warehouse]


def test_orders_name_customers_of_their_own_shop(demo: Demo) -> None:
    for records in demo.records.values():
        customers = {record.external_id for record in records if isinstance(record, Customer)}
        assert {record.customer for record in records if isinstance(record, Order)} <= customers


def test_what_came_back_names_what_was_sold(demo: Demo, facts: Facts) -> None:
    _, stray, _ = demo.planted.findings.review_of_unknown_order
    sold = {(line.order, line.sku) for line in facts.lines}
    assert {parcel.order for parcel in facts.parcels} <= set(facts.orders)
    assert {parcel.warehouse for parcel in facts.parcels} <= set(facts.masters[Warehouse])
    assert all((sale.order, sale.line) in facts.line_at for sale in facts.aftersales)
    assert [review.external_id for review in facts.reviews if (review.order, review.sku) not in sold] == [stray]


def test_kits_carry_components_and_gifts_cost_nothing(facts: Facts) -> None:
    kinds = Counter(line.kind for line in facts.lines)
    assert set(kinds) == {"item", "kit", "component", "gift"}
    parents = {line.parent for line in facts.lines if line.kind in ("component", "gift")}
    assert parents == {"1"}
    for line in facts.lines:
        if line.kind == "component":
            assert facts.line_at[line.order, line.parent].kind == "kit"
        if line.kind in ("component", "gift"):
            assert line.price == 0


def test_most_lots_are_scanned_some_inferred_and_a_few_unknown(facts: Facts) -> None:
    shipped = [line for line in facts.lines if line.kind != "kit" and facts.orders[line.order].shipped_at]
    shares = {method: count / len(shipped) for method, count in Counter(line.lot_method for line in shipped).items()}
    assert shares == {
        "scanned": pytest.approx(0.72, abs=0.02),
        "fifo": pytest.approx(0.22, abs=0.02),
        "unknown": pytest.approx(0.06, abs=0.02),
    }
    assert all(60 <= line.lot_confidence <= 95 for line in shipped if line.lot_method == "fifo")
    assert all(bool(line.lot) == (line.lot_method != "unknown") for line in facts.lines)


def test_no_more_of_a_lot_was_sold_than_came_in(demo: Demo, facts: Facts) -> None:
    came: Counter[str] = Counter()
    for receipt in facts.masters[PurchaseReceipt].values():
        assert isinstance(receipt, PurchaseReceipt)
        came[receipt.lot] += receipt.quantity
    gone: Counter[str] = Counter()
    for line in facts.lines:
        gone[line.lot] += line.quantity
    assert all(gone[lot] <= came[lot] for lot in facts.masters[Lot])


def test_nothing_happens_after_today_and_every_time_is_aware(demo: Demo) -> None:
    end = datetime(2026, 11, 4, tzinfo=CHINA)
    # Promises and ship-by dates may lie ahead.
    names = ("placed_at", "shipped_at", "delivered_at", "reviewed_at", "answered_at", "opened_at", "closed_at")
    for records in demo.records.values():
        for record in records:
            for name in names:
                moment = getattr(record, name, None)
                assert moment is None or moment < end


def test_what_follows_never_comes_before(facts: Facts) -> None:
    for order in facts.orders.values():
        moments = [moment for moment in (order.placed_at, order.shipped_at, order.delivered_at) if moment]
        assert moments == sorted(moments)
    for order_id, _, _, at in facts.complaints:
        delivered = facts.orders[order_id].delivered_at
        assert delivered and delivered < at


def test_618_and_double_eleven_are_busier_than_their_month(facts: Facts) -> None:
    per_day = Counter(facts.placed_on(order) for order in facts.orders)
    assert per_day[date(2025, 11, 11)] > 2 * per_day[date(2025, 11, 20)]
    assert per_day[date(2026, 6, 18)] > 2 * per_day[date(2026, 6, 25)]


def test_stars_and_returns_look_like_a_real_shop(facts: Facts) -> None:
    stars = [review.stars for review in facts.reviews]
    assert 4.5 <= sum(stars) / len(stars) <= 4.7
    assert 0.22 <= len(stars) / len(facts.orders) <= 0.28
    assert 0.05 <= len(facts.aftersales) / len(facts.orders) <= 0.07
    assert {"不想要了", "七天无理由退货"} <= {sale.reason for sale in facts.aftersales}
    assert len({review.text for review in facts.reviews}) > 0.85 * len(stars)


def test_buyers_are_masked(demo: Demo) -> None:
    for records in demo.records.values():
        for record in records:
            if isinstance(record, Customer):
                assert len(record.masked_name.rstrip("*")) == 1
                assert record.masked_name.endswith("*")
                assert {field.name for field in fields(record)} == {
                    "external_id",
                    "person_id",
                    "masked_name",
                    "region",
                }


def test_barcodes_have_a_right_check_digit(facts: Facts) -> None:
    for product in facts.masters[Product].values():
        digits = [int(digit) for digit in getattr(product, "barcode", "")]
        assert len(digits) == 13
        assert sum(digits[0::2] + [3 * digit for digit in digits[1::2]]) % 10 == 0


def test_the_bad_lot_leaks_and_its_sisters_do_not(demo: Demo, facts: Facts) -> None:
    bad = demo.planted.bad_lot
    leaks = facts.about(*LEAK)
    assert 0.08 <= facts.rate(lambda line: line.lot == bad.lot, leaks) <= 0.09
    others = facts.rate(lambda line: line.sku == bad.sku and line.lot not in ("", bad.lot), leaks)
    assert 0.002 <= others <= 0.006


def test_the_bad_lot_was_shipped_for_ten_weeks_and_complained_about_for_eight(demo: Demo, facts: Facts) -> None:
    bad = demo.planted.bad_lot
    orders = {line.order for line in facts.lines if line.lot == bad.lot}
    shipped = [_day(facts.orders[order].shipped_at) for order in orders]
    complained = [_day(at) for order, sku, _, at in facts.complaints if order in orders and sku == bad.sku]
    assert TODAY - timedelta(days=70) <= min(shipped)
    assert TODAY - timedelta(days=56) <= min(complained)


def test_only_the_bad_lot_harms_people(demo: Demo, facts: Facts) -> None:
    orders = {line.order for line in facts.lines if line.sku == demo.planted.bad_lot.sku}
    harmed = facts.about("过敏", "红肿", "红疹")
    assert 2 <= len(harmed) <= 6
    assert all(order in orders for order, _ in harmed)


def test_the_careless_line_breaks_parcels_and_is_late(demo: Demo, facts: Facts) -> None:
    careless = demo.planted.careless_line
    on_it = {
        parcel.order
        for parcel in facts.parcels
        if parcel.line == careless.line and facts.placed_on(parcel.order) >= careless.since
    }
    broken = {order for order, _ in facts.about("破损", "压扁", "不成样子")}
    rest = {parcel.order for parcel in facts.parcels} - on_it
    assert 0.05 <= len(on_it & broken) / len(on_it) <= 0.07
    assert len(rest & broken) / len(rest) < 0.004
    assert 0.17 <= _late_share(facts, on_it) <= 0.27
    assert _late_share(facts, rest) < 0.015


def test_the_wrong_listing_is_the_only_one_not_as_described(demo: Demo, facts: Facts) -> None:
    listing = demo.planted.wrong_listing
    mismatched = facts.about("色差", "尺码", "描述不符")
    assert {sku for _, sku in mismatched} == {listing.sku}
    rate = facts.rate(lambda line: line.sku == listing.sku and facts.placed_on(line.order) >= listing.since, mismatched)
    assert 0.105 <= rate <= 0.135
    assert all(facts.placed_on(order) >= listing.since for order, _ in mismatched)


def test_the_zipper_problem_ended_on_its_effective_date(demo: Demo, facts: Facts) -> None:
    solved = demo.planted.solved
    zippers = facts.about("拉链")
    before = [line for line in facts.lines if line.lot == solved.lot]
    assert all(_day(facts.orders[line.order].shipped_at) < solved.effective_on for line in before)
    assert 0.04 <= facts.rate(lambda line: line.lot == solved.lot, zippers) <= 0.06
    after = facts.rate(
        lambda line: line.sku == solved.sku and _shipped_since(facts, line.order, solved.effective_on), zippers
    )
    assert 0 < after <= 0.005


def test_the_findings_are_exactly_those_that_are_named(demo: Demo, facts: Facts) -> None:
    findings = demo.planted.findings
    only_erp = [record for record in demo.records["erp"] if isinstance(record, Order)]
    assert [order.external_id for order in only_erp] == list(findings.erp_only_orders)
    assert len(only_erp) == 2
    assert not set(findings.erp_only_orders) & set(facts.orders)
    empty = set(facts.orders) - {line.order for line in facts.lines}
    assert {order for _, order in findings.orders_without_lines} == empty
    assert len(empty) == 3
    assert findings.review_of_unknown_order[2] not in facts.orders


def test_a_shop_can_be_read_with_the_masters_before_it(demo: Demo) -> None:
    whole = demo.self_contained("pdd")
    assert isinstance(whole[0], Category)
    assert whole[-len(demo.records["pdd"]) :] == demo.records["pdd"]
    assert not [record for record in whole[: -len(demo.records["pdd"])] if isinstance(record, Order)]


@pytest.mark.parametrize("seed", [1, 20, 300])
def test_planted_rates_hold_for_other_seeds(seed: int) -> None:
    demo = generate(seed, 8_000, TODAY)
    facts = Facts(demo)
    bad = demo.planted.bad_lot
    assert 0.06 <= facts.rate(lambda line: line.lot == bad.lot, facts.about(*LEAK)) <= 0.11
    listing = demo.planted.wrong_listing.sku
    assert {sku for _, sku in facts.about("色差", "尺码", "描述不符")} == {listing}


@pytest.mark.parametrize("today", [date(2024, 2, 29), date(2027, 1, 1)])
def test_any_day_can_be_today(today: date) -> None:
    demo = generate(1, 300, today)
    assert _orders(demo.records[shop] for shop in SALES) == 300


def _orders(shops: Iterable[tuple[Record, ...]]) -> int:
    return sum(isinstance(record, Order) for records in shops for record in records)


def _day(moment: datetime | None) -> date:
    assert moment
    return moment.astimezone(CHINA).date()


def _shipped_since(facts: Facts, order: str, day: date) -> bool:
    shipped = facts.orders[order].shipped_at
    return shipped is not None and _day(shipped) >= day


def _late_share(facts: Facts, orders: set[str]) -> float:
    found = [facts.orders[order] for order in orders]
    late = [one for one in found if one.delivered_at and one.promised_at and one.delivered_at > one.promised_at]
    return len(late) / len(found)
