"""The property panel: which settings a field has, and reading them from what the panel sent."""

import re
import string
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from itertools import count, product
from typing import TypeVar

from flask_babel import gettext as _
from werkzeug.datastructures import MultiDict

from qtrace.conditions.tree import FieldKind
from qtrace.core.errors import NotFound, Refused
from qtrace.forms.definition import MAX_COLUMNS, Section
from qtrace.forms.queries import current_definition
from qtrace.forms.registry import (
    Control,
    FieldDefinition,
    Names,
    Option,
    OptionChoice,
    Shape,
    as_decimal,
    controls,
)

MAX_LABEL = 120
MAX_HELP = 360
MAX_ENTRIES = 500
BAR = "|"  # between the cells of a line
FIELD_ID = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,59}")
Form = MultiDict[str, str]
T = TypeVar("T")


@dataclass(frozen=True)
class Property:
    """One setting ready to be drawn: the option, the name of its input and what it holds."""

    option: Option
    value: object
    around: tuple[OptionChoice, ...] = ()  # what it may name on this form

    @property
    def name(self) -> str:
        """Return the name of the input."""
        return f"option.{self.option.name}"

    @property
    def look(self) -> str:
        """Return which input draws it."""
        if self.option.kind is list:
            if self.option.known_choices:
                return "checks"
            return str(self.option.shape or Shape.WORDS)
        if self.option.names or self.option.known_choices:
            return "select"
        if self.option.rows > 1:
            return "area"
        return {bool: "check", int: "number", Decimal: "decimal"}.get(self.option.kind, "text")

    @property
    def choices(self) -> Sequence[OptionChoice]:
        """Return what can be chosen; what was chosen before and is there no more stands among it, marked."""
        known = [*self.option.known_choices, *self.around]
        value = "" if self.value is None else str(self.value)
        if not value or value in [choice.value for choice in known]:
            return known
        return [*known, OptionChoice(value, f"{value} ✕", f"{value} ✕")]

    @property
    def rows(self) -> list[Mapping[str, object]]:
        """Return the entries of a list of choices or maps."""
        return [row for row in self.value if isinstance(row, dict)] if isinstance(self.value, list) else []

    @property
    def lines(self) -> str:
        """Return a list of words, or a tree, as text with one entry a line."""
        if self.option.shape == Shape.TREE:
            return "\n".join(_tree_lines(self.rows, 0))
        return "\n".join(str(item) for item in self.value) if isinstance(self.value, list) else ""

    @property
    def table(self) -> list[list[str]]:
        """Return a list of lines as rows of cells, each as wide as the option says."""
        lines = self.value if isinstance(self.value, list) else []
        wide = len(self.option.cells)
        return [[*(cell.strip() for cell in str(line).split(BAR)), *([""] * wide)][:wide] for line in lines]


def properties(
    field: FieldDefinition, control: Control, beside: Sequence[FieldDefinition], forms: Sequence[OptionChoice]
) -> tuple[list[Property], list[Property]]:
    """Return the settings of a field: those everybody sees, and those behind "advanced"."""
    others = [one for one in beside if one.id != field.id and not one.retired and not controls()[one.control].layout]
    found = [
        Property(option, field.options.get(option.name, option.default), tuple(_named(option, field, others, forms)))
        for option in control.panel()
    ]
    return [row for row in found if not row.option.advanced], [row for row in found if row.option.advanced]


def _named(
    option: Option, field: FieldDefinition, others: Sequence[FieldDefinition], forms: Sequence[OptionChoice]
) -> Iterable[OptionChoice]:
    """Return what a setting that names something may name on this form."""
    match option.names:
        case Names.FIELD:
            return [_choice_of(one) for one in others if not option.fits or one.control in option.fits]
        case Names.COLUMN:
            other = field.text("form")
            return _numbers_of(other) if other else _tables(others)
        case Names.FORM:
            return forms
        case None:
            return ()


def _choice_of(one: FieldDefinition) -> OptionChoice:
    return OptionChoice(one.id, one.label_zh, one.label_en)


def _tables(fields: Sequence[FieldDefinition]) -> Iterator[OptionChoice]:
    """Yield the tables of a form, each followed by its columns of numbers."""
    for one in fields:
        columns = controls()[one.control].columns(one)
        if columns:
            yield _choice_of(one)
        for column in columns:
            if controls()[column.control].condition_kind(column) is FieldKind.NUMBER:
                zh, en = f"{one.label_zh} › {column.label_zh}", f"{one.label_en} › {column.label_en}"
                yield OptionChoice(f"{one.id}.{column.id}", zh, en)


def _numbers_of(form_key: str) -> list[OptionChoice]:
    """Return the fields of another form that hold numbers; none where there is no such form."""
    try:
        fields = current_definition(form_key)[1].fields
    except NotFound:
        return []
    return [_choice_of(one) for one in fields if controls()[one.control].condition_kind(one) is FieldKind.NUMBER]


def same_storage(control: Control) -> list[Control]:
    """Return the controls a published field may change to, this one among them."""
    known = controls().values()
    return [other for other in known if other.storage == control.storage and other.layout == control.layout]


