"""Words of a file that no choice of a field is known by: each is given its meaning once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from qtrace.exchange.kinds import Choice
from qtrace.exchange.models import ImportRun
from qtrace.exchange.queries import RunDetail
from qtrace.exchange.targets import described

NOTHING = "-"  # what a select sends for a word that means nothing
MOST_SHOWN = 100


@dataclass(frozen=True)
class Unknown:
    """The unknown words of one field with how often each stands in the file, and what they may mean."""

    field: str
    label: str
    words: Sequence[tuple[str, int]]
    more: int
    choices: Sequence[Choice]


def unknown_words(run: ImportRun, detail: RunDetail) -> list[Unknown]:
    """Return the words a run could not read, the most frequent first; none where nothing can be read again."""
    again = run.file_id if run.dry_run else run.refused_file_id
    if not detail.unknown or run.state not in ("done", "cancelled") or not again:
        return []
    kind = described(run.kind)
    found = []
    for name, words in detail.unknown.items():
        one = kind.field(name)
        if one is not None and one.choices:
            ordered = sorted(words.items(), key=lambda pair: -pair[1])
            more = max(0, len(ordered) - MOST_SHOWN)
            found.append(Unknown(name, str(one.label), ordered[:MOST_SHOWN], more, one.choices))
    return found


def sent_words(sent: Mapping[str, str], unknown: Sequence[Unknown]) -> dict[str, dict[str, str]]:
    """Return {field: {word: value}} as chosen in the selects named word-<field>-<place>."""
    found: dict[str, dict[str, str]] = {}
    for one in unknown:
        allowed = {choice.value for choice in one.choices}
        for place, (word, _count) in enumerate(one.words):
            value = sent.get(f"word-{one.field}-{place}", "")
            if value == NOTHING or value in allowed:
                found.setdefault(one.field, {})[word] = "" if value == NOTHING else value
    return found
