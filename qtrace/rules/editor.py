"""The form a rule is written with: what was typed becomes a draft, and a draft becomes what is shown to be typed over."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from dataclasses import field as made
from typing import Any, cast

from flask_babel import gettext as _

from qtrace.conditions.builder import (
    Builder,
    BuilderField,
    BuilderSetup,
    Errors,
    builder_of,
    edit_builder,
    read_builder,
    typed_builder,
)
from qtrace.conditions.builder_view import ShownBuilder, shown
from qtrace.conditions.formula import parse_formula
from qtrace.conditions.formula_tree import FormulaError
from qtrace.conditions.tree import All, ConditionError, FieldKind, dump, parse
from qtrace.core.errors import Refused
from qtrace.forms.registry import Sent, controls
from qtrace.rules.engine import FieldFact, all_facts, field_fact
from qtrace.rules.facts import stages_of
from qtrace.rules.reading import Draft, FormWords, RuleError, definition_field, stands_in_rows
from qtrace.sdk.rules import RuleKind, RuleOption
from qtrace.web.filters import in_language, site_zone

WHEN = "when"
OPTION = "o_"
MOST_MESSAGE = 500
MOST_NAME = 120
MOST_CHOICES = 200

Form = Mapping[str, Sequence[str]]


@dataclass(frozen=True)
class OptionInput:
    """One setting ready to be drawn: what was typed, and what can be chosen."""

    option: RuleOption
    name: str
    values: Sequence[str] = ()
    choices: Sequence[tuple[str, str]] = ()
    builder: ShownBuilder | None = None
    error: str = ""
    pointed: str = ""

    @property
    def value(self) -> str:
        """Return the typed text."""
        return next(iter(self.values), "")


@dataclass(frozen=True)
class Editor:
    """The page of one rule ready to be drawn."""

    form_key: str
    kind: RuleKind
    field: str
    field_label: str
    options: tuple[OptionInput, ...]
    when: ShownBuilder
    level: str
    message_zh: str
    message_en: str
    name: str
    errors: Mapping[str, str] = made(default_factory=dict)

    @property
    def when_open(self) -> bool:
        """Say whether the condition must be seen: it is there, typed as text, wrong, or just being added."""
        return self.when.text is not None or bool(self.when.errors) or bool(self.when.root.items)


@dataclass(frozen=True)
class Writing:
    """What a rule is being written about."""

    form_key: str
    form_kind: str
    words: FormWords
    kind: RuleKind
    field: str = ""

    def setup(self, prefix: str) -> BuilderSetup:
        """Return what an editor of conditions needs to know of the form; rows are asked about in their own table only."""
        table = self.field.partition(".")[0] if "." in self.field else ""
        return BuilderSetup(fields_to_ask(self.words, table), prefix, site_zone(), has_history=True)


def fields_to_ask(words: FormWords, table: str = "") -> tuple[BuilderField, ...]:
    """Return the fields of a form a condition may ask about, with the columns of one of its sub-tables."""
    return tuple(
        builder_field(name, fact, words)
        for name, fact in all_facts(words.facts).items()
        if fact.kind is not None and ("." not in name or name.partition(".")[0] == table)
    )


def draft_from(form: Form, writing: Writing) -> Draft:
    """Return the draft that was typed; raises RuleError where a condition can't be read."""
    options: dict[str, Any] = {}
    for option in writing.kind.options:
        value = _option_from(option, form, writing)
        if value not in (None, "", [], False):
            options[option.name] = value
    return Draft(
        kind=writing.kind.key, field=writing.field, options=options, condition=_tree_from(form, WHEN, writing),
        level=_first(form, "level") or writing.kind.level, message_zh=_first(form, "message_zh")[:MOST_MESSAGE],
        message_en=_first(form, "message_en")[:MOST_MESSAGE], name=_first(form, "name")[:MOST_NAME],
    )  # fmt: skip


def editor_of(draft: Draft, writing: Writing) -> Editor:
    """Return the page of a stored rule."""
    values = draft.options or {}
    options = tuple(
        _shown_option(option, values.get(option.name, option.default), writing) for option in writing.kind.options
    )
    return _editor(writing, options, _stored_builder(draft.condition, WHEN, writing), draft)


