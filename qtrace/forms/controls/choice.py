"""Controls that choose from a list or say yes or no."""

# ruff: noqa: ARG002 -- every control keeps the signatures of the contract

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from flask_babel import get_locale
from flask_babel import gettext as _

from qtrace.core.errors import Refused
from qtrace.forms.controls.text import one_line
from qtrace.forms.registry import (
    Cell,
    Choice,
    Control,
    FieldDefinition,
    Opening,
    Option,
    OptionChoice,
    Samples,
    Sent,
    Shape,
    Storage,
    Value,
    cell_text,
)

YES_WORDS = frozenset({"1", "on", "true", "yes", "y", "是", "有", "对"})
NO_WORDS = frozenset({"0", "off", "false", "no", "n", "否", "无", "没有"})
SEPARATORS = re.compile(r"[、,,;;\n]")
STEP = "/"
ARROW = " › "
MOST_LEVELS = 5
MOST_TAGS, MAX_TAG = 20, 40
STARTER = [
    {"value": "a", "zh": "选项一", "en": "Choice 1"},
    {"value": "b", "zh": "选项二", "en": "Choice 2"},
    {"value": "c", "zh": "选项三", "en": "Choice 3"},
]

CHOICES = Option("choices", list, required=True, shape=Shape.CHOICES, label_zh="选项", label_en="Choices")
MOST = Option("most", int, label_zh="最多选几个", label_en="At most", least=1, most=200, advanced=True)
FEWEST = Option("fewest", int, label_zh="至少选几个", label_en="At least", least=1, most=200, advanced=True)
LOOK = Option(
    "look", str, label_zh="样子", label_en="Look", default="list", advanced=True,
    choices=(OptionChoice("list", "一行一个", "One a line"), OptionChoice("segments", "并排", "Side by side")),
)  # fmt: skip


class OneOf(Control):
    """One of the choices the definition lists."""

    family = "choice"
    storage = Storage.TEXT
    options: ClassVar[tuple[Option, ...]] = (CHOICES,)

    def starter(self) -> dict[str, object]:
        """Return three choices to be renamed."""
        return {"choices": STARTER}

    def samples(self, field: FieldDefinition) -> Samples:
        """Return every choice, and one that is not listed."""
        return Samples([Sent({field.id: [one.value]}) for one in self.choices(field)], [Sent({field.id: ["green"]})])

    def choices(self, field: FieldDefinition) -> Sequence[Choice]:
        """Return what a new record may choose, in the reader's language."""
        return listed_choices(field.options)

    def offered(self, field: FieldDefinition, held: Sequence[str]) -> Sequence[Choice]:
        """Return the choices with those the record already holds, although they are retired."""
        return offered_choices(field.options, held)

    def check_options(self, options: Mapping[str, object]) -> list[str]:
        """Add that each choice has a value and a name, and each value stands once."""
        return super().check_options(options) or check_choices(options)

    def parse(self, field: FieldDefinition, sent: Sent) -> Value:
        """Return the chosen value; refuse one that is not listed."""
        text = sent.first(field.id)
        return only_listed(every_choice(field.options), [text])[0] if text else None

    def show(self, field: FieldDefinition, value: Value) -> str:
        """Return the choice's name; a value no longer listed stays readable."""
        return "—" if value is None else labels(every_choice(field.options)).get(str(value), str(value))

    def from_cell(self, field: FieldDefinition, cell: Cell) -> Value:
        """Read a choice by its name or value."""
        text = "" if cell is None else cell_text(cell)
        return self.parse(field, Sent({field.id: [by_name(every_choice(field.options), text)]}))


class Radio(OneOf):
    """One of a few choices, all of them in sight."""

    key, name_zh, name_en = "radio", "单选", "Single choice"
    icon = "check-circle"
    grouped = True
    options = (CHOICES, LOOK)


class Select(OneOf):
    """One of the choices the definition lists, from a drop-down list."""

    key, name_zh, name_en = "select", "下拉单选", "Select"
    basic = True
    icon = "chevron-down"


