"""What a flow asks the company while it moves: who is meant, which condition holds, who stands above.

Every answer is kept with the decision it belonged to, so that a history replays to the same state after people,
departments and amounts have changed.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Protocol

from qtrace.flows.definition import Who


@dataclass(frozen=True)
class People:
    """Who is meant at this node? Answer: user ids, the most fitting first."""

    node: str
    who: Who


@dataclass(frozen=True)
class Holds:
    """Does the condition of this branch hold? Answer: (1,) or ()."""

    node: str
    branch: str


@dataclass(frozen=True)
class HeadOf:
    """Who stands above this person? Answer: one user id, or none."""

    user: int


@dataclass(frozen=True)
class Keepers:
    """Who keeps the flows of this company? Answer: at least one user id."""


@dataclass(frozen=True)
class Draw:
    """Which of so many is drawn by lot? Answer: one number below `among`."""

    node: str
    among: int


Question = People | Holds | HeadOf | Keepers | Draw
Answer = tuple[int, ...]


class Facts(Protocol):
    """Whoever can answer."""

    def answer(self, question: Question, /) -> Answer:
        """Return the answer; the same question may be answered differently later."""


@dataclass
class Recorded:
    """Facts that note down every answer they give."""

    facts: Facts
    answers: list[Answer] = field(default_factory=list)

    def answer(self, question: Question, /) -> Answer:
        """Return and note the answer."""
        found = self.facts.answer(question)
        self.answers.append(found)
        return found


class Replayed:
    """Facts that give the noted answers again, in their order."""

    def __init__(self, answers: Iterable[Answer]) -> None:
        self.answers = iter(answers)

    def answer(self, _question: Question, /) -> Answer:
        """Return the next noted answer."""
        return next(self.answers)
