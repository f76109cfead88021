"""Every control there is against every part of the contract, with the samples each control gives itself."""

import io
import shutil
from collections.abc import Iterator, Mapping
from datetime import datetime
from decimal import Decimal
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from markupsafe import Markup
from openpyxl import Workbook, load_workbook

from qtrace.catalog.models import Category, Customer, Shop, Sku, Supplier, Warehouse
from qtrace.conditions.evaluate import evaluate
from qtrace.conditions.tree import OPERATORS, Clause, FieldKind
from qtrace.core.db import db, dispose_engines, write
from qtrace.core.errors import Refused
from qtrace.forms.answers import Bound
from qtrace.forms.queries import current_form
from qtrace.forms.registry import FAMILIES, LIST_OPERATORS, Control, FieldDefinition, Sent, Storage, Value, controls
from qtrace.issues.models import Issue
from qtrace.orders.models import AfterSale, Lot, Order, OrderLine, Review
from qtrace.records.models import SCALE, Record
from tests.conftest import NOW, make_app
from tests.factories.forms import make_form

KEYS = (
    "text", "textarea", "richtext", "email", "phone", "url", "masked_text", "integer", "decimal", "money",
    "percent", "measurement", "scale", "rating", "nps", "tally", "radio", "select", "multiselect", "checkbox_group",
    "switch", "cascade", "tree_select", "tags", "date", "datetime", "time", "month", "date_range", "duration",
    "photo", "photo_markup", "video", "file", "signature", "autonumber", "scan", "gs1_scan", "lot_no", "serial_no",
    "external_ref", "qr_label", "channel_shop", "order_ref", "order_line", "sku", "product_category", "supplier",
    "warehouse", "purchase_order", "shipment_tracking", "return_ref", "review_ref", "customer", "defect_code",
    "defect_map", "severity", "responsibility_split", "affected_qty", "disposition", "inspection_checklist",
    "five_why", "fishbone", "action_plan", "cost_lines", "user", "users", "department", "role_group", "region_cn",
    "address", "link", "lookup", "rollup", "formula", "sub_table", "similar_issues",
)  # fmt: skip
BASIC = {
    "text", "textarea", "integer", "decimal", "money", "percent", "select", "multiselect", "switch", "date",
    "datetime", "photo", "scan", "order_ref", "sku", "lot_no", "supplier", "defect_code", "severity",
    "affected_qty",
}  # fmt: skip
TYPES: Mapping[FieldKind | None, tuple[type, ...]] = {
    FieldKind.TEXT: (str,),
    FieldKind.NUMBER: (int, Decimal),
    FieldKind.BOOL: (bool,),
    FieldKind.DATETIME: (datetime,),
    FieldKind.REF: (int,),
    FieldKind.LIST: (tuple,),
    None: (tuple,),
}
OPERAND_OPS = {FieldKind.TEXT: "eq", FieldKind.NUMBER: "ge", FieldKind.DATETIME: "between", FieldKind.REF: "in"}
MARKUP = '"><script>'
GARBAGE = ("", "\x00", MARKUP, "9" * 400, "-99999999999999999999", "1e400", "NaN", "²")
NATIVE = {"date", "datetime-local", "time", "month", "checkbox", "radio", "file", "hidden", "search"}
each_control = pytest.mark.parametrize("key", KEYS)


@pytest.fixture(scope="module")
def site(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flask]:
    """One app for all these tests, because they only read."""
    home = tmp_path_factory.mktemp("registry")
    shutil.copy(sqlite_template, home / "qtrace.db")
    made = make_app(home)
    with made.app_context():
        stock()
        yield made
        dispose_engines()


@pytest.fixture
def reader(site: Flask) -> Iterator[Flask]:
    """Somebody without an account opens a page."""
    with site.test_request_context():
        yield site
        db.session.remove()


def stock() -> None:
    """Add the master data controls look up for their samples."""
    form = make_form()
    with write() as session:
        session.add(Record(
            form_id=form.id, form_version_id=current_form(form.key)[1].id, number="IQ-2611-0001", created_at=NOW, changed_at=NOW
        ))  # fmt: skip
        session.add(Issue(number="QI-2611-0001", title="玫瑰精华液漏液", opened_at=NOW))
        shop = Shop(key="douyin", name="抖店旗舰店")
        session.add(shop)
        session.flush()  # its id is the others'
        supplier = Supplier(shop_id=shop.id, external_id="HM", name="恒美包材")
        session.add(supplier)
        session.flush()  # its id is the article's
        sku = Sku(shop_id=shop.id, external_id="ROSE-30", name="玫瑰精华液 30ml", supplier_id=supplier.id)
        order = Order(shop_id=shop.id, external_id="6919000045", currency="CNY")
        session.add_all([sku, order, Lot(shop_id=shop.id, external_id="B2409-17")])
        session.add(Category(shop_id=shop.id, external_id="C-HF", name="护肤"))
        session.add(Warehouse(shop_id=shop.id, external_id="HZ", name="杭州一仓"))
        session.add(Customer(shop_id=shop.id, external_id="buyer-0087", masked_name="陈**", region="浙江"))
        session.flush()  # the line names them
        session.add(OrderLine(order_id=order.id, external_id="1", sku_id=sku.id))
        session.add(
            Review(shop_id=shop.id, external_id="R-1", order_id=order.id, stars=1, text="漏液", reviewed_at=NOW)
        )
        session.add(AfterSale(
            shop_id=shop.id, external_id="AS-1", order_id=order.id, refund_minor=1990, currency="CNY", opened_at=NOW
        ))  # fmt: skip


