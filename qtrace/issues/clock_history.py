"""The clocks of an issue out of what happened to it: the same history gives the same clocks, whenever it is read."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from qtrace.calendars.clocks import Clock, ClockError, Fact, Verb, turn

KINDS = ("acknowledge", "contain", "decide", "root_cause", "implement", "verify", "close")
FROM_OPENING = ("acknowledge", "contain", "decide", "close")
BY_GATE = {
    "responsibility_decided": "decide", "root_cause_found": "root_cause", "actions_done": "implement",
    "effect_verified": "verify",
}  # fmt: skip
BY_STAGE = {
    "contain": "contain",
    "triage": "decide",
    "investigate": "root_cause",
    "act": "implement",
    "verify": "verify",
}
RESPONSES = frozenset({
    "issue_assigned", "issue_changed", "issue_classified", "issue_commented", "issue_file_added", "action_planned",
    "why_added",
})  # fmt: skip
TAKEN = frozenset({"task_claimed", "task_transferred"})
ENDS = frozenset({"flow_closed", "flow_terminated"})
CONTAINMENT = "containment"
OPENED, LEFT, ENTERED, TARGETS = "issue_opened", "stage_left", "stage_visited", "targets"

Targets = Callable[[datetime, int | None], Mapping[str, int]]


@dataclass(frozen=True)
class Told:
    """One fact of the record: when, what, by whom, and what it says."""

    at: datetime
    name: str
    by: int | None = None
    body: Mapping[str, Any] = field(default_factory=dict)
    reason: str = ""


@dataclass(frozen=True)
class Visit:
    """A stay in a stage; open while `until` is empty."""

    node: str
    since: datetime
    until: datetime | None = None


@dataclass(frozen=True)
class Stages:
    """What the stages of a flow are for: the clock each one runs on, and where the reporter still writes."""

    clocks: Mapping[str, str]
    first: frozenset[str]


@dataclass(frozen=True)
class Case:
    """Everything the clocks of an issue follow from."""

    history: Sequence[Told]
    visits: Sequence[Visit]
    stages: Stages
    severity: int | None  # as it is now
    changes: Sequence[datetime] = ()  # when the targets of the company changed


@dataclass(frozen=True)
class Kept:
    """A clock with what its case waits for while it goes on running."""

    clock: Clock
    waits_for: str = ""


def clocks_of_case(case: Case, targets: Targets) -> dict[str, Kept]:
    """Return each clock that has been started; `targets` says how many minutes are allowed at a time and severity."""
    book = _Book(case, targets)
    for told in _in_order(case):
        book.read(told)
    return {kind: Kept(book.clocks[kind], book.waits.get(kind, "")) for kind in KINDS if kind in book.clocks}


def stage_clock(node: str, kind: str, gates: Iterable[str]) -> str:
    """Return which clock runs while a case is in a stage; empty for none."""
    asked = next((BY_GATE[gate] for gate in gates if gate in BY_GATE), "")
    return asked or BY_STAGE.get(node, "") or ("verify" if kind == "verify" else "")


def _in_order(case: Case) -> list[Told]:
    """Return everything in the order it happened; of one moment first the opening, then the stages one by one."""
    visits: list[Told] = []
    for visit in sorted(case.visits, key=lambda one: one.since):
        visits.append(Told(visit.since, ENTERED, body={"node": visit.node}))
        if visit.until is not None:
            visits.append(Told(visit.until, LEFT, body={"node": visit.node}))
    opened = [told for told in case.history if told.name == OPENED]
    rest = [told for told in case.history if told.name != OPENED]
    return sorted(
        [*opened, *visits, *rest, *(Told(at, TARGETS) for at in case.changes)], key=lambda told: told.at
    )  # sorting keeps the order of what happened in the same moment


class _Book:
    """The clocks while the history is read from its beginning."""

    def __init__(self, case: Case, targets: Targets) -> None:
        self.stages, self.targets = case.stages, targets
        self.severities = _severities(case)
        self.severity = self.severities.pop(0)
        self.clocks: dict[str, Clock] = {}
        self.waits: dict[str, str] = {}
        self.opener: int | None = None
        self.begun: datetime | None = None
        self.here: list[str] = []  # the nodes in which the case is
        self.containing: set[int] = set()  # planned containment that is not done yet
        self.planned: set[int] = set()

    def read(self, told: Told) -> None:
        """Let the clocks follow one more fact."""
        match told.name:
            case "issue_opened":
                self.opener, self.begun = told.by, told.at
                self._each("start", FROM_OPENING, told.at)
            case _ if self.begun is None:
                return  # nothing runs before the case is opened
            case "stage_visited":
                self._enter(told)
            case "stage_left":
                self._leave(told)
            case "clock_paused" | "clock_resumed":
                self._wait(told)
            case "flow_reopened":
                self._do("start", "close", told.at)
            case "targets":
                self._retarget(told.at)
            case name if name in ENDS:
                self._each("stop", tuple(self.clocks), told.at)
                self.here.clear()
            case _:
                self._work(told)

    def _enter(self, told: Told) -> None:
        node = str(told.body["node"])
        self.here.append(node)
        kind = self.stages.clocks.get(node)
        if kind:
            self._do("start", kind, told.at)

    def _leave(self, told: Told) -> None:
        node = str(told.body["node"])
        if node in self.here:
            self.here.remove(node)
        if node not in self.stages.first:
            self._do("stop", "acknowledge", told.at)
        kind = self.stages.clocks.get(node)
        if kind and all(self.stages.clocks.get(other) != kind for other in self.here):
            self._do("stop", kind, told.at)
            if kind == "decide" and not self.containing and "contain" not in self.stages.clocks.values():
                self._do("stop", "contain", told.at)

    def _work(self, told: Told) -> None:
        """A person did something to the case: it is answered, contained, or another severity."""
        others = told.by is not None and told.by != self.opener
        if (told.name in TAKEN and told.by is not None) or (told.name in RESPONSES and others):
            self._do("stop", "acknowledge", told.at)
        action = told.body.get("action")
        if told.name == "action_planned" and told.body.get("kind") == CONTAINMENT and isinstance(action, int):
            self.containing.add(action)
            self.planned.add(action)
        if told.name in {"action_done", "action_cancelled"} and action in self.planned:
            self.containing.discard(action)
            if not self.containing and (told.name == "action_done" or self._decided()):
                self._do("stop", "contain", told.at)
        if "severity_id" in told.body:
            self.severity = self.severities.pop(0)
            self._retarget(told.at)

    def _decided(self) -> bool:
        return "decide" in self.clocks and self.clocks["decide"].state == "stopped"

    def _wait(self, told: Told) -> None:
        kind = str(told.body.get("clock", ""))
        if told.name == "clock_resumed":
            self.waits.pop(kind, None)
            self._do("resume", kind, told.at)
        elif told.body.get("stops", True):
            self._do("pause", kind, told.at, told.reason)
        elif kind in self.clocks and self.clocks[kind].state == "running":
            self.waits[kind] = told.reason

    def _retarget(self, at: datetime) -> None:
        allowed = self.targets(at, self.severity)
        for kind, clock in self.clocks.items():
            if clock.state != "stopped" and clock.minutes != allowed[kind]:
                self.clocks[kind] = turn(clock, Fact("target", at, minutes=allowed[kind]))

    def _each(self, verb: Verb, kinds: Sequence[str], at: datetime) -> None:
        for kind in kinds:
            self._do(verb, kind, at)

    def _do(self, verb: Verb, kind: str, at: datetime, reason: str = "") -> None:
        """Turn a clock; what does not fit, as resuming one that its stage has stopped, changes nothing."""
        clock = self.clocks.get(kind)
        if verb == "start" and (clock is None or clock.state == "stopped"):
            minutes = self.targets(at, self.severity)[kind]
            clock = Clock(minutes, clock.intervals if clock else ())
        if clock is None or (verb == "start" and clock.state == "paused"):
            return
        if verb == "stop":
            self.waits.pop(kind, None)
        try:
            self.clocks[kind] = turn(clock, Fact(verb, at, reason))
        except ClockError:
            return


def _severities(case: Case) -> list[int | None]:
    """Return the severity the issue was opened with, and then what each change made it; the last one is today's."""
    changes = [told.body["severity_id"] for told in sorted(case.history, key=lambda told: told.at)
               if "severity_id" in told.body]  # fmt: skip
    if not changes:
        return [case.severity]
    return [changes[0]["old"], *(change["new"] for change in changes[:-1]), case.severity]
