"""Read a stored or typed rule against the form it belongs to; an error names the setting that is wrong."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from functools import cached_property
from typing import Any

import re2
from flask import current_app
from flask_babel import gettext as _

from qtrace.conditions.formula import parse_formula
from qtrace.conditions.formula_tree import FormulaError
from qtrace.conditions.formula_values import Kind, Type
from qtrace.conditions.tree import Condition, ConditionError, FieldKind, parse
from qtrace.core.errors import Refused
from qtrace.forms.definition import FormDefinition
from qtrace.forms.registry import FieldDefinition, Sent, controls
from qtrace.plugins import rule_kinds
from qtrace.rules.engine import Assigned, FieldFact, Rule, all_facts, field_fact
from qtrace.rules.kinds.formulas import LISTED, TYPES
from qtrace.rules.kinds.texts import MAX_PATTERN, compiled
from qtrace.rules.subject import columns_of, condition_kinds, field_facts, seen_value
from qtrace.sdk.rules import Level, RuleKind, RuleOption
from qtrace.sdk.text import Text
from qtrace.web.filters import in_language

LEVELS: tuple[Level, ...] = ("block", "warn", "info")
MOST_TEXT = 2000
MOST_LISTED = 200
MOST_DIGITS = 40
IN_ROWS = frozenset({"", "require"})  # the effects a column may have
OF_RECORDS = frozenset({"unique"})  # kinds that look a value up among all records, which rows can't be searched for


class RuleError(Refused):
    """A rule that can't be read; `field` is the setting, `path` the place inside a condition or formula."""

    def __init__(self, message: str, field: str, path: str = "") -> None:
        super().__init__(message, field)
        self.path = path


@dataclass(frozen=True)
class Draft:
    """A rule as it is stored or typed: plain data, nothing checked."""

    kind: str
    field: str = ""
    options: Mapping[str, Any] | None = None
    condition: object = None
    level: str = "block"
    message_zh: str = ""
    message_en: str = ""
    name: str = ""
    id: int = 0
    position: int = 0


@dataclass(frozen=True)
class FormWords:
    """What the rules of a form may name."""

    definition: FormDefinition

    @cached_property
    def facts(self) -> Mapping[str, FieldFact]:
        """Return what rules may know of each field."""
        return field_facts(self.definition)

    def formula_types(self, table: str = "") -> dict[str, Type]:
        """Return the types formulas see; the columns of `table` are one row's values, those of others are lists."""
        found: dict[str, Type] = {}
        for name, fact in self.facts.items():
            kind = TYPES.get(fact.holds)
            if kind is not None:
                found[name] = Type(kind)
            elif fact.holds in LISTED:
                found[name] = LISTED[fact.holds]
            for column, inner in fact.columns.items():
                if inner.holds in TYPES:
                    found[f"{name}.{column}"] = Type(TYPES[inner.holds], is_list=name != table)
        return found

    @cached_property
    def labels(self) -> dict[str, str]:
        """Return {what people call a field, in either language: its id}; names two fields share stand for none."""
        found: dict[str, str | None] = {}
        for name, fact in all_facts(self.facts).items():
            for label in {fact.label.zh, fact.label.en}:
                found[label] = name if found.get(label, name) == name else None
        return {label: name for label, name in found.items() if label and name}

    @cached_property
    def kinds(self) -> Mapping[str, FieldKind]:
        """Return what conditions may ask."""
        return condition_kinds(self.facts)


def read_rule(draft: Draft, words: FormWords) -> Rule:
    """Return the rule ready to be asked, or raise RuleError at the first setting that is wrong."""
    kind = rule_kinds(current_app).get(draft.kind)
    if kind is None:
        raise RuleError(_("没有这种规则:%(kind)s。提供它的插件可能已卸载。", kind=draft.kind), "kind")
    if draft.level not in LEVELS:
        raise RuleError(_("请选择拦住、要说明原因或提示。"), "level")
    _check_field(draft, kind, words)
    options = {option.name: _option(option, draft, words) for option in kind.options}
    given = {name: value for name, value in options.items() if value not in (None, "", (), False)}
    if kind.needs and not any(name in given for name in kind.needs):
        labels = "、".join(in_language(option.label) for option in kind.options if option.name in kind.needs)
        raise RuleError(_("请至少填写一项:%(labels)s。", labels=labels), kind.needs[0])
    _check_ends(kind, given)
    if kind.effect == "show" and draft.condition is None:
        raise RuleError(_("请先写明什么情况下显示;不写条件,这个字段本来就一直显示。"), "condition")
    return Rule(
        id=draft.id, kind=kind, field=draft.field, options=given, when=_condition(draft.condition, "condition", words),
        level=_level(draft.level), message=Text(draft.message_zh, draft.message_en), position=draft.position,
        name=draft.name or in_language(kind.name),
    )  # fmt: skip


