"""Which lots were made of which: components in finished goods, goods made anew by rework; pure, and safe with cycles."""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Made:
    """Lot `into` was made of lot `of`; `how` is part (a component) or rework."""

    into: int
    of: int
    how: str = "part"


@dataclass(frozen=True)
class Lineage:
    """The lots that hang together by what was made of what."""

    made: frozenset[Made] = field(default_factory=frozenset)

    def sources(self, lots: Collection[int]) -> frozenset[int]:
        """Return every lot that went into these, at any depth, without these themselves unless they hold themselves."""
        return _reached(lots, self._near(lambda one: (one.into, one.of)))

    def products(self, lots: Collection[int]) -> frozenset[int]:
        """Return every lot that these went into, at any depth: the inverse of `sources`."""
        return _reached(lots, self._near(lambda one: (one.of, one.into)))

    def cycles(self) -> frozenset[int]:
        """Return the lots that went into themselves, which no factory can do."""
        return frozenset(lot for lot in {one.into for one in self.made} if lot in self.sources([lot]))

    def _near(self, ends: Callable[[Made], tuple[int, int]]) -> Mapping[int, set[int]]:
        near: dict[int, set[int]] = defaultdict(set)
        for one in self.made:
            start, end = ends(one)
            near[start].add(end)
        return near


def _reached(starts: Iterable[int], near: Mapping[int, set[int]]) -> frozenset[int]:
    seen: set[int] = set()
    todo = list(starts)
    while todo:
        fresh = near.get(todo.pop(), set()) - seen
        seen |= fresh
        todo += fresh
    return frozenset(seen)
