"""Events of the trace."""

from dataclasses import dataclass
from typing import Any

CARTONS_NUMBERED = "cartons_numbered"


@dataclass(frozen=True, kw_only=True)
class CartonsNumbered:
    """Boxes of a lot got their numbers, from the first to the last."""

    lot: str
    first: str
    last: str
    count: int
    quantity: int

    def body(self) -> dict[str, Any]:
        """Return the event's body."""
        return dict(vars(self))
