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
from qtrace.channels.models import IntakeRecord
from qtrace.channels.syncing import sync
from qtrace.core import clock
from qtrace.core.db import db, write
from qtrace.core.errors import Refused
from qtrace.core.files import StoredFile
from qtrace.exchange.form_targets import FormTarget
from qtrace.flows.definition import Node
from qtrace.flows.models import FlowInstance
from qtrace.flows.standing import StepCase
from qtrace.forms.answers import Answers
from qtrace.forms.links import LinkOptions, create_link
from qtrace.forms.models import Form
from qtrace.forms.queries import current_form, stored_definition
from qtrace.forms.registry import Sent, Storage, controls
from qtrace.orders.models import Lot, Order, OrderLine
from qtrace.records.doors import checked_form
from qtrace.records.flow_steps import make_record
from qtrace.records.models import Record
from qtrace.records.service import NewRecord, create_record
from qtrace.rules.builtin import KINDS
from qtrace.rules.doors import Door, check_answers
from qtrace.rules.models import Rule
from qtrace.rules.queries import load_rules
from qtrace.rules.reading import Draft, RuleError, read_rule
from qtrace.sdk.flow_nodes import MakeRecord
from tests.conftest import NOW, Browser, log_in, user_id
from tests.factories.api import program
from tests.factories.forms import asked, make_form
from tests.unit.channels.shopfloor import FORMS, connect, form_record, refusals, serve

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
IN_ROWS = [{**one, "filterable": False} for one in FIELDS if one["id"] != "photos"]
LINES = [*FIELDS, asked("lines", "sub_table", "明细", fields=IN_ROWS)]
GOOD = {"code": "B2409-17", "qty": "3", "size": "5", "result": "pass"}
BAD_QTY = {"field": "qty", "op": "gt", "value": 5}


@dataclass(frozen=True)
class Case:
    """One kind of rule, an answer that passes and one that does not; what changes the form says what is stored instead.

    `unsendable` says at which doors the right answer can't be given, and why: what is wrong is stopped there all the same.
    """

    kind: str
    field: str
    good: Mapping[str, str]
    bad: Mapping[str, str]
    options: Mapping[str, Any] = field(default_factory=dict)
    condition: Mapping[str, Any] | None = None
    stored: Mapping[str, Any] | None = None  # after the bad answer, for kinds that change the form
    leaving: str = ""
    unsendable: Mapping[Door, str] = field(default_factory=dict)
    row_options: Mapping[str, Any] | None = None  # what the rule says where it is tried on rows


