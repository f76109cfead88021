"""What inspections record."""

from dataclasses import asdict, dataclass
from typing import Any

STARTED, SAVED, JUDGED, DECIDED = (
    "inspection_started", "inspection_saved", "inspection_judged", "inspection_decided",
)  # fmt: skip
HOLD_SUGGESTED = "lot_hold_suggested"
SWITCHED = "switching_changed"
PLAN_ADDED, PLAN_CHANGED, PLAN_RETIRED, PLAN_RESTORED = (
    "inspection_plan_added", "inspection_plan_changed", "inspection_plan_retired", "inspection_plan_restored",
)  # fmt: skip


class Body:
    """What an event tells, as it is kept."""

    def body(self) -> dict[str, Any]:
        """Return the event's body."""
        return asdict(self)  # type: ignore[call-overload, no-any-return]  # every body is a dataclass


@dataclass(frozen=True, kw_only=True)
class InspectionStarted(Body):
    """A lot is being inspected: which, how many, and after which refused inspection."""

    number: str
    kind: str
    lot_id: int | None
    quantity: int
    sample: int
    previous_id: int | None


@dataclass(frozen=True, kw_only=True)
class InspectionSaved(Body):
    """What was found so far, by class, and the photos that came with it."""

    found: dict[str, int]
    photos: list[str]


@dataclass(frozen=True, kw_only=True)
class InspectionJudged(Body):
    """The verdict with what it rests on."""

    verdict: str
    found: dict[str, int]
    failed_items: list[str]
    issue_id: int | None


@dataclass(frozen=True, kw_only=True)
class InspectionDecided(Body):
    """What happens with the goods."""

    disposition: str


@dataclass(frozen=True, kw_only=True)
class HoldSuggested(Body):
    """A lot should be kept apart because an inspection failed."""

    number: str
    inspection_id: int


@dataclass(frozen=True, kw_only=True)
class SwitchingChanged(Body):
    """A series is looked at more or less closely from its next lot on."""

    what: str
    before: str
    after: str
    inspection_id: int | None
