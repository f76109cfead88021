"""Rows of cells: what is read, what is told at which cell, and what buttons do without a script."""

from typing import Any

import pytest
from flask import Flask

from qtrace.core.errors import Refused
from qtrace.forms.answers import RowErrors, bind, read_answers
from qtrace.forms.controls.rows import escaped, rearranged, split_rows
from qtrace.forms.definition import DefinitionError
from qtrace.forms.registry import FieldDefinition, Sent, controls
from qtrace.forms.vocabulary import read_definition
from tests.factories.forms import asked

LINES = [
    asked("part", "text", "部件", required=True),
    asked("qty", "integer", "数量", min=1),
    asked("done", "switch", "完成"),
]


def definition(*fields: dict[str, Any]) -> Any:
    """Return a form with these fields."""
    section = {"id": "main", "title_zh": "内容", "title_en": "Content", "fields": list(fields)}
    return read_definition("rows", {"sections": [section]})


def lines(**options: Any) -> FieldDefinition:
    """Return a sub-table."""
    return FieldDefinition("lines", "sub_table", "明细", "Lines", options={"fields": LINES, **options})


def test_empty_rows_are_left_out_and_numbers_may_have_gaps(sqlite_app: Flask) -> None:
    with sqlite_app.test_request_context():
        sent = Sent({"lines.7.part": ["瓶身"], "lines.2.part": ["泵头"], "lines.2.qty": ["3"], "lines.3.on": ["1"]})
        value = controls()["sub_table"].parse(lines(), sent)
        assert value == [{"part": "泵头", "qty": 3, "done": False}, {"part": "瓶身", "done": False}]


def test_each_wrong_cell_is_told_at_its_place(sqlite_app: Flask) -> None:
    with sqlite_app.test_request_context():
        form = definition(asked("lines", "sub_table", "明细", fields=LINES))
        sent = Sent({"lines.0.on": ["1"], "lines.4.qty": ["三"], "lines.5.part": ["泵头"], "lines.5.qty": ["0"]})
        read = read_answers(form, sent)
        assert set(read.errors) == {"lines.0.part", "lines.0.qty", "lines.1.qty"}
        [section] = bind(form, sent, read.errors)
        [bound] = section.fields
        assert bound.error
        drawn = controls()["sub_table"].drawn(bound)  # type: ignore[attr-defined]  # of rows only
        wrong = [(row.index, cell.field.id, bool(cell.error)) for row in drawn for cell in row.cells if cell.error]
        assert wrong == [("4", "lines.4.part", True), ("4", "lines.4.qty", True), ("5", "lines.5.qty", True)]


def test_a_sheet_is_told_the_row_and_the_column(sqlite_app: Flask) -> None:
    with sqlite_app.test_request_context(), pytest.raises(RowErrors) as refused:
        controls()["sub_table"].from_cell(lines(), "泵头 | 三\n瓶身")
    assert "第 1 行 数量" in refused.value.message


@pytest.mark.parametrize(("count", "fits"), [(1, False), (2, True), (3, True), (4, False)])
def test_there_are_as_many_rows_as_the_field_wants(sqlite_app: Flask, count: int, fits: bool) -> None:
    with sqlite_app.test_request_context():
        sent = Sent({f"lines.{i}.part": ["泵头"] for i in range(count)})
        field = lines(min_rows=2, max_rows=3)
        if fits:
            assert len(controls()["sub_table"].parse(field, sent)) == count  # type: ignore[arg-type]
        else:
            with pytest.raises(Refused):
                controls()["sub_table"].parse(field, sent)


def test_a_button_adds_a_row_and_drops_one_and_the_others_stay() -> None:
    sent = {"a.0.x": ["1"], "a.3.x": ["2"], "b.0.x": ["9"]}
    assert rearranged(sent | {"_rows": ["add:a"]})["a.4.on"] == ["1"]
    dropped = rearranged(sent | {"_rows": ["drop:a:0"]})
    assert {name for name in dropped if name[0] in "ab"} == {"a.3.x", "b.0.x"}
    assert rearranged(sent | {"_rows": ["nonsense"]}) == sent | {"_rows": ["nonsense"]}
    assert rearranged(sent) == sent


@pytest.mark.parametrize("text", ["", "a|b", "半;角;", "末尾\\", "两\n行", "\\n", "| | |"])
def test_signs_between_cells_survive_a_sheet(text: str) -> None:
    assert split_rows(f"{escaped(text)} | x") == [[text.strip(), "x"]]


def test_a_column_that_can_not_stand_in_a_row_is_refused(sqlite_app: Flask) -> None:
    with sqlite_app.test_request_context():
        for column in (
            asked("t", "sub_table", "表", fields=LINES), asked("n", "nothing", "无"), asked("p", "select", "选"),
        ):  # fmt: skip
            with pytest.raises(DefinitionError):
                definition(asked("lines", "sub_table", "明细", fields=[*LINES, column]))
        with pytest.raises(DefinitionError):
            definition(asked("lines", "sub_table", "明细", fields=[LINES[0], LINES[0]]))
        with pytest.raises(DefinitionError):
            definition(asked("lines", "sub_table", "明细", fields=LINES, min_rows=5, max_rows=2))