class SeveralOf(Control):
    """Any number of the choices the definition lists."""

    family = "choice"
    storage = Storage.JSON_LIST
    options = (CHOICES, FEWEST, MOST)
    grouped = True

    def starter(self) -> dict[str, object]:
        """Return three choices to be renamed."""
        return {"choices": STARTER}

    def samples(self, field: FieldDefinition) -> Samples:
        """Return one and all choices, and one that is not listed."""
        values = [choice.value for choice in self.choices(field)]
        return Samples([Sent({field.id: values[:1]}), Sent({field.id: values})], [Sent({field.id: [*values, "green"]})])

    def choices(self, field: FieldDefinition) -> Sequence[Choice]:
        """Return what a new record may choose, in the reader's language."""
        return listed_choices(field.options)

    def offered(self, field: FieldDefinition, held: Sequence[str]) -> Sequence[Choice]:
        """Return the choices with those the record already holds, although they are retired."""
        return offered_choices(field.options, held)

    def check_options(self, options: Mapping[str, object]) -> list[str]:
        """Add that each choice has a value and a name, and each value stands once."""
        return super().check_options(options) or check_choices(options)

    def initial(self, field: FieldDefinition, opening: Opening) -> dict[str, list[str]]:
        """Return the default values, written one after the other."""
        values = [text.strip() for text in SEPARATORS.split(field.default) if text.strip()]
        return {field.id: values} if values else {}

    def parse(self, field: FieldDefinition, sent: Sent) -> Value:
        """Return the chosen values; refuse any that is not listed, and too few or too many."""
        wanted = only_listed(every_choice(field.options), sent.all(field.id))
        check_count(field, wanted)
        return wanted or None

    def send(self, field: FieldDefinition, value: Value) -> dict[str, list[str]]:
        """Return every chosen value."""
        return {field.id: [str(item) for item in value]} if isinstance(value, list) else {}

    def show(self, field: FieldDefinition, value: Value) -> str:
        """Return the names of the choices."""
        if not isinstance(value, list):
            return "—"
        names = labels(every_choice(field.options))
        return "、".join(names.get(str(item), str(item)) for item in value)

    def from_cell(self, field: FieldDefinition, cell: Cell) -> Value:
        """Read names separated by 、 , ; or line ends."""
        known = every_choice(field.options)
        return self.parse(field, Sent({field.id: [by_name(known, text) for text in split_cell(cell)]}))


class Multiselect(SeveralOf):
    """Any number of short choices, as chips."""

    key, name_zh, name_en = "multiselect", "多选", "Multiple choice"
    basic = True
    icon = "list-checks"


class CheckboxGroup(SeveralOf):
    """Any number of choices one below the other, each with room for an explanation."""

    key, name_zh, name_en = "checkbox_group", "勾选清单", "Checkboxes"
    icon = "list-todo"
    wide = True


class Cascade(Control):
    """A path through nested choices, like 包装 › 瓶盖 › 裂纹."""

    key, name_zh, name_en = "cascade", "级联选择", "Cascade"
    family = "choice"
    storage = Storage.JSON_LIST
    icon = "git-branch"
    options = (
        Option("choices", list, required=True, shape=Shape.TREE, label_zh="选项", label_en="Choices"),
        Option("any_level", bool, label_zh="可停在中间一级", label_en="May stop at any level", default=False),
    )

    def starter(self) -> dict[str, object]:
        """Return two branches to be renamed."""
        return {"choices": [{**row, "children": STARTER[:2]} for row in STARTER[:2]]}

    def samples(self, field: FieldDefinition) -> Samples:
        """Return each path, and one that stops early or leads nowhere."""
        right = [Sent({field.id: [path.value]}) for path in self.choices(field)]
        return Samples(right, [Sent({field.id: [text]}) for text in ("a", "a/z", "a/b/c")])

    def choices(self, field: FieldDefinition) -> Sequence[Choice]:
        """Return every path that may be chosen, named by all its levels."""
        return [
            Choice(STEP.join(path.values), ARROW.join(path.names), group=path.names[0])
            for path in walk(field.options.get("choices"))
            if (path.leaf or field.flag("any_level")) and not path.retired
        ]

    def check_options(self, options: Mapping[str, object]) -> list[str]:
        """Add that every level is a list of choices, none deeper than a phone can show."""
        return super().check_options(options) or check_tree(options.get("choices"))

    def parse(self, field: FieldDefinition, sent: Sent) -> Value:
        """Return the values of the path from its root."""
        text = sent.first(field.id)
        if not text:
            return None
        found = next((path for path in walk(field.options.get("choices")) if STEP.join(path.values) == text), None)
        if found is None or not (found.leaf or field.flag("any_level")):
            raise Refused(_("请从列表中选择。"))
        return list(found.values)

    def send(self, field: FieldDefinition, value: Value) -> dict[str, list[str]]:
        """Return the path in one text."""
        return {field.id: [STEP.join(str(item) for item in value)]} if isinstance(value, list) else {}

    def show(self, field: FieldDefinition, value: Value) -> str:
        """Return the names of all levels."""
        if not isinstance(value, list):
            return "—"
        values = tuple(str(item) for item in value)
        names = next((path.names for path in walk(field.options.get("choices")) if path.values == values), values)
        return ARROW.join(names)

    def from_cell(self, field: FieldDefinition, cell: Cell) -> Value:
        """Read a path by its names, parted by › > or /."""
        text = "" if cell is None else cell_text(cell)
        parts = tuple(part.strip() for part in re.split(r"[›>/]", text))
        found = (path for path in walk(field.options.get("choices")) if parts in (path.names, path.values))
        path = next(found, None)
        return self.parse(field, Sent({field.id: [STEP.join(path.values) if path else text]}))


