"""Form definitions as data: sections of fields, read strictly, with errors that point at the place."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from flask_babel import gettext as _

from qtrace.core.errors import Refused
from qtrace.forms.registry import Control, FieldDefinition, Storage

MAX_FIELDS = 200
MAX_NAME = 120
MAX_COLUMNS = 3
SECTION_KEYS = frozenset({
    "id", "title_zh", "title_en", "folded", "fields", "tab_zh", "tab_en", "columns", "page_break",
})  # fmt: skip
FIELD_KEYS = frozenset({
    "id", "control", "label_zh", "label_en", "required", "help_zh", "help_en", "options", "column", "default",
    "filterable", "in_list", "retired",
})  # fmt: skip


class DefinitionError(Refused):
    """A form definition that can't be read; `field` is the place, like `sections[0].fields[2].control`."""


@dataclass(frozen=True)
class Section:
    """Fields that belong together; a folded one waits behind its title.

    Neighbours with the same tab title share a row of tabs; `columns` is how many stand side by side on a wide screen;
    a page break starts a new page on paper and a new step on a phone.
    """

    id: str
    title_zh: str
    title_en: str
    fields: tuple[FieldDefinition, ...]
    folded: bool = False
    tab_zh: str = ""
    tab_en: str = ""
    columns: int = 1
    page_break: bool = False


@dataclass(frozen=True)
class FormDefinition:
    """Everything a form asks."""

    sections: tuple[Section, ...]

    @property
    def fields(self) -> Iterator[FieldDefinition]:
        """Return every field that is asked, in order."""
        return (field for field in self.all_fields if not field.retired)

    @property
    def all_fields(self) -> Iterator[FieldDefinition]:
        """Return every field in order, the retired ones too."""
        return (field for section in self.sections for field in section.fields)

    def field(self, field_id: str) -> FieldDefinition | None:
        """Return the field with this id, retired or not."""
        return next((field for field in self.all_fields if field.id == field_id), None)


@dataclass(frozen=True)
class Problem:
    """Something that keeps a draft from being published, and where it is."""

    message: str
    section_id: str = ""
    field_id: str = ""


@dataclass(frozen=True)
class Vocabulary:
    """What a definition may use: the controls there are, and the columns of the record with their storage kinds."""

    controls: Mapping[str, Control]
    columns: Mapping[str, Storage]


def parse_definition(data: object, words: Vocabulary, *, draft: bool = False) -> FormDefinition:
    """Read a definition from decoded JSON; refuse at the first place that is wrong.

    A draft may have sections without fields and settings that are not finished; `problems_of` names them.
    """
    sections = _list(_mapping(data, "", frozenset({"sections"})), "sections", "")
    parsed = tuple(_section(row, f"sections[{i}]", words, draft=draft) for i, row in enumerate(sections))
    definition = FormDefinition(parsed)
    _check_unique(definition)
    if not draft:
        _check_count(definition)
    return definition


def problems_of(definition: FormDefinition, words: Vocabulary) -> list[Problem]:
    """Return everything that keeps this draft from being published, in order."""
    problems = []
    for section in definition.sections:
        if not section.fields:
            problems.append(Problem(_("分区「%(name)s」里没有字段。", name=section.title_zh), section.id))
        for field in section.fields:
            problems += [
                Problem(_("字段「%(name)s」:%(problem)s", name=field.label_zh, problem=line), section.id, field.id)
                for line in words.controls[field.control].check_options(field.options)
            ]
    if not problems:
        problems += [
            Problem(_("字段「%(name)s」:%(problem)s", name=field.label_zh, problem=line), section.id, field.id)
            for section, field, line in _together(definition, words.controls)
        ]
    try:
        _check_count(definition)
    except DefinitionError as error:
        problems.append(Problem(error.message))
    return problems


def dump_definition(definition: FormDefinition) -> dict[str, object]:
    """Return the definition as plain data that `parse_definition` reads back to an equal one."""
    return {"sections": [_dump_section(section) for section in definition.sections]}


def parse_field(data: object, place: str, words: Vocabulary, *, draft: bool = False) -> FieldDefinition:
    """Read one field; a column of a sub-table is one too."""
    return _field(data, place, words, draft=draft)


def dump_field(field: FieldDefinition) -> dict[str, object]:
    """Return a field as plain data."""
    return {
        "id": field.id, "control": field.control, "label_zh": field.label_zh, "label_en": field.label_en,
        "required": field.required, "help_zh": field.help_zh, "help_en": field.help_en,
        "options": dict(field.options), "column": field.column, "default": field.default,
        "filterable": field.filterable, "in_list": field.in_list, "retired": field.retired,
    }  # fmt: skip


def _section(data: object, place: str, words: Vocabulary, *, draft: bool) -> Section:
    row = _mapping(data, place, SECTION_KEYS)
    items = _list(row, "fields", f"{place}.", empty=draft)
    fields = tuple(_field(item, f"{place}.fields[{i}]", words, draft=draft) for i, item in enumerate(items))
    return Section(
        id=_text(row, "id", place), title_zh=_text(row, "title_zh", place), title_en=_text(row, "title_en", place),
        fields=fields, folded=_flag(row, "folded", place), tab_zh=_text(row, "tab_zh", place, empty=True),
        tab_en=_text(row, "tab_en", place, empty=True), columns=_columns(row, place),
        page_break=_flag(row, "page_break", place),
    )  # fmt: skip


