"""Every control has its eight parts: one table, one test per part."""

from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pytest
from flask import Flask

from qtrace.accounts.models import User
from qtrace.catalog.models import Shop, Sku, Supplier
from qtrace.classification.models import Term
from qtrace.core.db import db, write
from qtrace.core.errors import Refused
from qtrace.core.files import StoredFile
from qtrace.forms.answers import bind
from qtrace.forms.definition import FormDefinition, Section
from qtrace.forms.registry import Cell, FieldDefinition, Sent, Storage, Value, controls
from qtrace.orders.models import Lot, Order

CHOICES = {"choices": [{"value": "red", "zh": "红", "en": "Red"}, {"value": "blue", "zh": "蓝", "en": "Blue"}]}
PHOTO = StoredFile("a" * 32, "b" * 64, 10, "image/jpeg", "p.jpg")


@dataclass(frozen=True)
class Case:
    """What a control reads, refuses, shows and exchanges; a callable asks the database for an id."""

    key: str
    typed: dict[str, list[str]]
    value: Any
    shown: str
    cell: Any
    wrong: dict[str, list[str]] = field(default_factory=dict)
    options: dict[str, Any] = field(default_factory=dict)
    bad_options: dict[str, Any] = field(default_factory=lambda: {"nonsense": 1})
    storage: Storage = Storage.TEXT
    operator: str = "is_empty"
    files: tuple[StoredFile, ...] = ()


def id_of(model: Any, column: Any, text: str) -> int:
    """Return the id of the row of this name."""
    return int(db.session.query(model.id).filter(column == text).one()[0])


def sku() -> int:
    """The serum."""
    return id_of(Sku, Sku.external_id, "ROSE-30")


def defect() -> int:
    """The leak."""
    return id_of(Term, Term.code, "t_leak")