class Tags(Control):
    """Words of one's own beside suggested ones."""

    key, name_zh, name_en = "tags", "标签", "Tags"
    family = "choice"
    storage = Storage.JSON_LIST
    grouped = True
    icon = "tag"
    options = (
        Option("suggestions", list, shape=Shape.WORDS, label_zh="建议的标签", label_en="Suggested tags"),
        Option(
            "most",
            int,
            label_zh="最多几个",
            label_en="At most",
            default=MOST_TAGS,
            least=1,
            most=MOST_TAGS,
            advanced=True,
        ),
    )

    def starter(self) -> dict[str, object]:
        """Return two suggestions."""
        return {"suggestions": ["加急", "复检"]}

    def samples(self, field: FieldDefinition) -> Samples:
        """Return suggested and own tags, and ones that are too long or too many."""
        many = "、".join(f"标签{n}" for n in range(MOST_TAGS + 1))
        right = [
            Sent({field.id: ["加急"], f"{field.id}.more": ["色差、批次混放"]}),
            Sent({f"{field.id}.more": ["色差"]}),
        ]
        return Samples(right, [Sent({f"{field.id}.more": [text]}) for text in (many, "长" * (MAX_TAG + 1))])

    def choices(self, field: FieldDefinition) -> Sequence[Choice]:
        """Return the suggestions."""
        return [Choice(word, word) for word in field.words("suggestions")]

    def initial(self, field: FieldDefinition, opening: Opening) -> dict[str, list[str]]:
        """Return the default tags."""
        return self.send(field, split_cell(field.default))

    def parse(self, field: FieldDefinition, sent: Sent) -> Value:
        """Return every tag once."""
        typed = [one_line(tag) for tag in split_cell(sent.first(f"{field.id}.more"))]
        tags = list(dict.fromkeys([*(tag for text in sent.all(field.id) for tag in split_cell(text)), *typed]))
        too_long = next((tag for tag in tags if len(tag) > MAX_TAG), None)
        if too_long:
            raise Refused(_("标签最多 %(most)d 个字:「%(tag)s…」。", most=MAX_TAG, tag=too_long[:20]))
        if len(tags) > field.number("most", MOST_TAGS):
            raise Refused(_("最多选 %(most)d 个,现在有 %(n)d 个。", most=field.number("most", MOST_TAGS), n=len(tags)))
        return list(tags) or None

    def send(self, field: FieldDefinition, value: Value) -> dict[str, list[str]]:
        """Return suggested tags as ticks and the others as text."""
        tags = [str(item) for item in value] if isinstance(value, list) else []
        suggested = set(field.words("suggestions"))
        ticked, own = [tag for tag in tags if tag in suggested], [tag for tag in tags if tag not in suggested]
        return ({field.id: ticked} if ticked else {}) | ({f"{field.id}.more": ["、".join(own)]} if own else {})

    def show(self, field: FieldDefinition, value: Value) -> str:
        """Return the tags in a row."""
        return "、".join(str(item) for item in value) if isinstance(value, list) else "—"


class Switch(Control):
    """Yes or no."""

    key, name_zh, name_en = "switch", "开关", "Switch"
    family = "choice"
    storage = Storage.BOOL
    basic = True
    icon = "contrast"
    default_words = ("1",)

    def samples(self, field: FieldDefinition) -> Samples:
        """Return on and off."""
        return Samples([Sent({field.id: ["1"]}), Sent()], reads_all="whatever is not a word for yes is off")

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


