"""From the facts around one end to the graph a person reads; pure, so it knows neither the database nor the web.

A node is known by its kind and its number, which is also how its page is addressed. An edge says how it is known.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace

LANES = ("complaint", "line", "sku", "lot", "part", "receipt", "supplier")
SIDE = ("parcel", "issue")
SHOWN = 8
OPENED = 40  # of a lane that was opened; more than a screen holds belongs in a table
SURE = frozenset({"scanned", "recorded", "serial", "manual"})
SUREST_FIRST = ("scanned", "serial", "manual", "recorded", "fifo", "window", "unknown")

Key = tuple[str, str]
Link = Callable[[str, str], str]


@dataclass(frozen=True)
class Node:
    """One thing on the way; `id` is the number people use, `lane` where it stands if not with its kind."""

    kind: str
    id: str
    label: str
    note: str = ""
    url: str = ""
    lane: str = ""

    @property
    def key(self) -> Key:
        """Return what edges name it by."""
        return self.kind, self.id


@dataclass(frozen=True)
class Edge:
    """A link with how it is known and how surely (0–100)."""

    from_: Key
    to: Key
    method: str
    confidence: int

    @property
    def inferred(self) -> bool:
        """Say whether nobody recorded it."""
        return self.method not in SURE


@dataclass(frozen=True)
class Gap:
    """Something the trace can't say, and how often."""

    key: str
    count: int


@dataclass(frozen=True)
class Totals:
    """Exact sums over everything the end reaches, not only what is shown; `refund` is minor units per currency."""

    orders: int = 0
    units: int = 0
    customers: int = 0
    issues: int = 0
    complaints: int = 0
    refund: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Lane:
    """The nodes of one kind: those shown, and how many there are in truth."""

    kind: str
    nodes: Sequence[Node]
    total: int
    opened: bool = False

    @property
    def more(self) -> int:
        """Return how many are not shown."""
        return max(0, self.total - len(self.nodes))


@dataclass(frozen=True)
class Trace:
    """What the page of one end shows and what the command line prints."""

    focus: Key
    title: str
    facts: str
    lanes: Sequence[Lane]
    nodes: Sequence[Node]
    edges: Sequence[Edge]
    gaps: Sequence[Gap]
    totals: Totals
    hidden_issues: int = 0
    hidden_complaints: int = 0

    def lane(self, kind: str) -> Lane:
        """Return the lane of this kind, empty when the trace has none."""
        return next((lane for lane in self.lanes if lane.kind == kind), Lane(kind, (), 0))

    def drawn(self) -> list[Lane]:
        """Return the lanes of the path that hold something, from the complaint to the supplier."""
        return [lane for lane in self.lanes if lane.kind in LANES and lane.nodes]

    def between(self, left: Lane, right: Lane) -> list[tuple[int, int, bool]]:
        """Return the edges between two lanes as (row, row, inferred)."""
        starts = {node.key: row for row, node in enumerate(left.nodes)}
        ends = {node.key: row for row, node in enumerate(right.nodes)}
        return [
            (starts[edge.from_], ends[edge.to], edge.inferred)
            for edge in self.edges
            if edge.from_ in starts and edge.to in ends
        ]


@dataclass(frozen=True)
class LineFact:
    """An order line; `order_only` marks an order of which no line is known."""

    order: str
    line: str
    note: str
    sku: str = ""
    supplier: str = ""
    order_only: bool = False

    @property
    def key(self) -> Key:
        """Return its node's key."""
        return "line", self.order if self.order_only else f"{self.order}/{self.line}"


@dataclass(frozen=True)
class ComplaintFact:
    """A complaint and the numbers it names."""

    number: str
    note: str
    order: str = ""
    line: str = ""
    sku: str = ""
    lot: str = ""
    supplier: str = ""
    parcel: str = ""
    issue: str = ""


@dataclass(frozen=True)
class LotLinkFact:
    """Which lot a line was served from."""

    line: Key
    sku: str
    lot: str
    method: str
    confidence: int


@dataclass(frozen=True)
class LotFact:
    """A lot with the article and the supplier it names; a component stands behind the goods it went into."""

    lot: str
    note: str
    sku: str = ""
    supplier: str = ""
    component: bool = False


