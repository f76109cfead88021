"""Door × rule: every kind of rule holds alike at every door; no kind and no door may be missing from the table."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, ClassVar

import pytest
from flask import Flask
from sqlalchemy import select

from qtrace.catalog.models import Shop, Sku
from qtrace.core import clock
from qtrace.core.db import db, write
from qtrace.core.files import StoredFile
from qtrace.forms.answers import Answers
from qtrace.forms.links import LinkOptions, create_link
from qtrace.forms.models import Form
from qtrace.forms.queries import current_form, stored_definition
from qtrace.forms.registry import Cell, Sent
from qtrace.orders.models import Lot, Order, OrderLine
from qtrace.records.bulk import Sender, Target, read_cells, take_rows
from qtrace.records.doors import check_rows, checked_form
from qtrace.records.models import Record
from qtrace.records.service import NewRecord, create_record
from qtrace.rules.builtin import KINDS
from qtrace.rules.doors import Door, check_answers
from qtrace.rules.models import Rule
from tests.conftest import NOW, Browser, log_in, user_id
from tests.factories.forms import asked, make_form

RESULTS = [{"value": one, "zh": one, "en": one} for one in ("pass", "fail", "other")]
FIELDS = [
    asked("code", "text", "批号", filterable=True),
    asked("name", "text", "名称"),
    asked("qty", "integer", "数量", filterable=True),
    asked("size", "decimal", "直径", digits=3),
    asked("day", "date", "日期"),
    asked("at", "datetime", "时间"),
    asked("result", "select", "结论", filterable=True, choices=RESULTS),
    asked("tags", "multiselect", "标签", choices=RESULTS),
    asked("sku", "sku", "商品", filterable=True),
    asked("photos", "photo", "照片"),
]
GOOD = {"code": "B2409-17", "qty": "3", "size": "5", "result": "pass"}
BAD_QTY = {"field": "qty", "op": "gt", "value": 5}


@dataclass(frozen=True)
class Case:
    """One kind of rule, an answer that passes and one that does not; what changes the form says what is stored instead."""

    kind: str
    field: str
    good: Mapping[str, str]
    bad: Mapping[str, str]
    options: Mapping[str, Any] = field(default_factory=dict)
    condition: Mapping[str, Any] | None = None
    stored: Mapping[str, Any] | None = None  # after the bad answer, for kinds that change the form
    leaving: str = ""
    skips: Mapping[Door, str] = field(default_factory=dict)  # why a door can't meet this kind


NO_FILES = "no file comes through this door"
WITHOUT_FILES = dict.fromkeys((Door.INLINE, Door.EXCEL, Door.API, Door.CONNECTOR), NO_FILES)
CASES = [
    Case("required", "name", {"name": "瓶"}, {"name": ""}),
    Case("length", "name", {"name": "瓶盖漏液"}, {"name": "漏"}, {"min": "2"}),
    Case("regex", "code", {}, {"code": "B24-17"}, {"pattern": r"B\d{4}-\d{2}"}),
    Case("format", "name", {"name": "13800138000"}, {"name": "1380013800"}, {"format": "mobile"}),
    Case("checksum", "name", {"name": "6901234567892"}, {"name": "6901234567893"}, {"code": "ean13"}),
    Case("range", "qty", {"qty": "5"}, {"qty": "6"}, {"max": "5"}),
    Case("step", "qty", {"qty": "12"}, {"qty": "13"}, {"step": "6"}),
    Case("precision", "size", {"size": "5.1"}, {"size": "5.12"}, {"digits": "1"}),
    Case("integer", "size", {"size": "5"}, {"size": "5.5"}),
    Case("spec_limits", "size", {"size": "5"}, {"size": "13"}, {"min": "3", "max": "12", "unit": "mm"}),
    Case("outlier", "qty", {"qty": "4"}, {"qty": "120"}, {"least": "8"}),
    Case("date_range", "day", {"day": "2026-11-01"}, {"day": "2025-01-01"}, {"from": "2026-01-01"}),
    Case("not_future", "day", {"day": "2026-01-01"}, {"day": "2999-01-01"}),
    Case("not_past", "day", {"day": "2999-01-01"}, {"day": "2020-01-01"}),
    Case("working_time", "day", {"day": "2026-11-20"}, {"day": "2026-11-21"}, {"weekdays": ["5"]}),
    Case("unique", "code", {"code": "B9999-99"}, {"code": "B0001-01"}),
    Case("similar", "", {"code": "B8888-88"}, {"code": "B0001-01", "result": "pass", "qty": "3"}, {"fields": ["code", "result"]}),
    Case("option_active", "result", {"result": "pass"}, {"result": "gone"}),
    Case("exists", "name", {"name": "6919000045"}, {"name": "6919000046"}, {"kind": "order"}),
    Case("lot_of_sku", "name", {"name": "B2409-17", "sku": "ROSE-30"}, {"name": "B2409-17", "sku": "MINT-50"}, {"sku": "sku"}),
    Case("sku_in_order", "name", {"name": "6919000045", "sku": "ROSE-30"}, {"name": "6919000045", "sku": "MINT-50"}, {"sku": "sku"}),
    Case("compare", "qty", {"qty": "3", "size": "5"}, {"qty": "7", "size": "5"}, {"op": "le", "other": "size"}),
    Case("condition", "", {"qty": "3"}, {"qty": "7"}, {"holds": {"field": "qty", "op": "le", "value": 5}}),
    Case("formula", "", {"qty": "3"}, {"qty": "7"}, {"formula": "qty * 2 <= 10"}),
    Case("filter_options", "result", {"result": "pass"}, {"result": "fail"}, {"values": ["pass"]}),
    Case("stage_gate", "name", {"name": "瓶"}, {"name": ""}, {"stage": "close"}, leaving="close"),
    Case("show", "name", {"qty": "7", "name": "瓶"}, {"qty": "3", "name": "瓶"}, {}, BAD_QTY, {"name": None}),
    Case("hide", "name", {"qty": "3", "name": "瓶"}, {"qty": "7", "name": "瓶"}, {}, BAD_QTY, {"name": None}),
    Case("readonly", "name", {"qty": "3", "name": "瓶"}, {"qty": "7", "name": "瓶"}, {}, BAD_QTY, {"name": None}),
    Case("set", "name", {"qty": "3", "name": "瓶"}, {"qty": "7", "name": "瓶"}, {"value": "自动"}, BAD_QTY, {"name": "自动"}),
    Case("clear", "name", {"qty": "3", "name": "瓶"}, {"qty": "7", "name": "瓶"}, {}, BAD_QTY, {"name": None}),
    Case("file", "photos", {"photos": "large"}, {}, {"least": "1"}, skips=WITHOUT_FILES),
    Case("image_size", "photos", {"photos": "large"}, {"photos": "small"}, {"width": "800", "height": "600"}, skips=WITHOUT_FILES),
]  # fmt: skip
OF_ROWS = {
    "row_count",
    "column_sum",
    "column_unique",
}  # stand on a sub-table: tests/unit/rules and the sub-table's own test


@dataclass(frozen=True)
class Answer:
    """What a door did: whether it would store the answers, and as what."""

    is_stored: bool
    answers: Mapping[str, Any]
    said: str = ""


class Doorway:
    """One door; a subclass sends answers through it and says what became of them."""

    door: ClassVar[Door]

    def __init__(self, app: Flask, files: Mapping[str, StoredFile]) -> None:
        self.app, self.files = app, files

    def send(self, sent: Mapping[str, str]) -> Answer:
        """Send answers as texts; a photo is named by the file it is."""
        raise NotImplementedError


class Form_(Doorway):  # noqa: N801 -- Form is the table
    """A form somebody sends; photos go through the function behind the page, with files that lie in the store."""

    def post(self, sent: Mapping[str, str]) -> Any:
        """Send the form as a browser does."""
        raise NotImplementedError

    def send(self, sent: Mapping[str, str]) -> Answer:
        """Send the form and look whether there is one record more."""
        if "photos" in sent:
            return self._with_photo(sent)
        before = newest()
        answer = self.post(dict(sent))
        after = newest()
        is_stored = answer.status_code == 303
        assert is_stored is (after is not None and (before is None or after.id != before.id)), answer.status_code
        return Answer(is_stored, after.answers if is_stored and after else {}, answer.text)

    def _with_photo(self, sent: Mapping[str, str]) -> Answer:
        texts = {name: [text] for name, text in sent.items() if name != "photos"}
        given = Sent(texts, {"photos": [self.files[sent["photos"]]]})
        with self.app.test_request_context():
            checked = checked_form("matrix", matrix()[1], given, {}, door=self.door, by=None, now=clock.now())
        return Answer(checked.ok, checked.answers.answers, " ".join(checked.page_errors.values()))


class Page(Form_):
    """The form on a page."""

    door = Door.PAGE

    def post(self, sent: Mapping[str, str]) -> Any:
        """Send it as the quality lead."""
        return lead(self.app).post("/records/matrix", dict(sent))


class Public(Form_):
    """The form of a link, for people without an account."""

    door = Door.PUBLIC

    def post(self, sent: Mapping[str, str]) -> Any:
        """Send it as a stranger."""
        form = db.session.scalars(select(Form).where(Form.key == "matrix")).one()
        options = LinkOptions(name="矩阵", company="晨光", expires_at=clock.now() + timedelta(days=1))
        with self.app.test_request_context(), write():
            token = create_link(form, matrix()[1], options, by=user_id("quality_lead"), now=clock.now())[1]
        return Browser(self.app.test_client(), self.app).post(f"/f/{token}", dict(sent))


class Inline(Doorway):
    """The check while a form is filled in."""

    door = Door.INLINE

    def send(self, sent: Mapping[str, str]) -> Answer:
        """Leave the last field of the form; what is hidden counts as not stored."""
        touched = " ".join(one["id"] for one in FIELDS)
        text = lead(self.app).post("/forms/matrix/check", dict(sent) | {"touched": touched}).text
        hidden = set(re.findall(r'data-said="(\w+)" aria-live="polite"(?: data-hidden| data-readonly)', text))
        stored = {name: value for name, value in sent.items() if name not in hidden}
        is_wrong = 'data-level="block"' in text or 'role="alert"' in text
        return Answer(not is_wrong, stored, text)


class Bulk(Doorway):
    """Rows of a file, the interface or a connector."""

    source: ClassVar[str]

    def send(self, sent: Mapping[str, str]) -> Answer:
        """Send one row."""
        version, definition = matrix()
        form = db.session.scalars(select(Form).where(Form.key == "matrix")).one()
        target = Target(form, version, definition)
        columns: dict[str, list[Cell]] = {one.id: [sent.get(one.id, "")] for one in definition.fields}
        with self.app.test_request_context(), write():
            rows = read_cells(definition, columns, 1)
            check_rows(target, rows, door=self.door, by=None, now=clock.now())
            [outcome] = take_rows(target, rows, Sender(self.source, None), now=NOW)
        said = " ".join(why for _field, why in outcome.reasons)
        return Answer(outcome.outcome == "stored", rows[0].answers, said)


class Excel(Bulk):
    """A row of a file."""

    door, source = Door.EXCEL, "import"


class Api(Bulk):
    """A row of the interface."""

    door, source = Door.API, "api"


class Connector(Bulk):
    """A row a connector brings."""

    door, source = Door.CONNECTOR, "connector"


DOORWAYS: dict[Door, type[Doorway]] = {one.door: one for one in (Page, Public, Inline, Excel, Api, Connector)}
IN_TABLES = {Door.SUBTABLE}  # rows are no door of their own: they come with their form, whichever door that takes


def lead(app: Flask) -> Browser:
    """Return the quality lead's browser."""
    return log_in(app, "quality_lead")