@dataclass(frozen=True)
class Path:
    """A place in nested choices: the values and names from the root to it."""

    values: tuple[str, ...]
    names: tuple[str, ...]
    leaf: bool
    retired: bool


def listed_choices(options: Mapping[str, object]) -> list[Choice]:
    """Return the choices of a definition that are not retired, in the reader's language."""
    return [_choice(row) for row in _rows(options.get("choices")) if not row.get("retired")]


def every_choice(options: Mapping[str, object]) -> list[Choice]:
    """Return the choices of a definition, the retired ones too."""
    return [_choice(row) for row in _rows(options.get("choices"))]


def offered_choices(options: Mapping[str, object], held: Sequence[str]) -> list[Choice]:
    """Return what may be chosen where a record holds these values."""
    return [
        _choice(row) for row in _rows(options.get("choices")) if not row.get("retired") or str(row["value"]) in held
    ]


def check_choices(options: Mapping[str, object]) -> list[str]:
    """Return what is wrong with the listed choices."""
    return _check_level(options.get("choices"))


def check_tree(listed: object, level: int = 1) -> list[str]:
    """Return what is wrong with nested choices."""
    if level > MOST_LEVELS:
        return [_("最多 %(most)d 级。", most=MOST_LEVELS)]
    problems = _check_level(listed)
    if problems:
        return problems
    if any(STEP in str(row["value"]) for row in _rows(listed)):
        return [_("选项的值里不能有「/」。")]
    below = [check_tree(row["children"], level + 1) for row in _rows(listed) if row.get("children")]
    return next((problems for problems in below if problems), [])


def walk(listed: object, above: Path | None = None) -> Iterator[Path]:
    """Return every place in nested choices in reading order."""
    for row in _rows(listed):
        choice, children = _choice(row), row.get("children")
        values = (*(above.values if above else ()), choice.value)
        names = (*(above.names if above else ()), choice.label)
        retired = bool(row.get("retired")) or bool(above and above.retired)
        path = Path(values, names, leaf=not children, retired=retired)
        yield path
        yield from walk(children, path)


def only_listed(choices: Sequence[Choice], wanted: list[str]) -> list[str]:
    """Return the wanted values; refuse any that can't be chosen."""
    known = {choice.value for choice in choices}
    if any(value not in known for value in wanted):
        raise Refused(_("请从列表中选择。"))
    return wanted


def check_count(field: FieldDefinition, wanted: Sequence[object]) -> None:
    """Refuse fewer or more than the field asks for; none at all is the matter of `required`."""
    fewest, most = field.number("fewest", 0), field.number("most", len(wanted))
    if wanted and len(wanted) < fewest:
        raise Refused(_("至少选 %(fewest)d 个,现在有 %(n)d 个。", fewest=fewest, n=len(wanted)))
    if len(wanted) > most:
        raise Refused(_("最多选 %(most)d 个,现在有 %(n)d 个。", most=most, n=len(wanted)))


def labels(choices: Sequence[Choice]) -> dict[str, str]:
    """Return the names of choices by value."""
    return {choice.value: choice.label for choice in choices}


def by_name(choices: Sequence[Choice], text: str) -> str:
    """Return the value whose name this is, or the text itself."""
    return next((choice.value for choice in choices if choice.label == text), text)


def split_cell(cell: Cell) -> list[str]:
    """Return the parts of a cell that lists several; 、 , ; and line ends part them."""
    return [part.strip() for part in SEPARATORS.split("" if cell is None else cell_text(cell)) if part.strip()]


def _rows(listed: object) -> list[Mapping[str, object]]:
    return [row for row in listed if isinstance(row, dict)] if isinstance(listed, list) else []


def _choice(row: Mapping[str, object]) -> Choice:
    lang = "en" if str(get_locale() or "zh").startswith("en") else "zh"
    hint = str(row.get(f"hint_{lang}") or row.get("hint_zh") or "")
    return Choice(str(row["value"]), str(row.get(lang) or row["zh"]), hint)


def _check_level(listed: object) -> list[str]:
    rows = listed if isinstance(listed, list) else []
    if not rows:
        return [_("至少要有一个选项。")]
    if not all(isinstance(row, dict) and row.get("value") and row.get("zh") for row in rows):
        return [_("每个选项都要有值和中文名。")]
    values = [str(row["value"]) for row in rows]
    return [_("选项的值不能重复。")] if len(set(values)) < len(values) else []
