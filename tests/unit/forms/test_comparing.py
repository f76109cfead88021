"""What differs between two versions is said in words."""

from dataclasses import replace

from flask import Flask

from qtrace.forms.comparing import differences, touched_fields
from qtrace.forms.definition import FormDefinition, Section
from qtrace.forms.registry import FieldDefinition

CHOICES = [{"value": "a", "zh": "合格"}, {"value": "b", "zh": "退货"}]
ITEM = FieldDefinition("item", "text", "项目", "Item")
RESULT = FieldDefinition("result", "select", "结论", "Result", options={"choices": CHOICES})
REMARK = FieldDefinition("remark", "textarea", "说明", "Remark")
OLD = FormDefinition((Section("main", "检验", "Check", (ITEM, RESULT, REMARK)),))


def said(new: FormDefinition) -> list[tuple[str, str, str]]:
    """Return kind, label and words of every difference."""
    return [(row.kind, row.label, row.words) for row in differences(OLD, new)]


def changed(*fields: FieldDefinition, **section: object) -> FormDefinition:
    """Return the definition with other fields or another section."""
    part = replace(OLD.sections[0], fields=fields or OLD.sections[0].fields)
    return FormDefinition((replace(part, **section),))


def test_equal_definitions_differ_in_nothing(sqlite_app: Flask) -> None:
    with sqlite_app.test_request_context():
        assert said(changed()) == []


def test_each_kind_of_change_has_its_words(sqlite_app: Flask) -> None:
    with sqlite_app.test_request_context():
        fewer = replace(RESULT, options={"choices": [CHOICES[0], {"value": "c", "zh": "返工"}]}, required=True)
        new = changed(
            replace(ITEM, label_zh="检验项目", control="select", options={"choices": CHOICES}), fewer, replace(REMARK, retired=True),
            FieldDefinition("day", "date", "日期", "Day"), columns=2, page_break=True,
        )  # fmt: skip
        assert said(new) == [
            ("changed", "检验项目", "名称:项目 → 检验项目"),
            ("changed", "检验项目", "控件:单行文字 → 下拉单选"),
            ("changed", "检验项目", "设置「选项」:加上 合格、退货"),
            ("changed", "结论", "改为必填"),
            ("changed", "结论", "设置「选项」:去掉 退货;加上 返工"),
            ("retired", "说明", "停用:不再询问,数据保留"),
            ("added", "日期", "新增,日期"),
            ("section", "检验", "1 栏改为 2 栏"),
            ("section", "检验", "另起一页"),
        ]
        assert touched_fields(differences(OLD, new)) == ["item", "result", "remark"]


def test_a_move_is_said_of_what_moved_and_touches_nobody(sqlite_app: Flask) -> None:
    with sqlite_app.test_request_context():
        found = differences(OLD, changed(RESULT, ITEM, REMARK))
        assert {row.kind for row in found} == {"moved"}
        assert touched_fields(found) == []


def test_a_removed_field_and_section_are_named(sqlite_app: Flask) -> None:
    with sqlite_app.test_request_context():
        gone = differences(OLD, FormDefinition((Section("other", "别的", "Other", (ITEM, RESULT)),)))
        assert ("remark", "removed") in [(row.field_id, row.kind) for row in gone]
        assert [row.words for row in gone if row.kind == "section"] == ["新分区", "没有这个分区"]
