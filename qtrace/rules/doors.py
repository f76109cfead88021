"""The one function every door calls: answers go in, and come out as the rules of the form leave them.

What is hidden is dropped, because nobody can check what nobody sees, unless its rule keeps the old value. What is
read-only keeps the old value. A warning passes with a reason, which is kept with the record; a connector and an
automatic step of a flow have nobody to give one, so there it is only noted. The result is the same at every door.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from enum import StrEnum
from typing import cast

from flask import current_app
from flask_babel import gettext as _

from qtrace.conditions.formula_tree import Environment
from qtrace.conditions.formula_values import Scalar, written
from qtrace.core import events
from qtrace.core.errors import Refused
from qtrace.forms.answers import Answers
from qtrace.forms.computing import compute_all, computes
from qtrace.forms.definition import FormDefinition
from qtrace.forms.registry import INNER_FILES, Sent, Storage, Value, controls
from qtrace.rules.engine import SILENT, AsBefore, Assigned, Computed, CopyOf, Effects, Finding, Step, Subject, check
from qtrace.rules.facts import facts_of
from qtrace.rules.kinds.formulas import count_workdays
from qtrace.rules.pictures import file_facts
from qtrace.rules.queries import FormRules, default_of, load_rules
from qtrace.sdk.rules import FileFact
from qtrace.sdk.text import Text
from qtrace.web.filters import in_language, site_zone

WHOLE_FORM = ""  # the path of what is wrong with the form as a whole
ANY_RULE = ""  # the key of a reason that answers every warning
EMPTY: tuple[object, ...] = (None, "", [], {})


class Door(StrEnum):
    """Where answers come in."""

    PAGE = "page"
    INLINE = "inline"
    PUBLIC = "public"
    EXCEL = "excel"
    API = "api"
    SUBTABLE = "subtable"
    CONNECTOR = "connector"
    FLOW = "flow"


GATE = "stage_gate"
SUBMITTED = Text("这里的内容已经有人提交过。请核对。", "This has been submitted already. Please check it.")
UNUSUAL = Text("这个数和平时差得很多。请核对。", "This number is far from what is usual. Please check it.")
AGAINST_OTHERS = frozenset({"unique", "similar"})
TO_STRANGERS = {"unique": SUBMITTED, "similar": SUBMITTED, "outlier": UNUSUAL}  # instead of what other records hold
NOBODY_THERE = frozenset({Door.CONNECTOR, Door.FLOW})  # warnings are noted, because nobody can be asked


@dataclass(frozen=True)
class Held:
    """A record as it is before the change."""

    id: int
    columns: Mapping[str, Value] = field(default_factory=dict)
    answers: Mapping[str, Value] = field(default_factory=dict)


@dataclass(frozen=True)
class Warned:
    """A warning with the reason that was given for it, empty while there is none."""

    finding: Finding
    reason: str = ""
    is_secret: bool = False  # the message may quote a value that is masked on pages

    @property
    def text(self) -> str:
        """Return the message in the reader's language."""
        return in_language(self.finding.message)

    @property
    def note(self) -> str:
        """Return what is kept of it: what was warned of, and why it was let through."""
        reason = self.reason or _("没有人可以询问,已记下")
        return reason if self.is_secret else f"{self.text} — {reason}"