CASES = [
    Case("text", {"f": [" 瓶盖\t漏液 "]}, "瓶盖漏液", "瓶盖漏液", "瓶盖漏液", {"f": ["长" * 201]}, operator="contains"),
    Case("textarea", {"f": ["一\r\n二"]}, "一\n二", "一\n二", "一\n二", {"f": ["长" * 6]}, {"max_length": 5}, operator="contains"),
    Case("scan", {"f": ["6919"]}, "6919", "6919", "6919", {"f": ["1" * 2001]}, {"fills": True}, {"fills": 1}, operator="eq"),
    Case("integer", {"f": ["1,200"]}, 1200, "1200 件", 1200, {"f": ["3.5"]}, {"unit": "件", "min": 0}, {"min": "zero"}, Storage.NUMBER, "ge"),
    Case("decimal", {"f": ["0.80"]}, "0.80", "0.80 N·m", Decimal("0.80"), {"f": ["abc"]}, {"unit": "N·m", "digits": 2},
         {"digits": True}, Storage.NUMBER, "between"),
    Case("money", {"f": ["¥81.40"]}, {"minor": 8140, "currency": "CNY"}, "¥ 81.40", Decimal("81.40"), {"f": ["1.005"]},
         storage=Storage.MONEY, operator="gt"),
    Case("select", {"f": ["red"]}, "red", "红", "红", {"f": ["green"]}, CHOICES, {"choices": []}, operator="in"),
    Case("multiselect", {"f": ["red", "blue", "red"]}, ["red", "blue"], "红、蓝", "红、蓝", {"f": ["green"]}, CHOICES,
         {"choices": [{"value": "a", "zh": "A"}, {"value": "a", "zh": "B"}]}, Storage.JSON_LIST, "has_any"),
    Case("switch", {"f": ["1"]}, True, "是", "是", storage=Storage.BOOL, operator="is_true"),
    Case("date", {"f": ["2026/1/5"]}, "2026-01-05", "2026-01-05", date(2026, 1, 5), {"f": ["2026-02-30"]}, storage=Storage.DATE, operator="lt"),
    Case("datetime", {"f": ["2026-11-22T09:30"]}, "2026-11-22T01:30:00+00:00", "2026-11-22 09:30", datetime.fromisoformat("2026-11-22T09:30"),
         {"f": ["2026-11-22T25:00"]}, storage=Storage.DATETIME, operator="between"),
    Case("photo", {}, [PHOTO.id], "1 张照片", "1 张照片", options={"max_count": 2}, storage=Storage.FILE_REFS, files=(PHOTO,)),
    Case("order_ref", {"f": ["订单号:6919000045"]}, lambda: id_of(Order, Order.external_id, "6919000045"), "6919000045",
         "6919000045", {"f": ["nope"]}, storage=Storage.REF, operator="eq"),
    Case("sku", {"f": ["ROSE-30"]}, sku, "玫瑰精华液 30ml", "ROSE-30", {"f": ["nope"]}, storage=Storage.REF, operator="in"),
    Case("lot_no", {"f": ["B2409-17"]}, lambda: id_of(Lot, Lot.external_id, "B2409-17"), "B2409-17", "B2409-17", {"f": ["nope"]},
         storage=Storage.REF, operator="eq"),
    Case("supplier", {"f": ["恒美包材"]}, lambda: id_of(Supplier, Supplier.external_id, "HM"), "恒美包材", "HM", {"f": ["nope"]},
         storage=Storage.REF, operator="in"),
    Case("defect_code", {"f": ["<t_leak>"]}, defect, "测试漏液", "测试漏液", {"f": ["999999"]}, {"top": 6}, {"kind": "moon"},
         Storage.REF, "in"),
    Case("severity", {"f": ["<s_severe>"]}, lambda: id_of(Term, Term.code, "s_severe"), "测试重大", "测试重大", {"f": ["<t_leak>"]},
         {}, {"kind": "moon"}, Storage.REF, "in"),
    Case("affected_qty", {"f.bad": ["3"], "f.checked": ["20"]}, {"bad": 3, "checked": 20}, "3 / 20 (15.0%)", "3/20",
         {"f.bad": ["21"], "f.checked": ["20"]}, storage=Storage.JSON_LIST, operator="not_empty"),
    Case("user", {"f": ["<王姐>"]}, lambda: id_of(User, User.name, "王姐"), "王姐", "王姐", {"f": ["999999"]}, storage=Storage.REF, operator="eq"),
]  # fmt: skip
each_control = pytest.mark.parametrize("case", CASES, ids=[case.key for case in CASES])


# What PostgreSQL might see differently is asked there by the refusals below, and by test_registry.py of every control.
ON_SQLITE = pytest.mark.parametrize("app", ["sqlite"], indirect=True)


@pytest.fixture
def shop_with_goods(app: Flask) -> None:
    """One order, article, lot and supplier, and two terms."""
    with write() as session:
        shop = Shop(key="douyin", name="抖店旗舰店")
        session.add(shop)
        session.flush()
        supplier = Supplier(shop_id=shop.id, external_id="HM", name="恒美包材")
        session.add(supplier)
        session.flush()
        session.add(Sku(shop_id=shop.id, external_id="ROSE-30", name="玫瑰精华液 30ml", supplier_id=supplier.id))
        session.add(Order(shop_id=shop.id, external_id="6919000045", currency="CNY"))
        session.add(Lot(shop_id=shop.id, external_id="B2409-17"))
        session.add(Term(kind="type", code="t_leak", name_zh="测试漏液", name_en="Leak", position=900))
        session.add(
            Term(
                kind="severity",
                code="s_severe",
                name_zh="测试重大",
                name_en="Severe",
                rubric_zh="有人受伤",
                position=900,
            )
        )


def asked(case: Case) -> FieldDefinition:
    """Return a field of this control."""
    return FieldDefinition("f", case.key, "字段", "Field", options=case.options)