@dataclass(frozen=True)
class MadeFact:
    """A lot was made of another one."""

    lot: str
    of: str


@dataclass(frozen=True)
class ReceiptFact:
    """Goods received of a lot."""

    receipt: str
    lot: str
    note: str
    supplier: str = ""


@dataclass(frozen=True)
class Named:
    """A row that is only a name here: an article, a supplier, a parcel, an issue."""

    id: str
    label: str
    note: str = ""
    of: str = ""  # an article's usual supplier
    orders: tuple[str, ...] = ()  # a parcel's


@dataclass(frozen=True)
class Facts:
    """Everything loaded around one end, newest first."""

    focus: Key
    title: str
    facts: str
    complaints: Sequence[ComplaintFact]
    lines: Sequence[LineFact]
    skus: Sequence[Named]
    links: Sequence[LotLinkFact]
    lots: Sequence[LotFact]
    receipts: Sequence[ReceiptFact]
    suppliers: Sequence[Named]
    parcels: Sequence[Named]
    issues: Sequence[Named]
    counts: dict[str, int]  # the true number per lane
    gaps: dict[str, int]
    totals: Totals
    hidden_issues: int = 0
    hidden_complaints: int = 0
    made: Sequence[MadeFact] = ()


def walk(facts: Facts, link: Link = lambda _kind, _id: "", opened: Collection[str] = ()) -> Trace:
    """Return the graph of the facts; `link` gives a node's address, `opened` are the lanes shown at length."""
    nodes = _nodes(facts, link)
    known = {node.key for node in nodes}
    edges = _once(edge for edge in _edges(facts) if edge.from_ in known and edge.to in known)
    gaps = facts.gaps | {"inferred": sum(edge.inferred for edge in edges)}
    return Trace(
        facts.focus, facts.title, facts.facts, _lanes(facts, nodes, edges, opened), nodes, edges,
        [Gap(key, count) for key, count in gaps.items() if count], facts.totals,
        facts.hidden_issues, facts.hidden_complaints,
    )  # fmt: skip


def _nodes(facts: Facts, link: Link) -> list[Node]:
    found = [Node("complaint", row.number, row.number, row.note) for row in facts.complaints]
    found += [Node(*row.key, row.order, row.note) for row in facts.lines]
    found += [Node("lot", row.lot, row.lot, row.note, lane="part" if row.component else "") for row in facts.lots]
    found += [Node("receipt", row.receipt, row.receipt, row.note) for row in facts.receipts]
    for kind, rows in (
        ("sku", facts.skus), ("supplier", facts.suppliers), ("parcel", facts.parcels), ("issue", facts.issues)
    ):  # fmt: skip
        found += [Node(kind, row.id, row.label, row.note) for row in rows]
    unique = {node.key: node for node in reversed(found)}
    orders = {row.key: row.order for row in facts.lines}
    lot_of = {row.receipt: row.lot for row in facts.receipts}
    return [replace(node, url=_url(node, orders, lot_of, link)) for node in reversed(unique.values())]


def _url(node: Node, orders: dict[Key, str], lot_of: dict[str, str], link: Link) -> str:
    if node.kind == "line":
        return link("order", orders[node.key])
    if node.kind == "receipt":
        return link("lot", lot_of[node.id])
    return link(node.kind, node.id)


def _edges(facts: Facts) -> Iterable[Edge]:
    yield from _complaint_edges(facts)
    yield from _line_edges(facts)
    yield from _lot_edges(facts)
    yield from _parcel_edges(facts)


def _complaint_edges(facts: Facts) -> Iterable[Edge]:
    by_order: dict[str, list[LineFact]] = defaultdict(list)
    for line in facts.lines:
        by_order[line.order].append(line)
    for row in facts.complaints:
        start = ("complaint", row.number)
        lines = [line for line in by_order[row.order] if _is_about(row, line)]
        for line in lines:
            yield _one_of(start, line.key, len(lines))
        if not lines:
            yield from (
                _recorded(start, end) for end in (("sku", row.sku), ("lot", row.lot), ("supplier", row.supplier))
            )
        yield _recorded(start, ("parcel", row.parcel))
        yield _recorded(start, ("issue", row.issue))