def laid(key: str, field_id: str = "f") -> tuple[Control, FieldDefinition]:
    """Return a control and a field of it as it is newly laid on a form."""
    control = controls()[key]
    return control, FieldDefinition(field_id, key, "字段", "Field", options=control.starter())


def values(key: str) -> list[tuple[Control, FieldDefinition, Value]]:
    """Return what the control reads from its valid samples."""
    control, field = laid(key)
    return [(control, field, control.parse(field, sent)) for sent in control.samples(field).valid]


def draw(app: Flask, control: Control, field: FieldDefinition, sent: Sent, error: str = "") -> str:
    """Return the field as a form shows it."""
    bound = Bound(field, control, sent, control.choices(field), error, bool(error))
    kept = {file.id: "note" for files in sent.files.values() for file in files}
    return app.jinja_env.get_template("forms/_field.html").render(bound=bound, kept=kept)


class Inputs(HTMLParser):
    """The inputs of a piece of a page, with the labels that name them."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None], bool]] = []
        self.labelled: set[str | None] = set()
        self.in_label = 0
        self.attributes: set[str] = set()
        self.tags: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Remember inputs and labels."""
        by_name = dict(attrs)
        self.tags.append(tag)
        self.attributes |= set(by_name)
        if tag == "label":
            self.in_label += 1
            self.labelled.add(by_name.get("for"))
        if tag in ("input", "select", "textarea"):
            self.found.append((tag, by_name, bool(self.in_label)))

    def handle_endtag(self, tag: str) -> None:
        """Leave a label."""
        self.in_label -= tag == "label"


def test_there_are_77_controls_and_20_for_a_beginner(reader: Flask) -> None:
    built = {key for key, control in controls().items() if not control.layout}
    assert len(KEYS) == len(set(KEYS)) == 77
    assert len(BASIC) == 20
    assert built == set(KEYS)
    assert {key for key in built if controls()[key].basic} == BASIC


@each_control
def test_1_the_input_suits_a_phone_and_a_screen_reader(reader: Flask, key: str) -> None:
    control, field = laid(key)
    assert control.family in FAMILIES
    for sent in (Sent(), *control.samples(field).valid):
        html = draw(reader, control, field, sent)
        page = Inputs(html)
        assert page.found or control.assigned
        assert not {name for name in page.attributes if name.startswith("on") or name == "style"}
        assert "script" not in page.tags
        for tag, attrs, wrapped in page.found:
            kind = attrs.get("type", "text")
            if kind == "hidden":
                continue
            name = str(attrs.get("name") or "f")
            assert name == "f" or name.startswith("f."), html
            assert wrapped or attrs.get("aria-label") or attrs.get("id") in page.labelled or _described(html, attrs), (
                html
            )
            if tag == "input" and kind not in NATIVE:
                assert {"autocomplete", "enterkeyhint"} <= set(attrs), html
            if tag == "input" and control.storage in (Storage.NUMBER, Storage.MONEY) and kind not in NATIVE:
                assert attrs.get("inputmode") in ("numeric", "decimal"), html
    assert "<legend" in html if control.grouped else 'for="f"' in html
    wrong = draw(reader, control, field, Sent(), "不对")
    assert 'id="f-error"' in wrong
    assert 'aria-invalid="true"' in wrong or control.assigned or control.grouped


@each_control
def test_2_the_server_reads_what_is_right_and_says_what_is_wrong(reader: Flask, key: str) -> None:
    control, field = laid(key)
    assert control.check_options(field.options) == []
    assert control.check_options({**field.options, "nonsense": 1})
    samples = control.samples(field)
    assert samples.valid
    assert samples.invalid or samples.reads_all
    for sent in samples.valid:
        value = control.parse(field, sent)
        assert value is not None
        if not control.holds_files:
            assert control.parse(field, Sent(control.send(field, value))) == value
    for sent in samples.invalid:
        with pytest.raises(Refused) as refused:
            control.parse(field, sent)
        assert refused.value.message.strip()
    assert control.parse(field, Sent()) in (None, False)


