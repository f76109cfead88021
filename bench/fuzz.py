"""Feed conditions and formulas what nobody should type, and time the slowest: `python -m bench.fuzz [inputs] [seed]`."""

import json
import random
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal

from bench.figures import Sheet
from qtrace.conditions.evaluate import evaluate
from qtrace.conditions.formula import evaluate_formula, parse_formula
from qtrace.conditions.formula_tree import Environment, FormulaError
from qtrace.conditions.formula_values import MAX_TEXT, Kind, Type
from qtrace.conditions.text import parse_text, write_text
from qtrace.conditions.text_reader import ConditionTextError
from qtrace.conditions.tree import Condition, ConditionError, FieldKind, parse

INPUTS = 30_000
GOAL_MS = 100
# What takes longer than this is timed again: the machine may have been busy elsewhere.
SUSPECT_MS = 5.0
TIMES = 5

FIELDS = {
    "status": FieldKind.TEXT, "qty": FieldKind.NUMBER, "paid": FieldKind.BOOL, "sent": FieldKind.DATETIME,
    "sku": FieldKind.REF, "tags": FieldKind.LIST,
}  # fmt: skip
LABELS = {"status": "状态", "qty": "数量", "paid": "已付款", "sent": "发货时间", "sku": "商品", "tags": "标签"}
NOON = datetime(2026, 11, 2, 12, tzinfo=UTC)
ROW: Mapping[str, object] = {
    "status": "漏液" * 1000, "qty": Decimal("12.5"), "paid": True, "sent": NOON, "sku": 7, "tags": ("a", "b"),
}  # fmt: skip
FORMULA_FIELDS = {
    "t": Type(Kind.TEXT), "x": Type(Kind.NUMBER), "b": Type(Kind.BOOL), "d": Type(Kind.DATE), "at": Type(Kind.DATETIME),
    "xs": Type(Kind.NUMBER, is_list=True), "ts": Type(Kind.TEXT, is_list=True),
}  # fmt: skip
RECORD: Mapping[str, object] = {
    "t": "漏" * MAX_TEXT, "x": Decimal("999999999.123456789"), "b": True, "d": date(2026, 11, 2), "at": NOON,
    "xs": [Decimal("0.000000000000000001")] * 4000, "ts": ["漏液瓶"] * 2000,
}  # fmt: skip
HERE = Environment(NOON, workdays=lambda start, end: (end - start).days, lookup=lambda _name, key: key)


def run_formula(source: str) -> None:
    """Read and work out a formula over a record as large as allowed."""
    formula = parse_formula(source, FORMULA_FIELDS)
    evaluate_formula(formula, RECORD, HERE)
    parse_formula(formula.written({}), FORMULA_FIELDS)


def run_text(source: str) -> None:
    """Read a typed condition, ask it and write it again."""
    _ask(parse_text(source, FIELDS, LABELS, has_history=True))


def run_json(source: str) -> None:
    """Read a condition from JSON, ask it and write it."""
    try:
        data = json.loads(source)
    except (ValueError, RecursionError):
        # What is no JSON is the editor's to refuse.
        return
    _ask(parse(data, FIELDS, has_history=True))


def _ask(condition: Condition) -> None:
    evaluate(condition, ROW, {"status": ["漏液"] * 100})
    write_text(condition, LABELS)


TARGETS: Mapping[str, tuple[Callable[[str], None], type[Exception]]] = {
    "formula": (run_formula, FormulaError),
    "text": (run_text, ConditionTextError),
    "json": (run_json, ConditionError),
}
SEEDS: Mapping[str, tuple[str, ...]] = {
    "formula": (
        "if(x > 3 and not isblank(t), x * 1.06 ^ 2, -x / 3) + sum(xs)", '“批” & left(t, 4) & text(round(x, 2))',
        'date_diff(d, date_add(d, 3, "month")) + workdays(d, date(2026, 12, 1)) % 7', 'replace(upper(t), "漏", "破")',
        'switch(contains(ts, "漏液瓶"), true, 1, 2) & ifs(b, "是", "否") & lookup("税率", "A")', "{x}＋１０×（2－1）",
    ),
    "text": (
        '状态 = "open" and qty > 3 or not (paid is true and tags has any ("a", "b"))', "数量 介于 -1 至 2.5 且 商品 属于 (7, 8)",
        '{发货时间} < "2026-11-02T08:00:00+08:00" 或 状态 从未是 "done"', '全部(状态 包含任一 ("漏液", "破损"), 任一())',
    ),
    "json": (
        '{"all": [{"field": "qty", "op": "between", "value": [1, "2.5"]}, {"not": {"field": "paid", "op": "is_true"}}]}',
        '{"any": [{"field": "tags", "op": "has_any", "value": ["a"]}, {"field": "status", "op": "contains", "value": "漏"}]}',
        '{"field": "sent", "op": "gt", "value": "2026-11-02T08:00:00Z"}',
    ),
}  # fmt: skip
PIECES = [
    "(", ")", ",", '"', "“", "”", "{", "}", "[", "]", "^", "%", "&", "-", "and", "or", "not", "且", "或", "非", "1e400",
    "NaN", "Infinity", "9" * 50, "0." + "0" * 40 + "1", "\0", "\ud800", "\u202e", "😀", "null", "true", "true and ",
    "1+", "not ", "((((", "if(", "sum(xs)+", "x^100", "1e999999999", "{x}", "t&", "replace(t,", " ", "\n", "\t", "。", "١",
    "all(", '{"not":', "__class__", "t.__class__", "\\", "'", "#", ";",
]  # fmt: skip


