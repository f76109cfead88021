"""The checklist of an inspection: what is looked at, each judged or measured against limits that stay with the record."""

# ruff: noqa: ARG002 -- every control keeps the signatures of the contract

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from decimal import Decimal

from flask import current_app
from flask_babel import gettext as _
from flask_babel import lazy_gettext
from itsdangerous import BadSignature, URLSafeSerializer
from markupsafe import Markup

from qtrace.catalog.controls import article_of
from qtrace.catalog.models import Standard, StandardVersion
from qtrace.catalog.standards_queries import standard_for, versions
from qtrace.conditions.tree import FieldKind
from qtrace.core import clock
from qtrace.core.db import db
from qtrace.core.errors import Refused
from qtrace.forms.answers import Bound, RowErrors
from qtrace.forms.controls.number import exact, is_beyond, limits_text
from qtrace.forms.controls.rows import NOT_IN_ROWS, escaped, split_rows, without_tail
from qtrace.forms.registry import (
    MOST_DIGITS,
    Cell,
    Control,
    FieldDefinition,
    Option,
    Samples,
    Sent,
    Shape,
    Storage,
    Value,
    as_decimal,
    cell_text,
    refuse_long,
)
from qtrace.web.filters import site_zone

SALT = "qtrace-checklist"
MOST_ITEMS = 100
LONGEST_NAME, LONGEST_NOTE = 120, 300
RESULTS = {"pass": lazy_gettext("合格"), "fail": lazy_gettext("不合格"), "na": lazy_gettext("不适用")}
SPOKEN = {"pass": ("合格", "pass", "ok"), "fail": ("不合格", "fail", "ng"), "na": ("不适用", "na", "n/a")}
LOOKS = {"pass": "ok", "fail": "bad", "na": ""}
LIMITED = re.compile(r"(.+?)\s*\[\s*([-\d.]*)\s*~\s*([-\d.]*)\s*([^\]]*)\]")
NUMBER = re.compile(r"-?\d+(\.\d+)?", re.ASCII)


@dataclass(frozen=True)
class Item:
    """One thing that is looked at; with limits it is measured."""

    name: str
    low: str = ""
    high: str = ""
    unit: str = ""

    @property
    def measured(self) -> bool:
        """Say whether it is judged by a number."""
        return bool(self.low or self.high)

    @property
    def limits(self) -> str:
        """Return the limits in words, empty without any."""
        text = limits_text(self.low or None, self.high or None) if self.measured else ""
        return f"{text} {self.unit}".strip() if text else ""


@dataclass(frozen=True)
class DrawnItem:
    """An item with what was said about it and what is wrong."""

    index: int
    item: Item
    result: str
    measured: str
    note: str
    error: str = ""