def _is_about(row: ComplaintFact, line: LineFact) -> bool:
    if row.line:
        return line.line == row.line
    return line.order_only or not row.sku or line.sku == row.sku


def _line_edges(facts: Facts) -> Iterable[Edge]:
    served = {link.line for link in facts.links}
    usual = {row.id: row.of for row in facts.skus}
    for line in facts.lines:
        yield _recorded(line.key, ("sku", line.sku))
        if line.key in served:
            continue
        if line.supplier:
            yield _recorded(("sku", line.sku), ("supplier", line.supplier))
        elif line.sku:
            yield Edge(("sku", line.sku), ("supplier", usual.get(line.sku, "")), "unknown", 50)
    for link in facts.links:
        yield Edge(link.line, ("lot", link.lot), link.method, link.confidence)


def _lot_edges(facts: Facts) -> Iterable[Edge]:
    pairs: dict[tuple[str, str], list[LotLinkFact]] = defaultdict(list)
    for link in facts.links:
        pairs[link.sku, link.lot].append(link)
    for (sku, lot), links in pairs.items():
        best = min(links, key=lambda link: (_rank(link.method), -link.confidence))
        yield Edge(("sku", sku), ("lot", lot), best.method, best.confidence)
    for made in facts.made:
        yield _recorded(("lot", made.lot), ("lot", made.of))
    received = {row.lot for row in facts.receipts}
    suppliers = {row.lot: row.supplier for row in facts.lots}
    for row in facts.lots:
        if (row.sku, row.lot) not in pairs:
            yield _recorded(("sku", row.sku), ("lot", row.lot))
        if row.lot not in received:
            yield _recorded(("lot", row.lot), ("supplier", row.supplier))
    for receipt in facts.receipts:
        yield _recorded(("lot", receipt.lot), ("receipt", receipt.receipt))
        supplier = receipt.supplier or suppliers.get(receipt.lot, "")
        yield _recorded(("receipt", receipt.receipt), ("supplier", supplier))


def _parcel_edges(facts: Facts) -> Iterable[Edge]:
    by_order: dict[str, list[Named]] = defaultdict(list)
    for parcel in facts.parcels:
        for order in parcel.orders:
            by_order[order].append(parcel)
    for line in facts.lines:
        parcels = by_order[line.order]
        for parcel in parcels:
            yield _one_of(line.key, ("parcel", parcel.id), len(parcels))


def _recorded(start: Key, end: Key) -> Edge:
    return Edge(start, end, "recorded", 100)


def _one_of(start: Key, end: Key, choices: int) -> Edge:
    """Return the edge to one of several ends of which only one may be meant."""
    return _recorded(start, end) if choices == 1 else Edge(start, end, "unknown", round(100 / choices))


def _rank(method: str) -> int:
    return SUREST_FIRST.index(method) if method in SUREST_FIRST else len(SUREST_FIRST)


def _once(edges: Iterable[Edge]) -> list[Edge]:
    """Keep the surest of the edges between the same two nodes."""
    kept: dict[tuple[Key, Key], Edge] = {}
    for edge in edges:
        other = kept.get((edge.from_, edge.to))
        if other is None or (_rank(edge.method), -edge.confidence) < (_rank(other.method), -other.confidence):
            kept[edge.from_, edge.to] = edge
    return list(kept.values())


def _lanes(facts: Facts, nodes: Sequence[Node], edges: Sequence[Edge], opened: Collection[str]) -> list[Lane]:
    """Cut each lane to what fits, keeping the end itself and what hangs together with the lane before."""
    before: dict[Key, list[Key]] = defaultdict(list)
    for edge in edges:
        before[edge.to].append(edge.from_)
    rows: dict[Key, int] = {}
    lanes = []
    for kind in (*LANES, *SIDE):
        own = [node for node in nodes if (node.lane or node.kind) == kind]
        places = {node.key: min((rows[key] for key in before[node.key] if key in rows), default=SHOWN) for node in own}
        own.sort(key=lambda node: (node.key != facts.focus, places[node.key]))
        shown = own[: OPENED if kind in opened else SHOWN]
        rows |= {node.key: row for row, node in enumerate(shown)}
        lanes.append(Lane(kind, shown, max(len(own), facts.counts.get(kind, 0)), kind in opened))
    return lanes
