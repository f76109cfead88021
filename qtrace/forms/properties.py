"""The property panel: which settings a field has, and reading them from what the panel sent."""

import re
import string
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from itertools import count, product

from flask_babel import gettext as _
from werkzeug.datastructures import MultiDict

from qtrace.core.errors import Refused
from qtrace.forms.definition import MAX_COLUMNS, Section
from qtrace.forms.registry import Control, FieldDefinition, Option, Shape, controls

MAX_LABEL = 120
MAX_HELP = 360
MAX_ENTRIES = 500
FIELD_ID = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,59}")
Form = MultiDict[str, str]


@dataclass(frozen=True)
class Property:
    """One setting ready to be drawn: the option, the name of its input and what it holds."""

    option: Option
    value: object

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
            return str(self.option.shape or "json")
        if self.option.known_choices:
            return "select"
        return {bool: "check", int: "number", Decimal: "decimal"}.get(self.option.kind, "text")

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


def properties(field: FieldDefinition, control: Control) -> tuple[list[Property], list[Property]]:
    """Return the settings of a field: those everybody sees, and those behind "advanced"."""
    found = [Property(option, field.options.get(option.name, option.default)) for option in control.panel()]
    return [row for row in found if not row.option.advanced], [row for row in found if row.option.advanced]


def same_storage(control: Control) -> list[Control]:
    """Return the controls a published field may change to, this one among them."""
    return [other for other in controls().values() if other.storage == control.storage and not other.layout]


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
        return int(text)
    except ValueError:
        raise Refused(_("请填写整数。"), known.name) from None


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


def _move_entry(rows: list[dict[str, object]], sent: str) -> None:
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
    "maps": _read_maps, "fields": _as_it_is, "json": _as_it_is,
}  # fmt: skip
