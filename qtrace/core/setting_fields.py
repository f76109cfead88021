"""Settings of what plugins offer (connectors, senders), checked against their typed fields."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from flask_babel import get_locale
from flask_babel import gettext as _

from qtrace.sdk.settings import SettingField, SettingValue
from qtrace.sdk.text import Text

MAX_TEXT = 500
ON = {"1", "on", "true", "yes"}


@dataclass(frozen=True)
class Checked:
    """What was entered: the values to keep, and a message for every field that is wrong."""

    values: dict[str, SettingValue]
    errors: dict[str, str]


@dataclass(frozen=True)
class ShownField:
    """A setting as the form shows it; a secret never carries its value, only whether there is one."""

    name: str
    label: str
    kind: str
    hint: str
    required: bool
    choices: tuple[tuple[str, str], ...]
    value: str
    kept: bool
    error: str


def check_settings(
    fields: Sequence[SettingField], given: Mapping[str, str], kept: Mapping[str, SettingValue]
) -> Checked:
    """Check what was entered; a secret left empty keeps its old value."""
    values: dict[str, SettingValue] = {}
    errors: dict[str, str] = {}
    for field in fields:
        text = given.get(field.name, "").strip()
        if field.kind == "switch":
            values[field.name] = text.lower() in ON
        elif not text:
            _check_empty(field, kept, values, errors)
        else:
            _check_text(field, text, values, errors)
    return Checked(values, errors)


def shown_fields(
    fields: Sequence[SettingField],
    values: Mapping[str, SettingValue],
    *,
    given: Mapping[str, str] | None = None,
    errors: Mapping[str, str] | None = None,
) -> list[ShownField]:
    """Return the form's fields with what was entered, else what is kept, else the default."""
    return [_shown(field, values, given, (errors or {}).get(field.name, "")) for field in fields]


def defaults(fields: Sequence[SettingField]) -> dict[str, SettingValue]:
    """Return the values a new account starts with."""
    return {field.name: field.default for field in fields}


def say(text: Text | str | None) -> str:
    """Return a plugin's sentence in the reader's language."""
    if not isinstance(text, Text):
        return text or ""
    locale = get_locale()
    return text.in_language("en" if locale is not None and locale.language == "en" else "zh")


def _check_empty(
    field: SettingField,
    kept: Mapping[str, SettingValue],
    values: dict[str, SettingValue],
    errors: dict[str, str],
) -> None:
    if field.kind == "secret" and kept.get(field.name):
        values[field.name] = kept[field.name]
    elif field.required:
        errors[field.name] = _("请填写「%(name)s」。", name=say(field.label))
    else:
        values[field.name] = field.default


def _check_text(field: SettingField, text: str, values: dict[str, SettingValue], errors: dict[str, str]) -> None:
    name = say(field.label)
    if len(text) > MAX_TEXT:
        errors[field.name] = _("「%(name)s」最多 %(n)s 个字符。", name=name, n=MAX_TEXT)
    elif field.kind == "choice" and text not in dict(field.choices):
        errors[field.name] = _("「%(name)s」请从列表里选。", name=name)
    elif field.kind == "number":
        _check_number(field, name, text, values, errors)
    else:
        values[field.name] = text


def _check_number(
    field: SettingField, name: str, text: str, values: dict[str, SettingValue], errors: dict[str, str]
) -> None:
    if not text.isascii() or not text.removeprefix("-").isdecimal() or len(text) > 15:
        errors[field.name] = _("「%(name)s」要填整数。", name=name)
        return
    number = int(text)
    if field.least is not None and number < field.least:
        errors[field.name] = _("「%(name)s」最小是 %(n)s。", name=name, n=field.least)
    elif field.most is not None and number > field.most:
        errors[field.name] = _("「%(name)s」最大是 %(n)s。", name=name, n=field.most)
    else:
        values[field.name] = number


def _shown(
    field: SettingField, values: Mapping[str, SettingValue], given: Mapping[str, str] | None, error: str
) -> ShownField:
    secret = field.kind == "secret"
    value = values.get(field.name, field.default) if given is None else given.get(field.name, "")
    return ShownField(
        name=field.name,
        label=say(field.label),
        kind=field.kind,
        hint=say(field.hint),
        required=field.required,
        choices=tuple((key, say(label)) for key, label in field.choices),
        value="" if secret else ("1" if value is True else "" if value is False else str(value)),
        kept=secret and bool(values.get(field.name)),
        error=error,
    )