NO_FILES = "no file comes through this door"
WITHOUT_FILES = dict.fromkeys((Door.INLINE, Door.EXCEL, Door.API, Door.CONNECTOR, Door.FLOW), NO_FILES)
WITHOUT_ROWS = {Door.FLOW: "a node of a flow fills in single fields, never rows"}
WHOLE_FIELD = "acts on a whole field, never on a column: read_rule refuses it"
WHOLE_FORM = "stands on the form, not on a field"
NO_FILES_IN_ROWS = "no control that holds files may be a column"
OWN_ROWS = "stands on the sub-table itself: tried at every door"
BY_RECORD = "compares whole records; a column is refused by read_rule"
NOT_IN_ROWS: Mapping[str, str] = {
    **dict.fromkeys(("show", "hide", "readonly", "set", "clear", "filter_options"), WHOLE_FIELD),
    **dict.fromkeys(("file", "image_size"), NO_FILES_IN_ROWS),
    **dict.fromkeys(("row_count", "column_sum", "column_unique"), OWN_ROWS),
    "condition": WHOLE_FORM, "unique": BY_RECORD, "similar": BY_RECORD,
}  # fmt: skip
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
    Case("formula", "", {"qty": "3"}, {"qty": "7"}, {"formula": "qty * 2 <= 10"}, row_options={"formula": "sum(lines.qty) * 2 <= 10"}),
    Case("filter_options", "result", {"result": "pass"}, {"result": "fail"}, {"values": ["pass"]}),
    Case("stage_gate", "name", {"name": "瓶"}, {"name": ""}, {"stage": "close"}, leaving="close"),
    Case("show", "name", {"qty": "7", "name": "瓶"}, {"qty": "3", "name": "瓶"}, {}, BAD_QTY, {"name": None}),
    Case("hide", "name", {"qty": "3", "name": "瓶"}, {"qty": "7", "name": "瓶"}, {}, BAD_QTY, {"name": None}),
    Case("readonly", "name", {"qty": "3", "name": "瓶"}, {"qty": "7", "name": "瓶"}, {}, BAD_QTY, {"name": None}),
    Case("set", "name", {"qty": "3", "name": "瓶"}, {"qty": "7", "name": "瓶"}, {"value": "自动"}, BAD_QTY, {"name": "自动"}),
    Case("clear", "name", {"qty": "3", "name": "瓶"}, {"qty": "7", "name": "瓶"}, {}, BAD_QTY, {"name": None}),
    Case("row_count", "lines", {"lines.0.code": "A", "lines.1.code": "B"}, {"lines.0.code": "A"}, {"min": "2"}, unsendable=WITHOUT_ROWS),
    Case("column_sum", "lines", {"lines.0.qty": "3", "lines.1.qty": "2"}, {"lines.0.qty": "3", "lines.1.qty": "3"}, {"column": "qty", "total": "5"}, unsendable=WITHOUT_ROWS),
    Case("column_unique", "lines", {"lines.0.code": "A", "lines.1.code": "B"}, {"lines.0.code": "A", "lines.1.code": "A"}, {"column": "code"}, unsendable=WITHOUT_ROWS),
    Case("file", "photos", {"photos": "large"}, {}, {"least": "1"}, unsendable=WITHOUT_FILES),
    Case("image_size", "photos", {"photos": "large"}, {"photos": "small"}, {"width": "800", "height": "600"}, unsendable=WITHOUT_FILES),
]  # fmt: skip


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
        options = LinkOptions(name="矩阵", company="晨光", expires_at=clock.now() + timedelta(days=1), opened=["sku"])
        with self.app.test_request_context(), write():
            token = create_link(form, matrix()[1], options, by=user_id("quality_lead"), now=clock.now())[1]
        return Browser(self.app.test_client(), self.app).post(f"/f/{token}", dict(sent))


class Inline(Doorway):
    """The check while a form is filled in."""

    door = Door.INLINE

    def send(self, sent: Mapping[str, str]) -> Answer:
        """Leave the last field of the form; what is hidden counts as not stored."""
        touched = " ".join([*(one["id"] for one in LINES), *(name for name in sent if "." in name)])
        text = lead(self.app).post("/forms/matrix/check", dict(sent) | {"touched": touched}).text
        hidden = set(re.findall(r'data-said="(\w+)" aria-live="polite"(?: data-hidden| data-readonly)', text))
        stored = {name: value for name, value in sent.items() if name not in hidden}
        is_wrong = 'data-level="block"' in text or 'role="alert"' in text
        return Answer(not is_wrong, stored, text)


class Excel(Doorway):
    """A row of a file, as the import hands it over."""

    door = Door.EXCEL

    def send(self, sent: Mapping[str, str]) -> Answer:
        """Send one row; the rows of a sub-table stand in one cell, a line each."""
        said = {name: value for name, value in plain(sent).items() if not isinstance(value, list)}
        for name, rows in plain(sent).items():
            if isinstance(rows, list):
                said[name] = "\n".join(" | ".join(row.get(one["id"], "") for one in IN_ROWS) for row in rows)
        with self.app.test_request_context(), write():
            target = FormTarget("matrix")
            [told] = target.store([said], key="", now=NOW, by=None, source=("import_run", 1), dry=False)
        return judged(told.outcome == "stored", " ".join(told.reasons))