def typed_editor(form: Form, writing: Writing, error: RuleError | None = None) -> Editor:
    """Return the page as it was typed, so that nothing typed is lost, with what is wrong at its place."""
    edit = _first(form, "_edit")
    options = tuple(_typed_option(option, form, writing, edit, error) for option in writing.kind.options)
    draft = Draft(
        kind=writing.kind.key, level=_first(form, "level") or writing.kind.level, message_zh=_first(form, "message_zh"),
        message_en=_first(form, "message_en"), name=_first(form, "name"),
    )  # fmt: skip
    told = {} if error is None else {error.field or "": error.message}
    return _editor(
        writing, options, _typed_builder(form, WHEN, writing, edit, with_errors=error is not None), draft, told
    )


def fitting_fields(kind: RuleKind, words: FormWords) -> list[tuple[str, str]]:
    """Return (path, label) of the fields a kind may stand on."""
    return [
        (name, label_of(name, words))
        for name, fact in all_facts(words.facts).items()
        if fact.holds in kind.fits and ("." not in name or stands_in_rows(kind))
    ]


def label_of(path: str, words: FormWords) -> str:
    """Return what people call a field, a column with its table before it."""
    table, _dot, column = path.partition(".")
    fact, outer = field_fact(words.facts, path), field_fact(words.facts, table)
    if fact is None:
        return path
    return f"{in_language(outer.label)} › {in_language(fact.label)}" if column and outer else in_language(fact.label)


def _editor(
    writing: Writing,
    options: tuple[OptionInput, ...],
    when: ShownBuilder,
    draft: Draft,
    errors: Mapping[str, str] | None = None,
) -> Editor:
    return Editor(
        writing.form_key, writing.kind, writing.field, label_of(writing.field, writing.words), options, when, draft.level,
        draft.message_zh, draft.message_en, draft.name, errors or {},
    )  # fmt: skip


def _option_from(option: RuleOption, form: Form, writing: Writing) -> object:
    name = OPTION + option.name
    match option.kind:
        case "condition":
            return _tree_from(form, name, writing)
        case "yes":
            return _first(form, name) == "1"
        case "choices" | "fields":
            return [text for text in form.get(name, ()) if text]
        case "values":
            return [line.strip() for text in form.get(name, ()) for line in text.splitlines() if line.strip()]
        case "value":
            texts = [text for text in form.get(name, ()) if text.strip()]
            return texts if len(texts) > 1 else (texts or [""])[0].strip()
        case "formula":
            return _formula_from(_first(form, name), option, writing)
        case _:
            return _first(form, name)


def _formula_from(source: str, option: RuleOption, writing: Writing) -> str:
    """Return the formula as it is kept: fields by their ids, so that a new label breaks nothing."""
    if not source:
        return ""
    table = writing.field.partition(".")[0]
    try:
        return parse_formula(source, writing.words.formula_types(table), writing.words.labels).written({})
    except FormulaError as error:
        raise RuleError(error.translated(_), option.name, error.pointed) from None


def _tree_from(form: Form, prefix: str, writing: Writing) -> object:
    if not any(name == f"{prefix}._mode" or name.startswith(f"{prefix}.") for name in form):
        return None
    condition, errors = read_builder(form, writing.setup(prefix))
    if condition is None:
        error = next(iter(errors.values()))
        raise RuleError(error.translated(_), prefix.removeprefix(OPTION))
    return None if condition == All(()) else dump(condition)


def _shown_option(option: RuleOption, value: object, writing: Writing) -> OptionInput:
    name = OPTION + option.name
    if option.kind == "condition":
        return OptionInput(option, name, builder=_stored_builder(value, name, writing))
    return OptionInput(option, name, list(_texts(option, value, writing)), _choices(option, writing))


def _typed_option(option: RuleOption, form: Form, writing: Writing, edit: str, error: RuleError | None) -> OptionInput:
    name = OPTION + option.name
    is_wrong = error is not None and error.field == option.name
    told, pointed = (error.message, error.path) if is_wrong and error else ("", "")
    if option.kind == "condition":
        builder = _typed_builder(form, name, writing, edit, with_errors=error is not None)
        return OptionInput(option, name, builder=builder, error=told)
    return OptionInput(option, name, list(form.get(name, ())), _choices(option, writing), None, told, pointed)