def sent(case: Case, texts: dict[str, list[str]]) -> Sent:
    """Return what a browser sends, with names in angle brackets replaced by ids."""
    ids = {"<t_leak>": (Term, Term.code), "<s_severe>": (Term, Term.code), "<王姐>": (User, User.name)}
    values = {
        name: [str(id_of(*ids[text], text.strip("<>"))) if text in ids else text for text in row]
        for name, row in texts.items()
    }
    return Sent(values, {"f": case.files})


def value_of(case: Case) -> Value:
    """Return the value the control should hold."""
    return case.value() if callable(case.value) else case.value  # type: ignore[no-any-return]


def test_the_first_twenty_controls_are_registered(sqlite_app: Flask) -> None:
    assert len(CASES) == 20
    assert {case.key for case in CASES} <= set(controls())


@each_control
@ON_SQLITE
def test_a_control_draws_a_phone_friendly_input(app: Flask, shop_with_goods: None, case: Case) -> None:
    definition = FormDefinition((Section("s", "节", "Section", (asked(case),)),))
    with app.test_request_context():
        form = bind(definition, sent(case, case.typed), {"f": "不对"})
        html = app.jinja_env.get_template("forms/_fields.html").render(form=form, kept={PHOTO.id: "note"})
    assert 'name="f' in html
    assert 'aria-invalid="true"' in html
    assert 'id="f-error"' in html
    assert "<legend" in html or 'for="f"' in html


@each_control
@ON_SQLITE
def test_a_control_reads_what_was_typed(app: Flask, shop_with_goods: None, case: Case) -> None:
    control = controls()[case.key]
    value = control.parse(asked(case), sent(case, case.typed))
    assert value == value_of(case)
    empty = control.parse(asked(case), Sent())
    assert empty in (None, False)


@each_control
def test_a_control_refuses_what_is_no_value(app: Flask, shop_with_goods: None, case: Case) -> None:
    if not case.wrong:
        pytest.skip("a switch reads everything; a photo is refused while it is shrunk")
    with pytest.raises(Refused):
        controls()[case.key].parse(asked(case), sent(case, case.wrong))


@each_control
def test_a_control_checks_its_options(sqlite_app: Flask, case: Case) -> None:
    control = controls()[case.key]
    assert control.check_options(case.options) == []
    assert control.check_options(case.bad_options)


@each_control
def test_a_control_says_how_it_is_kept_and_filtered(sqlite_app: Flask, case: Case) -> None:
    control = controls()[case.key]
    assert control.storage == case.storage
    assert case.operator in control.operators


@each_control
@ON_SQLITE
def test_a_control_shows_and_prints_its_value(app: Flask, shop_with_goods: None, case: Case) -> None:
    control = controls()[case.key]
    value = value_of(case)
    assert control.show(asked(case), value) == case.shown
    assert control.to_print(asked(case), value) == case.shown
    assert control.show(asked(case), None) == "—"


@each_control
@ON_SQLITE
def test_a_value_survives_excel(app: Flask, shop_with_goods: None, case: Case) -> None:
    control = controls()[case.key]
    cell: Cell = control.to_cell(asked(case), value_of(case))
    assert cell == case.cell
    if case.key == "photo":
        with pytest.raises(Refused):
            control.from_cell(asked(case), cell)
    else:
        assert control.from_cell(asked(case), cell) == value_of(case)
    assert control.from_cell(asked(case), None) in (None, False)


@each_control
@ON_SQLITE
def test_a_value_survives_editing(app: Flask, shop_with_goods: None, case: Case) -> None:
    if case.key == "photo":
        pytest.skip("a browser can't be given files back; the page keeps a sealed note instead")
    control = controls()[case.key]
    typed = Sent(control.send(asked(case), value_of(case)))
    assert control.parse(asked(case), typed) == value_of(case)


@each_control
def test_a_control_says_where_it_may_stand(sqlite_app: Flask, case: Case) -> None:
    control = controls()[case.key]
    assert control.public in (True, False)
    assert control.public == (case.key not in ("supplier", "user"))
    assert bool(str(control.not_in_rows)) == (case.key in ("photo", "affected_qty"))
    assert control.name_zh
    assert control.name_en
