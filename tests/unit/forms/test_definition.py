"""Form definitions are read strictly."""

import copy
from typing import Any

import pytest
from flask import Flask

from qtrace.forms.definition import DefinitionError, dump_definition, parse_definition
from qtrace.forms.registry import controls
from qtrace.forms.seed import DEFINITION, ISSUE_FORM
from qtrace.forms.vocabulary import vocabulary


@pytest.fixture
def shipped() -> dict[str, Any]:
    """A copy of the shipped form that a test may break."""
    return copy.deepcopy(DEFINITION)


def test_the_shipped_form_reads_and_writes_back(sqlite_app: Flask, shipped: dict[str, Any]) -> None:
    definition = parse_definition(shipped, vocabulary(ISSUE_FORM))
    assert parse_definition(dump_definition(definition), vocabulary(ISSUE_FORM)) == definition
    assert {field.control for field in definition.fields} <= set(controls())


@pytest.mark.parametrize(
    ("change", "place"),
    [
        (lambda d: d["sections"][0]["fields"][0].update(control="teleport"), "sections[0].fields[0].control"),
        (lambda d: d["sections"][0]["fields"][0].update(id="9 lives"), "sections[0].fields[0].id"),
        (lambda d: d["sections"][0]["fields"][1].update(id="source"), "sections[0].fields[1].id"),
        (lambda d: d["sections"][0]["fields"][0].update(column="password_hash"), "sections[0].fields[0].column"),
        (lambda d: d["sections"][0]["fields"][0].update(column="type_id"), "sections[0].fields[0].column"),
        (lambda d: d["sections"][0]["fields"][3].update(column="type_id"), "sections[0].fields[3].column"),
        (lambda d: d["sections"][0]["fields"][1].update(options={"max_count": "9"}), "sections[0].fields[1].options"),
        (lambda d: d["sections"][0]["fields"][1].update(required="yes"), "sections[0].fields[1].required"),
        (lambda d: d["sections"][1].update(title_zh=""), "sections[1].title_zh"),
        (lambda d: d["sections"][1].update(colour="red"), "sections[1].colour"),
        (lambda d: d["sections"][2].update(fields=[]), "sections[2].fields"),
        (lambda d: d.update(sections="none"), "sections"),
    ],
)
def test_a_broken_definition_points_at_the_place(
    sqlite_app: Flask, shipped: dict[str, Any], change: Any, place: str
) -> None:
    change(shipped)
    with sqlite_app.test_request_context(), pytest.raises(DefinitionError) as caught:
        parse_definition(shipped, vocabulary(ISSUE_FORM))
    assert caught.value.field == place
