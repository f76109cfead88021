"""The property panel: every setting is drawn from its option and read back."""

from dataclasses import replace
from typing import Any

import pytest
from flask import Flask
from werkzeug.datastructures import MultiDict

from qtrace.core.errors import Refused
from qtrace.forms.definition import Section
from qtrace.forms.properties import MAX_ENTRIES, properties, read_field, read_section
from qtrace.forms.registry import FieldDefinition, controls


def read(field: FieldDefinition, **sent: str) -> FieldDefinition:
    """Read what the panel of a field sent."""
    names = {name.replace("__", "."): value for name, value in sent.items()}
    return read_field(field, MultiDict({"label_zh": field.label_zh} | names))


@pytest.fixture(autouse=True)
def request_context(sqlite_app: Flask) -> Any:
    """A request, which messages need."""
    with sqlite_app.test_request_context():
        yield


def test_every_setting_of_every_control_has_an_input_that_reads_back() -> None:
    looks = {
        "check", "checks", "select", "number", "decimal", "text", "area", "words", "choices", "tree", "fields", "maps", "cells",
    }  # fmt: skip
    for control in controls().values():
        field = FieldDefinition("f", control.key, control.name_zh, control.name_en, options=control.starter())
        assert control.check_options(field.options) == [], control.key
        first, advanced = properties(field, control, (), ())
        for row in [*first, *advanced]:
            assert row.look in looks
            assert (row.option.kind is list) == (row.option.shape is not None)


def test_choices_keep_their_values_move_go_and_arrive_in_bulk() -> None:
    field = FieldDefinition("f", "select", "结论", "Verdict", options={"choices": []})
    rows = {"option__choices__0__value": "pass", "option__choices__0__zh": "合格", "option__choices__1__zh": "不合格"}
    more = {"option__choices__1__value": "", "option__choices__paste": "让步 | Concession\n\n返工"}
    found = read(field, **rows, **more).options["choices"]
    assert found == [
        {"value": "pass", "zh": "合格"}, {"value": "a", "zh": "不合格"},
        {"value": "b", "zh": "让步", "en": "Concession"}, {"value": "c", "zh": "返工"},
    ]  # fmt: skip
    moved = read(field, **rows, **more, option__choices__move="1:-1").options["choices"]
    assert [row["zh"] for row in moved] == ["不合格", "合格", "让步", "返工"]  # type: ignore[union-attr]  # a list
    gone = read(field, **rows, option__choices__0__drop="1").options["choices"]
    assert [row["zh"] for row in gone] == ["不合格"]  # type: ignore[union-attr]  # a list


def test_a_tree_is_written_as_indented_lines_and_reads_back() -> None:
    field = FieldDefinition("f", "cascade", "部位", "Part", options={})
    option = next(option.name for option in controls()["cascade"].options if option.shape == "tree")
    text = "瓶身 | Bottle | body\n  瓶盖\n  瓶底 | Base\n外箱"
    tree = read(field, **{f"option__{option}": text}).options[option]
    assert tree == [
        {"value": "body", "zh": "瓶身", "en": "Bottle",
         "children": [{"value": "a", "zh": "瓶盖"}, {"value": "b", "zh": "瓶底", "en": "Base"}]},
        {"value": "c", "zh": "外箱"},
    ]  # fmt: skip
    shown = properties(replace(field, options={option: tree}), controls()["cascade"], (), ())
    lines = next(row.lines for row in [*shown[0], *shown[1]] if row.option.name == option)
    assert read(field, **{f"option__{option}": lines}).options[option] == tree


def test_a_changed_control_keeps_the_settings_that_fit() -> None:
    choices = [{"value": "a", "zh": "甲"}]
    field = FieldDefinition("f", "select", "选", "Pick", options={"choices": choices})
    assert read(field, control="radio").options["choices"] == choices
    assert read(field, control="text").options == {}
    assert controls()["select"].check_options(read(replace(field, options={}), control="multiselect").options) == []


@pytest.mark.parametrize(
    ("sent", "place"),
    [
        ({"label_zh": " "}, "label_zh"),
        ({"label_zh": "长" * 121}, "label_zh"),
        ({"id": "1st"}, "id"),
        ({"control": "teleport"}, "control"),
        ({"option__max_length": "many"}, "option.max_length"),
        ({"option__max_length": "-1"}, "option.max_length"),
    ],
)
def test_what_cannot_be_read_names_its_input(sent: dict[str, str], place: str) -> None:
    with pytest.raises(Refused) as caught:
        read(FieldDefinition("f", "text", "名", "Name"), **sent)
    assert caught.value.field == place


def test_too_many_entries_are_refused_not_cut() -> None:
    field = FieldDefinition("f", "select", "选", "Pick")
    with pytest.raises(Refused):
        read(field, **{f"option__choices__{MAX_ENTRIES}__zh": "多"})


def test_a_section_is_read_with_its_tab_and_columns() -> None:
    part = Section("s", "旧", "Old", ())
    sent = MultiDict({"title_zh": "新", "columns": "3", "tab_zh": "照片", "page_break": "1"})
    assert read_section(part, sent) == Section("s", "新", "新", (), False, "照片", "照片", 3, True)
    with pytest.raises(Refused):
        read_section(part, MultiDict({"title_zh": "新", "columns": "9"}))
