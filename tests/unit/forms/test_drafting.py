"""Changes of a definition return a changed definition and leave the rest alone."""

import pytest
from flask import Flask

from qtrace.core.errors import NotFound, Refused
from qtrace.forms import drafting
from qtrace.forms.definition import MAX_FIELDS, FormDefinition, Section
from qtrace.forms.drafting import Place
from qtrace.forms.registry import FieldDefinition, controls


def section(key: str, *fields: str, retired: str = "") -> Section:
    """Return a section of text fields."""
    asked = [FieldDefinition(name, "text", name, name, retired=name == retired) for name in fields]
    return Section(key, key, key, tuple(asked))


def ids(definition: FormDefinition) -> list[list[str]]:
    """Return the ids of the fields, section by section."""
    return [[field.id for field in part.fields] for part in definition.sections]


TWO = FormDefinition((section("one", "a", "b", "c", retired="b"), section("two", "d")))


@pytest.mark.parametrize(
    ("field", "place", "expected"),
    [
        ("c", Place("one", 0), [["c", "a", "b"], ["d"]]),
        ("a", Place("one", 1), [["b", "c", "a"], ["d"]]),  # the place counts only fields that are asked
        ("a", Place("two", 0), [["b", "c"], ["a", "d"]]),
        ("a", Place("two"), [["b", "c"], ["d", "a"]]),
        ("d", Place("one", 99), [["a", "b", "c", "d"], []]),
    ],
)
def test_a_field_moves_to_a_place(field: str, place: Place, expected: list[list[str]]) -> None:
    assert ids(drafting.move_field(TWO, field, place)) == expected


@pytest.mark.parametrize(
    ("field", "up", "expected"),
    [
        ("c", True, [["c", "a", "b"], ["d"]]),
        ("a", True, [["a", "b", "c"], ["d"]]),  # already first of all
        ("c", False, [["a", "b"], ["c", "d"]]),  # over the edge into the next section
        ("d", True, [["a", "b", "c", "d"], []]),
        ("d", False, [["a", "b", "c"], ["d"]]),
    ],
)
def test_a_field_shifts_over_the_edge_of_its_section(field: str, up: bool, expected: list[list[str]]) -> None:
    assert ids(drafting.shift_field(TWO, field, up=up)) == expected


def test_new_ids_never_meet_old_ones(sqlite_app: Flask) -> None:
    known = FormDefinition((section("section_7", "field_2", "item"),))
    added, new = drafting.add_field(known, controls()["text"], Place("section_7", 0), {})
    assert (new, ids(added)) == ("field_3", [["field_3", "field_2", "item"]])
    copied, copy = drafting.copy_field(added, "item")
    assert (copy, ids(copied)[0][-1]) == ("field_4", "field_4")
    assert drafting.add_section(copied, title_zh="新", title_en="New", page_break=False)[1] == "section_8"


def test_a_removed_section_leaves_its_fields_to_its_neighbour(sqlite_app: Flask) -> None:
    assert ids(drafting.remove_section(TWO, "one")) == [["d", "a", "b", "c"]]
    assert ids(drafting.remove_section(TWO, "two")) == [["a", "b", "c", "d"]]
    with sqlite_app.test_request_context(), pytest.raises(Refused):
        drafting.remove_section(FormDefinition((section("one", "a"),)), "one")


def test_what_is_not_there_or_too_much_is_refused(sqlite_app: Flask) -> None:
    with pytest.raises(NotFound):
        drafting.move_field(TWO, "z", Place("one"))
    with pytest.raises(NotFound):
        drafting.move_field(TWO, "a", Place("nowhere"))
    full = FormDefinition((section("one", *(f"f{n}" for n in range(MAX_FIELDS))),))
    with sqlite_app.test_request_context(), pytest.raises(Refused):
        drafting.add_field(full, controls()["text"], Place("one"), {})
