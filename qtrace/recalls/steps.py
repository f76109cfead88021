"""What has to be done in a recall and in a drill, in order, and how far it is; pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

RECALL, DRILL = "recall", "drill"
# A real recall stops the goods before it counts them; a drill only has to find them, both ways, and make the sum.
STEPS: Mapping[str, tuple[str, ...]] = {
    RECALL: ("hold", "scope", "notify", "collect", "dispose", "reconcile"),
    DRILL: ("source", "scope", "stock", "reconcile"),
}
STATES = ("pending", "notified", "returned", "refused", "unreachable")
OPEN_STATES = ("pending",)


@dataclass(frozen=True)
class Done:
    """A step that is done."""

    key: str
    at: datetime


@dataclass(frozen=True)
class Stand:
    """One step as it stands: when it was done, and how long after the start."""

    key: str
    at: datetime | None
    after: timedelta | None
    is_next: bool


@dataclass(frozen=True)
class Progress:
    """How far it is. `took` runs until the end, or until now while it is open; `in_time` is None until it is closed."""

    steps: Sequence[Stand]
    took: timedelta
    due: datetime
    in_time: bool | None

    @property
    def left(self) -> list[str]:
        """Return the steps still to be done."""
        return [step.key for step in self.steps if step.at is None]


def progress(
    kind: str, opened: datetime, target: timedelta, done: Sequence[Done], now: datetime, closed: datetime | None = None
) -> Progress:
    """Return how far a recall or drill is; steps may be done in any order, the first open one is next."""
    at = {one.key: one.at for one in done}
    following = next((key for key in STEPS[kind] if key not in at), None)
    steps = [
        Stand(key, at.get(key), at[key] - opened if key in at else None, key == following and closed is None)
        for key in STEPS[kind]
    ]
    took = (closed or now) - opened
    return Progress(steps, took, opened + target, None if closed is None else took <= target)
