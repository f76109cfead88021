"""Where the pieces of a lot are: what came in against what left, lies there or is gone; pure.

    received + found + reworked in = with buyers + on the shelf + defective + waiting + scrapped + sent back + lost ± unknown

What is allocated to orders still lies on the shelf, so it is named and not added. A return without a said outcome lies
where the last count found it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

IN = ("received", "gain", "rework_in", "other_in")
OUT = (
    "with_buyers", "shelf", "defective", "waiting", "scrapped", "supplier_return", "rework_out", "loss", "other_out",
)  # fmt: skip


@dataclass(frozen=True)
class Quantities:
    """Pieces of one lot (or of several together) as the documents say them.

    `received` is None when no receipt names the lot, `shelf` when nobody counted it. `returned` is by outcome (restocked,
    defective, scrapped, waiting, "" when not said), `moves` by kind.
    """

    received: int | None = None
    shipped: int = 0
    on_the_way: int = 0
    returned: Mapping[str, int] = field(default_factory=dict)
    moves: Mapping[str, int] = field(default_factory=dict)
    shelf: int | None = None
    allocated: int = 0
    defective: int = 0

    @property
    def back(self) -> int:
        """Return how many pieces came back from buyers."""
        return sum(self.returned.values())


@dataclass(frozen=True)
class Entry:
    """One side's share of the balance; `of_which` are pieces already counted in it."""

    key: str
    pieces: int
    of_which: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True)
class Balance:
    """Both sides, and what is left over; `unknown` is None where a side is not known at all.

    A positive rest is missing, a negative one more than ever came in. `counted` says whether somebody counted the shelf;
    otherwise the documents are taken to be complete and the shelf is what they leave.
    """

    came: Sequence[Entry]
    went: Sequence[Entry]
    unknown: int | None
    counted: bool

    @property
    def total_in(self) -> int:
        """Return the pieces that came in."""
        return sum(entry.pieces for entry in self.came)

    @property
    def total_out(self) -> int:
        """Return the pieces that are somewhere."""
        return sum(entry.pieces for entry in self.went)

    def pieces(self, key: str) -> int:
        """Return the pieces of one entry."""
        return next((entry.pieces for entry in (*self.came, *self.went) if entry.key == key), 0)

    @property
    def share_found(self) -> float | None:
        """Return the share of what came in that is accounted for (0–1), None where that is not known."""
        if self.unknown is None or self.total_in == 0:
            return None
        return max(0.0, 1 - abs(self.unknown) / self.total_in)


def balance(said: Quantities) -> Balance:
    """Return the balance of what the documents say."""
    counted = said.shelf is not None
    moves, returned = said.moves, said.returned
    came = {"received": said.received or 0, **{key: moves.get(key, 0) for key in IN[1:]}}
    went = {
        "with_buyers": said.shipped - said.back,
        "shelf": said.shelf or 0,
        "defective": said.defective if counted else 0,
        "waiting": returned.get("waiting", 0),
        "scrapped": moves.get("scrap", 0) + returned.get("scrapped", 0),
        **{key: moves.get(key, 0) for key in OUT[5:]},
    }
    if not counted and said.received is not None:
        left = sum(came.values()) - sum(went.values())
        bad = min(max(left, 0), _turned_bad(said))
        went |= {"shelf": max(left, 0) - bad, "defective": bad}
    rest = None if said.received is None else sum(came.values()) - sum(went.values())
    parts = {"with_buyers": (("on_the_way", said.on_the_way),), "shelf": (("allocated", said.allocated),)}
    return Balance(
        [Entry(key, pieces) for key, pieces in came.items() if pieces or key == "received"],
        [
            Entry(key, pieces, tuple(part for part in parts.get(key, ()) if part[1]))
            for key, pieces in went.items() if pieces or key in {"with_buyers", "shelf"}
        ],
        rest, counted,
    )  # fmt: skip


def _turned_bad(said: Quantities) -> int:
    """Return how many pieces the documents put aside as defective."""
    moved = said.moves.get("to_defective", 0) - said.moves.get("to_good", 0)
    return max(0, moved + said.returned.get("defective", 0))
