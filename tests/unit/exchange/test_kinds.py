"""Every record of the SDK can be imported, and every field has a name staff read."""

from dataclasses import fields

import pytest
from flask import Flask

from qtrace.exchange.kinds import KINDS, normal
from qtrace.sdk.records import RECORD_TYPES


def test_every_record_type_is_a_kind_with_all_its_fields(sqlite_app: Flask) -> None:
    assert set(KINDS) == set(RECORD_TYPES)
    for name, record_type in RECORD_TYPES.items():
        kind = KINDS[name]
        assert [field.name for field in kind.fields] == [field.name for field in fields(record_type)]
        assert all(str(field.label) for field in kind.fields)


def test_required_fields_are_those_a_record_cannot_do_without() -> None:
    assert [field.name for field in KINDS["reviews"].required] == ["external_id", "stars", "reviewed_at"]
    assert [field.name for field in KINDS["lines"].required] == ["order", "external_id"]


@pytest.mark.parametrize(
    ("header", "bare"),
    [
        ("订单 编号", "订单编号"),
        ("Order_ID", "orderid"),
        ("实付金额(元)", "实付金额"),
        ("【必填】SKU编码", "sku编码"),
        ("(备注)", "备注"),
    ],
)
def test_headers_are_compared_without_case_marks_and_brackets(header: str, bare: str) -> None:
    assert normal(header) == bare


def test_types_follow_the_records() -> None:
    types = {field.name: field.type for field in KINDS["reviews"].fields}
    assert (types["stars"], types["reviewed_at"], types["text"]) == ("whole", "time", "text")
    assert {field.name: field.type for field in KINDS["lots"].fields}["made_on"] == "day"
