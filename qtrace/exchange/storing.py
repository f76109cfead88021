"""How the rows of a plan are stored or rehearsed: facts column by column, other targets row by row."""

import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from qtrace.exchange.kinds import KINDS
from qtrace.exchange.mapping import Filled, Plan
from qtrace.exchange.targets import RowOutcome, Target, other_targets
from qtrace.issues.intake import rehearse, store
from qtrace.orders.batch import Outcome, Rehearsal
from qtrace.orders.upsert import Counts, Written

BATCH = 2000
BATCH_OF_ISSUES = 50  # each starts a flow; the write lock is held for a batch

Source = tuple[str, int]


@dataclass(frozen=True)
class Owner:
    """Whose the rows are: the shop (id 0 while it is still to be opened), its money, and who brings them."""

    shop_id: int
    currency: str
    by: int | None


@dataclass(frozen=True)
class Taken:
    """What became of the rows of a batch: how many of each, the reasons by place, and what was written."""

    tally: Counter[Outcome]
    refused: Mapping[int, list[str]]
    written: tuple[Written, ...]
    outcome_of: Callable[[int], Outcome]


class Intake(Protocol):
    """Stores what a plan has read, or says in a dry run what storing would do."""

    @property
    def batch(self) -> int:
        """Return how many rows one write takes."""

    def take(self, filled: Filled, *, now: datetime, source: Source, dry: bool) -> Taken:
        """Store or rehearse the rows that could be read."""


def intake_of(plan: Plan, owner: Owner, *, key: str) -> Intake:
    """Return what takes the rows of this plan in."""
    return FactsIntake(plan, owner) if plan.kind in KINDS else RowsIntake(other_targets()[plan.kind], owner, key)


class FactsIntake:
    """The shop's facts and quality problems."""

    def __init__(self, plan: Plan, owner: Owner) -> None:
        self.batch = BATCH_OF_ISSUES if plan.kind == "issues" else BATCH
        self.owner = owner
        self.memory = Rehearsal()

    def take(self, filled: Filled, *, now: datetime, source: Source, dry: bool) -> Taken:
        """Store or rehearse a batch of facts."""
        owner = self.owner
        if dry:
            counts = rehearse((owner.shop_id, owner.currency), filled.frames, now=now, memory=self.memory)
        else:
            counts = store(owner.shop_id, filled.frames, now=now, by=owner.by, source=source)
        return _of_counts(filled, counts)


def _of_counts(filled: Filled, counts: Counts) -> Taken:
    size = filled.frames.size // filled.parts
    of_row: list[list[Outcome]] = [[] for _row in range(size)]
    for frame in filled.frames.frames:
        for index in frame.index:
            of_row[index // filled.parts].append(counts.outcomes[index])
    refused: dict[int, list[str]] = {}
    for index, reason in counts.refused:
        refused.setdefault(index // filled.parts, []).append(reason)
    together = Counter(tuple(of_row[at]) for at in range(size) if at not in filled.reasons)
    tally: Counter[Outcome] = Counter()
    for outcomes, times in together.items():
        tally[_row_outcome(outcomes)] += times
    del tally["refused"]
    return Taken(tally, refused, counts.written, lambda at: _row_outcome(of_row[at]))


def _row_outcome(outcomes: Sequence[Outcome]) -> Outcome:
    """Return what became of a row that made several records: the first one's outcome counts."""
    if "refused" in outcomes:
        return "refused"
    if outcomes and outcomes[0] == "unchanged" and set(outcomes) != {"unchanged"}:
        return "updated"
    return outcomes[0] if outcomes else "unchanged"


@dataclass
class RowsIntake:
    """Records of a registered target; in a dry run it remembers what earlier rows would have stored."""

    target: Target
    owner: Owner
    key: str
    seen: dict[str, str] = field(default_factory=dict)

    @property
    def batch(self) -> int:
        """Return how many rows the target takes at once."""
        return self.target.batch

    def take(self, filled: Filled, *, now: datetime, source: Source, dry: bool) -> Taken:
        """Store or rehearse a batch of rows."""
        rows = [said for _at, said in filled.said]
        told = self.target.store(rows, key=self.key, now=now, by=self.owner.by, source=source, dry=dry) if rows else []
        outcomes = {at: one for (at, _said), one in zip(filled.said, told, strict=True)}
        if dry and self.key:
            outcomes = {at: self._again(said, outcomes[at]) for at, said in filled.said}
        refused = {at: list(one.reasons) for at, one in outcomes.items() if one.outcome == "refused"}
        tally: Counter[Outcome] = Counter(one.outcome for one in outcomes.values())
        del tally["refused"]
        return Taken(tally, refused, (), lambda at: outcomes[at].outcome if at in outcomes else "refused")

    def _again(self, said: Mapping[str, Any], told: RowOutcome) -> RowOutcome:
        """Return what a real run would say of a row whose key an earlier row of the file had."""
        key, text = str(said.get(self.key)), json.dumps(said, default=str, sort_keys=True)
        before = self.seen.get(key)
        if told.outcome == "refused":
            return told
        self.seen[key] = text
        if before is None or told.outcome != "stored":
            return told
        return RowOutcome("unchanged" if before == text else "updated")
