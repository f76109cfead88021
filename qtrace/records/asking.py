"""What the reader of a list asks, as it stands in the address: words, state, conditions, order and grouping."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from urllib.parse import urlencode

from qtrace.conditions.tree import All, Condition, ConditionError, dump, parse
from qtrace.records.fields import ListFields

MAX_TEXT = 200
MAX_CONDITION = 8000
SORTS_BUILT_IN = ("created_at", "changed_at", "number")


@dataclass(frozen=True)
class Asked:
    """What is wanted of a list; `problem` says why a condition of the address could not be read."""

    q: str = ""
    state: str = ""
    condition: Condition | None = None
    sort: str = ""  # a field's id, with "-" before it for the largest first; empty: newest first
    group: str = ""
    problem: str = ""

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """Return what is asked as names and values of an address."""
        text = json.dumps(dump(self.condition), ensure_ascii=False, separators=(",", ":")) if self.condition else ""
        named = (("q", self.q), ("state", self.state), ("filter", text), ("sort", self.sort), ("group", self.group))
        return [(name, value) for name, value in named if value]

    @property
    def readable(self) -> bool:
        """Say whether an address can carry the condition."""
        return all(len(value) <= MAX_CONDITION for name, value in self.pairs if name == "filter")

    def query(self, **changes: str | Condition | None) -> str:
        """Return the query string, with some of it changed."""
        return urlencode(replace(self, **changes).pairs)  # type: ignore[arg-type]  # names and kinds are the fields' own

    def and_also(self, condition: Condition) -> "Asked":
        """Return what is asked, with one more condition."""
        items = self.condition.items if isinstance(self.condition, All) else (self.condition,) if self.condition else ()
        return replace(self, condition=All((*items, condition)), group="")


def read_asked(args: Mapping[str, str], fields: ListFields) -> Asked:
    """Read what an address asks; unknown fields are left out, an unreadable condition is named."""
    condition, problem = _condition(args.get("filter", ""), fields)
    sort, group = args.get("sort", ""), args.get("group", "")
    sortable = sort.removeprefix("-") in fields.by_id
    grouped = fields.by_id.get(group)
    state = args.get("state", "")
    return Asked(
        q=" ".join(args.get("q", "").split())[:MAX_TEXT],
        state=state if state in ("open", "done", "void") else "",
        condition=condition,
        sort=sort if sortable else "",
        group=group if grouped and grouped.groupable else "",
        problem=problem,
    )


def _condition(text: str, fields: ListFields) -> tuple[Condition | None, str]:
    if not text:
        return None, ""
    try:
        data = json.loads(text[:MAX_CONDITION])
    except (ValueError, RecursionError):
        return None, text[:80]
    try:
        return parse(data, fields.kinds), ""
    except ConditionError as error:
        return None, f"{error.path or 'filter'}: {error.message}"
