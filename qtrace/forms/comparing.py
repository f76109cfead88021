"""What differs between two definitions of a form, in words."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from flask_babel import gettext as _

from qtrace.forms.definition import FormDefinition, Section
from qtrace.forms.registry import Control, FieldDefinition, controls
from qtrace.web.filters import localised

SHOWN = 60


@dataclass(frozen=True)
class Difference:
    """One thing that is not as it was: where, in which words, and how much it weighs for records.

    kind: added, removed, retired, revived, changed, moved, section.
    """

    kind: str
    label: str
    words: str
    field_id: str = ""


def differences(old: FormDefinition, new: FormDefinition) -> list[Difference]:
    """Return what differs, fields first, in the order of the new definition."""
    return [*_field_differences(old, new), *_section_differences(old, new)]


def touched_fields(found: list[Difference]) -> list[str]:
    """Return the fields others may depend on that change their meaning: all but those that only moved or are new."""
    return list(dict.fromkeys(row.field_id for row in found if row.field_id and row.kind not in {"added", "moved"}))


def _field_differences(old: FormDefinition, new: FormDefinition) -> Iterator[Difference]:
    places = _order(new), _order(old)
    for field in new.all_fields:
        before = old.field(field.id)
        label = localised(field, "label")
        if before is None:
            yield Difference(
                "added", label, _("新增,%(control)s", control=localised(controls()[field.control])), field.id
            )
            continue
        if before.retired != field.retired:
            words = _("停用:不再询问,数据保留") if field.retired else _("恢复使用")
            yield Difference("retired" if field.retired else "revived", label, words, field.id)
        for words in _changes(before, field):
            yield Difference("changed", label, words, field.id)
        if places[0][field.id] != places[1][field.id]:
            yield Difference("moved", label, _("换了位置"), field.id)
    for field in old.all_fields:
        if new.field(field.id) is None:
            yield Difference("removed", localised(field, "label"), _("没有这个字段"), field.id)


def _order(definition: FormDefinition) -> dict[str, tuple[str, str]]:
    """Return the section of each field and the field before it, which is what "moved" means to a person."""
    order = {}
    for section in definition.sections:
        before = ""
        for field in section.fields:
            order[field.id] = (section.id, before)
            before = field.id if not field.retired else before
    return order


def _changes(old: FieldDefinition, new: FieldDefinition) -> Iterator[str]:
    known = controls()
    if old.label_zh != new.label_zh or old.label_en != new.label_en:
        yield _("名称:%(old)s → %(new)s", old=localised(old, "label"), new=localised(new, "label"))
    if old.control != new.control:
        yield _("控件:%(old)s → %(new)s", old=localised(known[old.control]), new=localised(known[new.control]))
    if old.required != new.required:
        yield _("改为必填") if new.required else _("不再必填")
    if (old.help_zh, old.help_en) != (new.help_zh, new.help_en):
        yield _("改了填写说明")
    if old.default != new.default:
        yield _("默认值:%(old)s → %(new)s", old=old.default or "—", new=new.default or "—")
    if old.in_list != new.in_list:
        yield _("显示在列表里") if new.in_list else _("不再显示在列表里")
    if old.filterable != new.filterable:
        yield _("可以筛选") if new.filterable else _("不再可以筛选")
    yield from _option_changes(old.options, new.options, known[new.control])


def _option_changes(old: Mapping[str, object], new: Mapping[str, object], control: Control) -> Iterator[str]:
    names = {option.name: localised(option, "label") or option.name for option in control.options}
    for name in dict.fromkeys([*old, *new]):
        before, after = old.get(name), new.get(name)
        if before == after:
            continue
        label = names.get(name, name)
        if isinstance(before, list) or isinstance(after, list):
            yield _("设置「%(name)s」:%(changes)s", name=label, changes=_list_changes(before, after))
        else:
            yield _("设置「%(name)s」:%(old)s → %(new)s", name=label, old=_said(before), new=_said(after))


def _list_changes(before: object, after: object) -> str:
    old, new = _entries(before), _entries(after)
    gone = [name for key, name in old.items() if key not in new]
    added = [name for key, name in new.items() if key not in old]
    words = [
        *([_("去掉 %(names)s", names="、".join(gone)[:SHOWN])] if gone else []),
        *([_("加上 %(names)s", names="、".join(added)[:SHOWN])] if added else []),
    ]
    return ";".join(words) or _("内容或顺序有变化")


def _entries(listed: object) -> dict[str, str]:
    found = {}
    for item in listed if isinstance(listed, list) else []:
        if isinstance(item, dict):
            key = str(item.get("value") or item.get("id") or item.get("from") or item)
            found[key] = str(item.get("zh") or item.get("label_zh") or key)
        else:
            found[str(item)] = str(item)
    return found


def _said(value: object) -> str:
    if value is None:
        return "—"
    if isinstance(value, bool):
        return _("是") if value else _("否")
    return str(value)[:SHOWN]


def _section_differences(old: FormDefinition, new: FormDefinition) -> Iterator[Difference]:
    before = {section.id: section for section in old.sections}
    after = {section.id: section for section in new.sections}
    for section in new.sections:
        label = localised(section, "title")
        if section.id not in before:
            yield Difference("section", label, _("新分区"))
        else:
            for words in _section_changes(before[section.id], section):
                yield Difference("section", label, words)
    for section in old.sections:
        if section.id not in after:
            yield Difference("section", localised(section, "title"), _("没有这个分区"))
    shared = [section.id for section in old.sections if section.id in after]
    if shared != [section.id for section in new.sections if section.id in before]:
        yield Difference("section", _("全部分区"), _("换了顺序"))


def _section_changes(old: Section, new: Section) -> Iterator[str]:
    if (old.title_zh, old.title_en) != (new.title_zh, new.title_en):
        yield _("名称:%(old)s → %(new)s", old=localised(old, "title"), new=localised(new, "title"))
    if old.columns != new.columns:
        yield _("%(old)d 栏改为 %(new)d 栏", old=old.columns, new=new.columns)
    if old.folded != new.folded:
        yield _("改为默认收起") if new.folded else _("不再收起")
    if old.page_break != new.page_break:
        yield _("另起一页") if new.page_break else _("不再另起一页")
    if (old.tab_zh, old.tab_en) != (new.tab_zh, new.tab_en):
        yield _("标签页:%(old)s → %(new)s", old=old.tab_zh or "—", new=new.tab_zh or "—")
