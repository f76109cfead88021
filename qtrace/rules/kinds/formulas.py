"""The kind whose meaning is a formula, and how the fields of a form look to formulas."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import cast

from qtrace.conditions.formula import Formula, evaluate_formula
from qtrace.conditions.formula_tree import Environment, FormulaError
from qtrace.conditions.formula_values import Kind, Scalar, Type
from qtrace.rules.kinds.saying import fault
from qtrace.sdk.rules import Fault, Holds, RuleCase, RuleKind, RuleOption, World
from qtrace.sdk.text import Text

TYPES: Mapping[Holds, Kind] = {
    "text": Kind.TEXT, "number": Kind.NUMBER, "money": Kind.NUMBER, "yes": Kind.BOOL, "day": Kind.DATE,
    "moment": Kind.DATETIME, "ref": Kind.NUMBER,
}  # fmt: skip
LISTED: Mapping[Holds, Type] = {"list": Type(Kind.TEXT, is_list=True), "refs": Type(Kind.TEXT, is_list=True)}
ONE_DAY = timedelta(days=1)
MOST_DAYS = 40_000  # a century of workdays is counted day by day


def environment_of(case: RuleCase) -> Environment:
    """Return what a formula may know besides the record."""
    return Environment(
        now=case.now, zone=case.zone, workdays=lambda first, last: count_workdays(case.world, first, last)
    )


def result_of(formula: Formula, case: RuleCase) -> Scalar:
    """Work a formula out for the values of a case; raises FormulaError where it can't be."""
    return evaluate_formula(formula, _values(formula, case.values), environment_of(case))


def formula(case: RuleCase) -> Sequence[Fault]:
    """Find a record of which the formula is not true; one that can't be worked out says why."""
    asked = cast(Formula, case.options["formula"])
    try:
        result = result_of(asked, case)
    except FormulaError as error:
        return fault(
            "规则里的公式算不出来:%(why)s。请核对填写的内容,或告诉管理员。",
            "A formula of a rule can't be worked out: %(why)s. Please check the answers or tell the administrator.",
            why=error.message,
        )  # fmt: skip
    if result is True:
        return ()
    if result is None and not case.is_set("strict"):
        return ()
    return fault(
        "填写的内容不满足:%(zh)s。请核对后修改。",
        "The answers do not satisfy: %(en)s. Please check them.",
        zh=asked.written({name: label.zh for name, label in case.labels.items()}),
        en=asked.written({name: label.en for name, label in case.labels.items()}),
    )


def _values(asked: Formula, values: Mapping[str, object]) -> dict[str, object]:
    return {name: _value(name, kind, values) for name, kind in asked.types.items()}


def _value(name: str, kind: Type, values: Mapping[str, object]) -> object:
    table, _dot, column = name.partition(".")
    if kind.is_list and column:
        rows = values.get(table)
        found = [row.get(column) for row in rows if isinstance(row, Mapping)] if isinstance(rows, tuple) else []
        return tuple(_typed(one, kind.kind) for one in found)
    return _typed(values.get(name), kind.kind)


def _typed(value: object, kind: Kind) -> object:
    return value.date() if kind is Kind.DATE and isinstance(value, datetime) else value


def count_workdays(world: World, first: date, last: date) -> int:
    """Count the working days from the first day up to and without the last; negative when it lies before."""
    if last < first:
        return -count_workdays(world, last, first)
    days = min((last - first).days, MOST_DAYS)
    return sum(world.is_working_day(first + ONE_DAY * place) for place in range(days))


KINDS = (
    RuleKind(
        key="formula", name=Text("公式", "Formula"), family="logic", judge=formula, judges_missing=True,
        hint=Text("一个结果为“是”或“否”的公式,例如 数量 * 单价 <= 1000。", "A formula that is true or false, such as quantity * price <= 1000."),
        options=(
            RuleOption(name="formula", kind="formula", label=Text("公式", "Formula"), required=True),
            RuleOption(
                name="strict", kind="yes", label=Text("算不出结果(有空值)也拦", "Stop when a value is missing, too"),
            ),
        ), words="计算 表达式 加减乘除 formula",
    ),
)  # fmt: skip