def _field(data: object, place: str, words: Vocabulary, *, draft: bool) -> FieldDefinition:
    row = _mapping(data, place, FIELD_KEYS)
    key = _text(row, "control", place)
    control = words.controls.get(key)
    if control is None:
        raise DefinitionError(_("没有这个控件:%(key)s。", key=key), f"{place}.control")
    options = row.get("options", {})
    if not isinstance(options, dict):
        raise DefinitionError(_("设置必须是一组名称和值。"), f"{place}.options")
    problems = [] if draft else control.check_options(options)
    if problems:
        raise DefinitionError(problems[0], f"{place}.options")
    return FieldDefinition(
        id=_identifier(row, place), control=key, label_zh=_text(row, "label_zh", place),
        label_en=_text(row, "label_en", place), required=_flag(row, "required", place),
        help_zh=_text(row, "help_zh", place, empty=True), help_en=_text(row, "help_en", place, empty=True),
        options=options, column=_column(row, place, control, words), default=_text(row, "default", place, empty=True),
        filterable=_flag(row, "filterable", place), in_list=_flag(row, "in_list", place),
        retired=_flag(row, "retired", place),
    )  # fmt: skip


def _column(row: Mapping[str, object], place: str, control: Control, words: Vocabulary) -> str:
    column = _text(row, "column", place, empty=True)
    if not column:
        return ""
    if column not in words.columns:
        raise DefinitionError(_("没有这个内置字段:%(column)s。", column=column), f"{place}.column")
    if words.columns[column] != control.storage:
        raise DefinitionError(_("控件 %(key)s 不能填这个内置字段。", key=control.key), f"{place}.column")
    return column


def _check_unique(definition: FormDefinition) -> None:
    seen_ids: set[str] = set()
    seen_columns: set[str] = set()
    seen_sections: set[str] = set()
    for i, section in enumerate(definition.sections):
        if section.id in seen_sections:
            raise DefinitionError(_("分区编号 %(id)s 重复。", id=section.id), f"sections[{i}].id")
        seen_sections.add(section.id)
        for j, field in enumerate(section.fields):
            place = f"sections[{i}].fields[{j}]"
            if field.id in seen_ids:
                raise DefinitionError(_("字段编号 %(id)s 重复。", id=field.id), f"{place}.id")
            if field.column and field.column in seen_columns:
                raise DefinitionError(_("内置字段 %(column)s 用了两次。", column=field.column), f"{place}.column")
            seen_ids.add(field.id)
            seen_columns.add(field.column)


def check_together(definition: FormDefinition, known: Mapping[str, Control]) -> None:
    """Refuse a definition whose fields do not fit together: formulas that name nothing, or each other.

    Asked when it is published, not when it is read: what was published stays readable, whatever is taken away later.
    """
    for _part, field, line in _together(definition, known):
        raise DefinitionError(_("字段「%(name)s」:%(problem)s", name=field.label_zh, problem=line), field.id)


def _together(
    definition: FormDefinition, known: Mapping[str, Control]
) -> Iterator[tuple[Section, FieldDefinition, str]]:
    """Return what is wrong with fields among each other: formulas that name nothing, or each other."""
    asked = list(definition.fields)
    for section in definition.sections:
        for field in section.fields:
            if not field.retired:
                yield from ((section, field, line) for line in known[field.control].check_together(field, asked))


def _check_count(definition: FormDefinition) -> None:
    count = sum(1 for _field in definition.all_fields)
    if not any(True for _field in definition.fields):
        raise DefinitionError(_("表单至少要有一个字段。"), "sections")
    if count > MAX_FIELDS:
        raise DefinitionError(_("表单最多 %(most)d 个字段。", most=MAX_FIELDS), "sections")


def _dump_section(section: Section) -> dict[str, object]:
    return {
        "id": section.id, "title_zh": section.title_zh, "title_en": section.title_en, "folded": section.folded,
        "fields": [dump_field(field) for field in section.fields], "tab_zh": section.tab_zh, "tab_en": section.tab_en, "columns": section.columns,
        "page_break": section.page_break,
    }  # fmt: skip


def _mapping(data: object, place: str, known: frozenset[str]) -> Mapping[str, object]:
    if not isinstance(data, dict):
        raise DefinitionError(_("这里应该是一组名称和值。"), place)
    unknown = sorted(str(key) for key in data if key not in known)
    if unknown:
        raise DefinitionError(_("不认识的名称 %(name)s。", name=unknown[0]), f"{place}.{unknown[0]}".lstrip("."))
    return data


def _list(data: Mapping[str, object], key: str, place: str, *, empty: bool = False) -> list[object]:
    value = data.get(key)
    if not isinstance(value, list) or (not value and not empty):
        raise DefinitionError(_("这里应该是一个不空的列表。"), f"{place}{key}")
    return value


def _text(data: Mapping[str, object], key: str, place: str, *, empty: bool = False) -> str:
    value = data.get(key, "" if empty else None)
    if not isinstance(value, str) or (not empty and not value.strip()) or len(value) > MAX_NAME * 3:
        raise DefinitionError(_("请填写文字。"), f"{place}.{key}")
    return value


def _identifier(data: Mapping[str, object], place: str) -> str:
    value = _text(data, "id", place)
    if not (value.isascii() and value.replace("_", "a").isalnum() and value[0].isalpha() and len(value) <= 60):
        raise DefinitionError(_("字段编号只能用英文字母、数字和下划线,以字母开头。"), f"{place}.id")
    return value


def _columns(data: Mapping[str, object], place: str) -> int:
    value = data.get("columns", 1)
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= MAX_COLUMNS:
        raise DefinitionError(_("分成 1 到 %(most)d 栏。", most=MAX_COLUMNS), f"{place}.columns")
    return value


def _flag(data: Mapping[str, object], key: str, place: str) -> bool:
    value = data.get(key, False)
    if not isinstance(value, bool):
        raise DefinitionError(_("这里应该是“是”或“否”。"), f"{place}.{key}")
    return value
