"""The graph says only what the facts say."""

from qtrace.trace.walk import (
    ComplaintFact,
    Facts,
    LineFact,
    LotFact,
    LotLinkFact,
    Named,
    ReceiptFact,
    Totals,
    walk,
)


def facts(**changes: object) -> Facts:
    """Return the facts of one complaint about one order, changed as the test needs."""
    base: dict[str, object] = {
        "focus": ("lot", "B1"),
        "title": "批次 B1",
        "facts": "",
        "complaints": [ComplaintFact("K1", "漏液", order="O1", line="1", sku="S", lot="B1")],
        "lines": [LineFact("O1", "1", "", sku="S")],
        "skus": [Named("S", "精华液", of="H")],
        "links": [LotLinkFact(("line", "O1/1"), "S", "B1", "fifo", 80)],
        "lots": [LotFact("B1", "", "S", "H")],
        "receipts": [ReceiptFact("R1", "B1", "", "")],
        "suppliers": [Named("H", "恒美")],
        "parcels": [],
        "issues": [],
        "counts": {},
        "gaps": {},
        "totals": Totals(),
    }
    return Facts(**(base | changes))  # type: ignore[arg-type]  # the keys are those of Facts


def test_the_way_leads_from_the_complaint_to_the_supplier() -> None:
    trace = walk(facts())
    pairs = [(edge.from_[0], edge.to[0]) for edge in trace.edges]
    for pair in (("complaint", "line"), ("line", "sku"), ("line", "lot"), ("sku", "lot"), ("lot", "receipt")):
        assert pair in pairs
    assert ("receipt", "supplier") in pairs


def test_a_guessed_lot_is_an_inferred_edge_and_a_gap() -> None:
    trace = walk(facts())
    left, right = trace.lane("sku"), trace.lane("lot")
    assert trace.between(left, right) == [(0, 0, True)]
    assert {gap.key: gap.count for gap in trace.gaps} == {"inferred": 2}


def test_the_surest_of_several_links_decides_between_article_and_lot() -> None:
    lines = [LineFact("O1", "1", "", sku="S"), LineFact("O2", "1", "", sku="S")]
    links = [
        LotLinkFact(("line", "O1/1"), "S", "B1", "fifo", 80),
        LotLinkFact(("line", "O2/1"), "S", "B1", "scanned", 100),
    ]
    edges = {(edge.from_, edge.to): edge for edge in walk(facts(lines=lines, links=links)).edges}
    assert edges[("sku", "S"), ("lot", "B1")].method == "scanned"


def test_a_complaint_that_names_no_line_may_mean_any_line_of_its_order() -> None:
    lines = [LineFact("O1", "1", "", sku="S"), LineFact("O1", "2", "", sku="S")]
    trace = walk(facts(complaints=[ComplaintFact("K1", "", order="O1")], lines=lines))
    found = [edge for edge in trace.edges if edge.from_ == ("complaint", "K1")]
    assert [(edge.method, edge.confidence) for edge in found] == [("unknown", 50)] * 2


def test_a_complaint_without_an_order_hangs_on_what_it_names() -> None:
    trace = walk(facts(complaints=[ComplaintFact("K1", "", sku="S", lot="B1")], lines=[], links=[]))
    assert {edge.to for edge in trace.edges if edge.from_ == ("complaint", "K1")} == {("sku", "S"), ("lot", "B1")}


def test_without_a_lot_the_articles_usual_supplier_is_only_a_guess() -> None:
    trace = walk(facts(links=[], lots=[], receipts=[]))
    edge = next(edge for edge in trace.edges if edge.to == ("supplier", "H"))
    assert (edge.from_, edge.method, edge.inferred) == (("sku", "S"), "unknown", True)


def test_a_lane_shows_eight_and_says_how_many_there_are() -> None:
    lines = [LineFact(f"O{n}", "1", "", sku="S") for n in range(2, 32)] + [LineFact("O1", "1", "", sku="S")]
    lane = walk(facts(lines=lines, counts={"line": 400})).lane("line")
    assert (len(lane.nodes), lane.total, lane.more) == (8, 400, 392)
    assert lane.nodes[0].id == "O1/1"


def test_no_edge_leads_to_a_node_that_is_not_there() -> None:
    trace = walk(facts(suppliers=[]))
    assert not [edge for edge in trace.edges if edge.to[0] == "supplier"]


def test_the_same_number_makes_one_node() -> None:
    trace = walk(facts(skus=[Named("S", "精华液"), Named("S", "另一个店的同一件")]))
    assert [node.label for node in trace.lane("sku").nodes] == ["精华液"]