@dataclass(frozen=True)
class Checked:
    """What the rules leave of the answers, and what they say.

    `errors` and `warnings` stop a record at this door, the second only while a reason is missing. Errors are by path:
    a field, `rows.2.qty` for a column of the third row, or "" for the form as a whole; what could not be read is among
    them. `dropped` says of each hidden field whose value was left out why.
    """

    answers: Answers
    errors: Mapping[str, str] = field(default_factory=dict)
    warnings: tuple[Warned, ...] = ()
    infos: tuple[Finding, ...] = ()
    hidden: frozenset[str] = frozenset()
    readonly: frozenset[str] = frozenset()
    required: frozenset[str] = frozenset()
    allowed: Mapping[str, frozenset[str]] = field(default_factory=dict)
    dropped: Mapping[str, str] = field(default_factory=dict)
    door: Door = Door.PAGE
    by: int | None = None  # who answers for the reasons

    @property
    def unanswered(self) -> tuple[Warned, ...]:
        """Return the warnings that wait for a reason at this door."""
        return () if self.door in NOBODY_THERE else tuple(one for one in self.warnings if not one.reason)

    @property
    def ok(self) -> bool:
        """Say whether the answers may be stored."""
        return not self.errors and not self.unanswered

    def but_for(self, old: Mapping[str, str], named: Collection[str]) -> "Checked":
        """Return it without what was wrong before already with fields that are not named: nobody here can put it right."""
        left = {
            path: why for path, why in self.errors.items()
            if not path or path.partition(".")[0] in named or old.get(path) != why
        }  # fmt: skip
        return replace(self, errors=left)

    @property
    def page_errors(self) -> dict[str, str]:
        """Return the errors by path, as a form shows them: a field, or `rows.2.qty` for a cell."""
        return dict(self.errors)

    @property
    def field_errors(self) -> dict[str, str]:
        """Return the errors by field; what is wrong in a row names the row."""
        found: dict[str, str] = {}
        for path, text in self.errors.items():
            name, _dot, rest = path.partition(".")
            row = rest.partition(".")[0]
            told = _("第 %(n)d 行:%(what)s", n=int(row) + 1, what=text) if row.isdigit() else text
            found[name] = f"{found[name]} {told}" if name in found else told
        return found

    @property
    def notes(self) -> dict[str, str]:
        """Return {path: "message — reason"} of the warnings that were let through, to be stored with the record."""
        return {one.finding.path or "form": one.note for one in self.warnings}

    @property
    def refusals(self) -> list[tuple[str, str]]:
        """Return (path, line) of all that stops a row of a file: errors, and warnings without a reason."""
        asked = [(one.finding.path, _("%(what)s(需要说明原因)", what=one.text)) for one in self.unanswered]
        return [*self.errors.items(), *asked]


def check_answers(
    form: str | FormRules, definition: FormDefinition, answers: Answers, *, door: Door, by: int | None, now: datetime,
    record: Held | None = None, reasons: Mapping[str, str] | None = None, leaving: str = "",
) -> Checked:  # fmt: skip
    """Return what the rules of a form make of answers; call it at every door, before anything is written.

    `form` is its key, or for many records its rules as `load_rules` gives them once. `reasons` answers warnings by the
    rule's id as text, or all of them under "". `leaving` names the stage that is about to be left, "close" at the end.
    """
    loaded = load_rules(form, definition) if isinstance(form, str) else form
    record_id = record.id if record else None
    computed = with_computed(loaded, definition, answers, now, record_id=record_id)
    if not loaded.rules:
        return Checked(computed, errors=computed.errors, door=door, by=by)
    answers = replace(computed, errors=answers.errors)  # what fails is told of what the rules leave
    subject = subject_of(loaded, answers, record, now, leaving)
    verdict = check(loaded.rules, subject)
    if verdict.is_silent:
        return Checked(computed, errors=computed.errors, door=door, by=by)
    findings = [_for_strangers(one, loaded) for one in verdict.findings] if door is Door.PUBLIC else verdict.findings
    outcome = _Outcome(loaded, definition, answers, record, door, reasons or {})
    checked = outcome.of(findings, verdict.effects, subject)
    again = with_computed(loaded, definition, checked.answers, now, besides=checked.hidden, record_id=record_id)
    return replace(checked, answers=again, errors=again.errors, by=by)


def _for_strangers(finding: Finding, loaded: FormRules) -> Finding:
    """Return a finding that tells nothing of other records, which a stranger must not learn; own words stay."""
    own = next((rule.message for rule in loaded.rules if rule.id == finding.rule_id), SILENT)
    told = TO_STRANGERS.get(finding.kind)
    return finding if told is None else replace(finding, message=Text(own.zh or told.zh, own.en or told.en))


def missing_to_leave(
    form: str, definition: FormDefinition, record: Held, stages: Sequence[str], *, now: datetime
) -> list[str]:
    """Return what rules want before a stored record leaves these stages, one line each; nothing else is judged."""
    loaded = load_rules(form, definition)
    gates = tuple(rule for rule in loaded.rules if rule.kind.effect or rule.kind.key == GATE)
    if not any(rule.kind.key == GATE for rule in gates):
        return []
    loaded = replace(loaded, rules=gates)
    answers = Answers(dict(record.columns), dict(record.answers))
    found: dict[str, None] = {}
    for stage in stages:
        verdict = check(gates, subject_of(loaded, answers, record, now, stage))
        found |= dict.fromkeys(
            in_language(one.message) for one in verdict.findings if one.kind == GATE and one.level == "block"
        )
    return list(found)


