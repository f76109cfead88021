"""Why rows were refused, grouped: equal reasons are counted once with the first rows they befell."""

import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

MOST_GROUPS = 100
EXAMPLES = 3
LONGEST = 200
QUOTED = re.compile(r"「[^」]*」")
DIGITS = re.compile(r"\d+")


@dataclass
class Reason:
    """One reason: how often, and the first rows as (row number, what was said there)."""

    text: str
    count: int = 0
    examples: list[tuple[int, str]] = field(default_factory=list)


@dataclass
class Reasons:
    """The reasons of a run; what comes after MOST_GROUPS different ones is counted in `others`."""

    groups: dict[str, Reason] = field(default_factory=dict)
    others: int = 0

    def add(self, number: int, reasons: Sequence[str]) -> None:
        """Count the reasons of one row."""
        for said in reasons:
            shape = shape_of(said)
            group = self.groups.get(shape)
            if group is None:
                if len(self.groups) >= MOST_GROUPS:
                    self.others += 1
                    continue
                group = self.groups[shape] = Reason(said[:LONGEST])
            elif said != group.text:
                group.text = _general(said)[:LONGEST]
            group.count += 1
            if len(group.examples) < EXAMPLES:
                group.examples.append((number, said[:LONGEST]))

    def most(self) -> list[Reason]:
        """Return the reasons, the most frequent first."""
        return sorted(self.groups.values(), key=lambda one: -one.count)

    def dump(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {"groups": [asdict(one) for one in self.groups.values()], "others": self.others}


def read_reasons(data: dict[str, Any]) -> Reasons:
    """Return the reasons from their JSON form."""
    groups = [
        Reason(one["text"], one["count"], [(n, said) for n, said in one["examples"]]) for one in data.get("groups", ())
    ]
    return Reasons(
        {shape_of(one.examples[0][1] if one.examples else one.text): one for one in groups}, data.get("others", 0)
    )


def shape_of(reason: str) -> str:
    """Return a reason without the values in it: the first quoted word is the column, later ones and numbers vary."""
    first = QUOTED.search(reason)
    end = first.end() if first else 0
    return reason[:end] + DIGITS.sub("#", _general(reason)[end:])


def _general(reason: str) -> str:
    """Return a reason of several rows: what they said is left out, the column stays."""
    first = QUOTED.search(reason)
    end = first.end() if first else 0
    return reason[:end] + QUOTED.sub("「…」", reason[end:])
