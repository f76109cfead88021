"""Kinds that look at the rows of a sub-table."""

from collections.abc import Mapping, Sequence
from decimal import Decimal

from qtrace.rules.kinds.logic import OPERATORS, compares
from qtrace.rules.kinds.saying import NUMBERS, as_number, fault, plain
from qtrace.sdk.rules import Fault, Holds, RuleCase, RuleKind, RuleOption
from qtrace.sdk.text import Text

ROWS: frozenset[Holds] = frozenset({"rows"})


def row_count(case: RuleCase) -> Sequence[Fault]:
    """Find a sub-table with too few or too many rows."""
    least, most, now = case.number("min"), case.number("max"), len(case.rows)
    if least is not None and now < least:
        return fault(
            "「%(zh)s」至少 %(n)s 行,现在 %(now)d 行。请补充。", "“%(en)s” needs at least %(n)s rows, now %(now)d. Please add some.",
            zh=case.label.zh, en=case.label.en, n=plain(least), now=now,
        )  # fmt: skip
    if most is not None and now > most:
        return fault(
            "「%(zh)s」最多 %(n)s 行,现在 %(now)d 行。请去掉几行。",
            "“%(en)s” takes at most %(n)s rows, now %(now)d. Please remove some.",
            zh=case.label.zh, en=case.label.en, n=plain(most), now=now,
        )  # fmt: skip
    return ()


def column_sum(case: RuleCase) -> Sequence[Fault]:
    """Find a column whose sum does not stand to a number, or to another field, as it should."""
    column, other = case.text("column"), case.text("other")
    numbers = [as_number(row.get(column)) for row in case.rows]
    total = sum((number for number in numbers if number is not None), Decimal(0))
    wanted = as_number(case.values.get(other)) if other else case.number("total")
    sign = case.text("op") or "eq"
    if wanted is None or compares(sign, total, wanted):
        return ()
    of, against = case.label_of(f"{case.field}.{column}"), case.label_of(other)
    return fault(
        "「%(zh)s」合计是 %(total)s,应%(sign_zh)s%(other_zh)s%(wanted)s。请核对各行。",
        "The sum of “%(en)s” is %(total)s, it must be %(sign_en)s %(other_en)s%(wanted)s. Please check the rows.",
        zh=of.zh, en=of.en, total=plain(total), sign_zh=OPERATORS[sign].zh, sign_en=OPERATORS[sign].en, wanted=plain(wanted),
        other_zh=f"「{against.zh}」" if other else " ", other_en=f"“{against.en}” " if other else "",
    )  # fmt: skip


def column_unique(case: RuleCase) -> Sequence[Fault]:
    """Find rows that repeat a value of a column; each later one is told."""
    column = case.text("column")
    label = case.label_of(f"{case.field}.{column}")
    first: dict[object, int] = {}
    faults: list[Fault] = []
    for place, row in enumerate(case.rows):
        value = _comparable(row, column)
        if value in (None, "", ()):
            continue
        if value in first:
            faults += fault(
                "「%(zh)s」和第 %(first)d 行重复了:%(value)s。请合并或改正。",
                "“%(en)s” repeats that of row %(first)d: %(value)s. Please merge or correct them.",
                f"{place}.{column}", first=first[value] + 1, zh=label.zh, en=label.en,
                value=plain(_shown(case, value)),
            )  # fmt: skip
        else:
            first[value] = place
    return faults


def _comparable(row: Mapping[str, object], column: str) -> object:
    value = row.get(column)
    return value.strip().casefold() if isinstance(value, str) else value


def _shown(case: RuleCase, value: object) -> object:
    return next(
        (row[name] for row in case.rows for name in row if _comparable(row, name) == value), value
    )  # as it was typed


KINDS = (
    RuleKind(
        key="row_count", name=Text("行数", "Number of rows"), family="table", fits=ROWS, judge=row_count, judges_missing=True,
        needs=("min", "max"), hint=Text("子表最少、最多几行。", "How many rows a sub-table has at least and at most."),
        options=(
            RuleOption(name="min", kind="whole", label=Text("最少", "At least"), least=0, most=1000),
            RuleOption(name="max", kind="whole", label=Text("最多", "At most"), least=0, most=1000),
        ), words="子表 明细 rows",
    ),
    RuleKind(
        key="column_sum", name=Text("一列的合计", "Sum of a column"), family="table", fits=ROWS, judge=column_sum,
        hint=Text("例如占比合计等于 100,数量合计不超过检查数。", "For example shares that add up to 100."),
        options=(
            RuleOption(name="column", kind="column", label=Text("哪一列", "Column"), required=True, fits=NUMBERS),
            RuleOption(name="op", kind="choice", label=Text("合计应该", "The sum must be"), default="eq", choices=tuple(OPERATORS.items())),
            RuleOption(name="total", kind="number", label=Text("这个数", "This number")),
            RuleOption(name="other", kind="field", label=Text("或这个字段", "Or this field"), fits=NUMBERS),
        ), needs=("total", "other"), words="总和 求和 100 total",
    ),
    RuleKind(
        key="column_unique", name=Text("一列不能重复", "No repeats in a column"), family="table", fits=ROWS, judge=column_unique,
        hint=Text("同一张单子里,这一列不能有两行相同。", "No two rows of one record may have the same value."),
        options=(RuleOption(name="column", kind="column", label=Text("哪一列", "Column"), required=True),), words="去重 重复 duplicate",
    ),
)  # fmt: skip
