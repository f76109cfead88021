"""Ask the rules of a form of one record: pure, so that every door and every test gets the same answer.

Rules are taken in their order. First those that change the form (show, hide, readonly, set, clear, filter, require), again
and again until what is hidden stays the same; a hidden field counts as missing from then on. Then all that judge are
asked about the values that are left. Nothing here reads a clock, a database or a request.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, tzinfo

from qtrace.conditions.evaluate import evaluate
from qtrace.conditions.formula import Formula
from qtrace.conditions.formula_tree import FormulaError
from qtrace.conditions.tree import Condition, FieldKind
from qtrace.rules.kinds.formulas import result_of
from qtrace.sdk.rules import Fault, FileFact, Holds, Level, Limits, RuleCase, RuleKind, World
from qtrace.sdk.text import Text

NO_LIMITS, SILENT = Limits(), Text("", "")
MOST_ROUNDS = 5  # of rules that hide each other


@dataclass(frozen=True)
class FieldFact:
    """What rules may know of a field."""

    label: Text
    holds: Holds
    kind: FieldKind | None = None
    limits: Limits = NO_LIMITS
    columns: Mapping[str, "FieldFact"] = field(default_factory=dict)  # of a sub-table


@dataclass(frozen=True)
class Assigned:
    """A value a rule gives a field: as it is stored, and as conditions see it."""

    stored: object
    seen: object


@dataclass(frozen=True)
class CopyOf:
    """The value of another field."""

    field: str


@dataclass(frozen=True)
class Computed:
    """What a formula gives, as conditions see it."""

    value: object


@dataclass(frozen=True)
class AsBefore:
    """The value the record had before this change."""


Step = Assigned | CopyOf | Computed | AsBefore | None  # None empties


@dataclass(frozen=True, kw_only=True)
class Rule:
    """One rule, read and ready to be asked; a field inside a sub-table is written `rows.column`."""

    id: int
    kind: RuleKind
    options: Mapping[str, object] = field(default_factory=dict)
    field: str = ""  # stands after the line above, which needs the function of this name
    when: Condition | None = None
    level: Level = "block"
    message: Text = SILENT
    position: int = 0
    name: str = ""


@dataclass(frozen=True, kw_only=True)
class Subject:
    """The record that is judged, as conditions see it, with all a rule may ask about it.

    `before` holds the values a record had before this change; a new one has none.
    """

    fields: Mapping[str, FieldFact]
    values: Mapping[str, object]
    now: datetime
    zone: tzinfo
    world: World
    before: Mapping[str, object] = field(default_factory=dict)
    earlier: Mapping[str, Sequence[object]] = field(default_factory=dict)
    files: Mapping[str, Sequence[FileFact]] = field(default_factory=dict)
    leaving: str = ""
    labels: Mapping[str, Text] | None = None  # of `fields` as `labels_of` gives them, where many records share them


@dataclass(frozen=True)
class Finding:
    """What a rule found: where (`qty`, or `rows.2.qty` for the third row), how loud, and in which words."""

    rule_id: int
    kind: str
    path: str
    level: Level
    message: Text
    name: str = ""

    @property
    def field(self) -> str:
        """Return the field of the form it stands at."""
        return self.path.partition(".")[0]

    @property
    def needs_reason(self) -> bool:
        """Say whether it passes only with a reason."""
        return self.level == "warn"


@dataclass(frozen=True)
class Effects:
    """What the rules do to the form, and the values that are left; `hidden` says whether each field keeps its value."""

    values: Mapping[str, object]
    hidden: Mapping[str, bool] = field(default_factory=dict)
    readonly: frozenset[str] = frozenset()
    required: frozenset[str] = frozenset()
    steps: tuple[tuple[str, Step], ...] = ()  # what fields are given, in order
    allowed: Mapping[str, frozenset[str]] = field(default_factory=dict)


@dataclass(frozen=True)
class Verdict:
    """All that the rules of a form say of one record."""

    findings: tuple[Finding, ...]
    effects: Effects

    @property
    def is_silent(self) -> bool:
        """Say whether the rules found nothing and leave the form as it is."""
        does = self.effects
        return not (self.findings or does.steps or does.hidden or does.readonly or does.required or does.allowed)

    def of_level(self, level: Level) -> tuple[Finding, ...]:
        """Return the findings of one level, in the order of the rules."""
        return tuple(finding for finding in self.findings if finding.level == level)


def check(rules: Sequence[Rule], subject: Subject) -> Verdict:
    """Ask every rule about the record."""
    effects = effects_of(rules, subject)
    labels = labels_of(subject.fields) if subject.labels is None else subject.labels
    findings = tuple(
        finding
        for rule in rules
        if not _is_hidden(rule, effects)
        for finding in _judged(rule, subject, effects, labels)
    )
    return Verdict(findings, effects)


def effects_of(rules: Sequence[Rule], subject: Subject) -> Effects:
    """Return what the rules do to the form, judging nothing."""
    changing = [rule for rule in rules if rule.kind.effect]
    hidden: Mapping[str, bool] = {}
    effects = Effects(subject.values)
    if not changing:
        return effects
    for _round in range(MOST_ROUNDS):
        effects = _one_round(changing, subject, hidden)
        if effects.hidden.keys() == hidden.keys():
            break
        hidden = effects.hidden
    return effects


def applies(rule: Rule, values: Mapping[str, object], earlier: Mapping[str, Sequence[object]]) -> bool:
    """Say whether the rule's condition holds; without one it always does."""
    return rule.when is None or evaluate(rule.when, values, earlier)