def matrix() -> tuple[int, Any]:
    """Return (version id, definition) of the form of this test."""
    _form, version = current_form("matrix")
    return version.id, stored_definition("matrix", version.id)


def newest() -> Record | None:
    """Return the newest record."""
    db.session.remove()
    return db.session.scalar(select(Record).order_by(Record.id.desc()).limit(1))


@pytest.fixture
def app(sqlite_app: Flask) -> Flask:
    """A form with a field of every sort, records to compare with, and an order of a serum from a known lot."""
    sqlite_app.config["QTRACE_RATE_FACTOR"] = 1000  # a stranger who sends sixty forms in a row is not the subject
    make_form(FIELDS, key="matrix", name="矩阵", prefix="MX")
    with write() as session:
        shop = Shop(key="douyin", name="抖店旗舰店")
        session.add(shop)
        session.flush()
        rose, mint = (Sku(shop_id=shop.id, external_id=code, name=code) for code in ("ROSE-30", "MINT-50"))
        order = Order(shop_id=shop.id, external_id="6919000045", currency="CNY", placed_at=NOW)
        session.add_all([rose, mint, order])
        session.flush()
        session.add(OrderLine(order_id=order.id, external_id="1", sku_id=rose.id))
        session.add(Lot(shop_id=shop.id, external_id="B2409-17", sku_id=rose.id))
    version, _definition = matrix()
    form_id = db.session.scalars(select(Form.id).where(Form.key == "matrix")).one()
    with write():
        for n in range(10):
            answers = {"code": f"B000{n}-01", "qty": 3 + n % 4, "result": "pass"}
            create_record(NewRecord(form_id, version, answers), by=user_id("quality_lead"), now=NOW)
    return sqlite_app