class Api(Doorway):
    """A request of a program."""

    door = Door.API

    def __init__(self, app: Flask, files: Mapping[str, StoredFile]) -> None:
        super().__init__(app, files)
        self.program = program(app)

    def send(self, sent: Mapping[str, str]) -> Answer:
        """Send one record."""
        answer = self.program.post("/records/matrix", {"values": plain(sent)})
        assert answer.status_code in (201, 422), answer.text
        return judged(answer.status_code == 201, answer.text)


class Connector(Doorway):
    """A record a shop's connector brings, through a sync."""

    door = Door.CONNECTOR

    def __init__(self, app: Flask, files: Mapping[str, StoredFile]) -> None:
        super().__init__(app, files)
        self.floor, self.account_id = connect(app)
        self.floor.streams, self.sent = [FORMS], 0

    def send(self, sent: Mapping[str, str]) -> Answer:
        """Deliver one record; what was refused is cleared away, so that the next case does not take it up again."""
        self.sent += 1
        serve(self.floor, form_record(f"E{self.sent}", "matrix", plain(sent)))
        with self.app.test_request_context():
            tally = sync(self.account_id, clock=lambda: NOW).streams["forms"]
        said = " ".join(refusals(self.account_id))
        with write() as session:
            session.query(IntakeRecord).delete()
        assert tally.read == 1
        return judged(tally.stored == 1, said)


class Flow(Doorway):
    """A node of a flow that fills in another form by itself."""

    door = Door.FLOW

    def send(self, sent: Mapping[str, str]) -> Answer:
        """Let the node fill in the form, in the name of who started its case."""
        instance = FlowInstance(initiator_id=user_id("quality_lead"), department_id=None)
        step = StepCase(instance, Node("fill", "auto", "建单", "Record"), token=1, now=clock.now())
        effect = MakeRecord("matrix", tuple(sent.items()))
        try:
            with self.app.test_request_context(), write():
                make_record(step, effect)
        except Refused as error:
            return judged(False, str(error))
        return judged(True, "")


class Subtable(Page):
    """A row of a sub-table, on the page: rules stand on its columns, answers in its first row."""

    door = Door.SUBTABLE

    def send(self, sent: Mapping[str, str]) -> Answer:
        """Send the answers as a row, in a form that is right else."""
        row = {f"lines.0.{name}": text for name, text in sent.items()}
        return super().send(GOOD | {"lines.0.on": "1"} | row)


DOORWAYS: dict[Door, type[Doorway]] = {
    one.door: one for one in (Page, Public, Inline, Excel, Api, Connector, Flow, Subtable)
}  # fmt: skip


def plain(sent: Mapping[str, str]) -> dict[str, Any]:
    """Return answers as programs give them: a sub-table is a list of rows."""
    found: dict[str, Any] = {}
    for name, text in sent.items():
        table, _dot, rest = name.partition(".")
        if not rest:
            found[name] = text
            continue
        place, column = rest.split(".")
        rows = found.setdefault(table, [])
        rows.extend({} for _n in range(int(place) + 1 - len(rows)))
        rows[int(place)][column] = text
    return found


def judged(is_stored: bool, said: str) -> Answer:
    """Return what became of answers, with what is stored now."""
    after = newest()
    return Answer(is_stored, after.answers if is_stored and after else {}, said)


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
    make_form(LINES, key="matrix", name="矩阵", prefix="MX")
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
            answers = {"code": f"B000{n}-01", "qty": 3 + n % 4, "result": "pass", "lines": [{"qty": 3 + n % 4}]}
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


def add_rule(case: Case, door: Door) -> None:
    """Put the rule of a case on the form; for rows it stands on a column and speaks of columns."""
    form_id = db.session.scalars(select(Form.id).where(Form.key == "matrix")).one()
    name, options, condition = case.field, dict(case.options), case.condition
    if door is Door.SUBTABLE:
        name = name and f"lines.{name}"
        options = {key: f"lines.{text}" if key in ("sku", "other") else text for key, text in options.items()}
        options |= case.row_options or {}
    with write() as session:
        session.query(Rule).delete()
        session.add(
            Rule(
                form_id=form_id, kind=case.kind, field=name, options=options, condition=condition, level="block", changed_at=NOW,
            )
        )  # fmt: skip