def read_field(field: FieldDefinition, form: Form) -> FieldDefinition:
    """Return the field as the panel describes it; refuse what can't be read, naming the input."""
    control = controls().get(form.get("control", field.control))
    if control is None:
        raise Refused(_("没有这个控件:%(key)s。", key=form.get("control", "")[:60]), "control")
    label = _text(form, "label_zh", MAX_LABEL)
    if not label:
        raise Refused(_("请填写名称。"), "label_zh")
    return replace(
        field, id=_read_id(form, field.id), control=control.key, label_zh=label,
        label_en=_text(form, "label_en", MAX_LABEL) or label, required="required" in form and not control.layout,
        help_zh=_text(form, "help_zh", MAX_HELP), help_en=_text(form, "help_en", MAX_HELP),
        default=_text(form, "default", MAX_HELP), in_list="in_list" in form, filterable="filterable" in form,
        options=_read_options(field, control, form),
    )  # fmt: skip


def read_section(section: Section, form: Form) -> Section:
    """Return the section as its panel describes it."""
    title = _text(form, "title_zh", MAX_LABEL)
    if not title:
        raise Refused(_("请填写名称。"), "title_zh")
    columns = form.get("columns", "1")
    if columns not in {str(n) for n in range(1, MAX_COLUMNS + 1)}:
        raise Refused(_("分成 1 到 %(most)d 栏。", most=MAX_COLUMNS), "columns")
    tab = _text(form, "tab_zh", MAX_LABEL)
    return replace(
        section, title_zh=title, title_en=_text(form, "title_en", MAX_LABEL) or title, folded="folded" in form,
        tab_zh=tab, tab_en=_text(form, "tab_en", MAX_LABEL) or tab, columns=int(columns), page_break="page_break" in form,
    )  # fmt: skip


def _read_id(form: Form, present: str) -> str:
    sent = _text(form, "id", 60) or present
    if not FIELD_ID.fullmatch(sent):
        raise Refused(_("字段编号只能用英文字母、数字和下划线,以字母开头。"), "id")
    return sent


def _read_options(field: FieldDefinition, control: Control, form: Form) -> dict[str, object]:
    """Return the settings the panel sent; after a change of control what fits is kept and the rest begins anew."""
    if control.key != field.control:
        known = {option.name for option in control.options}
        kept = {name: value for name, value in field.options.items() if name in known}
        fitting = control.starter() | kept
        return fitting if not control.check_options(fitting) else control.starter()
    read: dict[str, object] = {}
    for option in control.options:
        value = _read_option(Property(option, field.options.get(option.name)), form)
        if value is not None:
            read[option.name] = value
    return read


def _read_option(known: Property, form: Form) -> object:
    reader = READERS.get(known.look, _spelled)
    return reader(known, form)


def _spelled(known: Property, form: Form) -> str | None:
    return form.get(known.name, "").strip() or None


def _flag(known: Property, form: Form) -> bool | None:
    sent = known.name in form
    return None if sent == bool(known.option.default) else sent


def _picked(known: Property, form: Form) -> list[str] | None:
    return form.getlist(known.name) or None


def _words(known: Property, form: Form) -> list[str] | None:
    return _lines(form.get(known.name, "")) or None


def _as_it_is(known: Property, _form: Form) -> object:
    return known.value


def _whole(known: Property, form: Form) -> int | None:
    text = form.get(known.name, "").strip()
    if not text:
        return None
    try:
        number = int(text)
    except ValueError:
        raise Refused(_("请填写整数。"), known.name) from None
    least, most = known.option.least, known.option.most
    if least is not None and number < least:
        raise Refused(_("不能小于 %(least)d。", least=least), known.name)
    if most is not None and number > most:
        raise Refused(_("不能大于 %(most)d。", most=most), known.name)
    return number


def _exact(known: Property, form: Form) -> str | None:
    text = form.get(known.name, "").strip()
    if text and as_decimal(text) is None:
        raise Refused(_("请填写数字,最多 6 位小数。"), known.name)
    return text or None


def _chosen(known: Property, form: Form) -> str | int | None:
    return _whole(known, form) if known.option.kind is int else _spelled(known, form)


def _read_cells(known: Property, form: Form) -> list[str] | None:
    """Read numbered rows of cells, then lines pasted at once; a row without its first cell is gone."""
    rows: list[list[str]] = []
    for i in range(_entries(form, known.name)):
        cells = [_cell(form.get(f"{known.name}.{i}.c{n}", "")) for n in range(len(known.option.cells))]
        if cells[0] and f"{known.name}.{i}.drop" not in form:
            rows.append(cells)
    rows += [[_cell(cell) for cell in line.split(BAR)] for line in _lines(form.get(f"{known.name}.paste", ""))]
    _move_entry(rows, form.get(f"{known.name}.move", ""))
    return [f" {BAR} ".join(cells).rstrip(f" {BAR}") for cells in rows] or None


def _cell(text: str) -> str:
    """Return a typed cell without the sign that stands between cells."""
    return text.replace(BAR, " ").strip()


