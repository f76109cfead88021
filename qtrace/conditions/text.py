"""Conditions as experts type them: `状态 = "open" and 数量 > 3`, in Chinese or English words, and back.

    condition = and (("or" | 或) and)*
    and       = not (("and" | 且) not)*
    not       = ("not" | 非) not | ( condition ) | all(…) | any(…) | clause
    clause    = field operator [value]

A field is its id or its label, in {braces} when it is not one word. A value is a number, a "text", (several, values) or
another field. What is written here reads back to an equal condition.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from decimal import Decimal

from qtrace.conditions.lexer import tokens_of
from qtrace.conditions.source import SourceError
from qtrace.conditions.text_reader import ConditionTextError, Reader, laid_out, spot_of
from qtrace.conditions.text_words import JOINTS, RESERVED, WORDS
from qtrace.conditions.tree import (
    All,
    Any_,
    Clause,
    Condition,
    ConditionError,
    FieldKind,
    Not,
    OtherField,
    Scalar,
    parse,
)

MAX_SOURCE = 50_000
_BRACED = re.compile("[^{}｛｝\0\ud800-\udfff]+")
_BARE = re.compile(r"[^\W\d]\w*(?:\.[^\W\d]\w*)*")


def parse_text(
    source: str, fields: Mapping[str, FieldKind], labels: Mapping[str, str], *, has_history: bool = False
) -> Condition:
    """Read a typed condition; `labels` maps ids to what people call the fields. Raises ConditionTextError."""
    try:
        tokens = tokens_of(source, MAX_SOURCE)
    except SourceError as error:
        raise ConditionTextError(error.template, source, error.at, **error.values) from None
    spots: dict[str, int] = {}
    data = laid_out(Reader(source, tokens, fields, _ids_of(labels)).whole(), "", spots)
    try:
        return parse(data, fields, has_history=has_history)
    except ConditionError as error:
        raise ConditionTextError(error.template, source, spot_of(error.path, spots), **error.values) from None


def write_text(condition: Condition, labels: Mapping[str, str], language: str = "zh", zone: tzinfo = UTC) -> str:
    """Return the condition as text in the words of the language, `zh` or `en`, with times as the zone's clock shows."""
    return _Writer(labels, _ids_of(labels), language, zone).condition(condition)


@dataclass(frozen=True, slots=True)
class _Writer:
    labels: Mapping[str, str]
    ids: Mapping[str, Sequence[str]]
    language: str
    zone: tzinfo

    def condition(self, condition: Condition) -> str:
        joints = JOINTS[self.language]
        match condition:
            case All(items) | Any_(items):
                word = "all" if isinstance(condition, All) else "any"
                if len(items) > 1:
                    return f" {joints[word]} ".join(map(self._part, items))
                return f"{joints[f'{word}(']}({''.join(map(self.condition, items))})"
            case Not(item):
                return f"{joints['not']} {self._part(item)}"
            case Clause():
                return self._clause(condition)

    def _part(self, item: Condition) -> str:
        inner = self.condition(item)
        return f"({inner})" if isinstance(item, All | Any_) and len(item.items) > 1 else inner

    def _clause(self, clause: Clause) -> str:
        start = f"{self._field(clause.field)} {WORDS[self.language][clause.op]}"
        match clause.value:
            case None:
                return start
            case OtherField(name):
                return f"{start} {self._field(name)}"
            case (low, high) if clause.op == "between":
                return f"{start} {self._scalar(low)} {JOINTS[self.language]['to']} {self._scalar(high)}"
            case tuple() as values:
                return f"{start} ({', '.join(map(self._scalar, values))})"
            case value:
                return f"{start} {self._scalar(value)}"

    def _field(self, name: str) -> str:
        """Return the label where it means this field alone, the id otherwise."""
        label = self.labels.get(name, name)
        is_clear = self.ids.get(label) == [name] and (label == name or label not in self.labels)
        is_writable = label == label.strip() and _BRACED.fullmatch(label)
        said = label if is_clear and is_writable else name
        return said if _BARE.fullmatch(said) and said.lower() not in RESERVED else f"{{{said}}}"

    def _scalar(self, value: Scalar) -> str:
        if isinstance(value, int | Decimal):
            return format(value, "f") if isinstance(value, Decimal) else str(value)
        spelled = self._moment(value) if isinstance(value, datetime) else value
        return '"' + spelled.replace('"', '""') + '"'

    def _moment(self, value: datetime) -> str:
        try:
            return value.astimezone(self.zone).isoformat()
        except OverflowError:
            return value.isoformat()


def _ids_of(labels: Mapping[str, str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name, label in labels.items():
        found.setdefault(label, []).append(name)
    return found
