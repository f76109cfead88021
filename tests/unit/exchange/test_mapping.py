"""A mapping turns rows into records, or says in the reader's words why it cannot."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from qtrace.core.errors import Refused
from qtrace.exchange.cells import Cell
from qtrace.exchange.kinds import KINDS, Field, Kind, also_called
from qtrace.exchange.mapping import (
    check_definition,
    compile_mapping,
    detect_kind,
    detect_kinds,
    suggest,
    suggest_definition,
)
from qtrace.exchange.presets import headers_of, presets, recognise
from qtrace.sdk.records import Order, Record, Review, Shipment

pytestmark = pytest.mark.usefixtures("sqlite_app")
ORDER_HEADERS = ["订单编号", "买家昵称", "实付款", "下单时间", "备注"]


def apply(definition: dict[str, Any], headers: list[str], row: list[Cell], zone: str = "Asia/Shanghai") -> list[Record]:
    """Return the records of one row, which must be readable."""
    records, reasons = compile_mapping(definition, headers, zone=zone).apply(row)
    assert not reasons
    return records


def why(definition: dict[str, Any], headers: list[str], row: list[Cell]) -> str:
    """Return the reasons why one row cannot be read."""
    records, reasons = compile_mapping(definition, headers, zone="Asia/Shanghai").apply(row)
    assert not records
    return ";".join(reasons)


def order_with(field: str, **column: Any) -> dict[str, Any]:
    """A mapping of orders whose one interesting column is 值."""
    return {"kind": "orders", "columns": {"external_id": {"header": "号"}, field: {"header": "值", **column}}}


def test_chinese_headers_are_understood_and_the_rest_is_listed() -> None:
    plan = compile_mapping(suggest_definition(KINDS["orders"], ORDER_HEADERS), ORDER_HEADERS, zone="Asia/Shanghai")
    [order], _ = plan.apply(["TB1", "张*", "¥1,234.50", "2026-01-31 10:00:00", "x"])
    assert order == Order(
        external_id="TB1", customer="张*", paid=Decimal("1234.50"), placed_at=datetime(2026, 1, 31, 2, tzinfo=UTC)
    )
    assert plan.ignored == ("备注",)


@pytest.mark.parametrize(
    ("headers", "kind"),
    [
        (["order_id", "order_item_id", "product_id", "seller_id", "price"], "lines"),
        (["review_id", "order_id", "review_score", "review_creation_date"], "reviews"),
        (["退款编号", "订单编号", "退款金额", "申请时间", "退款原因"], "aftersales"),
        (["入库单号", "批号", "商家编码", "供应商", "入库数量"], "receipts"),
        (["姓名", "年龄"], None),
    ],
)
def test_the_kind_is_told_from_the_headers(headers: list[str], kind: str | None) -> None:
    assert detect_kind(headers) == kind


def test_a_header_serves_one_field_only() -> None:
    found = suggest("orders", ["订单号", "状态"])
    assert len(set(found.values())) == len(found)
    assert "reviews" not in detect_kinds(["订单号"])


@pytest.mark.parametrize(
    ("cell", "moment"),
    [
        ("2018-08-15 04:10:37", datetime(2018, 8, 14, 20, 10, 37, tzinfo=UTC)),
        ("2018/8/15", datetime(2018, 8, 14, 16, tzinfo=UTC)),
        ("2018年8月15日 12:30", datetime(2018, 8, 15, 4, 30, tzinfo=UTC)),
        ("2018-08-15T04:10:37+00:00", datetime(2018, 8, 15, 4, 10, 37, tzinfo=UTC)),
        (datetime(2018, 8, 15, 8), datetime(2018, 8, 15, tzinfo=UTC)),  # noqa: DTZ001 - a workbook's times carry no zone
        (42512, datetime(2016, 5, 21, 16, tzinfo=UTC)),
        ("42512.5", datetime(2016, 5, 22, 4, tzinfo=UTC)),
    ],
)
def test_times_are_read_in_the_shops_zone(cell: Cell, moment: datetime) -> None:
    [order] = apply(order_with("placed_at"), ["号", "值"], ["1", cell])
    assert isinstance(order, Order)
    assert order.placed_at == moment


def test_a_format_of_the_mapping_is_used_and_its_zone_too() -> None:
    definition = order_with("placed_at", format="%d/%m/%Y") | {"zone": "America/Sao_Paulo"}
    [order] = apply(definition, ["号", "值"], ["1", "03/02/2018"])
    assert order == Order(external_id="1", placed_at=datetime(2018, 2, 3, 2, tzinfo=UTC))
    [order] = apply(order_with("placed_at", format="unix_ms"), ["号", "值"], ["1", "1700000000000"])
    assert order == Order(external_id="1", placed_at=datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC))


@pytest.mark.parametrize("cell", ["03/02/2018", "昨天", True, 7, "2018-13-01", "99999.5x"])
def test_a_time_that_can_be_read_two_ways_or_none_is_refused(cell: Cell) -> None:
    assert "「值」" in why(order_with("placed_at"), ["号", "值"], ["1", cell])


@pytest.mark.parametrize(
    ("cell", "amount"),
    [
        ("1,234.50", "1234.50"),
        ("R$ 9.90", "9.90"),
        (27.650000000000002, "27.65"),
        (8, "8"),
        ("12元", "12"),
        ("-3", "-3"),
    ],
)
def test_amounts_are_exact(cell: Cell, amount: str) -> None:
    [order] = apply(order_with("paid"), ["号", "值"], ["1", cell])
    assert order == Order(external_id="1", paid=Decimal(amount))


def test_a_decimal_comma_is_read_where_the_mapping_says_so() -> None:
    [order] = apply(order_with("paid", decimal_comma=True), ["号", "值"], ["1", "R$ 1.234,50"])
    assert order == Order(external_id="1", paid=Decimal("1234.50"))
    assert "不是数字" in why(order_with("paid"), ["号", "值"], ["1", "1.234,50"])


@pytest.mark.parametrize("cell", ["abc", "NaN", "Infinity", True, "1,23,4"])
def test_what_is_no_number_is_refused(cell: Cell) -> None:
    assert "「值」不是数字" in why(order_with("paid"), ["号", "值"], ["1", cell])


@pytest.mark.parametrize("cell", [1.2345678901234568e18, "1.23457E+18"])
def test_an_order_number_that_lost_its_last_digits_is_refused(cell: Cell) -> None:
    assert "丢" in why(order_with("status"), ["号", "值"], [cell, "x"])


def test_numbers_used_as_ids_keep_their_plain_form() -> None:
    [order] = apply(order_with("status"), ["号", "值"], [12345.0, 7])
    assert order == Order(external_id="12345", status="7")


def test_whole_numbers_refuse_fractions() -> None:
    definition = {"kind": "products", "columns": {"external_id": {"header": "号"}, "weight_g": {"header": "值"}}}
    assert "整数" in why(definition, ["号", "值"], ["1", "1.5"])


def test_every_bad_cell_of_a_row_gets_its_reason() -> None:
    definition = suggest_definition(KINDS["reviews"], ["评价编号", "评分", "评价时间"])
    reasons = why(definition, ["评价编号", "评分", "评价时间"], [None, "五星", "昨天"])
    assert all(name in reasons for name in ("「评价编号」是空的", "「评分」", "「评价时间」"))


def test_values_are_translated_joined_and_given_by_default() -> None:
    definition = {
        "kind": "customers",
        "columns": {
            "external_id": {"header": "买家"},
            "region": {"join": ["省", "市"], "sep": "-"},
            "person_id": {"default": "unknown"},
            "masked_name": {"header": "级别", "map": {"1": "会员"}},
        },
    }
    [customer] = apply(definition, ["买家", "省", "市", "级别"], ["C1", "浙江", None, 1])
    assert vars(customer) == {"external_id": "C1", "person_id": "unknown", "masked_name": "会员", "region": "浙江"}


def test_one_row_can_make_several_records_where_their_cell_is_filled() -> None:
    definition = {
        "kind": "orders",
        "columns": {"external_id": {"header": "订单号"}},
        "also": [
            {
                "kind": "shipments",
                "when": "运单号",
                "columns": {"external_id": {"header": "运单号"}, "order": {"header": "订单号"}},
            }
        ],
    }
    headers = ["订单号", "运单号"]
    assert apply(definition, headers, ["O1", "SF1"]) == [
        Order(external_id="O1"),
        Shipment(external_id="SF1", order="O1"),
    ]
    assert apply(definition, headers, ["O2", " "]) == [Order(external_id="O2")]


def test_a_row_shorter_than_the_header_is_read_as_empty_cells() -> None:
    [order] = apply(order_with("status"), ["号", "值"], ["1"])
    assert order == Order(external_id="1")


@pytest.mark.parametrize(
    ("definition", "words"),
    [
        ({}, "kind"),
        ({"kind": "toys", "columns": {}}, "kind"),
        ({"kind": "orders", "columns": {}}, "columns"),
        ({"kind": "orders", "columns": {"colour": {"header": "号"}}}, "colour"),
        ({"kind": "orders", "columns": {"external_id": {}}}, "external_id"),
        ({"kind": "orders", "columns": {"external_id": {"header": "号", "regex": "x"}}}, "regex"),
        ({"kind": "orders", "columns": {"external_id": {"header": "号"}}, "speed": 1}, "speed"),
        ({"kind": "orders", "columns": {"external_id": {"header": "没有的列"}}}, "没有的列"),
        ({"kind": "orders", "columns": {"status": {"header": "值"}}}, "订单号"),
        ({"kind": "orders", "columns": {"external_id": {"header": "号"}}, "zone": "Mars/Base"}, "Mars"),
        ({"kind": "orders", "columns": {"external_id": {"header": "号"}, "paid": {"default": "x"}}}, "paid"),
    ],
)
def test_a_mapping_that_does_not_fit_is_one_clear_line_before_anything_is_read(
    definition: dict[str, Any], words: str
) -> None:
    with pytest.raises(Refused, match=words):
        compile_mapping(definition, ["号", "值"], zone="Asia/Shanghai")


def test_every_shipped_mapping_is_valid_and_recognised_by_its_headers() -> None:
    for preset in presets().values():
        for definition in preset.mappings:
            check_definition(definition)
            found = recognise(sorted(headers_of(definition)))
            assert found == (preset, definition)


def test_a_review_keeps_its_words() -> None:
    definition = presets()["olist"].mapping("reviews")
    assert definition is not None
    headers = [
        "review_id", "order_id", "review_score", "review_comment_title", "review_comment_message",
        "review_creation_date", "review_answer_timestamp",
    ]  # fmt: skip
    [review] = apply(definition, headers, ["r", "o", "1", None, "Péssimo", "2018-08-15 00:00:00", None])
    assert review == Review(
        external_id="r", order="o", stars=1, text="Péssimo", reviewed_at=datetime(2018, 8, 15, 3, tzinfo=UTC)
    )


def test_days_are_those_of_the_zone() -> None:
    definition = {"kind": "lots", "columns": {"external_id": {"header": "号"}, "made_on": {"header": "值"}}}
    [lot] = apply(definition, ["号", "值"], ["L1", "2026-01-05"])
    assert getattr(lot, "made_on", None) == date(2026, 1, 5)


def fill(definition: dict[str, Any], rows: list[list[Cell]], zone: str = "Asia/Shanghai") -> list[Record]:
    """Return the records of many rows, all of which must be readable."""
    filled = compile_mapping(definition, ["号", "值"], zone=zone).fill(rows)
    assert not filled.reasons
    return [record for frame in filled.frames.frames for record in frame.records()]


COLUMNS: list[tuple[str, list[Cell]]] = [
    ("customer", ["a", "b"]),
    ("customer", ["a", " b ", None, "", 7, 7.0, True]),
    ("paid", ["1.50", "1.50", "¥1,000", 3, 2.5, None]),
    ("placed_at", ["2018-10-20 23:30:00", "2018-11-03 23:59:59", "2019-02-16 23:30:00", "2026-07-01 00:00:00.5"]),
    ("placed_at", ["2018-11-04 00:30:00", "2018/11/04 12:00", "2018-11-04T00:30:00+00:00", None, 43000.5]),
]


@pytest.mark.parametrize(("field", "cells"), COLUMNS)
def test_many_rows_are_read_like_one(field: str, cells: list[Cell]) -> None:
    rows = [[f"N{at}", cell] for at, cell in enumerate(cells)]
    definition, zone = order_with(field), "America/Sao_Paulo"
    assert fill(definition, rows, zone) == [apply(definition, ["号", "值"], row, zone)[0] for row in rows]


def test_times_of_a_whole_column_follow_the_changes_of_their_zone() -> None:
    rows: list[list[Cell]] = [["N1", "2018-10-20 12:00:00"], ["N2", "2018-11-10 12:00:00"]]
    first, second = fill(order_with("placed_at"), rows, "America/Sao_Paulo")
    assert [order.placed_at.hour for order in (first, second) if isinstance(order, Order) and order.placed_at] == [
        15,
        14,
    ]


def test_true_is_no_number_even_beside_a_one() -> None:
    filled = compile_mapping(order_with("paid"), ["号", "值"], zone="Asia/Shanghai").fill([["N1", 1], ["N2", True]])
    assert list(filled.reasons) == [1]


def test_a_row_that_cannot_be_read_leaves_its_place_empty() -> None:
    filled = compile_mapping(order_with("paid"), ["号", "值"], zone="Asia/Shanghai").fill(
        [["N1", "1"], ["N2", "多"], ["N3", "3"]]
    )
    [frame] = filled.frames.frames
    assert (filled.frames.size, list(frame.index), frame.fields["external_id"]) == (3, [0, 2], ["N1", "N3"])


def test_a_field_of_a_form_is_found_by_what_exports_call_it_and_its_own_name_goes_first() -> None:
    assert also_called(["说明"])[:1] == ["说明"]
    assert "备注" in also_called(["说明", "Remark"])
    assert "信息编号" in also_called(["报告编号"])
    assert "商品编码" in also_called(["产品"], "sku")
    assert also_called(["外观"]) == ["外观"]
    names = {"words": "说明", "note": "备注"}
    fields = tuple(Field(name, label, "text", False, tuple(also_called([label]))) for name, label in names.items())
    kind = Kind("form:x", "x", fields)
    assert suggest(kind, ["备注", "说明"]) == {"words": "说明", "note": "备注"}
    assert suggest(kind, ["备注"]) == {"note": "备注"}