def _read_choices(known: Property, form: Form) -> list[dict[str, object]] | None:
    rows: list[dict[str, object]] = []
    for i in range(_entries(form, known.name)):
        part = {name: form.get(f"{known.name}.{i}.{name}", "").strip() for name in ("value", "zh", "en")}
        if f"{known.name}.{i}.drop" in form or not part["zh"]:
            continue
        retired = f"{known.name}.{i}.retired" in form
        rows.append(_choice(part["value"], part["zh"], part["en"]) | ({"retired": True} if retired else {}))
    for line in _lines(form.get(f"{known.name}.paste", "")):
        zh, _sep, en = line.partition("|")
        if zh.strip() not in [row["zh"] for row in rows]:  # a list that is pasted again adds only what is new
            rows.append(_choice("", zh.strip(), en.strip()))
    _move_entry(rows, form.get(f"{known.name}.move", ""))
    return list(_with_values(rows)) or None


def _choice(value: str, zh: str, en: str) -> dict[str, object]:
    choice: dict[str, object] = {"value": value, "zh": zh}
    return choice | {"en": en} if en else choice


def _move_entry(rows: list[T], sent: str) -> None:
    """Move one entry as an ↑ or ↓ button asks: `3:-1`."""
    found = re.fullmatch(r"(\d{1,4}):(-?1)", sent)
    if found is None:
        return
    at, to = int(found[1]), int(found[1]) + int(found[2])
    if at < len(rows) and 0 <= to < len(rows):
        rows.insert(to, rows.pop(at))


def _with_values(rows: Sequence[dict[str, object]]) -> Iterator[dict[str, object]]:
    """Give each entry without a value the next free letter; values are kept for ever, names may change."""
    taken = {row["value"] for row in rows}
    free = (letters for letters in _letters() if letters not in taken)
    for row in rows:
        yield row | {"value": row["value"] or next(free)}


def _letters() -> Iterator[str]:
    for length in count(1):
        yield from ("".join(letters) for letters in product(string.ascii_lowercase, repeat=length))


def _read_tree(known: Property, form: Form) -> list[dict[str, object]] | None:
    """Read one entry a line, set off by two blanks a level: 名称 | English | value."""
    top: list[dict[str, object]] = []
    path: list[tuple[int, list[dict[str, object]]]] = [(-1, top)]
    lines = [line for line in form.get(known.name, "").replace("　", "  ").splitlines() if line.strip()]
    _refuse_many(len(lines))
    taken = {parts[2] for line in lines if len(parts := [part.strip() for part in line.split("|")]) > 2}
    free = (letters for letters in _letters() if letters not in taken)
    for line in lines:
        depth = len(line) - len(line.lstrip())
        zh, en, value = [*(part.strip() for part in line.split("|")), "", ""][:3]
        entry = _choice(value or next(free), zh, en)
        while path[-1][0] >= depth:
            path.pop()
        path[-1][1].append(entry)
        children: list[dict[str, object]] = []
        path.append((depth, children))
        entry["children"] = children
    return _pruned(top) or None


def _pruned(entries: Sequence[dict[str, object]]) -> list[dict[str, object]]:
    pruned = []
    for entry in entries:
        children = entry.pop("children", None)
        below = _pruned(children) if isinstance(children, list) else []
        pruned.append(entry | ({"children": below} if below else {}))
    return pruned


def _tree_lines(rows: Sequence[Mapping[str, object]], depth: int) -> Iterator[str]:
    for row in rows:
        yield "  " * depth + " | ".join(str(row.get(part, "")) for part in ("zh", "en", "value"))
        children = row.get("children")
        if isinstance(children, list):
            yield from _tree_lines([child for child in children if isinstance(child, dict)], depth + 1)


def _read_maps(known: Property, form: Form) -> list[dict[str, object]] | None:
    rows: list[dict[str, object]] = []
    for i in range(_entries(form, known.name)):
        row: dict[str, object] = {part: form.get(f"{known.name}.{i}.{part}", "").strip() for part in ("from", "to")}
        if row["from"] and row["to"]:
            rows.append(row)
    return rows or None


def _entries(form: Form, name: str) -> int:
    """Return how many numbered entries were sent."""
    found = (re.fullmatch(re.escape(name) + r"\.(\d{1,6})\.\w+", key) for key in form)
    count = max((int(match[1]) + 1 for match in found if match), default=0)
    _refuse_many(count)
    return count


def _refuse_many(count: int) -> None:
    if count > MAX_ENTRIES:
        raise Refused(_("最多 %(most)d 项,现在有 %(n)d 项。", most=MAX_ENTRIES, n=count))


def _lines(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip()]


def _text(form: Form, name: str, most: int) -> str:
    text = form.get(name, "").strip()
    if len(text) > most:
        raise Refused(_("最多 %(limit)d 个字,现在有 %(n)d 个。请缩短。", limit=most, n=len(text)), name)
    return text


READERS: Mapping[str, Callable[[Property, Form], object]] = {
    "check": _flag, "number": _whole, "checks": _picked, "words": _words, "choices": _read_choices, "tree": _read_tree,
    "maps": _read_maps, "fields": _as_it_is, "cells": _read_cells, "decimal": _exact, "select": _chosen,
}  # fmt: skip