def worst_cases(target: str) -> Iterator[str]:
    """Yield inputs made to be slow: deep, long, and as large as allowed just before and after each limit."""
    for piece in PIECES:
        for times in (60, 1000, 20_000):
            yield piece * times
    for seed in SEEDS[target]:
        for joint in (" and ", " or ", "+", "&", ","):
            for times in (3, 50, 800):
                yield joint.join([seed] * times)
    if target == "formula":
        yield from ("+".join([part] * times) for part in HEAVY for times in (1, 10, 50, 59))
    if target == "text":
        yield 'status contains any ("' + '", "'.join(["漏液瓶"] * 100) + '")'
        yield " or ".join(["qty > 1"] * 200)
        yield " or ".join(['status in ("' + '","'.join(["漏"] * 100) + '")'] * 20)
    if target == "json":
        largest = {"all": [{"field": "status", "op": "contains_any", "value": ["漏液" * 1000] * 100}] * 20}
        # As a browser sends it.
        yield json.dumps(largest, ensure_ascii=False)
        yield json.dumps({"all": [{"field": "qty", "op": "in", "value": ["-12345.678"] * 100}] * 200})


HEAVY = (
    "len(upper(t))", "len(lower(t & t))", 'len(replace(t, "漏", "破"))', "sum(xs)", "avg(xs) + max(xs)", "x^1", "(1/x)^99",
    "1.000000000000000001^100", "0.999999999999999999^100", 'number("' + "9" * 18 + '")', "len(left(trim(t), 19999))",
    'date_diff(d, date_add(d, 900000, "day"))', 'if(contains(ts, "x"), 1, 2)', "len(concat(t, 1))", "count(ts, xs)",
)  # fmt: skip


def mutated(target: str, chance: random.Random) -> str:
    """Return a valid input with pieces put in, taken out, doubled or exchanged, or plain noise."""
    if chance.random() < 0.1:
        return bytes(chance.randrange(256) for _place in range(chance.randrange(200))).decode("utf-8", "replace")
    text = chance.choice(SEEDS[target])
    for _change in range(chance.randrange(1, 6)):
        at = chance.randrange(len(text) + 1)
        end = min(len(text), at + chance.randrange(12))
        action = chance.randrange(4)
        if action == 0:
            text = text[:at] + chance.choice(PIECES) + text[at:]
        elif action == 1:
            text = text[:at] + text[end:]
        elif action == 2:
            text = text[:at] + text[at:end] * chance.randrange(2, 40) + text[end:]
        else:
            text = text[:at] + chr(chance.choice([chance.randrange(128), chance.randrange(0x110000)])) + text[end:]
    return text


@dataclass
class Found:
    """The slowest input and those that raised something else than the declared error."""

    slowest_ms: float = 0.0
    slowest: str = ""
    count: int = 0
    faults: int = 0

    def feed(self, target: str, source: str) -> None:
        """Run one input."""
        self.count += 1
        run, declared = TARGETS[target]
        took = _timed(run, declared, source)
        if took is None:
            self.faults += 1
            print(f"# {target} raised what it does not declare for {source[:200]!a}", flush=True)
            return
        if took > max(SUSPECT_MS, self.slowest_ms):
            again = [_timed(run, declared, source) or took for _time in range(TIMES)]
            took = min(took, *again)
        if took > self.slowest_ms:
            self.slowest_ms, self.slowest = took, f"{target}: {source[:100]!a} ({len(source)} characters)"


def _timed(run: Callable[[str], None], declared: type[Exception], source: str) -> float | None:
    """Return how many milliseconds the input took; None when it raised what it should not."""
    started = time.perf_counter()
    try:
        run(source)
    except declared:
        pass
    except Exception:  # noqa: BLE001 -- whatever it is, it is the fault that is looked for
        return None
    return (time.perf_counter() - started) * 1000


def measure(sheet: Sheet, inputs: int = INPUTS, seed: int = 1) -> Found:
    """Add the figures of that many random inputs and all the worst cases."""
    # The figures must be the same for the same seed.
    chance, found = random.Random(seed), Found()
    for target in TARGETS:
        for source in worst_cases(target):
            found.feed(target, source)
        for _input in range(inputs // len(TARGETS)):
            found.feed(target, mutated(target, chance))
    print(f"# {found.count} inputs, the slowest {found.slowest}", flush=True)
    sheet.add("fuzz_faults", found.faults, "inputs", 0)
    sheet.add("fuzz_slowest_ms", found.slowest_ms, "ms", GOAL_MS)
    return found


def main(arguments: list[str]) -> int:
    """Fuzz with as many inputs and the seed as asked; a short figure is printed as such, only a fault is an error."""
    inputs, seed = [*map(int, arguments), *(INPUTS, 1)[len(arguments) :]]
    sheet = Sheet("rules")
    found = measure(sheet, inputs, seed)
    sheet.write()
    return 1 if found.faults else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