class InspectionChecklist(Control):
    """Items of the form or of the article's quality standard, judged one by one; one that fails fails the whole."""

    key, name_zh, name_en = "inspection_checklist", "检验清单", "Inspection checklist"
    family = "quality"
    icon = "clipboard-check"
    storage = Storage.JSON_LIST
    compared_as = FieldKind.TEXT  # the overall result: pass, fail or na
    grouped = True
    wide = True
    public = False
    not_in_rows = NOT_IN_ROWS
    options = (
        Option("items", list, shape=Shape.WORDS, label_zh="检查项目", label_en="Items",
               help_zh="一行一项;要测量就写:名称 | 下限 | 上限 | 单位。", help_en="One a line; measured ones as: name | low | high | unit."),
        Option("sku", str, label_zh="商品字段", label_en="Field of the article",
               help_zh="填商品 SKU 字段的编号:加上它的质量标准里的限值。", help_en="The id of the SKU field: the limits of its standard are added."),
        Option("standard", int, label_zh="固定的质量标准编号", label_en="Fixed standard", advanced=True, least=1),
    )  # fmt: skip

    def starter(self) -> dict[str, object]:
        """Return two items, one of them measured."""
        return {"items": ["外观无划痕、无漏液", "净含量 | 29.5 | 30.5 | g"]}

    def check_options(self, options: Mapping[str, object]) -> list[str]:
        """Add that there is something to check, and that each item can be read."""
        problems = super().check_options(options)
        if problems:
            return problems
        lines = [str(line) for line in options.get("items") or []]  # type: ignore[attr-defined]  # checked to be a list
        if not lines and not options.get("sku") and not options.get("standard"):
            return [_("请写检查项目,或指定商品字段、质量标准。")]
        try:
            names = [read_item(line).name for line in lines]
        except Refused as refused:
            return [refused.message]
        double = next((name for name in names if names.count(name) > 1), None)
        return [_("「%(name)s」写了两次。", name=double)] if double else []

    def samples(self, field: FieldDefinition) -> Samples:
        """Return a list that passes and one that fails, and lists that are not finished or contradict their limits."""

        def judged(**texts: str) -> Sent:
            return Sent({f"{field.id}.{name.replace('_', '.')}": [text] for name, text in texts.items()})

        right = [
            judged(i0_result="pass", i1_measured="30.1"),
            judged(i0_result="fail", i0_note="盖口划痕", i1_measured="29.20"),
            judged(i0_result="na", i1_result="na"),
        ]
        wrong = [judged(i0_result="pass"), judged(i0_result="maybe", i1_measured="30"), judged(i0_result="pass", i1_measured="重"),
                 judged(i0_result="pass", i1_result="pass", i1_measured="31")]  # fmt: skip
        return Samples(right, wrong)

    def items(self, field: FieldDefinition, sent: Sent) -> list[Item]:
        """Return what is looked at: what the record held already, as long as the article is the same, else what holds now."""
        frozen = self.frozen_in(field, sent)
        return self.current(field, sent) if frozen is None else frozen

    def current(self, field: FieldDefinition, sent: Sent) -> list[Item]:
        """Return the items of the form and of the standard in force, each name once."""
        found = {item.name: item for item in (read_item(line) for line in field.words("items"))}
        standard = self.standard(field, sent)
        for limit in standard.limits if standard is not None else ():
            found[limit["name"]] = Item(limit["name"], limit["low"], limit["high"], limit["unit"])
        return list(found.values())[:MOST_ITEMS]

    def standard(self, field: FieldDefinition, sent: Sent) -> StandardVersion | None:
        """Return the version of the standard that is in force; None where the form names none."""
        today = clock.now().astimezone(site_zone()).date()
        fixed = field.number("standard", 0)
        if fixed and db.session.get(Standard, fixed) is not None:
            return next((one for one in versions(fixed) if one.effective_on <= today), None)
        sku = article_of(field, sent)
        return standard_for(sku, None, today) if sku else None

    def parse(self, field: FieldDefinition, sent: Sent) -> Value:
        """Return every item with its limits and its result, and the result of the whole; refuse what is not finished."""
        items = self.items(field, sent)
        typed = [
            tuple(sent.first(f"{field.id}.i{place}.{name}") for name in ("result", "measured", "note"))
            for place in range(len(items))
        ]
        if not any(text for texts in typed for text in texts):
            return None
        return self.judged(list(zip(items, typed, strict=True)), article_of(field, sent))

    def judged(self, said: Sequence[tuple[Item, tuple[str, ...]]], sku: int | None = None) -> Value:
        """Return the value of items and what was said about each; refuse it naming each item that is not right."""
        rows: list[Value] = []
        wrong: dict[str, str] = {}
        for place, (item, (result, measured, note)) in enumerate(said):
            try:
                rows.append(judge(item, result, measured, note))
            except Refused as refused:
                wrong[f"{place}.result"] = refused.message
        if wrong:
            raise RowErrors(wrong, {"result": ""})
        value: dict[str, Value] = {"items": rows, "result": overall(rows)}
        return value if sku is None else value | {"sku": sku}

    def send(self, field: FieldDefinition, value: Value) -> dict[str, list[str]]:
        """Return what was said about each item, with the items as they were, sealed."""
        rows = rows_of(value)
        if not rows:
            return {}
        items = [item_of(row) for row in rows]
        sku = value.get("sku") if isinstance(value, Mapping) else None
        found = {f"{field.id}.frozen": [self.seal(field, items, sku if isinstance(sku, int) else None)]}
        for place, row in enumerate(rows):
            for name in ("result", "measured", "note"):
                if row.get(name):
                    found[f"{field.id}.i{place}.{name}"] = [str(row[name])]
        return found

    def seal(self, field: FieldDefinition, items: Sequence[Item], sku: int | None) -> str:
        """Return the items as a note nobody can change: limits come from the standard, not from a browser."""
        return str(_notes().dumps([field.id, sku, [asdict(item) for item in items]]))

    def frozen_in(self, field: FieldDefinition, sent: Sent) -> list[Item] | None:
        """Return the items of a genuine note about the article that is chosen; None without one."""
        try:
            name, sku, items = _notes().loads(sent.first(f"{field.id}.frozen"))
        except (BadSignature, ValueError):
            return None
        chosen = article_of(field, sent)
        if name != field.id or (chosen is not None and chosen != sku):
            return None
        return [Item(**item) for item in items]

    def drawn(self, bound: Bound) -> list[DrawnItem]:
        """Return every item with what was said about it."""
        return [
            DrawnItem(
                place, item, bound.part(f"i{place}.result"), bound.part(f"i{place}.measured"), bound.part(f"i{place}.note"),
                bound.inner.get(f"{place}.result", ""),
            )
            for place, item in enumerate(self.items(bound.field, bound.sent))
        ]  # fmt: skip

    def results(self) -> list[tuple[str, str, str]]:
        """Return what an item can be, with the word for it and the look of its chip."""
        return [(key, str(words), LOOKS[key]) for key, words in RESULTS.items()]

    def show(self, field: FieldDefinition, value: Value) -> str:
        """Return the result and what failed."""
        rows = rows_of(value)
        if not rows:
            return "—"
        failed = [str(row["name"]) for row in rows if row.get("result") == "fail"]
        result = str(RESULTS.get(str(result_of(value)), "—"))
        return _("%(result)s:%(items)s", result=result, items="、".join(failed)) if failed else result

    def to_html(self, field: FieldDefinition, value: Value) -> Markup:
        """Return the items as a table with their limits."""
        rows = rows_of(value)
        if not rows:
            return Markup("—")
        heads = (_("项目"), _("要求"), _("实测"), _("结果"), _("说明"))
        body = Markup("").join(
            Markup("<tr>{}</tr>").format(
                Markup("").join(
                    Markup('<td data-label="{}">{}</td>').format(head, cell)
                    for head, cell in zip(heads, cells, strict=True)
                )
            )
            for cells in (_cells(row) for row in rows)
        )
        return Markup(
            '<table class="cards plain rows-shown"><thead><tr>{}</tr></thead><tbody>{}</tbody></table>'
        ).format(Markup("").join(Markup("<th>{}</th>").format(head) for head in heads), body)

    def to_print(self, field: FieldDefinition, value: Value) -> str:
        """Return a line for each item."""
        lines = []
        for row in rows_of(value):
            parts = [
                str(row["name"]),
                item_of(row).limits,
                str(row.get("measured") or ""),
                str(RESULTS[str(row["result"])]),
                str(row.get("note") or ""),
            ]
            lines.append(" · ".join(part for part in parts if part))
        return "\n".join([self.show(field, value), *lines]) if lines else "—"

    def on_paper(self, field: FieldDefinition, value: Value) -> Markup:
        """Return the items as a table with their limits."""
        return self.to_html(field, value)

    def to_condition(self, field: FieldDefinition, value: Value) -> object:
        """Return pass, fail or na."""
        return result_of(value)

    def search_text(self, field: FieldDefinition, value: Value) -> str:
        """Return the notes."""
        return " ".join(str(row["note"]) for row in rows_of(value) if row.get("note"))

    def to_cell(self, field: FieldDefinition, value: Value) -> Cell:
        """Return a line for each item: 净含量 [29.5~30.5 g] | 合格 | 30.1 | 说明."""
        lines = []
        for row in rows_of(value):
            item = item_of(row)
            head = f"{item.name} [{item.low}~{item.high} {item.unit}".rstrip() + "]" if item.measured else item.name
            texts = [head, str(RESULTS[str(row["result"])]), str(row.get("measured") or ""), str(row.get("note") or "")]
            lines.append(" | ".join(without_tail([escaped(text) for text in texts])))
        return "\n".join(lines) or None

    def from_cell(self, field: FieldDefinition, cell: Cell) -> Value:
        """Read a line for each item; the limits of items the form knows are the form's."""
        known = {item.name: item for item in self.current(field, Sent())}
        words = {word: key for key, spoken in SPOKEN.items() for word in spoken}
        said: list[tuple[Item, tuple[str, ...]]] = []
        for line in split_rows("" if cell is None else cell_text(cell)):
            found = LIMITED.fullmatch(line[0])
            item = Item(found[1], found[2], found[3], found[4].strip()) if found else Item(line[0])
            result, measured, note = [*line[1:4], "", "", ""][:3]
            said.append((known.get(item.name, item), (words.get(result.lower(), result), measured, note)))
        return self.judged(said) if said else None