class _Round:
    """One pass over the rules that change the form."""

    def __init__(self, subject: Subject, hidden: Mapping[str, bool]) -> None:
        self.subject = subject
        self.values = {name: value for name, value in subject.values.items() if name not in hidden}
        self.values |= {name: subject.before.get(name) for name, keeps in hidden.items() if keeps}
        self.hidden: dict[str, bool] = {}
        self.readonly: set[str] = set()
        self.required: set[str] = set()
        self.steps: list[tuple[str, Step]] = []
        self.allowed: dict[str, frozenset[str]] = {}

    def take(self, rule: Rule) -> None:
        name, effect = rule.field, rule.kind.effect
        if effect in ("show", "hide"):
            self.hidden[name] = rule.options.get("keep") is True
        elif effect == "readonly":
            self.readonly.add(name)
            self._take_step(name, AsBefore(), self.subject.before.get(name))
        elif effect == "require":
            self.required.add(name)
        elif effect == "filter":
            narrowed = frozenset(_strings(rule.options.get("values")))
            self.allowed[name] = self.allowed.get(name, narrowed) & narrowed
        elif effect == "clear":
            self._take_step(name, None, None)
        elif effect == "set":
            self._set(rule)

    def _set(self, rule: Rule) -> None:
        if rule.options.get("only_empty") is True and not _missing(self.values.get(rule.field)):
            return
        source, given, asked = (rule.options.get(name) for name in ("from", "value", "formula"))
        if isinstance(source, str) and source:
            self._take_step(rule.field, CopyOf(source), self.values.get(source))
        elif isinstance(given, Assigned):
            self._take_step(rule.field, given, given.seen)
        elif isinstance(asked, Formula):
            self._compute(rule, asked)

    def _compute(self, rule: Rule, asked: Formula) -> None:
        """Fill in what a formula gives; one that can't be worked out leaves the field as it is."""
        try:
            result = result_of(asked, _case(rule, self.subject, self.values, {}))
        except FormulaError:
            return
        value = datetime.combine(result, time(), UTC) if type(result) is date else result
        self._take_step(rule.field, Computed(result), value)

    def _take_step(self, name: str, step: Step, value: object) -> None:
        self.steps.append((name, step))
        self.values[name] = value


def _one_round(rules: Sequence[Rule], subject: Subject, hidden: Mapping[str, bool]) -> Effects:
    work = _Round(subject, hidden)
    for rule in rules:
        if applies(rule, work.values, subject.earlier) is not (rule.kind.effect == "show"):
            work.take(rule)
    shown_values = {name: value for name, value in work.values.items() if name not in work.hidden}
    shown_values |= {name: subject.before.get(name) for name, keeps in work.hidden.items() if keeps}
    return Effects(
        shown_values, work.hidden, frozenset(work.readonly), frozenset(work.required - work.hidden.keys()),
        tuple(work.steps), work.allowed,
    )  # fmt: skip


def _is_hidden(rule: Rule, effects: Effects) -> bool:
    return rule.field.partition(".")[0] in effects.hidden


def _judged(rule: Rule, subject: Subject, effects: Effects, labels: Mapping[str, Text]) -> Iterator[Finding]:
    table, _dot, column = rule.field.partition(".")
    if not column:
        if applies(rule, effects.values, subject.earlier):
            yield from _faults(rule, _case(rule, subject, effects.values, labels), rule.field)
        return
    rows = effects.values.get(table)
    for place, row in enumerate(rows if isinstance(rows, list | tuple) else ()):
        values = {**effects.values, **{f"{table}.{name}": value for name, value in row.items()}}
        if applies(rule, values, subject.earlier):
            yield from _faults(rule, _case(rule, subject, values, labels), f"{table}.{place}.{column}")


def _faults(rule: Rule, case: RuleCase, path: str) -> Iterator[Finding]:
    if case.missing and not rule.kind.judges_missing:
        return
    for fault in rule.kind.judge(case):
        place = ".".join(part for part in (path, fault.path) if part)
        yield Finding(rule.id, rule.kind.key, place, fault.level or rule.level, _message(rule, fault), rule.name)


def _case(rule: Rule, subject: Subject, values: Mapping[str, object], labels: Mapping[str, Text]) -> RuleCase:
    fact = field_fact(subject.fields, rule.field)
    return RuleCase(
        field=rule.field, value=values.get(rule.field) if rule.field else None, options=rule.options, values=values,
        labels=labels, label=fact.label if fact else Text(rule.field, rule.field), now=subject.now, zone=subject.zone,
        world=subject.world, holds=fact.holds if fact else "other", earlier=subject.earlier,
        files=subject.files.get(rule.field, ()), limits=fact.limits if fact else NO_LIMITS, leaving=subject.leaving,
    )  # fmt: skip


def field_fact(fields: Mapping[str, FieldFact], path: str) -> FieldFact | None:
    """Return what is known of `qty` or of `rows.qty`."""
    name, _dot, column = path.partition(".")
    fact = fields.get(name)
    return fact.columns.get(column) if fact and column else fact


def all_facts(fields: Mapping[str, FieldFact]) -> dict[str, FieldFact]:
    """Return what is known of every field and, as `rows.column`, of the columns of sub-tables."""
    columns = {f"{name}.{column}": inner for name, fact in fields.items() for column, inner in fact.columns.items()}
    return {**fields, **columns}


def labels_of(fields: Mapping[str, FieldFact]) -> dict[str, Text]:
    """Return what every field is called, columns of sub-tables as `rows.column`."""
    return {name: fact.label for name, fact in all_facts(fields).items()}


def _message(rule: Rule, fault: Fault) -> Text:
    return Text(rule.message.zh or fault.text.zh, rule.message.en or fault.text.en)


def _strings(value: object) -> tuple[str, ...]:
    return tuple(str(one) for one in value) if isinstance(value, list | tuple) else ()


def _missing(value: object) -> bool:
    return value is None or value in ("", (), [])
