"""Every kind of rule lets a right value pass, stops a wrong one, and says what to do."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from qtrace.conditions.formula import parse_formula
from qtrace.conditions.formula_values import Kind, Type
from qtrace.conditions.tree import Clause, OtherField
from qtrace.rules.builtin import KINDS
from qtrace.rules.kinds.numbers import usual_range
from qtrace.rules.kinds.texts import CHECKSUMS, FORMATS
from qtrace.sdk.rules import Limits
from tests.factories.rules import MemoryWorld, day, found, photo

FORMULA = parse_formula("qty <= checked", {"qty": Type(Kind.NUMBER), "checked": Type(Kind.NUMBER)})
HISTORY = [{"number": f"IQ-{n}", "qty": n % 10 + 3, "sku": 1} for n in range(30)]
ROWS = ({"part": "泵头", "share": Decimal(60)}, {"part": "瓶身", "share": Decimal(40)})
TWICE = ({"part": "泵头", "share": Decimal(60)}, {"part": "泵头 ", "share": Decimal(50)})


@dataclass(frozen=True)
class Case:
    """One kind with a value that passes and one that does not."""

    kind: str
    field: str
    good: object
    bad: object
    options: Mapping[str, object] = field(default_factory=dict)
    others: Mapping[str, object] = field(default_factory=dict)
    more: Mapping[str, Any] = field(default_factory=dict)  # of the good subject
    bad_more: Mapping[str, Any] = field(default_factory=dict)
    says: str = ""


CASES = [
    Case("required", "code", "B1", None, says="请填写「批号」。"),
    Case("required", "ok", False, None),
    Case("required", "tags", ("a",), ()),
    Case("length", "code", "B2409", "B2", {"min": 3}, says="「批号」至少 3 个字,现在 2 个。请补充。"),
    Case("length", "code", "漏液", "漏液漏液", {"max": 3}, says="最多 3 个字"),
    Case("length", "tags", ("a", "b"), ("a",), {"min": 2}, says="至少选 2 项"),
    Case("regex", "code", "B2409-17", "B24-17", {"pattern": r"B\d{4}-\d{2}", "example": "B2409-17"}, says="例如 B2409-17"),
    Case("regex", "code", "B2409", "TEST-1", {"pattern": "TEST.*", "forbidden": True}),
    Case("format", "code", "13800138000", "1380013800", {"format": "mobile"}, says="不是正确的手机号"),
    Case("checksum", "code", "6901234567892", "6901234567893", {"code": "ean13"}, says="校验位对不上"),
    Case("range", "qty", Decimal(5), Decimal(13), {"min": 3, "max": 12}, says="「数量」应在 3–12 之间,您填了 13。"),
    Case("range", "qty", Decimal("3"), Decimal("2.99"), {"min": 3}, says="「数量」至少 3,您填了 2.99。"),
    Case("step", "qty", Decimal(12), Decimal(13), {"step": Decimal(6)}, says="请改为 12 或 18"),
    Case("step", "qty", Decimal("0.3"), Decimal("0.31"), {"step": Decimal("0.1")}),
    Case("precision", "qty", Decimal("1.20"), Decimal("1.25"), {"digits": 1}, says="最多 1 位小数"),
    Case("integer", "qty", Decimal("3.0"), Decimal("3.5"), says="要填整数"),
    Case("spec_limits", "size", Decimal(5), Decimal(13), says="标准是 3–12 mm,您填了 13"),
    Case("spec_limits", "size", Decimal(5), Decimal("5.2"), {"max": 5, "unit": "cm"}, says="至多 5 cm"),
    Case(
        "spec_limits", "size", Decimal(5), Decimal(8),
        bad_more={"world": MemoryWorld(standards={"直径": Limits(Decimal(4), Decimal(6), "mm")})}, says="标准是 4–6 mm",
    ),
    Case(
        "outlier", "qty", Decimal(9), Decimal(120), {"k": Decimal("3.5"), "least": 8},
        more={"world": MemoryWorld(HISTORY)}, bad_more={"world": MemoryWorld(HISTORY)}, says="您填了 120",
    ),
    Case("date_range", "day", day("2026-11-01"), day("2026-10-31"), {"from": date(2026, 11, 1)}, says="不能早于 2026-11-01"),
    Case("date_range", "day", day("2026-11-19"), day("2026-11-10"), {"days_back": 3}, says="不能早于 2026-11-17"),
    Case("date_range", "day", day("2026-11-23"), day("2026-11-24"), {"days_ahead": 3}, says="不能晚于 2026-11-23"),
    Case("not_future", "day", day("2026-11-20"), day("2026-11-21"), says="不能晚于现在"),
    Case("not_future", "at", datetime(2026, 11, 20, 1, tzinfo=UTC), datetime(2026, 11, 20, 3, tzinfo=UTC)),
    Case("not_past", "day", day("2026-11-20"), day("2026-11-19"), says="不能早于现在"),
    Case("working_time", "day", day("2026-11-20"), day("2026-11-21"), says="不是工作日(周六)"),
    Case("working_time", "day", day("2026-11-20"), day("2026-11-19"), {"weekdays": ("5",)}, says="只能在周五"),
    Case(
        "working_time", "at", datetime(2026, 11, 20, 2, tzinfo=UTC), datetime(2026, 11, 20, 12, tzinfo=UTC), {"hours": True},
        says="不在上班时间",
    ),
    Case(
        "unique", "code", "B2", "B1", more={"world": MemoryWorld([{"number": "IQ-1", "code": "B1"}])},
        bad_more={"world": MemoryWorld([{"number": "IQ-1", "code": "B1"}])}, says="已经有了(IQ-1)",
    ),
    Case(
        "unique", "code", "B1", "B1", {"same": ("sku",)}, {"sku": 2},
        more={"world": MemoryWorld([{"number": "IQ-1", "code": "B1", "sku": 1}])},
        bad_more={"world": MemoryWorld([{"number": "IQ-1", "code": "B1", "sku": 2}])},
    ),
    Case(
        "similar", "", None, None, {"fields": ("code", "sku"), "days": 7}, {"code": "B1", "sku": 1},
        more={"world": MemoryWorld([{"number": "QI-1", "code": "B1", "sku": 1, "at": day("2026-11-01")}])},
        bad_more={"world": MemoryWorld([{"number": "QI-1", "code": "B1", "sku": 1}])}, says="可能已经登记过:QI-1",
    ),
    Case(
        "option_active", "sku", 1, 2, more={"world": MemoryWorld(active={"sku": {"1"}})},
        bad_more={"world": MemoryWorld(active={"sku": {"1"}})}, says="已经停用",
    ),
    Case(
        "exists", "code", "691", "692", {"kind": "order"}, more={"world": MemoryWorld(known={("order", "691")})},
        bad_more={"world": MemoryWorld(known={("order", "691")})}, says="没有找到订单「692」",
    ),
    Case(
        "lot_of_sku", "code", "B1", "B2", {"sku": "sku"}, {"sku": 1}, more={"world": MemoryWorld(lots={"B1": 1})},
        bad_more={"world": MemoryWorld(lots={"B2": 7})}, says="不是这个商品的",
    ),
    Case(
        "sku_in_order", "code", "691", "692", {"sku": "sku"}, {"sku": 1}, more={"world": MemoryWorld(orders={"691": {1}})},
        bad_more={"world": MemoryWorld(orders={"692": {7}})}, says="没有这个商品",
    ),
    Case("file", "photos", ("a",), (), {"least": 1}, more={"files": {"photos": (photo(),)}}, says="至少要 1 个文件"),
    Case(
        "file", "photos", ("a",), ("a",), {"megabytes": Decimal(1)}, more={"files": {"photos": (photo(),)}},
        bad_more={"files": {"photos": (photo(size=2_000_000),)}}, says="超过 1 MB",
    ),
    Case(
        "file", "photos", ("a",), ("a",), {"types": ("picture",)}, more={"files": {"photos": (photo(),)}},
        bad_more={"files": {"photos": (photo(media_type="application/pdf"),)}}, says="只收图片",
    ),
    Case(
        "image_size", "photos", ("a",), ("a",), {"width": 800, "height": 600},
        more={"files": {"photos": (photo(1200, 900),)}}, bad_more={"files": {"photos": (photo(320, 240),)}}, says="320×240",
    ),
    Case("compare", "qty", Decimal(3), Decimal(21), {"op": "le", "other": "checked"}, {"checked": 20}, says="「数量」应不大于「检查数」"),
    Case(
        "compare", "until", day("2026-12-20"), day("2026-11-25"), {"op": "ge", "other": "day", "shift": Decimal(30)},
        {"day": day("2026-11-01")}, says="「到期日」应不早于「生产日期」 + 30天",
    ),
    Case("compare", "code", "B1", "B2", {"op": "eq", "other": "name"}, {"name": "B1"}),
    Case("stage_gate", "code", "B1", None, {"stage": "close"}, bad_more={"leaving": "close"}, says="还是空的"),
    Case("filter_options", "tags", ("a",), ("a", "c"), {"values": ("a", "b")}, says="不能这样选"),
    Case("row_count", "rows", ROWS, ROWS[:1], {"min": 2}, says="至少 2 行,现在 1 行"),
    Case("column_sum", "rows", ROWS, TWICE, {"column": "share", "op": "eq", "total": 100}, says="合计是 110,应等于 100"),
    Case("column_sum", "rows", ROWS, TWICE, {"column": "share", "op": "le", "other": "checked"}, {"checked": 100}, says="「检查数」100"),
    Case("column_unique", "rows", ROWS, TWICE, {"column": "part"}, says="「部件」和第 1 行重复了"),
    Case(
        "condition", "", None, None, {"holds": Clause("qty", "le", OtherField("checked"))}, {"qty": 3, "checked": 20},
        bad_more={"values": {"qty": 30, "checked": 20}}, says="互相矛盾",
    ),
    Case(
        "formula", "", None, None, {"formula": FORMULA}, {"qty": 3, "checked": 20},
        bad_more={"values": {"qty": 30, "checked": 20}}, says="不满足:{数量} <= {检查数}",
    ),
]  # fmt: skip
CHANGING = {"show", "hide", "readonly", "set", "clear"}


def test_every_kind_is_tried() -> None:
    assert {case.kind for case in CASES} | CHANGING == {kind.key for kind in KINDS}


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.kind}-{case.field}")
def test_a_right_value_passes(case: Case) -> None:
    assert found(case.kind, case.field, dict(case.others) | {case.field: case.good}, case.options, **case.more) == ()


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.kind}-{case.field}")
def test_a_wrong_value_is_found_and_the_message_says_what_to_do(case: Case) -> None:
    more = dict(case.bad_more)
    values = more.pop("values", dict(case.others) | {case.field: case.bad})
    [finding] = found(case.kind, case.field, values, case.options, **more)
    assert case.says in finding.message.zh
    assert finding.message.zh.endswith(("。", "。)")), finding.message.zh
    assert finding.message.en.isascii() or any(mark in finding.message.en for mark in "“–×≤"), finding.message.en
    assert "%(" not in finding.message.zh + finding.message.en


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.key)
def test_an_empty_value_is_nobodys_business_but_of_those_that_say_so(kind: Any) -> None:
    names = {"condition", "formula", "similar", "required", "stage_gate", "row_count", "file"}
    assert kind.judges_missing is (kind.key in names)


@pytest.mark.parametrize("key", FORMATS)
def test_the_example_of_a_format_has_that_format(key: str) -> None:
    _name, example, fits = FORMATS[key]
    assert fits(example)
    assert not fits("!!")


@pytest.mark.parametrize("key", CHECKSUMS)
def test_one_wrong_digit_is_always_noticed(key: str) -> None:
    _name, example, fits = CHECKSUMS[key]
    assert fits(example)
    for place, digit in enumerate(example):
        if digit.isdigit():
            wrong = str((int(digit) + 1) % 10)
            assert not fits(example[:place] + wrong + example[place + 1 :]), place


def test_usual_is_told_from_enough_records_only() -> None:
    assert usual_range([Decimal(3)] * 7, Decimal("3.5"), 8) is None
    assert usual_range([Decimal(n) for n in (3, 4, 5, 6, 7, 8, 9, 12)], Decimal(1), 8) == (Decimal(3), Decimal(10))


def test_numbers_that_never_vary_are_no_trap_for_a_hairs_breadth() -> None:
    low, high = usual_range([Decimal(100)] * 20, Decimal("3.5"), 8) or (Decimal(0), Decimal(0))
    assert low <= 90
    assert high >= 110


def test_a_pattern_that_would_take_forever_elsewhere_takes_no_time() -> None:
    assert found("regex", "code", {"code": "a" * 5000 + "!"}, {"pattern": "(a+)+"}) != ()


def test_what_nobody_knows_stops_nobody() -> None:
    for kind, options in (
        ("exists", {"kind": "order"}),
        ("lot_of_sku", {"sku": "sku"}),
        ("sku_in_order", {"sku": "sku"}),
    ):
        assert found(kind, "code", {"code": "691", "sku": 1}, options) == ()