def _texts(option: RuleOption, value: object, writing: Writing) -> Iterator[str]:
    """Yield what an input is filled with for a stored setting."""
    if value in (None, "", [], False):
        return
    if value is True:
        yield "1"
    elif option.kind == "formula":
        names = {name: in_language(fact.label) for name, fact in all_facts(writing.words.facts).items()}
        ids = writing.words.labels
        known = {name: label for name, label in names.items() if ids.get(label) == name}
        try:
            yield parse_formula(str(value), writing.words.formula_types(writing.field.partition(".")[0])).written(known)
        except FormulaError:
            yield str(value)
    elif isinstance(value, list | tuple):
        yield from (str(one) for one in value)
    else:
        yield str(value)


def _choices(option: RuleOption, writing: Writing) -> list[tuple[str, str]]:
    words = writing.words
    match option.kind:
        case "choice" | "choices":
            return [(key, in_language(label)) for key, label in option.choices]
        case "field" | "fields":
            return [
                (name, label_of(name, words))
                for name, fact in all_facts(words.facts).items()
                if name != writing.field
                and (not option.fits or fact.holds in option.fits)
                and ("." not in name or name.partition(".")[0] == writing.field.partition(".")[0])
            ]
        case "column":
            table = words.facts.get(writing.field)
            columns = table.columns if table else {}
            return [
                (name, in_language(fact.label))
                for name, fact in columns.items()
                if not option.fits or fact.holds in option.fits
            ]
        case "values" | "value":
            return _field_choices(writing.field, words)
        case "stage":
            return stages_of(writing.form_kind)
        case _:
            return []


def _field_choices(path: str, words: FormWords) -> list[tuple[str, str]]:
    asked = definition_field(words.definition, path)
    if asked is None:
        return []
    found = [(choice.value, choice.label) for choice in controls()[asked.control].choices(asked)]
    return found if len(found) <= MOST_CHOICES else []


def builder_field(name: str, fact: FieldFact, words: FormWords) -> BuilderField:
    """Return a field of a form as the editor of conditions offers it."""
    choices = _field_choices(name, words) if fact.holds in ("text", "ref", "list", "refs") else []
    refer, spell = _typed_reference(name, words) if fact.kind is FieldKind.REF and not choices else (None, None)
    kind = cast(FieldKind, fact.kind)
    return BuilderField(name, label_of(name, words), kind, tuple(choices), fact.holds == "day", refer, spell)


def _typed_reference(path: str, words: FormWords) -> tuple[Callable[[str], int | None], Callable[[int], str]]:
    """Return how a reference is read and written where it is typed, as the form itself does it."""
    asked = definition_field(words.definition, path)
    if asked is None:
        raise LookupError(path)
    control = controls()[asked.control]

    def refer(text: str) -> int | None:
        try:
            found = control.parse(asked, Sent({asked.id: [text]}))
        except Refused:
            return None
        return found if isinstance(found, int) else None

    def spell(number: int) -> str:
        return next((text for texts in control.send(asked, number).values() for text in texts), str(number))

    return refer, spell


def _stored_builder(data: object, prefix: str, writing: Writing) -> ShownBuilder:
    setup = writing.setup(prefix)
    if data is None:
        return shown(typed_builder({}, setup), setup)
    try:
        condition = parse(data, writing.words.kinds, has_history=True)
    except ConditionError as error:
        return shown(builder_of(None, setup), setup, {prefix: error})
    return shown(builder_of(condition, setup), setup)


def _typed_builder(form: Form, prefix: str, writing: Writing, edit: str, *, with_errors: bool) -> ShownBuilder:
    setup = writing.setup(prefix)
    builder: Builder
    errors: Errors = {}
    if edit:
        builder, errors = edit_builder(form, edit, setup)
    else:
        builder = typed_builder(form, setup)
        if with_errors:
            errors = read_builder(form, setup)[1]
    return shown(builder, setup, errors)


def _first(form: Form, name: str) -> str:
    return next(iter(form.get(name, ())), "").strip()