def with_computed(
    loaded: FormRules, definition: FormDefinition, answers: Answers, now: datetime, *, besides: Collection[str] = (),
    record_id: int | None = None,
) -> Answers:  # fmt: skip
    """Return the answers with every computed field worked out from them; what fails is an error of its field.

    Fields `besides` stay as they are: what is hidden is not worked out anew.
    """
    if not computes(definition):
        return answers
    named = {asked.id: asked.column for asked in definition.fields if asked.column}
    known = answers.answers | {name: answers.columns.get(column) for name, column in named.items()}
    world = loaded.world(now, besides=None)
    environment = Environment(
        now=now, zone=site_zone(), workdays=lambda first, last: count_workdays(world, first, last)
    )
    subject = (loaded.form.key, record_id) if record_id is not None else None
    found = compute_all(definition, known, environment, subject)
    left = {name: value for name, value in answers.answers.items() if name in besides}
    kept = {name: value for name, value in found.values.items() if name not in named and name not in besides}
    told = {path: text for path, text in found.errors.items() if path.partition(".")[0] not in besides}
    return replace(answers, answers=kept | left, errors={**told, **answers.errors})


def note_warnings(kind: str, subject_id: int, checked: Checked, *, now: datetime) -> None:
    """Record in the open write which warnings were let through, and why; nothing when there were none."""
    if checked.warnings:
        reason = "; ".join(dict.fromkeys(one.reason for one in checked.warnings if one.reason))
        body = {str(one.finding.rule_id): one.finding.name if one.is_secret else one.text for one in checked.warnings}
        events.record(
            "rule_warnings_accepted", subject=(kind, subject_id), by=checked.by, now=now, body=body, reason=reason
        )


def subject_of(
    loaded: FormRules,
    answers: Answers,
    record: Held | None,
    now: datetime,
    leaving: str = "",
) -> Subject:
    facts = facts_of(loaded.form) if record else None
    values = loaded.sight.of(answers.columns, answers.answers)
    own = {name: files for name, files in answers.files.items() if not name.endswith(f".{INNER_FILES}")}
    for name, files in own.items():  # behind those the record holds already
        kept = values.get(name)
        ids = tuple(file.id for file in files)
        values[name] = (*(one for one in kept if one not in ids), *ids) if isinstance(kept, tuple) else ids
    return Subject(
        fields=loaded.words.facts,
        values=values,
        before=loaded.sight.of(record.columns, record.answers) if record else loaded.defaults,
        earlier=facts.history(loaded.form, record.id) if facts and record else {},
        files=_file_facts(loaded, answers) if answers.files else {},
        now=now, zone=site_zone(), leaving=leaving, labels=loaded.labels,
        world=loaded.world(now, besides=record.id if record else None),
    )  # fmt: skip


def _file_facts(loaded: FormRules, answers: Answers) -> dict[str, tuple[FileFact, ...]]:
    return file_facts(
        answers.files, data_dir=current_app.config["QTRACE_DATA_DIR"], with_pixels=loaded.pixels_asked
    )  # fmt: skip


def take_answers(loaded: FormRules, checked: Checked, *, now: datetime) -> None:
    """Let the rest of a batch know a record that is about to be stored with it."""
    if any(rule.kind.key in AGAINST_OTHERS for rule in loaded.rules):
        values = loaded.sight.of(checked.answers.columns, checked.answers.answers)
        loaded.world(now, besides=None).take(values)


