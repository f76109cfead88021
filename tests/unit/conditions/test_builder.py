"""The editor of conditions: rows to and from a condition, its buttons, and what a browser sends."""

import os
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from html.parser import HTMLParser
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from flask import Flask, render_template_string
from hypothesis import given, settings
from hypothesis import strategies as st

from qtrace.conditions.builder import (
    JOINS,
    Builder,
    BuilderField,
    BuilderSetup,
    Errors,
    Group,
    Row,
    build_rows,
    builder_of,
    edit_builder,
    read_builder,
    typed_builder,
)
from qtrace.conditions.builder_view import (
    JOIN_LABELS,
    MOMENT_LABELS,
    OPERATOR_LABELS,
    ShownBuilder,
    ShownGroup,
    inputs_of,
    shown,
)
from qtrace.conditions.evaluate import evaluate
from qtrace.conditions.tree import (
    MAX_DEPTH,
    OTHER_FIELD_OPERATORS,
    All,
    Any_,
    Clause,
    Condition,
    FieldKind,
    Not,
    Operand,
    OtherField,
    operators_of,
)

SHANGHAI = ZoneInfo("Asia/Shanghai")
FIELDS = (
    BuilderField("status", "状态", FieldKind.TEXT, (("open", "处理中"), ("done", "已完成"))),
    BuilderField("note", "备注", FieldKind.TEXT),
    BuilderField("qty", "数量", FieldKind.NUMBER),
    BuilderField("limit", "上限", FieldKind.NUMBER),
    BuilderField("paid", "已付款", FieldKind.BOOL),
    BuilderField("sent", "发货时间", FieldKind.DATETIME),
    BuilderField("made", "生产日期", FieldKind.DATETIME, is_day=True),
    BuilderField("sku", "商品", FieldKind.REF, (("7", "精华液 30ml"), ("8", "面霜 50g"))),
    BuilderField("tags", "标签", FieldKind.LIST, (("leak", "漏液"), ("broken", "破损"))),
    BuilderField("codes", "批次", FieldKind.LIST),
)
SETUP = BuilderSetup(FIELDS, zone=SHANGHAI, has_history=True)
KINDS = {item.id: item.kind for item in FIELDS}
MANY, OPEN = Clause("qty", "gt", 3), Clause("status", "eq", "open")


def sent(**values: str | list[str]) -> dict[str, list[str]]:
    """Return what a browser sends; a name with __ has dots."""
    return {name.replace("__", "."): value if isinstance(value, list) else [value] for name, value in values.items()}


def form_of(group: ShownGroup) -> dict[str, list[str]]:
    """Return what a browser sends for the inputs of a group."""
    found: dict[str, list[str]] = {}
    for name, value in inputs_of(group):
        found.setdefault(name, []).append(value)
    return found


def test_rows_are_read() -> None:
    form = sent(
        c__join="all",
        c__0__field="qty", c__0__op="gt", c__0__value=" 3 ",
        c__1__join="not_any",
        c__1__0__field="status", c__1__0__op="eq", c__1__0__value="open",
        c__1__1__field="made", c__1__1__op="le", c__1__1__value="2026-11-02",
        c__2__field="codes", c__2__op="has_any", c__2__value="A1\r\n\r\n B2 ",
        c__3__field="limit", c__3__op="ge", c__3__value="", c__3__other="qty",
        c__4__field="qty", c__4__op="between", c__4__value=["1", "2.5"],
        c__5__field="", c__9__field="status", c__9__op="changed",
    )  # fmt: skip
    day = Clause("made", "le", datetime(2026, 11, 1, 16, tzinfo=UTC))
    assert read_builder(form, SETUP) == (
        All((
            MANY, Not(Any_((OPEN, day))), Clause("codes", "has_any", ("A1", "B2")),
            Clause("limit", "ge", OtherField("qty")), Clause("qty", "between", (1, Decimal("2.5"))),
            Clause("status", "changed"),
        )), {},
    )  # fmt: skip