def stands_in_rows(kind: RuleKind) -> bool:
    """Say whether a rule of this kind may stand on a column of a sub-table, to be asked of each row."""
    return kind.effect in IN_ROWS and kind.key not in OF_RECORDS


def _level(text: str) -> Level:
    return "warn" if text == "warn" else "info" if text == "info" else "block"


def _check_field(draft: Draft, kind: RuleKind, words: FormWords) -> None:
    if not kind.fits:
        return
    fact = field_fact(words.facts, draft.field)
    if fact is None:
        raise RuleError(
            _("请选择一个字段。") if not draft.field else _("表单里没有这个字段:%(name)s。", name=draft.field), "field"
        )
    if fact.holds not in kind.fits:
        raise RuleError(
            _(
                "「%(kind)s」不能用在「%(field)s」上。请换一个字段或规则。",
                kind=in_language(kind.name),
                field=in_language(fact.label),
            ),
            "field",
        )
    if "." in draft.field and not stands_in_rows(kind):
        raise RuleError(
            _("「%(kind)s」只能用在整个字段上,不能用在子表的一列上。", kind=in_language(kind.name)), "field"
        )


def _option(option: RuleOption, draft: Draft, words: FormWords) -> object:
    value = (draft.options or {}).get(option.name)
    if value in (None, "", [], ()):
        if option.required:
            raise RuleError(_("请填写「%(label)s」。", label=in_language(option.label)), option.name)
        return option.default
    return READERS[option.kind](option, value, draft, words)


def _text(option: RuleOption, value: Any, _draft: Draft, _words: FormWords) -> object:
    if not isinstance(value, str) or len(value) > MOST_TEXT:
        raise _unfit(option)
    return value


def _pattern(option: RuleOption, value: Any, _draft: Draft, _words: FormWords) -> object:
    if not isinstance(value, str) or len(value) > MAX_PATTERN:
        raise RuleError(_("正则表达式最多 %(n)d 个字符。", n=MAX_PATTERN), option.name)
    try:
        compiled(value)
    except re2.error as error:
        why = error.args[0] if error.args else ""
        text = why.decode(errors="replace") if isinstance(why, bytes) else str(why)
        raise RuleError(_("看不懂这个正则表达式:%(why)s。", why=text[:120]), option.name) from None
    return value


def _number(option: RuleOption, value: Any, _draft: Draft, _words: FormWords) -> object:
    number = _as_decimal(value)
    if number is None:
        raise RuleError(_("「%(label)s」要填数字。", label=in_language(option.label)), option.name)
    _check_bounds(option, number)
    return number


def _whole(option: RuleOption, value: Any, _draft: Draft, _words: FormWords) -> object:
    number = _as_decimal(value)
    if number is None or number != number.to_integral_value():
        raise RuleError(_("「%(label)s」要填整数。", label=in_language(option.label)), option.name)
    _check_bounds(option, number)
    return int(number)


def _yes(option: RuleOption, value: Any, _draft: Draft, _words: FormWords) -> object:
    if not isinstance(value, bool):
        raise _unfit(option)
    return value


def _choice(option: RuleOption, value: Any, _draft: Draft, _words: FormWords) -> object:
    if value not in [key for key, _label in option.choices]:
        raise _unfit(option)
    return value


def _choices(option: RuleOption, value: Any, _draft: Draft, _words: FormWords) -> object:
    known = [key for key, _label in option.choices]
    if not isinstance(value, list) or any(one not in known for one in value):
        raise _unfit(option)
    return tuple(value)


def _day(option: RuleOption, value: Any, _draft: Draft, _words: FormWords) -> object:
    try:
        return date.fromisoformat(str(value))
    except ValueError:
        raise RuleError(
            _("「%(label)s」要填日期,例如 2026-11-22。", label=in_language(option.label)), option.name
        ) from None


def _other_field(option: RuleOption, value: Any, draft: Draft, words: FormWords) -> object:
    fact = field_fact(words.facts, value) if isinstance(value, str) else None
    if fact is None or value == draft.field:
        raise RuleError(_("「%(label)s」请选择另一个字段。", label=in_language(option.label)), option.name)
    if option.fits and fact.holds not in option.fits:
        raise RuleError(
            _("「%(label)s」不能选「%(field)s」。", label=in_language(option.label), field=in_language(fact.label)),
            option.name,
        )
    if "." in value and value.partition(".")[0] != draft.field.partition(".")[0]:
        raise RuleError(_("子表的列只能和同一行的列比较。"), option.name)
    return value


