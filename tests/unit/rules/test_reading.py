"""A rule is read strictly against its form, and an error names the setting."""

from typing import Any

import pytest
from flask import Flask

from qtrace.forms.definition import FormDefinition, Section
from qtrace.forms.registry import FieldDefinition
from qtrace.rules.engine import Assigned
from qtrace.rules.facts import spellings
from qtrace.rules.pictures import pixels
from qtrace.rules.reading import Draft, FormWords, RuleError, read_rule

RESULTS = [{"value": "pass", "zh": "合格"}, {"value": "fail", "zh": "不合格"}]
WORDS = FormWords(
    FormDefinition(
        (
            Section(
                "s", "检验", "Inspection",
                (
                    FieldDefinition("lot", "text", "批号", "Lot"),
                    FieldDefinition("qty", "integer", "数量", "Quantity"),
                    FieldDefinition("day", "date", "日期", "Day"),
                    FieldDefinition("result", "select", "结论", "Result", options={"choices": RESULTS}),
                ),
            ),
        )
    )
)  # fmt: skip


@pytest.fixture(autouse=True)
def reader(sqlite_app: Flask) -> Any:
    """Errors speak the reader's language."""
    with sqlite_app.test_request_context():
        yield


@pytest.mark.parametrize(
    ("draft", "field"),
    [
        (Draft("nonsense", "lot"), "kind"),
        (Draft("required"), "field"),
        (Draft("required", "gone"), "field"),
        (Draft("range", "lot", {"min": "1"}), "field"),
        (Draft("range", "qty"), "min"),
        (Draft("range", "qty", {"min": "many"}), "min"),
        (Draft("range", "qty", {"min": "1e99"}), "min"),
        (Draft("range", "qty", {"min": "NaN"}), "min"),
        (Draft("range", "qty", {"min": "9", "max": "3"}), "max"),
        (Draft("precision", "qty", {"digits": "1.5"}), "digits"),
        (Draft("precision", "qty", {"digits": "99"}), "digits"),
        (Draft("regex", "lot", {"pattern": "B("}), "pattern"),
        (Draft("regex", "lot", {"pattern": "(?=look)"}), "pattern"),
        (Draft("regex", "lot", {"pattern": "((a{0,100}){0,100}){0,100}"}), "pattern"),
        (Draft("regex", "lot", {"pattern": "x" * 501}), "pattern"),
        (Draft("format", "lot", {"format": "nonsense"}), "format"),
        (Draft("date_range", "day", {"from": "2026-13-01"}), "from"),
        (Draft("compare", "qty", {"op": "le", "other": "qty"}), "other"),
        (Draft("compare", "qty", {"op": "le", "other": "result2"}), "other"),
        (Draft("set", "qty", {"value": "many"}), "value"),
        (Draft("required", "lot", condition={"field": "gone", "op": "is_empty"}), "condition"),
        (Draft("condition", options={"holds": {"field": "qty", "op": "gt"}}), "holds"),
        (Draft("formula", options={"formula": "qty +"}), "formula"),
        (Draft("formula", options={"formula": "qty + 1"}), "formula"),
        (Draft("required", "lot", level="loud"), "level"),
        (Draft("show", "lot"), "condition"),
        (Draft("working_time", "day", {"weekdays": ["9"]}), "weekdays"),
    ],
    ids=lambda value: value if isinstance(value, str) else value.kind,
)
def test_a_wrong_rule_is_refused_at_its_setting(draft: Draft, field: str) -> None:
    with pytest.raises(RuleError) as refused:
        read_rule(draft, WORDS)
    assert refused.value.field == field
    assert refused.value.message


def test_an_error_in_a_condition_points_at_the_place() -> None:
    tree = {"all": [{"field": "lot", "op": "not_empty"}, {"field": "qty", "op": "contains", "value": "x"}]}
    with pytest.raises(RuleError) as refused:
        read_rule(Draft("required", "lot", condition=tree), WORDS)
    assert refused.value.path == "all[1].op"


def test_settings_are_read_as_the_kind_wants_them() -> None:
    ready = read_rule(Draft("set", "qty", {"value": "3", "only_empty": True}), WORDS)
    assert ready.options == {"value": Assigned(3, 3), "only_empty": True}
    assert read_rule(Draft("outlier", "qty"), WORDS).options["least"] == 8
    assert read_rule(Draft("filter_options", "result", {"values": ["pass"]}), WORDS).options == {"values": ("pass",)}


def test_numbers_are_looked_up_however_they_were_spelled() -> None:
    assert {"0.7", "0.70", "0.700000"} <= set(
        spellings(read_rule(Draft("step", "qty", {"step": "0.7"}), WORDS).options["step"])
    )


def test_the_size_of_a_picture_is_read_from_its_first_bytes() -> None:
    png = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + (1200).to_bytes(4, "big") + (900).to_bytes(4, "big")
    jpeg = (
        b"\xff\xd8\xff\xe0\x00\x04ab\xff\xc0\x00\x11\x08"
        + (900).to_bytes(2, "big")
        + (1200).to_bytes(2, "big")
        + b"\0" * 8
    )
    assert pixels(png) == (1200, 900)
    assert pixels(jpeg) == (1200, 900)
    assert pixels(b"\xff\xd8\xff\xe0\xff\xff") == (0, 0)
    assert pixels(b"GIF89a") == (0, 0)
