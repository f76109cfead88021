"""Words of a file that no choice of a field is known by: each is given its meaning once."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from qtrace.exchange.kinds import Choice, Field, Kind
from qtrace.exchange.mapping import unknown_samples
from qtrace.exchange.models import ImportRun
from qtrace.exchange.queries import RunDetail
from qtrace.exchange.targets import described

NOTHING = "-"  # what a select sends for a word that means nothing
MOST_SHOWN = 100


@dataclass(frozen=True)
class Unknown:
    """The unknown words of one field with how often each stands in the file, and what they may mean.

    `header` is the column they stand in, where that is still to be decided.
    """

    field: str
    label: str
    words: Sequence[tuple[str, int]]
    more: int
    choices: Sequence[Choice]
    header: str = ""


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
            found.append(_unknown(one, words))
    return found


def words_ahead(
    detail: RunDetail, kind: Kind, columns: Mapping[str, Mapping[str, Any]], definition: Mapping[str, Any], *, zone: str
) -> list[Unknown]:
    """Return the words a first look at a draft has found in columns of fields with choices; joined columns have none."""
    found = []
    for name, column in columns.items():
        one, header = kind.field(name), str(column.get("header", ""))
        if one is None or not one.choices or header not in detail.headers or not detail.words:
            continue
        place = detail.headers.index(header)
        words = unknown_samples(kind, one, header, detail.words[place], definition, zone=zone)
        if words:
            found.append(_unknown(one, words, header, detail.more_words[place]))
    return found


def _unknown(one: Field, words: Mapping[str, int], header: str = "", more: int = 0) -> Unknown:
    ordered = Counter(words).most_common()
    return Unknown(
        one.name, str(one.label), ordered[:MOST_SHOWN], more + max(0, len(ordered) - MOST_SHOWN), one.choices, header
    )


def sent_words(sent: Mapping[str, str], unknown: Sequence[Unknown]) -> dict[str, dict[str, str]]:
    """Return {field: {word: value}} as chosen in the selects named word-<field>-<place>.

    Words of a column count while the field is still read from the column they were asked for.
    """
    found: dict[str, dict[str, str]] = {}
    for one in unknown:
        if one.header and sent.get(f"words-{one.field}") != one.header:
            continue
        allowed = {choice.value for choice in one.choices}
        for place, (word, _count) in enumerate(one.words):
            value = sent.get(f"word-{one.field}-{place}", "")
            if value == NOTHING or value in allowed:
                found.setdefault(one.field, {})[word] = "" if value == NOTHING else value
    return found
