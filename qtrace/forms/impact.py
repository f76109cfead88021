"""What a publication would touch, and which real records the new definition would no longer accept."""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from dataclasses import field as having

from flask import Flask, current_app, url_for
from flask_babel import gettext as _

from qtrace.accounts.models import User
from qtrace.core import clock
from qtrace.core.errors import Refused
from qtrace.forms.definition import FormDefinition
from qtrace.forms.designing import draft_of
from qtrace.forms.filling import is_filled
from qtrace.forms.links import LinkState, links_of, preset_fields, state_of
from qtrace.forms.models import Form
from qtrace.forms.registry import FieldDefinition, Sent, Storage, Value, controls
from qtrace.forms.sources import Sample, source_of

EXTENSION = "qtrace_form_impact"
SAMPLES = 500
LINKS = 10


@dataclass(frozen=True)
class Touched:
    """Something that refers to a field: a rule, a mapping, a view, a print template."""

    kind: str  # in words
    name: str
    url: str
    field_id: str


# Given the form and {field id: its built-in column or ""}, say what refers to any of these fields.
Finder = Callable[[Form, Mapping[str, str]], Sequence[Touched]]


@dataclass
class Broken:
    """Records whose answer to a field the new definition would refuse: how many, why, and the newest of them."""

    field: FieldDefinition
    message: str
    count: int = 0
    records: list[Sample] = having(default_factory=list)


@dataclass(frozen=True)
class Replay:
    """The newest records read once more: what would newly be refused, and how many already are today."""

    read: int
    broken: list[Broken]
    already: int


def register_impact(app: Flask, finder: Finder) -> None:
    """Let a package say which of its things refer to fields of a form."""
    app.extensions.setdefault(EXTENSION, []).append(finder)


def touched_by(form: Form, definition: FormDefinition, field_ids: Sequence[str]) -> list[Touched]:
    """Return everything that refers to one of these fields, in the order of the packages."""
    found = [definition.field(field_id) for field_id in field_ids]
    fields = {known.id: known.column for known in found if known}
    finders: Sequence[Finder] = current_app.extensions.get(EXTENSION, ())
    return [row for finder in finders for row in finder(form, fields)] if fields else []


def mentions(data: object, field_id: str) -> bool:
    """Say whether a condition, a formula or other settings name a field, by itself, as `f.id` or with a column behind it."""
    if isinstance(data, Mapping):
        return any(mentions(value, field_id) for value in data.values())
    if isinstance(data, list | tuple):
        return any(mentions(item, field_id) for item in data)
    return isinstance(data, str) and re.search(rf"(?<!\w){re.escape(field_id)}(?!\w)", data) is not None


def fields_touching(form: Form, fields: Mapping[str, str]) -> Sequence[Touched]:
    """Return the other fields of the form whose settings name one of these: formulas, look-ups, conditions."""
    definition = draft_of(form.key).definition
    return [
        Touched(_("字段"), other.label_zh, url_for("forms.design", key=form.key, field=other.id), field)
        for other in definition.fields
        for field in fields
        if other.id != field and mentions(dict(other.options), field)
    ]


def links_touching(form: Form, fields: Mapping[str, str]) -> Sequence[Touched]:
    """Return the public links that may still be used and bring a value for one of these fields along."""
    links = [link for link in links_of(form.id) if state_of(link, form, clock.now()) is LinkState.OPEN]
    url = url_for("forms.link_list", key=form.key)
    return [
        Touched(_("公开链接"), link.name, url, field)
        for link in links
        for field in fields
        if field in preset_fields(link.preset)
    ]


def replay(form: Form, new: FormDefinition, old: FormDefinition | None, *, user: User) -> Replay:
    """Read the newest records the person sees with the new definition; what the old one refuses as well is counted apart."""
    source = source_of(form)
    samples = source.recent(form, SAMPLES, user=user) if source else ()
    reader, before = _Reader(), _Reader()
    broken: dict[tuple[str, str], Broken] = {}
    already = 0
    for sample in samples:
        for asked in new.fields:
            message = reader.refusal(asked, sample)
            if not message:
                continue
            was = old.field(asked.id) if old else None
            if was is not None and not was.retired and before.refusal(was, sample):
                already += 1
                continue
            row = broken.setdefault((asked.id, message), Broken(asked, message))
            row.count += 1
            if len(row.records) < LINKS:
                row.records.append(sample)
    return Replay(len(samples), sorted(broken.values(), key=lambda row: -row.count), already)


class _Reader:
    """Reads answers again, each value of a field once only: the same few values stand in most records."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, str], str] = {}

    def refusal(self, asked: FieldDefinition, sample: Sample) -> str:
        """Return why the answer would be refused; empty when it would not."""
        control = controls()[asked.control]
        if control.layout or control.assigned or control.storage in (Storage.FILE_REFS, Storage.COMPUTED):
            return ""
        value = sample.columns.get(asked.column) if asked.column else sample.answers.get(asked.id)
        key = (asked.id, json.dumps(value, sort_keys=True, ensure_ascii=False))
        if key not in self._known:
            self._known[key] = _refusal(asked, value)
        return self._known[key]


def _refusal(asked: FieldDefinition, value: Value) -> str:
    control = controls()[asked.control]
    try:
        again = control.parse(asked, Sent(control.send(asked, value))) if value is not None else None
    except Refused as refused:
        return refused.message
    return _("请填写这一项。") if asked.required and not is_filled(again) else ""