@each_control
def test_what_no_browser_would_send_is_refused_and_drawn_again(reader: Flask, key: str) -> None:
    """A page that is shown again holds what was typed, whatever that is, and never as markup."""
    control, field = laid(key)
    good = control.samples(field).valid[0].values
    drawn = Inputs(draw(reader, control, field, control.samples(field).valid[0])).found
    names = {str(attrs["name"]) for _tag, attrs, _wrapped in drawn if attrs.get("name")} | set(good)
    each = [good | {name: [MARKUP]} for name in sorted(names)]
    for values in [*each, *({name: [said, said] for name in names} for said in GARBAGE)]:
        try:
            control.parse(field, Sent(values))
        except Refused as refused:
            assert refused.message.strip()
        assert MARKUP not in draw(reader, control, field, Sent(values), "不对")


@each_control
def test_3_conditions_see_a_value_of_the_right_kind(reader: Flask, key: str) -> None:
    for control, field, value in values(key):
        kind = control.condition_kind(field)
        seen: Any = control.to_condition(field, value)
        assert tuple(control.operators) == (tuple(OPERATORS[kind]) if kind else LIST_OPERATORS)
        assert control.to_condition(field, None) is None
        if control.storage == Storage.COMPUTED and seen is None:
            continue
        assert isinstance(seen, TYPES[kind])
        assert kind == FieldKind.BOOL or not isinstance(seen, bool)
        if kind == FieldKind.NUMBER:
            scaled = Decimal(seen).scaleb(SCALE)
            assert scaled == int(scaled)
            assert abs(scaled) < 2**63
        if kind == FieldKind.DATETIME:
            assert seen.utcoffset() is not None
        assert evaluate(Clause("f", "not_empty"), {"f": seen})
        assert evaluate(Clause("f", "is_empty"), {"f": None})
        if kind in OPERAND_OPS:
            operand: Any = {"between": (seen, seen), "in": (seen,)}.get(OPERAND_OPS[kind], seen)
            assert evaluate(Clause("f", OPERAND_OPS[kind], operand), {"f": seen})
        if kind == FieldKind.LIST:
            assert evaluate(Clause("f", "has_all", seen), {"f": seen})
            assert not evaluate(Clause("f", "has_any", ("nothing of the kind",)), {"f": seen})


@each_control
def test_4_lists_and_pages_show_the_value(reader: Flask, key: str) -> None:
    control, field = laid(key)
    assert control.show(field, None) == "—"
    assert control.to_html(field, None) == "—"
    for _control, _field, value in values(key):
        shown, html = control.show(field, value), control.to_html(field, value)
        assert shown.strip()
        assert shown != "—"
        assert isinstance(html, Markup)
        assert "script" not in Inputs(str(html)).tags
        if control.sensitive:
            assert control.masked(field, value) == shown
            assert control.search_text(field, value) == ""
            assert control.revealed(field, value) != "—"


@each_control
def test_5_a_value_survives_a_sheet(reader: Flask, key: str) -> None:
    book = Workbook()
    known = values(key)
    cells = [control.to_cell(field, value) for control, field, value in known]
    for cell in cells:
        book.active.append([cell])
    stream = io.BytesIO()
    book.save(stream)
    read = [row[0] for row in load_workbook(stream).active.iter_rows(values_only=True)] if cells else []
    for (control, field, value), cell in zip(known, read, strict=True):
        assert cell is not None
        if control.holds_files:
            with pytest.raises(Refused):
                control.from_cell(field, cell)
        else:
            assert control.from_cell(field, cell) == value
        assert control.from_cell(field, None) in (None, False)


@each_control
def test_6_the_value_prints(reader: Flask, key: str) -> None:
    for control, field, value in values(key):
        printed = control.to_print(field, value)
        assert printed.strip()
        assert printed != "—"
        if control.sensitive and isinstance(value, str):
            assert value not in printed


@each_control
def test_7_it_says_whether_outsiders_may_fill_it_in(reader: Flask, key: str) -> None:
    control, field = laid(key)
    assert control.public in (True, False)
    if control.public:  # drawn without an account it names no colleague and asks for no right
        html = draw(reader, control, field, Sent())
        assert "王姐" not in html


@each_control
def test_8_it_works_in_a_sub_table_or_says_why_not(reader: Flask, key: str) -> None:
    control, field = laid(key, "rows.0.f")
    if str(control.not_in_rows):
        assert len(str(control.not_in_rows)) > 4
        return
    for sent in control.samples(field).valid:
        assert all(name.startswith("rows.0.f") for name in sent.values)
        assert control.parse(field, sent) is not None
        page = Inputs(draw(reader, control, field, sent))
        assert all(str(attrs.get("name") or "rows.0.f").startswith("rows.0.f") for _tag, attrs, _in in page.found)


def test_every_control_reads_its_samples_on_each_database(app: Flask) -> None:
    stock()
    with app.test_request_context():
        for key in KEYS:
            for control, field, value in values(key):
                assert control.show(field, value)


def _described(html: str, attrs: Mapping[str, str | None]) -> bool:
    """Say whether the input is the first of a group whose legend names it."""
    return "<legend" in html and attrs.get("id") == "f"