def judge(item: Item, result: str, measured: str, note: str) -> Value:
    """Return one item with its result; a measured one is judged by its limits, whatever was ticked."""
    row: dict[str, Value] = {name: text for name, text in asdict(item).items() if text}
    note = refuse_long(note, LONGEST_NOTE)
    if item.measured and measured:
        number = exact(measured, MOST_DIGITS)
        beyond = is_beyond(
            number, as_decimal(item.low) if item.low else None, as_decimal(item.high) if item.high else None
        )
        if beyond and result == "pass":
            raise Refused(_("实测 %(n)s 超出 %(limits)s,不能判合格。", n=measured, limits=item.limits))
        result = "fail" if beyond else result or "pass"
        row["measured"] = f"{Decimal(number):f}"
    elif measured:
        row["measured"] = refuse_long(measured, LONGEST_NAME)
    if not result:
        raise Refused(_("请填实测值或选择结果。") if item.measured else _("请选择合格、不合格或不适用。"))
    if result not in RESULTS:
        raise Refused(_("请选择合格、不合格或不适用。"))
    if item.measured and not measured and result == "pass":
        raise Refused(_("请填实测值。"))
    return row | {"result": result} | ({"note": note} if note else {})


def overall(rows: Sequence[Value]) -> str:
    """Return the result of the whole: one item that fails fails it, and what applies nowhere is neither."""
    results = {row.get("result") for row in rows if isinstance(row, Mapping)}
    return "fail" if "fail" in results else "pass" if "pass" in results else "na"


