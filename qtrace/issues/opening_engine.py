"""When complaints become an issue: the rule in full, so that anybody can recompute it.

Complaints are taken in the order (occurred_at, id). A rule has a scope (safety, lot, sku, supplier, courier_line), a
threshold N and a span of D days. A complaint has a *signature* under a rule, `scope|key|type`, where its scope's key is
known (for safety: the complaint is a safety one; the key is the SKU, or the order, or the complaint itself).

For each complaint that no issue holds, the enabled rules are tried in order and the first one that applies decides:

1. An open issue with the same signature takes it when first ≤ t ≤ last + D, over the complaints the issue holds.
2. Otherwise the complaints with this signature that no issue holds and that occurred in (t − D, t], this one among
   them, are counted. When there are at least N, an issue opens that holds them all.

What is decided for one complaint counts for the next. A window looks back only and what is taken never becomes free by
itself, so judging the same complaints again changes nothing. A complaint that arrives late and is older than an issue's
first one counts in its own window only.
"""

from bisect import bisect_right, insort
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

SCOPES = ("safety", "lot", "sku", "supplier", "courier_line")


@dataclass(frozen=True)
class ComplaintFact:
    """What the rules look at of a complaint; keys are ids as text, empty where unknown."""

    id: int
    occurred_at: datetime
    type: str = ""
    safety: bool = False
    lot: str = ""
    sku: str = ""
    supplier: str = ""
    courier_line: str = ""
    order: str = ""

    def key(self, scope: str) -> str:
        """Return the key of this complaint in a scope, empty where it has none."""
        if scope == "safety":
            return (self.sku or self.order or f"c{self.id}") if self.safety else ""
        value: str = getattr(self, scope)
        return value


@dataclass(frozen=True)
class RuleFact:
    """An enabled opening rule; `types` lists the types it does not count."""

    id: int
    scope: str
    threshold: int
    days: int
    not_types: frozenset[str] = frozenset()


@dataclass(frozen=True)
class OpenIssueFact:
    """An open issue and the span of the complaints it holds."""

    id: int
    signature: str
    first_at: datetime
    last_at: datetime


@dataclass(frozen=True)
class Open:
    """Open a new issue that holds these complaints."""

    rule: int
    signature: str
    complaints: tuple[int, ...]


@dataclass(frozen=True)
class Join:
    """Put this complaint into an existing issue."""

    issue: int
    complaint: int


Step = Open | Join


def signature_of(fact: ComplaintFact, rule: RuleFact) -> str:
    """Return the signature of a complaint under a rule, empty where the rule does not look at it."""
    key = fact.key(rule.scope)
    return f"{rule.scope}|{key}|{fact.type}" if key and fact.type not in rule.not_types else ""


def assign(
    complaints: Sequence[ComplaintFact], issues: Sequence[OpenIssueFact], rules: Sequence[RuleFact]
) -> list[Step]:
    """Return what to open and what to join, in the order in which it is decided; `complaints` are free ones."""
    book = _Book(issues)
    steps: list[Step] = []
    for fact in sorted(complaints, key=lambda item: (item.occurred_at, item.id)):
        book.add_free(fact, rules)
        steps += _decide(fact, rules, book)
    return _merged(steps)


@dataclass
class _Case:
    """An issue while the run goes on; `id` is negative until it exists."""

    id: int
    first: datetime
    last: datetime

    def takes(self, at: datetime, days: int) -> bool:
        """Say whether a complaint of this time belongs to the case."""
        return self.first <= at <= self.last + timedelta(days=days)

    def grow(self, at: datetime) -> None:
        """Take a complaint of this time in."""
        self.first, self.last = min(self.first, at), max(self.last, at)


@dataclass
class _Book:
    """Who is free under each signature, and which cases are open under it."""

    issues: Sequence[OpenIssueFact]
    cases: dict[str, list[_Case]] = field(default_factory=lambda: defaultdict(list))
    free: dict[str, list[tuple[datetime, int]]] = field(default_factory=lambda: defaultdict(list))
    taken: set[int] = field(default_factory=set)
    opened: int = 0

    def __post_init__(self) -> None:
        for issue in self.issues:
            self.cases[issue.signature].append(_Case(issue.id, issue.first_at, issue.last_at))

    def add_free(self, fact: ComplaintFact, rules: Sequence[RuleFact]) -> None:
        for signature in {signature_of(fact, rule) for rule in rules} - {""}:
            insort(self.free[signature], (fact.occurred_at, fact.id))

    def window(self, signature: str, at: datetime, days: int) -> list[tuple[datetime, int]]:
        entries = self.free[signature]
        begin = bisect_right(entries, (at - timedelta(days=days), 2**63))
        return [entry for entry in entries[begin:] if entry[0] <= at and entry[1] not in self.taken]


def _decide(fact: ComplaintFact, rules: Sequence[RuleFact], book: _Book) -> list[Step]:
    for rule in rules:
        signature = signature_of(fact, rule)
        if not signature:
            continue
        case = next((case for case in book.cases[signature] if case.takes(fact.occurred_at, rule.days)), None)
        if case is not None:
            case.grow(fact.occurred_at)
            book.taken.add(fact.id)
            return [Join(case.id, fact.id)]
        window = book.window(signature, fact.occurred_at, rule.days)
        if len(window) >= rule.threshold:
            return [_open(rule, signature, window, book)]
    return []


def _open(rule: RuleFact, signature: str, window: list[tuple[datetime, int]], book: _Book) -> Open:
    book.opened += 1
    book.cases[signature].append(_Case(-book.opened, window[0][0], window[-1][0]))
    ids = tuple(complaint for _at, complaint in window)
    book.taken.update(ids)
    return Open(rule.id, signature, ids)


def _merged(steps: list[Step]) -> list[Step]:
    """Put the complaints that joined an issue of this very run into its opening step."""
    opens = [step for step in steps if isinstance(step, Open)]
    grown = {-(n + 1): list(step.complaints) for n, step in enumerate(opens)}
    joins: list[Step] = []
    for step in steps:
        if isinstance(step, Join):
            if step.issue < 0:
                grown[step.issue].append(step.complaint)
            else:
                joins.append(step)
    return [Open(step.rule, step.signature, tuple(grown[-(n + 1)])) for n, step in enumerate(opens)] + joins
