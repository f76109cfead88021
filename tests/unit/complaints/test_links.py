"""Only what all lines of an order agree on is linked."""

from qtrace.complaints.links import Line, Links, OrderFacts, links_of

SERUM = Line(1, 10, 20, "item", 30)
SERUM_AGAIN = Line(2, 10, 20, "item", 31)
TOTE = Line(3, 11, 20, "item", 32)
GIFT = Line(4, 12, 21, "gift", 33)


def test_one_line_is_linked_whole() -> None:
    facts = OrderFacts([SERUM], [(5, "中通·杭州→四川")])
    assert links_of(facts) == Links(1, 10, 20, 30, 5, "中通·杭州→四川")


def test_two_lots_of_one_article_leave_the_lot_open() -> None:
    found = links_of(OrderFacts([SERUM, SERUM_AGAIN]))
    assert (found.line_id, found.sku_id, found.supplier_id, found.lot_id) == (None, 10, 20, None)


def test_two_articles_of_one_supplier_leave_only_the_supplier() -> None:
    found = links_of(OrderFacts([SERUM, TOTE]))
    assert (found.sku_id, found.supplier_id, found.lot_id) == (None, 20, None)


def test_a_gift_does_not_cloud_what_was_bought() -> None:
    assert links_of(OrderFacts([SERUM, GIFT])).sku_id == 10


def test_a_named_line_wins() -> None:
    assert links_of(OrderFacts([SERUM, TOTE]), line_id=3).lot_id == 32


def test_a_named_article_chooses_its_line() -> None:
    assert links_of(OrderFacts([SERUM, TOTE]), sku_id=11).line_id == 3


def test_two_parcels_on_one_route_still_name_the_route() -> None:
    found = links_of(OrderFacts([SERUM], [(5, "中通·杭州→四川"), (6, "中通·杭州→四川")]))
    assert (found.parcel_id, found.courier_line) == (None, "中通·杭州→四川")


def test_two_routes_name_none() -> None:
    assert links_of(OrderFacts([SERUM], [(5, "A"), (6, "B")])).courier_line == ""


def test_an_order_of_which_nothing_is_known_links_nothing() -> None:
    assert links_of(OrderFacts()) == Links()
