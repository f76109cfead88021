"""What a form shows of its rules: at each field, and above the form; the same on a page, after a refusal and while typing."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from flask import Response, url_for

from qtrace.forms.answers import read_answers
from qtrace.forms.definition import FormDefinition
from qtrace.forms.registry import Sent, controls
from qtrace.rules.doors import ANY_RULE, WHOLE_FORM, Checked, Door, Held, Warned, check_answers
from qtrace.rules.queries import load_rules
from qtrace.web.filters import in_language
from qtrace.web.htmx import render

REASON, TOUCHED = "reason", "touched"
MOST_REASON = 500


@dataclass(frozen=True)
class FieldSaid:
    """What the rules say at one field."""

    error: str = ""
    warnings: tuple[str, ...] = ()
    hints: tuple[str, ...] = ()
    hidden: bool = False
    needed: bool = False
    readonly: bool = False
    allowed: tuple[str, ...] | None = None

    @property
    def loudest(self) -> str:
        """Return the level of the loudest message, empty when nothing is said."""
        return "block" if self.error else "warn" if self.warnings else "info" if self.hints else ""


@dataclass(frozen=True)
class Told:
    """What the rules say of a whole form; `check_url` is where what is typed is checked, empty without rules."""

    fields: Mapping[str, FieldSaid] = field(default_factory=dict)
    whole: tuple[str, ...] = ()
    asked: tuple[Warned, ...] = ()  # warnings that wait for a reason
    reason: str = ""
    check_url: str = ""
    record: str = ""
    version: int = 0


def form_told(
    form_key: str, version_id: int, definition: FormDefinition, sent: Sent, *, by: int | None, now: datetime,
    record: tuple[str, Held] | None = None, checked: Checked | None = None,
) -> Told:  # fmt: skip
    """Return what a form shows when it is drawn: what hides and what is needed, and after a refusal all messages.

    `record` is the number and the values of the record that is edited, `checked` the refusal.
    """
    rules = load_rules(form_key, definition)
    if not rules.rules:
        return Told()
    shown = checked or check_answers(
        rules, definition, read_answers(definition, sent, record[1].answers if record else None), door=Door.INLINE,
        by=by, now=now,
        record=record[1] if record else None,
    )  # fmt: skip
    touched = None if checked else ()
    return Told(
        fields_said(shown, definition, touched),
        tuple(text for text in (shown.errors.get(WHOLE_FORM, ""),) if text and checked),
        shown.unanswered if checked else (),
        sent.first(REASON),
        url_for("form_rules.check_create", form_key=form_key),
        record[0] if record else "",
        version_id,
    )


def fields_said(checked: Checked, definition: FormDefinition, touched: Collection[str] | None) -> dict[str, FieldSaid]:
    """Return what is said at each field; messages only at the touched ones, None means at all of them."""
    errors = checked.field_errors
    found: dict[str, FieldSaid] = {}
    for asked in definition.fields:
        name = asked.id
        loud = touched is None or name in touched
        allowed = checked.allowed.get(name)
        found[name] = FieldSaid(
            error=errors.get(name, "") if loud and touched is not None else "",  # a refusal shows it with the field
            warnings=tuple(one.text for one in checked.unanswered if one.finding.field == name and loud),
            hints=tuple(in_language(one.message) for one in checked.infos if one.field == name and loud),
            hidden=name in checked.hidden, needed=name in checked.required and not asked.required,
            readonly=name in checked.readonly, allowed=None if allowed is None else tuple(sorted(allowed)),
        )  # fmt: skip
    return found


def checked_piece(checked: Checked, definition: FormDefinition, sent: Sent) -> Response:
    """Return the answer to a form that is being filled in: what is said at each field, put in its place.

    Files are not sent while typing, so nothing is said of them.
    """
    known = controls()
    files = {asked.id for asked in definition.fields if known[asked.control].file_fields(asked, sent)}
    touched = set(sent.first(TOUCHED).split()) - files
    whole = checked.errors.get(WHOLE_FORM, "")
    told = Told(whole=(whole,) if whole and _is_filled(definition, sent) else ())
    return render("rules/_checked.html", said=fields_said(checked, definition, touched), told=told)


def reasons_in(values: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """Return the reasons that were typed: one for all warnings, or `reason.<rule>` for each."""
    found = {}
    for name, texts in values.items():
        text = next(iter(texts), "").strip()[:MOST_REASON]
        if text and (name == REASON or name.startswith(f"{REASON}.")):
            found[name.removeprefix(REASON).removeprefix(".") or ANY_RULE] = text
    return found


def told_context(told: Told) -> dict[str, Any]:
    """Return the names the templates of forms know it by."""
    return {"told": told, "said": told.fields}


def _is_filled(definition: FormDefinition, sent: Sent) -> bool:
    """Say whether every field that must be filled in is: before, a rule over several fields would only nag."""
    given = {name.split(".")[0] for name, texts in sent.values.items() if any(text.strip() for text in texts)}
    return all(asked.id in given for asked in definition.fields if asked.required)