def test_no_kind_and_no_door_is_missing_from_the_table() -> None:
    assert {case.kind for case in CASES} == {kind.key for kind in KINDS}
    assert set(DOORWAYS) == set(Door)


def test_what_is_not_tried_on_rows_can_stand_on_no_column(app: Flask) -> None:
    words = load_rules("matrix", matrix()[1]).words
    for case in CASES:
        if NOT_IN_ROWS.get(case.kind) in (WHOLE_FIELD, BY_RECORD) and case.field:
            draft = Draft(kind=case.kind, field=f"lines.{case.field}", level="block", options=dict(case.options))
            with app.test_request_context(), pytest.raises(RuleError, match="只能用在整个字段上"):
                read_rule(draft, words)
    with app.test_request_context():
        assert all(one.not_in_rows for one in controls().values() if one.storage == Storage.FILE_REFS)


def test_no_file_can_be_named_where_none_is_carried(app: Flask) -> None:
    for name in ("photos", "photo.png", "0" * 32):
        answer = program(app).post("/records/matrix", {"values": GOOD | {"photos": [name]}})
        assert answer.status_code == 422
        assert [one["path"] for one in answer.json["errors"]] == ["values.photos"]
    with app.test_request_context():
        assert "photos" not in {one.name for one in FormTarget("matrix").kind.fields}


@pytest.mark.parametrize("door", list(DOORWAYS), ids=str)
def test_every_kind_holds_at_this_door(app: Flask, files: Mapping[str, StoredFile], door: Door) -> None:
    doorway, wrong = DOORWAYS[door](app, files), []
    for case in CASES:
        if door is Door.SUBTABLE and case.kind in NOT_IN_ROWS:
            continue
        add_rule(case, door)
        if door not in case.unsendable:
            good = doorway.send(GOOD | case.good)
            if not good.is_stored:
                wrong.append(f"{case.kind} stops what is right: {good.said[-300:]}")
        elif case.bad or door is Door.INLINE:
            continue  # the wrong answer is a file too; and while typing no file is sent, so nothing is said of them
        bad = doorway.send(GOOD | case.bad)
        if case.stored is None and bad.is_stored is not bool(case.leaving):  # a gate lets save, and stops who leaves
            wrong.append(f"{case.kind} lets pass what is wrong")
        if case.stored is not None:
            given = {name: bad.answers.get(name) for name in case.stored}
            if not bad.is_stored or (
                given != case.stored and not (door is Door.INLINE and case.kind in ("set", "clear"))
            ):
                wrong.append(f"{case.kind} leaves {given}: {bad.said[-300:]}")
    assert wrong == []


def test_a_stranger_is_told_nothing_of_other_records(app: Flask, files: Mapping[str, StoredFile]) -> None:
    for case in CASES:
        if case.kind in ("unique", "similar", "outlier"):
            add_rule(case, Door.PUBLIC)
            answer = Public(app, files).send(GOOD | case.bad)
            assert not answer.is_stored
            assert "已经有人提交过" in answer.said or "和平时差得很多" in answer.said
            assert "MX-" not in answer.said and "通常" not in answer.said


@pytest.mark.parametrize("door", list(Door), ids=str)
def test_a_gate_stops_who_leaves_the_stage_at_every_door(app: Flask, door: Door) -> None:
    add_rule(next(case for case in CASES if case.kind == "stage_gate"), door=Door.PAGE)
    definition = matrix()[1]
    with app.test_request_context():
        for leaving, is_open in (("", True), ("triage", True), ("close", False)):
            checked = check_answers(
                "matrix", definition, Answers(answers={"qty": 3}), door=door, by=None, now=NOW, leaving=leaving
            )
            assert checked.ok is is_open, leaving