def test_nothing_chosen_is_no_restriction() -> None:
    assert read_builder({}, SETUP) == (All(()), {})
    assert read_builder(sent(c__join="all", c__0__field=""), SETUP) == (All(()), {})


def test_every_row_has_its_own_error() -> None:
    form = sent(
        c__join="any",
        c__0__field="qty", c__0__op="gt", c__0__value="三",
        c__1__field="status", c__1__op="eq", c__1__value="",
        c__2__join="all", c__2__0__field="gone", c__2__0__op="eq", c__2__0__value="x",
        c__3__field="sku", c__3__op="in", c__3__value=["7", "x"],
        c__4__field="sent", c__4__op="gt", c__4__value="昨天",
        c__5__field="limit", c__5__op="gt", c__5__other="sent",
    )  # fmt: skip
    condition, errors = read_builder(form, SETUP)
    assert condition is None
    assert {name: error.message for name, error in errors.items()} == {
        "c.0.value": "请填写数字",
        "c.1.value": "请填写要比较的值",
        "c.2.0.field": "没有这个字段",
        "c.3.value": "请从列表中选择",
        "c.4.value": "请填写带时区的日期时间",
        "c.5.other": "两个字段的类型不同,不能比较",
    }


def test_a_field_just_chosen_starts_with_its_first_operator() -> None:
    form = sent(c__join="all", c__0__field="paid", c__0__op="contains", c__0__value="x")
    assert read_builder(form, SETUP)[0] == Clause("paid", "is_true")


def test_the_buttons_add_and_remove() -> None:
    form = sent(c__join="all", c__0__field="qty", c__0__op="gt", c__0__value="3")
    row = Row("qty", "gt", ("3",))
    assert edit_builder(form, "add-row:c", SETUP)[0].rows == Group("all", (row, Row()))
    added = edit_builder(form, "add-group:c", SETUP)[0]
    assert added.rows == Group("all", (row, Group("any", (Row(),))))
    again = form_of(shown(added, SETUP).root)
    assert edit_builder(again, "add-row:c.1", SETUP)[0].rows == Group("all", (row, Group("any", (Row(), Row()))))
    assert edit_builder(again, "remove:c.1.0", SETUP)[0].rows == Group("all", (row, Group("any", ())))
    assert edit_builder(again, "remove:c.0", SETUP)[0].rows == Group("all", (Group("any", (Row(),)),))


@pytest.mark.parametrize(
    "edit",
    ["", "remove:", "remove:c", "remove:c.7", "remove:c.0.0", "remove:d.0", "remove:c.-1", "remove:c.١", "explode:c",
     "add-row:c.0", "add-row:c" + ".0" * 500, "text:d", "refresh:c", "remove:c.99999999999999999999"],
)  # fmt: skip
def test_a_button_that_is_none_changes_nothing(edit: str) -> None:
    form = sent(c__join="all", c__0__field="qty", c__0__op="gt", c__0__value="3")
    assert edit_builder(form, edit, SETUP) == (typed_builder(form, SETUP), {})


def test_the_editor_switches_to_text_and_back() -> None:
    form = sent(
        c__join="any", c__0__field="qty", c__0__op="gt", c__0__value="3", c__1__field="paid", c__1__op="is_true"
    )
    builder, errors = edit_builder(form, "text:c", SETUP)
    assert (builder.text, errors) == ("数量 > 3 或 已付款 为是", {})
    typed = sent(c___mode="text", c___text="数量 > 4")
    assert read_builder(typed, SETUP) == (Clause("qty", "gt", 4), {})
    assert edit_builder(typed, "rows:c", SETUP)[0] == Builder(Group("all", (Row("qty", "gt", ("4",)),)))