@pytest.fixture
def files(app: Flask) -> Mapping[str, StoredFile]:
    """A large and a small photo as the store keeps them: only their first bytes matter here."""
    found = {}
    for number, (name, width, height) in enumerate((("large", 1200, 900), ("small", 320, 240)), start=1):
        file_id = f"{number:032x}"
        folder = app.config["QTRACE_DATA_DIR"] / "files" / file_id[:2]
        folder.mkdir(parents=True, exist_ok=True)
        head = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + width.to_bytes(4, "big") + height.to_bytes(4, "big")
        (folder / file_id).write_bytes(head)
        found[name] = StoredFile(file_id, "0" * 64, len(head), "image/png", f"{name}.png")
    return found


def add_rule(case: Case) -> None:
    """Put the rule of a case on the form."""
    form_id = db.session.scalars(select(Form.id).where(Form.key == "matrix")).one()
    with write() as session:
        session.add(
            Rule(
                form_id=form_id, kind=case.kind, field=case.field, options=dict(case.options), condition=case.condition,
                level="block", changed_at=NOW,
            )
        )  # fmt: skip


def test_no_kind_and_no_door_is_missing_from_the_table() -> None:
    assert {case.kind for case in CASES} | OF_ROWS == {kind.key for kind in KINDS}
    assert set(DOORWAYS) | IN_TABLES == set(Door)
    assert all(why for case in CASES for why in case.skips.values())


