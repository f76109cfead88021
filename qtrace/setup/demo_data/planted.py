"""What the demo must show: the planted truths as data, for the tour and for tests."""

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, kw_only=True)
class BadLot:
    """A lot whose caps leak: its complaint rate per line beside that of the article's other lots."""

    lot: str
    sku: str
    supplier: str
    shipped_from: date
    complaints_from: date
    rate: float
    other_lots_rate: float


@dataclass(frozen=True, kw_only=True)
class CarelessLine:
    """A courier's route on which parcels break and come late."""

    line: str
    courier: str
    warehouse: str
    since: date
    damage_rate: float
    late_rate: float


@dataclass(frozen=True, kw_only=True)
class WrongListing:
    """An article whose page tells the wrong colour and size."""

    sku: str
    since: date
    rate: float


@dataclass(frozen=True, kw_only=True)
class SolvedProblem:
    """A defect that ended on the effective date: the lots before and after, and their complaint rates."""

    sku: str
    lot: str
    lot_after: str
    supplier: str
    shipped_from: date
    effective_on: date
    rate_before: float
    rate_after: float


@dataclass(frozen=True, kw_only=True)
class Findings:
    """Records that do not fit together, kept and shown as findings; a review is (shop, review, order)."""

    erp_only_orders: tuple[str, ...]
    orders_without_lines: tuple[tuple[str, str], ...]
    review_of_unknown_order: tuple[str, str, str]


@dataclass(frozen=True, kw_only=True)
class Planted:
    """All that was planted; rates are the promised ones, the records come close to them."""

    bad_lot: BadLot
    careless_line: CarelessLine
    wrong_listing: WrongListing
    solved: SolvedProblem
    findings: Findings
