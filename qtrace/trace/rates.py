"""How often lots are complained about, with the range in which the true rate lies."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import sqrt

Z95 = 1.959963984540054


@dataclass(frozen=True)
class LotCount:
    """What was shipped of a lot and how many complaints name it."""

    lot: str
    shipped: int
    complaints: int
    focus: bool = False


@dataclass(frozen=True)
class Rate:
    """A lot's complaint rate with its 95 % Wilson interval, all as shares of 1."""

    count: LotCount
    low: float
    value: float
    high: float


@dataclass(frozen=True)
class RangeRow:
    """One rate as the range list draws it: places in percent of the width."""

    label: str
    low: float
    value: float
    high: float
    text: str
    kind: str


def wilson(hits: int, of: int, z: float = Z95) -> tuple[float, float]:
    """Return the Wilson interval of hits among `of`; nothing observed says nothing: (0, 1)."""
    if of <= 0:
        return 0.0, 1.0
    share = min(hits, of) / of
    middle = share + z * z / (2 * of)
    spread = z * sqrt(share * (1 - share) / of + z * z / (4 * of * of))
    scale = 1 + z * z / of
    return max(0.0, (middle - spread) / scale), min(1.0, (middle + spread) / scale)


def rates(counts: Iterable[LotCount]) -> list[Rate]:
    """Return the rate of every lot of which something was shipped, the one in focus first, then the highest."""
    found = [
        Rate(count, *_ordered(wilson(count.complaints, count.shipped), count)) for count in counts if count.shipped > 0
    ]
    return sorted(found, key=lambda rate: (not rate.count.focus, -rate.value, rate.count.lot))


def range_rows(found: Sequence[Rate]) -> list[RangeRow]:
    """Return the rates drawn on one scale that ends at the widest interval."""
    top = max((rate.high for rate in found), default=0.0) or 1.0
    return [
        RangeRow(
            rate.count.lot,
            round(rate.low / top * 100, 2),
            round(rate.value / top * 100, 2),
            round(rate.high / top * 100, 2),
            f"{rate.value * 100:.1f}%",
            "bad" if rate.count.focus and _stands_out(rate, found) else "",
        )
        for rate in found
    ]


def others_rate(found: Sequence[Rate]) -> float | None:
    """Return the rate over all lots but the one in focus, None when there is no other."""
    shipped = sum(rate.count.shipped for rate in found if not rate.count.focus)
    complaints = sum(rate.count.complaints for rate in found if not rate.count.focus)
    return min(complaints / shipped, 1.0) if shipped else None


def _ordered(interval: tuple[float, float], count: LotCount) -> tuple[float, float, float]:
    return interval[0], min(count.complaints / count.shipped, 1.0), interval[1]


def _stands_out(rate: Rate, found: Sequence[Rate]) -> bool:
    others = others_rate(found)
    return others is not None and rate.low > others