@pytest.mark.parametrize("door", list(DOORWAYS), ids=str)
def test_every_kind_holds_at_this_door(app: Flask, files: Mapping[str, StoredFile], door: Door) -> None:
    doorway, wrong = DOORWAYS[door](app, files), []
    for case in CASES:
        if door in case.skips:
            continue
        with write() as session:
            session.query(Rule).delete()
        add_rule(case)
        good, bad = doorway.send(GOOD | case.good), doorway.send(GOOD | case.bad)
        if not good.is_stored:
            wrong.append(f"{case.kind} stops what is right: {good.said[-300:]}")
        if case.stored is None and bad.is_stored is not bool(case.leaving):  # a gate lets save, and stops who leaves
            wrong.append(f"{case.kind} lets pass what is wrong")
        if case.stored is not None:
            given = {name: bad.answers.get(name) for name in case.stored}
            if not bad.is_stored or (
                given != case.stored and not (door is Door.INLINE and case.kind in ("set", "clear"))
            ):
                wrong.append(f"{case.kind} leaves {given}: {bad.said[-300:]}")
    assert wrong == []


@pytest.mark.parametrize("door", list(Door), ids=str)
def test_a_gate_stops_who_leaves_the_stage_at_every_door(app: Flask, door: Door) -> None:
    add_rule(next(case for case in CASES if case.kind == "stage_gate"))
    definition = matrix()[1]
    with app.test_request_context():
        for leaving, is_open in (("", True), ("triage", True), ("close", False)):
            checked = check_answers(
                "matrix", definition, Answers(answers={"qty": 3}), door=door, by=None, now=NOW, leaving=leaving
            )
            assert checked.ok is is_open, leaving