def test_what_cannot_be_read_stays_as_it_was_typed() -> None:
    wrong = sent(c___mode="text", c___text="数量 > 四")
    builder, errors = edit_builder(wrong, "rows:c", SETUP)
    assert builder.text == "数量 > 四"
    assert list(errors) == ["c._text"]
    rows = sent(c__join="all", c__0__field="qty", c__0__op="gt", c__0__value="四")
    builder, errors = edit_builder(rows, "text:c", SETUP)
    assert builder.text is None
    assert list(errors) == ["c.0.value"]
    assert edit_builder(sent(c___mode="text", c___text=""), "rows:c", SETUP)[1]["c._text"].message == "请填写条件"


def test_what_rows_cannot_show_stays_text() -> None:
    lines = Clause("note", "eq", "一\n二")
    assert builder_of(lines, SETUP).text == '备注 = "一\n二"'
    typed = sent(c___mode="text", c___text='备注 = " 空"')
    assert edit_builder(typed, "rows:c", SETUP)[1]["c._text"].message.startswith("这个条件只能用文本表示")
    twice = ZoneInfo("Europe/Berlin")
    second_two_oclock = Clause("sent", "gt", datetime(2026, 10, 25, 1, 30, tzinfo=UTC))
    assert builder_of(second_two_oclock, BuilderSetup(FIELDS, zone=twice)).text
    assert builder_of(Clause("sent", "gt", datetime(9999, 12, 31, 23, tzinfo=UTC)), SETUP).text


def test_a_new_editor_has_one_empty_row() -> None:
    assert builder_of(None, SETUP).rows == Group("all", (Row(),))


def test_limits_of_a_condition_are_told() -> None:
    rows = {f"c.{place}.{part}": [value] for place in range(201) for part, value in
            (("field", "qty"), ("op", "gt"), ("value", "3"))}  # fmt: skip
    condition, errors = read_builder(rows, SETUP)
    assert condition is None
    assert errors["c"].message == "条件最多 200 条"
    assert read_builder({"c" + ".0" * 3000 + ".field": ["qty"]}, SETUP) == (All(()), {})


