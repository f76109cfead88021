"""Controls that choose from a list or say yes or no."""

# ruff: noqa: ARG002 -- every control keeps the signatures of the contract

from collections.abc import Mapping, Sequence

from flask_babel import get_locale
from flask_babel import gettext as _

from qtrace.core.errors import Refused
from qtrace.forms.registry import Cell, Choice, Control, FieldDefinition, Option, Sent, Storage, Value, cell_text

YES_WORDS = frozenset({"1", "on", "true", "yes", "y", "是", "有", "对"})
NO_WORDS = frozenset({"0", "off", "false", "no", "n", "否", "无", "没有"})


class Select(Control):
    """One of the choices the definition lists."""

    key, name_zh, name_en = "select", "下拉单选", "Select"
    storage = Storage.TEXT
    options = (Option("choices", list, required=True),)

    def choices(self, field: FieldDefinition) -> Sequence[Choice]:
        """Return the listed choices in the reader's language."""
        return listed_choices(field.options)

    def check_options(self, options: Mapping[str, object]) -> list[str]:
        """Add that each choice has a value and a name, and each value stands once."""
        return super().check_options(options) or check_choices(options)

    def parse(self, field: FieldDefinition, sent: Sent) -> Value:
        """Return the chosen value; refuse one that is not listed."""
        text = sent.first(field.id)
        return only_listed(self.choices(field), [text])[0] if text else None

    def show(self, field: FieldDefinition, value: Value) -> str:
        """Return the choice's name; a retired choice keeps its value."""
        return "—" if value is None else labels(self.choices(field)).get(str(value), str(value))

    def from_cell(self, field: FieldDefinition, cell: Cell) -> Value:
        """Read a choice by its name or value."""
        text = "" if cell is None else cell_text(cell)
        return self.parse(field, Sent({field.id: [by_name(self.choices(field), text)]}))


class Multiselect(Control):
    """Any number of the choices the definition lists."""

    key, name_zh, name_en = "multiselect", "多选", "Multiple choice"
    storage = Storage.JSON_LIST
    options = (Option("choices", list, required=True),)
    grouped = True

    def choices(self, field: FieldDefinition) -> Sequence[Choice]:
        """Return the listed choices in the reader's language."""
        return listed_choices(field.options)

    def check_options(self, options: Mapping[str, object]) -> list[str]:
        """Add that each choice has a value and a name, and each value stands once."""
        return super().check_options(options) or check_choices(options)

    def parse(self, field: FieldDefinition, sent: Sent) -> Value:
        """Return the chosen values; refuse any that is not listed."""
        return only_listed(self.choices(field), sent.all(field.id)) or None

    def send(self, field: FieldDefinition, value: Value) -> dict[str, list[str]]:
        """Return every chosen value."""
        return {field.id: [str(item) for item in value]} if isinstance(value, list) else {}

    def show(self, field: FieldDefinition, value: Value) -> str:
        """Return the names of the choices."""
        if not isinstance(value, list):
            return "—"
        names = labels(self.choices(field))
        return "、".join(names.get(str(item), str(item)) for item in value)

    def from_cell(self, field: FieldDefinition, cell: Cell) -> Value:
        """Read names separated by 、 , ; or line ends."""
        text = "" if cell is None else cell_text(cell)
        for mark in ",,;;\n":
            text = text.replace(mark, "、")
        wanted = [by_name(self.choices(field), part.strip()) for part in text.split("、")]
        return self.parse(field, Sent({field.id: wanted}))


class Switch(Control):
    """Yes or no."""

    key, name_zh, name_en = "switch", "开关", "Switch"
    storage = Storage.BOOL

    def parse(self, field: FieldDefinition, sent: Sent) -> Value:
        """Return True when it is on; a browser sends nothing for off."""
        return sent.first(field.id).lower() in YES_WORDS

    def send(self, field: FieldDefinition, value: Value) -> dict[str, list[str]]:
        """Return the input of a switch that is on."""
        return {field.id: ["1"]} if value else {}

    def show(self, field: FieldDefinition, value: Value) -> str:
        """Return yes or no."""
        return "—" if value is None else _("是") if value else _("否")

    def from_cell(self, field: FieldDefinition, cell: Cell) -> Value:
        """Read a word for yes or no; refuse others."""
        text = "" if cell is None else cell_text(cell).lower()
        if text and text not in YES_WORDS | NO_WORDS:
            raise Refused(_("「%(text)s」不是“是”或“否”。", text=text[:40]))
        return text in YES_WORDS


def listed_choices(options: Mapping[str, object]) -> list[Choice]:
    """Return the choices of a definition in the reader's language."""
    listed = options.get("choices")
    lang = "en" if str(get_locale() or "zh").startswith("en") else "zh"
    rows = [row for row in listed if isinstance(row, dict)] if isinstance(listed, list) else []
    return [Choice(str(row["value"]), str(row.get(lang) or row["zh"])) for row in rows]


def check_choices(options: Mapping[str, object]) -> list[str]:
    """Return what is wrong with the listed choices."""
    listed = options.get("choices")
    rows = listed if isinstance(listed, list) else []
    if not rows:
        return [_("至少要有一个选项。")]
    if not all(isinstance(row, dict) and row.get("value") and row.get("zh") for row in rows):
        return [_("每个选项都要有值和中文名。")]
    values = [row["value"] for row in rows]
    return [_("选项的值不能重复。")] if len(set(values)) < len(values) else []


def only_listed(choices: Sequence[Choice], wanted: list[str]) -> list[str]:
    """Return the wanted values; refuse any that can't be chosen."""
    known = {choice.value for choice in choices}
    if any(value not in known for value in wanted):
        raise Refused(_("请从列表中选择。"))
    return wanted


def labels(choices: Sequence[Choice]) -> dict[str, str]:
    """Return the names of choices by value."""
    return {choice.value: choice.label for choice in choices}


def by_name(choices: Sequence[Choice], text: str) -> str:
    """Return the value whose name this is, or the text itself."""
    return next((choice.value for choice in choices if choice.label == text), text)