def _other_fields(option: RuleOption, value: Any, draft: Draft, words: FormWords) -> object:
    if not isinstance(value, list) or len(value) > MOST_LISTED:
        raise _unfit(option)
    return tuple(_other_field(option, one, draft, words) for one in value)


def _column(option: RuleOption, value: Any, draft: Draft, words: FormWords) -> object:
    fact = field_fact(words.facts, f"{draft.field}.{value}")
    if fact is None or (option.fits and fact.holds not in option.fits):
        raise RuleError(_("「%(label)s」请选择子表里合适的一列。", label=in_language(option.label)), option.name)
    return str(value)


def _values(option: RuleOption, value: Any, _draft: Draft, _words: FormWords) -> object:
    if not isinstance(value, list) or len(value) > MOST_LISTED or any(not isinstance(one, str | int) for one in value):
        raise _unfit(option)
    return tuple(str(one) for one in value)


def _value(option: RuleOption, value: Any, draft: Draft, words: FormWords) -> object:
    """Read what is to be filled in by the field's own control, so that nothing wrong can be filled in."""
    asked = definition_field(words.definition, draft.field)
    if asked is None:
        raise _unfit(option)
    texts = [str(one) for one in value] if isinstance(value, list) else [str(value)]
    try:
        stored = controls()[asked.control].parse(asked, Sent({asked.id: texts}))
    except Refused as refused:
        raise RuleError(refused.message, option.name) from None
    return Assigned(stored, seen_value(asked, stored))


def _tree(option: RuleOption, value: Any, _draft: Draft, words: FormWords) -> object:
    return _condition(value, option.name, words)


def _formula(option: RuleOption, value: Any, draft: Draft, words: FormWords) -> object:
    wanted = Kind.BOOL if option.required else None
    try:
        return parse_formula(
            str(value), words.formula_types(draft.field.partition(".")[0]), words.labels, wanted=wanted
        )
    except FormulaError as error:
        raise RuleError(error.translated(_), option.name, error.pointed) from None


def _condition(data: object, name: str, words: FormWords) -> Condition | None:
    if data is None:
        return None
    try:
        return parse(data, words.kinds, has_history=True)
    except ConditionError as error:
        raise RuleError(error.translated(_), name, error.path) from None


def definition_field(definition: FormDefinition, path: str) -> FieldDefinition | None:
    """Return the definition of `qty` or of `rows.qty`."""
    name, _dot, column = path.partition(".")
    asked = definition.field(name)
    if asked is None or not column:
        return asked
    return next((one for one in columns_of(asked) if one.id == column), None)


def _check_ends(kind: RuleKind, given: Mapping[str, object]) -> None:
    for low, high in (("min", "max"), ("least", "most"), ("from", "to")):
        names = {option.name: option.kind for option in kind.options}
        if names.get(low) != names.get(high) or low not in given or high not in given:
            continue
        if given[low] > given[high]:  # type: ignore[operator]  # both were read by one reader
            raise RuleError(_("两头写反了:前一个不能大于后一个。"), high)


def _check_bounds(option: RuleOption, number: Decimal) -> None:
    if option.least is not None and number < option.least:
        raise RuleError(
            _("「%(label)s」不能小于 %(n)d。", label=in_language(option.label), n=option.least), option.name
        )
    if option.most is not None and number > option.most:
        raise RuleError(_("「%(label)s」不能大于 %(n)d。", label=in_language(option.label), n=option.most), option.name)


def _as_decimal(value: object) -> Decimal | None:
    if isinstance(value, bool) or not isinstance(value, int | str | Decimal) or len(str(value)) > MOST_DIGITS:
        return None
    try:
        number = Decimal(value.strip() if isinstance(value, str) else value)
    except InvalidOperation:
        return None
    return number if number.is_finite() and abs(number) <= 10**15 else None


def _unfit(option: RuleOption) -> RuleError:
    return RuleError(_("设置 %(name)s 的格式不对。", name=in_language(option.label)), option.name)


READERS: Mapping[str, Callable[[RuleOption, Any, Draft, FormWords], object]] = {
    "text": _text, "pattern": _pattern, "number": _number, "whole": _whole, "yes": _yes, "choice": _choice,
    "choices": _choices, "day": _day, "field": _other_field, "fields": _other_fields, "column": _column,
    "formula": _formula, "values": _values, "value": _value, "condition": _tree, "stage": _text,
}  # fmt: skip