TEXTS = st.text("漏液a,\"'%", min_size=1, max_size=4)
SCALARS: dict[FieldKind, st.SearchStrategy[Any]] = {
    FieldKind.TEXT: TEXTS,
    FieldKind.NUMBER: st.integers(-5, 5) | st.decimals(-5, 5, places=2),
    FieldKind.DATETIME: st.datetimes(datetime(1995, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001
    FieldKind.REF: st.integers(1, 9),
    FieldKind.LIST: TEXTS,
}


@st.composite
def clauses(draw: st.DrawFn) -> Clause:
    """Draw a clause that parse would accept."""
    name = draw(st.sampled_from(sorted(KINDS)))
    kind = KINDS[name]
    operators = operators_of(kind, has_history=True)
    op = draw(st.sampled_from(sorted(operators)))
    if op in OTHER_FIELD_OPERATORS.get(kind, ()) and draw(st.booleans()):
        return Clause(name, op, OtherField(draw(st.sampled_from([other for other in KINDS if KINDS[other] is kind]))))
    match operators[op]:
        case Operand.NONE:
            return Clause(name, op)
        case Operand.ONE:
            return Clause(name, op, draw(SCALARS[kind]))
        case Operand.RANGE:
            return Clause(name, op, tuple(sorted(draw(st.tuples(SCALARS[kind], SCALARS[kind])))))
        case Operand.LIST:
            return Clause(name, op, tuple(draw(st.lists(SCALARS[kind], min_size=1, max_size=3))))


def groups(inner: st.SearchStrategy[Condition]) -> st.SearchStrategy[Condition]:
    """Combine conditions."""
    items = st.lists(inner, max_size=3).map(tuple)
    return st.builds(All, items) | st.builds(Any_, items) | st.builds(Not, inner)


def plain(condition: Condition) -> Condition:
    """Return the condition without groups of one, which rows do not tell from what they hold."""
    match condition:
        case All((item,)) | Any_((item,)):
            return plain(item)
        case All(items):
            return All(tuple(map(plain, items)))
        case Any_(items):
            return Any_(tuple(map(plain, items)))
        case Not(item):
            return Not(plain(item))
        case _:
            return condition


CONDITIONS = st.recursive(clauses(), groups, max_leaves=6)
PROPERTY = settings(max_examples=int(os.environ.get("QTRACE_TEST_EXAMPLES", "150")), deadline=None, database=None)


@PROPERTY
@given(CONDITIONS)
def test_a_condition_survives_its_rows_or_its_text(condition: Condition) -> None:
    builder = builder_of(condition, SETUP)
    if builder.text is None:
        form = form_of(shown(builder, SETUP).root)
    else:
        form = {"c._mode": ["text"], "c._text": [builder.text]}
    read, errors = read_builder(form, SETUP)
    assert errors == {}
    assert read is not None
    assert plain(read) == plain(condition)


@PROPERTY
@given(CONDITIONS)
def test_reading_and_showing_again_changes_nothing(condition: Condition) -> None:
    builder = builder_of(condition, SETUP)
    if builder.text is None:
        form = form_of(shown(builder, SETUP).root)
        read, _errors = read_builder(form, SETUP)
        assert read is not None
        again = form_of(shown(builder_of(read, SETUP), SETUP).root)
        reread = read_builder(again, SETUP)[0]
        assert reread is not None
        assert plain(reread) == plain(read)
        row = {"qty": 3, "status": "open", "paid": True}
        assert evaluate(read, row) is evaluate(condition, row)


PARTS = st.sampled_from(
    ["join", "field", "op", "value", "other", "_mode", "_text", "0", "1", "2", "x", "", "99999", "-1", "١"]
)
NAMES = st.lists(PARTS, max_size=6).map(lambda parts: ".".join(["c", *parts])) | st.text(max_size=6)
VALUES = st.sampled_from(
    [*KINDS, *OPERATOR_LABELS, *JOINS, "text", "rows", "3", "2026-11-02T08:00", "7", "x\ny", "\0"]
) | st.text(max_size=6)


@PROPERTY
@given(
    st.dictionaries(NAMES, st.lists(VALUES, max_size=3), max_size=14),
    st.text(max_size=8) | NAMES.map("remove:".__add__),
)
def test_whatever_is_sent_is_read_or_refused(form: dict[str, list[str]], edit: str) -> None:
    builder, errors = edit_builder(form, edit, SETUP)
    assert shown(builder, SETUP, errors).root.name == "c"
    condition, errors = read_builder(form, SETUP)
    assert (condition is None) == bool(errors)
    if condition is not None:
        assert builder_of(condition, SETUP)


def test_every_operator_and_join_has_a_label() -> None:
    for kind in FieldKind:
        assert operators_of(kind, has_history=True).keys() <= OPERATOR_LABELS.keys()
    assert operators_of(FieldKind.DATETIME).keys() >= MOMENT_LABELS.keys()
    assert tuple(JOIN_LABELS) == JOINS


class Inputs(HTMLParser):
    """Collects what a browser would send for the piece, and every label and id."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.form: dict[str, list[str]] = {}
        self.ids: list[str] = []
        self.unnamed: list[str] = []
        self._select, self._area, self._chosen, self._first = "", "", False, ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note an input."""
        found = dict(attrs)
        name, value = found.get("name") or "", found.get("value") or ""
        self.ids += [found["id"] or ""] if "id" in found else []
        if tag in ("select", "textarea") and "aria-label" not in found and not str(found.get("id")).endswith("-text"):
            self.unnamed.append(name)
        if tag == "input" and (found.get("type") != "checkbox" or "checked" in found):
            self._add(name, value)
        elif tag == "textarea":
            self._area = name
        elif tag == "select":
            self._select, self._chosen, self._first = name, "multiple" in found, ""
        elif tag == "option" and self._select:
            if "selected" in found:
                self._add(self._select, value)
                self._chosen = True
            elif not self._first:
                self._first = value

    def handle_endtag(self, tag: str) -> None:
        """Take the first option where none was chosen, as a browser does."""
        if tag == "select" and not self._chosen:
            self._add(self._select, "" if self._select.endswith(("field", "value", "other")) else self._first)
        if tag in ("select", "textarea"):
            self._select = self._area = ""

    def handle_data(self, data: str) -> None:
        """Take what stands in a text area, without the line break after its tag."""
        if self._area:
            self._add(self._area, data.removeprefix("\n"))

    def _add(self, name: str, value: str) -> None:
        self.form.setdefault(name, []).append(value)


PIECE = """{% from "conditions/_builder.html" import condition_builder with context %}{{ condition_builder(builder, "/x") }}"""


@pytest.fixture
def drawn(sqlite_app: Flask) -> Iterator[Any]:
    """Return what draws an editor."""

    def draw(builder: ShownBuilder) -> str:
        return render_template_string(PIECE, builder=builder)

    with sqlite_app.test_request_context():
        yield draw


ONE: tuple[Any, ...] = (
    "open", "漏液", 3, Decimal("2.5"), None, datetime(2026, 11, 2, 1, 30, tzinfo=UTC), datetime(2026, 11, 1, 16, tzinfo=UTC),
    7, "leak", "A1",
)  # fmt: skip
EVERY_CLAUSE: tuple[Condition, ...] = tuple(
    Clause(item.id, op, {
        Operand.NONE: None, Operand.ONE: one, Operand.LIST: (one,), Operand.RANGE: (one, one)}[operand])
    for item, one in zip(FIELDS, ONE, strict=True)
    for op, operand in operators_of(item.kind, has_history=True).items()
)  # fmt: skip
EVERYTHING = All((
    *EVERY_CLAUSE, Any_((OPEN, Not(All((MANY, Clause("limit", "lt", OtherField("qty"))))))), Not(Any_((OPEN, MANY))),
    Clause("status", "eq", "一个旧的选项"),
))  # fmt: skip


def test_a_browser_sends_back_what_was_drawn(drawn: Any) -> None:
    page = Inputs(drawn(shown(builder_of(EVERYTHING, SETUP), SETUP)))
    assert read_builder(page.form, SETUP) == (EVERYTHING, {})
    assert len(page.ids) == len(set(page.ids))
    assert page.unnamed == []


def test_an_error_stands_at_its_input(drawn: Any) -> None:
    form = sent(c__join="all", c__0__field="qty", c__0__op="gt", c__0__value="三")
    _condition, errors = read_builder(form, SETUP)
    page = drawn(shown(typed_builder(form, SETUP), SETUP, errors))
    assert 'aria-describedby="c-0-value-error"' in page
    assert 'id="c-0-value-error"' in page
    assert "请填写数字" in page
    assert 'value="三"' in page


def test_the_text_is_drawn_with_the_place_of_its_error(drawn: Any) -> None:
    form = sent(c___mode="text", c___text="数量 > 3 且\n备注 = <b>")
    _condition, errors = read_builder(form, SETUP)
    page = drawn(shown(typed_builder(form, SETUP), SETUP, errors))
    assert "第 2 行第 6 个字" in page
    assert "&lt;b&gt;" in page
    assert Inputs(page).form["c._text"][0].startswith("数量 > 3 且")


def test_groups_nest_only_as_deep_as_a_phone_has_room(drawn: Any) -> None:
    condition: Condition = OPEN
    for _level in range(MAX_DEPTH - 1):
        condition = Any_((condition, MANY)) if _level % 2 else All((condition, MANY))
    page = drawn(shown(builder_of(condition, SETUP), SETUP))
    assert page.count("add-group:") == 3
    assert read_builder(Inputs(page).form, SETUP) == (condition, {})


def test_an_empty_group_says_so(drawn: Any) -> None:
    no_errors: Errors = {}
    assert "还没有条件:不限" in drawn(shown(Builder(Group()), SETUP, no_errors))
    rows = build_rows(All((OPEN, Any_(()))))
    assert "这一组还没有条件" in drawn(shown(Builder(rows), SETUP, no_errors))
