"""Computed fields: in the order of what they read, in rows too, and refused before they can go wrong."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from qtrace.accounts.models import User
from qtrace.catalog.models import Shop, Sku
from qtrace.conditions.formula_tree import Environment
from qtrace.core.db import db, write
from qtrace.forms.answers import Answers, read_answers
from qtrace.forms.computing import Results, compute_all, computes
from qtrace.forms.definition import DefinitionError, FormDefinition, check_together
from qtrace.forms.queries import current_definition
from qtrace.forms.registry import FieldDefinition, Sent, Value, controls
from qtrace.forms.vocabulary import read_definition
from qtrace.records.models import Record
from qtrace.records.service import NewRecord, create_record
from qtrace.rules.doors import Door, check_answers
from qtrace.rules.models import Rule
from tests.conftest import NOW, log_in, user_id
from tests.factories.forms import asked, make_form

COLUMNS = [
    asked("qty", "integer", "数量", required=True),
    asked("price", "money", "单价"),
    asked("amount", "formula", "金额", formula="{数量} * {单价}"),
]
TABLE = asked("lines", "sub_table", "明细", fields=COLUMNS)


def formula(key: str, text: str, label: str = "", **options: Any) -> dict[str, Any]:
    """Return a formula field."""
    return asked(key, "formula", label or key, formula=text, **options)


def form(*fields: dict[str, Any]) -> FormDefinition:
    """Return a form with these fields."""
    section = {"id": "main", "title_zh": "内容", "title_en": "Content", "fields": list(fields)}
    definition = read_definition("computing", {"sections": [section]})
    check_together(definition, controls())
    return definition


def worked(definition: FormDefinition, values: Mapping[str, Value]) -> Results:
    """Return the values with the computed ones."""
    return compute_all(definition, values, Environment(now=NOW))


def test_each_is_worked_out_after_what_it_reads(sqlite_app: Flask) -> None:
    with sqlite_app.test_request_context():
        definition = form(
            formula("c", "{b} + 1"),
            formula("b", "{a} * 2"),
            asked("a", "decimal", "a"),
            formula("d", "{c} / 3", digits=4),
        )
        found = worked(definition, {"a": "0.1", "c": "stale"})
        assert found.values == {"a": "0.1", "b": "0.20", "c": "1.20", "d": "0.4000"}
        assert not found.errors
        assert computes(definition)


def test_rows_are_worked_out_before_what_sums_them(sqlite_app: Flask) -> None:
    with sqlite_app.test_request_context():
        definition = form(
            TABLE, asked("total", "rollup", "合计", over="lines.amount"), asked("rows", "rollup", "行数", over="lines", how="count"),
            asked("mean", "rollup", "平均", over="lines.qty", how="avg", digits=1), formula("sum", "sum({明细.金额})"),
        )  # fmt: skip
        yuan = {"minor": 1010, "currency": "CNY"}
        found = worked(definition, {"lines": [{"qty": 3, "price": yuan}, {"qty": 2, "price": yuan}]})
        rows: Any = found.values["lines"]
        assert [row["amount"] for row in rows] == ["30.30", "20.20"]
        assert (found.values["total"], found.values["sum"], found.values["rows"]) == ("50.50", "50.50", 2)
        assert found.values["mean"] == "2.5"
        nothing = worked(definition, {})
        assert nothing.values == {"total": "0.00", "rows": 0, "sum": "0.00"}


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ([formula("a", "{b}"), formula("b", "{a}")], "→"),
        ([formula("a", "{a} + 1")], "→"),
        ([formula("a", "{没有} + 1")], "没有"),
        ([formula("a", "1 +")], "公式写错了"),
        ([formula("a", "'字'")], "公式写错了"),
        ([asked("a", "rollup", "a", over="lines.qty")], "没有子表"),
        ([TABLE, asked("a", "rollup", "a", over="lines.part")], "能汇总的列"),
        ([asked("a", "lookup", "a", through="sku", take="name", result="text")], "没有字段"),
        (
            [asked("sku", "sku", "商品"), asked("a", "lookup", "a", through="sku", take="colour", result="text")],
            "可以取",
        ),
        (
            [asked("sku", "sku", "商品"), asked("a", "lookup", "a", through="sku", take="weight", result="text")],
            "结果类型",
        ),
        ([asked("t", "sub_table", "表", fields=[formula("x", "{y}"), formula("y", "{x}")])], "→"),
    ],
)
def test_what_can_not_work_is_refused_before_it_is_published(
    sqlite_app: Flask, fields: list[dict[str, Any]], says: str
) -> None:
    with sqlite_app.test_request_context(), pytest.raises(DefinitionError) as refused:
        form(*fields)
    assert says in refused.value.message


def test_what_can_not_be_worked_out_is_told_at_its_field(sqlite_app: Flask) -> None:
    with sqlite_app.test_request_context():
        found = worked(form(asked("a", "integer", "甲"), formula("b", "1 / {甲}")), {"a": 0, "b": "7"})
        assert "b" not in found.values
        assert "算不出来" in found.errors["b"]


def test_a_lookup_follows_the_row_the_field_names(app: Flask) -> None:
    with app.test_request_context():
        with write() as session:
            shop = Shop(key="douyin", name="抖店旗舰店")
            session.add(shop)
            session.flush()
            sku = Sku(shop_id=shop.id, external_id="ROSE-30", name="玫瑰精华液", weight_g=120)
            session.add(sku)
            session.flush()
            sku_id = sku.id
        definition = form(
            asked("sku", "sku", "商品"), asked("name", "lookup", "名称", through="sku", take="name", result="text"),
            asked("weight", "lookup", "重量", through="sku", take="weight", result="number"), formula("twice", "{重量} * 2", digits=0),
        )  # fmt: skip
        found = worked(definition, {"sku": sku_id})
        assert (found.values["name"], found.values["weight"], found.values["twice"]) == ("玫瑰精华液", 120, "240")
        assert set(worked(definition, {}).values) == set()


def test_every_door_works_them_out_and_nobody_types_one(app: Flask) -> None:
    with app.test_request_context():
        made = make_form([asked("a", "integer", "甲", required=True), formula("b", "{甲} * 2", "乙", digits=0)])
        definition = read_definition(made.key, {"sections": [
            {"id": "main", "title_zh": "检", "title_en": "C", "fields": [asked("a", "integer", "甲"), formula("b", "{甲} * 2", "乙", digits=0)]},
        ]})  # fmt: skip
        read = read_answers(definition, Sent({"a": ["4"], "b": ["999"]}))
        assert read.answers == {"a": 4}
        for door in Door:
            checked = check_answers(made.key, definition, Answers(answers={"a": 4}), door=door, by=None, now=NOW)
            assert checked.answers.answers == {"a": 4, "b": "8"}


def test_a_computed_field_is_compared_as_its_result(sqlite_app: Flask) -> None:
    with sqlite_app.test_request_context():
        definition = form(
            asked("day", "date", "日"),
            formula("due", "{日}", result="date"),
            formula("ok", "{日} = {日}", result="bool"),
        )
        found = worked(definition, {"day": "2026-11-22"})
        due, ok = definition.field("due"), definition.field("ok")
        assert due
        assert ok
        control = controls()["formula"]
        assert found.values["due"] == "2026-11-22"
        assert str(control.to_condition(due, found.values["due"])).startswith(
            "2026-11-22T00:00"
        ) or control.to_condition(due, found.values["due"])
        assert control.show(due, found.values["due"]) == "2026-11-22"
        assert control.to_condition(ok, found.values["ok"]) is True


def test_fields_are_worked_out_anew_of_what_the_rules_leave(sqlite_app: Flask) -> None:
    made = make_form([
        asked("qty", "integer", "数量"), asked("rest", "integer", "剩余"),
        formula("twice", "coalesce({qty}, 0) * 2"), formula("share", "1 / {rest}"), formula("kept", "{qty} + 1"),
    ])  # fmt: skip
    with write() as session:
        session.add_all(
            Rule(form_id=made.id, kind=kind, field=name, changed_at=NOW)
            for kind, name in (("clear", "qty"), ("hide", "rest"), ("hide", "share"))
        )
    with sqlite_app.test_request_context():
        definition = current_definition("inspection")[1]
        answers = Answers(answers={"qty": 3, "rest": 0})
        checked = check_answers("inspection", definition, answers, door=Door.PAGE, by=None, now=NOW)
        assert checked.ok
        assert checked.answers.answers == {"twice": "0.00"}  # and nobody is told of a division nobody sees


def test_a_formula_is_read_once_and_anew_when_the_fields_beside_it_change(sqlite_app: Flask) -> None:
    with sqlite_app.test_request_context():
        first = form(asked("a", "decimal", "甲"), formula("b", "{甲} * 2"))
        assert worked(first, {"a": "2"}).values["b"] == worked(first, {"a": "2"}).values["b"] == "4.00"
        [b] = [one for one in first.fields if one.id == "b"]
        renamed = FieldDefinition("c", "decimal", "甲", "c")
        section = replace(first.sections[0], fields=(renamed, b))
        assert worked(FormDefinition((section,)), {"c": "5"}).values["b"] == "10.00"


def test_what_is_given_at_saving_does_not_stand_in_a_row(sqlite_app: Flask) -> None:
    with sqlite_app.test_request_context(), pytest.raises(DefinitionError):
        form(asked("lines", "sub_table", "明细", fields=[asked("no", "autonumber", "编号", prefix="N")]))


def test_nobody_links_to_a_record_they_may_not_see(app: Flask) -> None:
    made = make_form([asked("item", "text", "项目", in_list=True)])
    store = db.session.get_one(User, user_id("inspector")).department_id
    new = NewRecord(made.id, current_definition("inspection")[0], {"item": "机密"}, department_id=store)
    with write():
        number = create_record(new, by=user_id("inspector"), now=NOW)
    make_form(
        [asked("from", "link", "来源"), asked("title", "lookup", "标题", through="from", take="title")],
        key="copy", name="摘录", prefix="CP",
    )  # fmt: skip
    db.session.remove()
    stranger = log_in(app, "customer_service").post("/records/copy", {"from": number})
    assert stranger.status_code == 422
    assert "机密" not in stranger.text
    assert log_in(app, "quality_lead").post("/records/copy", {"from": number}).status_code == 303
    db.session.remove()
    copy = db.session.scalars(select(Record).where(Record.number != number)).one()
    assert copy.answers["title"] == "机密"