def read_item(line: str) -> Item:
    """Read an item as the designer writes it: 名称 | 下限 | 上限 | 单位."""
    parts = [part.strip() for part in line.split("|")]
    name, low, high, unit = [*parts, "", "", "", ""][:4]
    if not name or len(name) > LONGEST_NAME or len(parts) > 4 or "[" in name:
        raise Refused(_("「%(line)s」请写成:名称 | 下限 | 上限 | 单位。", line=line[:40]))
    ends = [as_decimal(text) if NUMBER.fullmatch(text) else None for text in (low, high)]
    if any(text and end is None for text, end in zip((low, high), ends, strict=True)):
        raise Refused(_("「%(line)s」的限值不是数字。", line=line[:40]))
    if ends[0] is not None and ends[1] is not None and ends[0] > ends[1]:
        raise Refused(_("「%(name)s」的下限大于上限。", name=name))
    return Item(name, low, high, unit[:20])


def rows_of(value: Value) -> list[Mapping[str, Value]]:
    """Return the items of a kept value."""
    rows = value.get("items") if isinstance(value, Mapping) else None
    return [row for row in rows if isinstance(row, Mapping)] if isinstance(rows, list | tuple) else []


def result_of(value: Value) -> str | None:
    """Return the result of the whole, None without one."""
    result = value.get("result") if isinstance(value, Mapping) else None
    return str(result) if result else None


def item_of(row: Mapping[str, Value]) -> Item:
    """Return the item of a kept row, with the limits of its day."""
    return Item(*(str(row.get(name) or "") for name in ("name", "low", "high", "unit")))


def _cells(row: Mapping[str, Value]) -> tuple[object, ...]:
    result = str(row["result"])
    chip = Markup('<span class="chip {}">{}</span>').format(LOOKS[result], RESULTS[result])
    item = item_of(row)
    measured = f"{row['measured']} {item.unit}".strip() if row.get("measured") else "—"
    return item.name, item.limits or "—", measured, chip, row.get("note") or "—"


def _notes() -> URLSafeSerializer:
    return URLSafeSerializer(str(current_app.secret_key), salt=SALT)