class _Outcome:
    """Puts together what a door gets back."""

    def __init__(
        self, loaded: FormRules, definition: FormDefinition, answers: Answers, record: Held | None, door: Door,
        reasons: Mapping[str, str],
    ) -> None:  # fmt: skip
        self.loaded, self.definition, self.record = loaded, definition, record
        self.door, self.reasons = door, reasons
        self.columns, self.answers = dict(answers.columns), dict(answers.answers)
        self.files = dict(answers.files)
        self.read_errors = dict(answers.errors)
        self.dropped: dict[str, str] = {}

    def of(self, findings: Sequence[Finding], effects: Effects, subject: Subject) -> Checked:
        """Return the outcome of these findings."""
        self._apply(effects)
        errors = dict(self.read_errors)
        for finding in findings:
            if finding.level == "block" and finding.path not in self.read_errors:
                self._add(errors, finding)
        told = [one for one in findings if one.level == "warn" and one.path not in self.read_errors]
        fresh = [one for one in told if self._is_fresh(one, effects, subject)]
        answers = Answers(self.columns, self.answers, self.files, errors)
        return Checked(
            answers, errors, tuple(Warned(one, self._reason(one), self._is_secret(one)) for one in fresh),
            tuple(one for one in findings if one.level == "info" or (one in told and one not in fresh)),
            frozenset(effects.hidden), effects.readonly, effects.required, effects.allowed, self.dropped, self.door,
        )  # fmt: skip

    def _apply(self, effects: Effects) -> None:
        for name, step in effects.steps:
            if not isinstance(step, CopyOf | Assigned | Computed):
                self.files.pop(name, None)
            self._put(name, self._given(name, step))
        for name, keeps in effects.hidden.items():
            self._hide(name, keeps=keeps)

    def _given(self, name: str, step: Step) -> Value:
        if isinstance(step, Assigned):
            return _stored(step.stored)
        if isinstance(step, Computed):
            return self._computed(name, step.value)
        if isinstance(step, CopyOf):
            return self._current(step.field)
        return self._held(name) if isinstance(step, AsBefore) else None

    def _computed(self, name: str, value: object) -> Value:
        """Return a formula's result as the field's control keeps it; one it refuses leaves the field empty."""
        asked = self.definition.field(name)
        if asked is None or value is None:
            return None
        text = value.isoformat() if isinstance(value, date) else "1" if value is True else written(cast(Scalar, value))
        try:
            return controls()[asked.control].parse(asked, Sent({name: [text]}))
        except Refused as refused:
            self.read_errors[name] = refused.message
            return None

    def _hide(self, name: str, *, keeps: bool) -> None:
        held = self._held(name) if keeps else None
        if self._current(name) not in (*EMPTY, held):
            why = _("字段隐藏时保留原来的值") if keeps else _("字段隐藏时不保存:看不见的值没有人能核对")
            self.dropped[name] = why
        self._put(name, held)
        self.files.pop(name, None)
        self.files.pop(f"{name}.{INNER_FILES}", None)

    def _put(self, name: str, value: Value) -> None:
        """Give a field a value; what could not be read of it matters no more."""
        self.read_errors.pop(name, None)
        asked = self.definition.field(name)
        if asked is None or (controls()[asked.control].storage == Storage.FILE_REFS and value is None):
            return
        if asked.column:
            self.columns[asked.column] = value
        elif value is None and self.record is None:
            self.answers.pop(name, None)
        else:
            self.answers[name] = value

    def _current(self, name: str) -> Value:
        asked = self.definition.field(name)
        return None if asked is None else self.columns.get(asked.column) if asked.column else self.answers.get(name)

    def _held(self, name: str) -> Value:
        asked = self.definition.field(name)
        if asked is None:
            return None
        if self.record is None:
            return default_of(asked) if asked.default else None
        return self.record.columns.get(asked.column) if asked.column else self.record.answers.get(name)

    def _is_fresh(self, finding: Finding, effects: Effects, subject: Subject) -> bool:
        """Say whether a warning is about something this change touches; nobody is asked twice for the same value."""
        if self.record is None:
            return True
        names = [finding.field] if finding.field else list(effects.values)
        return any(effects.values.get(name) != subject.before.get(name) for name in names)

    def _is_secret(self, finding: Finding) -> bool:
        asked = self.definition.field(finding.field)
        columns = controls()[asked.control].columns(asked) if asked is not None else ()
        return any(controls()[one.control].sensitive for one in (asked, *columns) if one is not None)

    def _reason(self, finding: Finding) -> str:
        given = self.reasons.get(str(finding.rule_id)) or self.reasons.get(ANY_RULE) or ""
        return given.strip()

    def _add(self, errors: dict[str, str], finding: Finding) -> None:
        text = in_language(finding.message)
        known = errors.get(finding.path)
        if known is None:
            errors[finding.path] = text
        elif text not in known:
            errors[finding.path] = f"{known} {text}"


def _stored(value: object) -> Value:
    """Return a value a control made; it is what answers hold."""
    return value  # type: ignore[return-value]  # Assigned.stored comes from Control.parse
