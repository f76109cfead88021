"""Controls that hold the pieces of an investigation: the five whys, the fishbone, the action plan and what it cost."""

# ruff: noqa: ARG002 -- every control keeps the signatures of the contract

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import ClassVar

from flask import Flask
from flask_babel import get_locale
from flask_babel import gettext as _
from markupsafe import Markup, escape

from qtrace.classification.queries import is_kind, taxonomies
from qtrace.conditions.tree import FieldKind
from qtrace.core.errors import Refused
from qtrace.core.money import SYMBOLS, Money
from qtrace.forms.controls.number import as_money
from qtrace.forms.controls.rows import (
    NOT_IN_ROWS,
    Row,
    Rows,
    column,
    escaped,
    indexes,
    split_rows,
)
from qtrace.forms.registry import (
    Cell,
    Choice,
    Control,
    FieldDefinition,
    Option,
    OptionChoice,
    Samples,
    Sent,
    Storage,
    Value,
    cell_text,
    controls,
    refuse_long,
    register_control,
)

LONGEST = 500
MOST_DEPTH = 12  # a chain of answers longer than this is no analysis
KINDS = (
    ("occurrence", "为什么会坏", "Occurrence"),
    ("escape", "为什么没查出来", "Escape"),
    ("system", "管理原因", "System"),
)
TESTED = (("open", "未查证", "Not tested"), ("true", "已证实", "True"), ("false", "已排除", "False"))
ACTIONS = (
    ("containment", "临时措施", "Containment"), ("correction", "纠正", "Correction"),
    ("corrective", "整改", "Corrective action"), ("preventive", "预防", "Preventive action"),
)  # fmt: skip
COSTS = (
    ("prevention", "预防成本", "Prevention"), ("appraisal", "鉴定成本", "Appraisal"),
    ("internal", "内部损失", "Internal failure"), ("external", "外部损失", "External failure"),
)  # fmt: skip
PAYERS = (("company", "公司", "Company"), ("supplier", "供应商", "Supplier"), ("courier", "快递", "Courier"))
BONES = (
    ("man", "人", "People"), ("machine", "机", "Machine"), ("material", "料", "Material"),
    ("method", "法", "Method"), ("environment", "环", "Environment"), ("measurement", "测", "Measurement"),
)  # fmt: skip
Words = Sequence[tuple[str, str, str]]


def listed(words: Words) -> dict[str, object]:
    """Return fixed choices as the options of a list."""
    return {"choices": [{"value": value, "zh": zh, "en": en} for value, zh, en in words]}


class FiveWhy(Rows):
    """A tree of whys as rows: what was found, which row it explains, of what kind, and whether it was tested."""

    key, name_zh, name_en = "five_why", "5 个为什么", "Five whys"
    family = "quality"
    icon = "git-branch"
    compared_as = FieldKind.LIST
    quiet = frozenset({"kind", "tested", "parent"})
    options = (
        Option("causes", str, label_zh="原因代码用哪棵分类树", label_en="Tree of cause codes", default="type", advanced=True),
        Option("need_both", bool, label_zh="必须查清产生和流出", label_en="Needs occurrence and escape", default=False,
               help_zh="各要有一条「已证实」。", help_en="One of each must be tested true."),
    )  # fmt: skip

    def panel(self) -> Sequence[Option]:
        """Return the settings with every tree there is now."""
        trees = tuple(OptionChoice(tree.key, tree.name_zh, tree.name_en) for tree in taxonomies())
        return [replace(option, choices=trees) if option.name == "causes" else option for option in self.options]

    def check_options(self, options: Mapping[str, object]) -> list[str]:
        """Add that the tree exists."""
        kind = options.get("causes", "type")
        return super().check_options(options) + (
            [] if is_kind(kind) else [_("没有这个分类树:%(kind)s。", kind=str(kind))]
        )

    def columns(self, field: FieldDefinition) -> Sequence[FieldDefinition]:
        """Return the answer, what it explains, its kind, its test, its cause code and the evidence."""
        return (
            column("text", "text", "为什么", "Why", required=True, options={"max_length": LONGEST}),
            column("parent", "integer", "追问第几条", "Explains row", options={"min": 1, "max": 200}),
            column("kind", "select", "类别", "Kind", options=listed(KINDS)),
            column("tested", "select", "结论", "Tested", options=listed(TESTED)),
            column("code", "tree_select", "原因代码", "Cause code", options={"kind": field.text("causes", "type")}),
            column("evidence", "text", "证据", "Evidence", options={"max_length": LONGEST}),
        )

    def samples(self, field: FieldDefinition) -> Samples:
        """Return a tree as it is typed, and trees that go in circles or lead nowhere."""

        def rows(*texts: tuple[str, str, str]) -> Sent:
            names = ("text", "parent", "tested")
            cells = {
                f"{field.id}.{i}.{name}": [text]
                for i, row in enumerate(texts)
                for name, text in zip(names, row, strict=True)
            }
            return Sent(cells)

        right = [rows(("瓶口漏液", "", "true"), ("内塞没压到位", "1", "true"), ("压塞机气压偏低", "2", "open"))]
        wrong = [
            rows(("漏液", "2", ""), ("没压紧", "1", "")), rows(("漏液", "1", "")), rows(("漏液", "9", "")),
            rows(("漏液", "", "maybe")), rows(("长" * (LONGEST + 1), "", "")),
        ]  # fmt: skip
        return Samples(right, wrong)

    def parse(self, field: FieldDefinition, sent: Sent) -> Value:
        """Return the rows; what a row explains is named by its place among those that are kept."""
        kept = [index for index in indexes(field.id, sent) if self.holds(field, index, sent)]
        drawn = {
            str(place): str(kept.index(index) + 1)
            for place, index in enumerate(indexes(field.id, sent), 1)
            if index in kept
        }
        values = dict(sent.values)
        for index in kept:
            name = f"{field.id}.{index}.parent"
            told = sent.first(name)
            values[name] = [drawn.get(told, told)]
        return super().parse(field, Sent(values, sent.files))

    def finish(self, field: FieldDefinition, rows: list[Row]) -> Value:
        """Return the tree; refuse answers that explain themselves, and a tree without what the field needs."""
        parents = [row.get("parent") for row in rows]
        for place in range(1, len(rows) + 1):
            depth, at = 0, parents[place - 1]
            while isinstance(at, int):
                depth += 1
                if at > len(rows):
                    raise Refused(_("第 %(n)d 条追问的第 %(parent)d 条不存在。", n=place, parent=at))
                if at == place or depth > MOST_DEPTH:
                    raise Refused(
                        _(
                            "第 %(n)d 条绕回了自己,或追问超过 %(most)d 层。请改「追问第几条」。",
                            n=place,
                            most=MOST_DEPTH,
                        )
                    )
                at = parents[at - 1]
        found = [{"kind": "occurrence", "tested": "open", **row} for row in rows]
        if field.flag("need_both"):
            true = {str(row["kind"]) for row in found if row["tested"] == "true"}
            for kind, zh, en in KINDS[:2]:
                if kind not in true:
                    raise Refused(_("还缺一条已证实的「%(kind)s」。", kind=in_words(zh, en)))
        return found

    def row_text(self, field: FieldDefinition, row: Row) -> str:
        """Return the answer with its test."""
        tested = {value: in_words(zh, en) for value, zh, en in TESTED}.get(str(row.get("tested")), "")
        return f"{row.get('text', '')}({tested})" if tested else str(row.get("text", ""))

    def show(self, field: FieldDefinition, value: Value) -> str:
        """Return the tree, each answer set off below what it explains."""
        rows = self.rows_in(value)
        if not rows:
            return "—"
        return "\n".join(
            f"{'　' * depth}{'└ ' if depth else ''}{self.row_text(field, row)}" for depth, row in tree_of(rows)
        )

    def to_html(self, field: FieldDefinition, value: Value) -> Markup:
        """Return the tree as nested lists with the test as a chip."""
        rows = self.rows_in(value)
        if not rows:
            return Markup("—")
        return Markup('<div class="why-tree">{}</div>').format(
            Markup("").join(self._why(depth, row) for depth, row in tree_of(rows))
        )

    def on_paper(self, field: FieldDefinition, value: Value) -> Markup:
        """Return the tree in words."""
        return escape(self.to_print(field, value))

    def to_condition(self, field: FieldDefinition, value: Value) -> object:
        """Return the cause codes of what was tested true, or that there is none yet."""
        codes = [row.get("code") for row in self.rows_in(value) if row.get("tested") == "true"]
        return (tuple(str(code) for code in codes if code is not None) or ("0",)) if self.rows_in(value) else None

    def _why(self, depth: int, row: Row) -> Markup:
        kinds = {kind: in_words(zh, en) for kind, zh, en in KINDS}
        tests = {test: in_words(zh, en) for test, zh, en in TESTED}
        looks = {"true": "ok", "false": ""}
        return Markup('<div class="why-row depth-{}"><span class="wrap-any">{}</span> <small>{}</small> <span class="chip {}">{}</span>{}</div>').format(
            min(depth, MOST_DEPTH), row.get("text", ""), kinds.get(str(row.get("kind")), ""), looks.get(str(row.get("tested")), "warn"),
            tests.get(str(row.get("tested")), ""),
            Markup('<small class="evidence wrap-any">{}</small>').format(row["evidence"]) if row.get("evidence") else "",
        )  # fmt: skip


class Fishbone(Control):
    """Possible causes by people, machine, material, method, environment and measurement, one a line."""

    key, name_zh, name_en = "fishbone", "鱼骨图", "Fishbone"
    family = "quality"
    icon = "share"
    storage = Storage.JSON_LIST
    grouped = True
    wide = True
    not_in_rows = NOT_IN_ROWS

    def bones(self) -> list[tuple[str, str]]:
        """Return each category with the words for it."""
        return [(key, in_words(zh, en)) for key, zh, en in BONES]

    def samples(self, field: FieldDefinition) -> Samples:
        """Return causes as they are typed, and one too long."""
        return Samples(
            [Sent({f"{field.id}.man": ["新员工未培训\n夜班疲劳;漏检"], f"{field.id}.machine": ["压塞机 | 气压偏低"]})],
            [Sent({f"{field.id}.man": ["长" * (LONGEST + 1)]})],
        )

    def parse(self, field: FieldDefinition, sent: Sent) -> Value:
        """Return the causes of each category that has any."""
        found: dict[str, Value] = {}
        for key, _words in self.bones():
            lines = [line.strip() for line in sent.first(f"{field.id}.{key}").splitlines()]
            causes = list(dict.fromkeys(refuse_long(line, LONGEST) for line in lines if line))
            if causes:
                found[key] = causes
        return found or None

    def send(self, field: FieldDefinition, value: Value) -> dict[str, list[str]]:
        """Return each category's causes, one a line."""
        return {f"{field.id}.{key}": ["\n".join(causes)] for key, causes in causes_of(value).items()}

    def show(self, field: FieldDefinition, value: Value) -> str:
        """Return each category with its causes."""
        found = causes_of(value)
        return "\n".join(f"{words}:{'、'.join(found[key])}" for key, words in self.bones() if key in found) or "—"

    def to_html(self, field: FieldDefinition, value: Value) -> Markup:
        """Return the bones side by side."""
        found = causes_of(value)
        if not found:
            return Markup("—")
        bones = (
            Markup("<section><h4>{}</h4><ul>{}</ul></section>").format(
                words, Markup("").join(Markup("<li>{}</li>").format(cause) for cause in found[key])
            )
            for key, words in self.bones()
            if key in found
        )
        return Markup('<div class="bones-shown">{}</div>').format(Markup("").join(bones))

    def to_condition(self, field: FieldDefinition, value: Value) -> object:
        """Return the categories that have causes."""
        return tuple(causes_of(value)) or None

    def search_text(self, field: FieldDefinition, value: Value) -> str:
        """Return every cause."""
        return " ".join(cause for causes in causes_of(value).values() for cause in causes)

    def to_cell(self, field: FieldDefinition, value: Value) -> Cell:
        """Return a line for each category: 人 | 新员工未培训 | 夜班疲劳."""
        found = causes_of(value)
        lines = [
            " | ".join([words, *(escaped(cause) for cause in found[key])])
            for key, words in self.bones()
            if key in found
        ]
        return "\n".join(lines) or None

    def from_cell(self, field: FieldDefinition, cell: Cell) -> Value:
        """Read a line for each category, its name first, then its causes between |."""
        keys = {word: key for key, zh, en in BONES for word in (key, zh, en)}
        sent: dict[str, list[str]] = {}
        for line in split_rows("" if cell is None else cell_text(cell)):
            key = keys.get(line[0])
            if key is None:
                raise Refused(
                    _("「%(word)s」不是 人、机、料、法、环、测 之一。每行写成:人 | 原因 | 原因。", word=line[0][:40])
                )
            sent[f"{field.id}.{key}"] = ["\n".join([*sent.get(f"{field.id}.{key}", []), *line[1:]])]
        return self.parse(field, Sent(sent))


class ActionPlan(Rows):
    """What is to be done, by whom, until when, and whether it is."""

    key, name_zh, name_en = "action_plan", "整改计划", "Action plan"
    family = "quality"
    icon = "list-todo"
    public = False  # it names colleagues
    compared_as = FieldKind.NUMBER  # how many are still to be done
    quiet = frozenset({"kind"})

    def columns(self, field: FieldDefinition) -> Sequence[FieldDefinition]:
        """Return the kind, what, who, until when and whether it is done."""
        return (
            column("kind", "select", "类别", "Kind", options=listed(ACTIONS)),
            column("text", "text", "做什么", "What", required=True, options={"max_length": LONGEST}),
            column("owner", "user", "负责人", "Owner", required=True),
            column("due", "date", "完成日期", "Due", required=True),
            column("done", "switch", "已完成", "Done"),
        )

    def samples(self, field: FieldDefinition) -> Samples:
        """Return a plan, and one without an owner or a day."""
        people = column("owner", "user", "", "")
        owner = [choice.value for choice in controls_choices(people)][:1]
        start = f"{field.id}.0."
        full = {f"{start}kind": ["corrective"], f"{start}text": ["调高气压并每班点检"], f"{start}due": ["2026-12-01"]}
        return Samples(
            [Sent(full | {f"{start}owner": owner}), Sent(full | {f"{start}owner": owner, f"{start}done": ["1"]})],
            [
                Sent(full),
                Sent({f"{start}text": ["没人没日期"]}),
                Sent(full | {f"{start}owner": owner, f"{start}due": ["明天"]}),
            ],
        )

    def finish(self, field: FieldDefinition, rows: list[Row]) -> Value:
        """Return the plan; what has no kind is corrective."""
        return [{"kind": "corrective", **row} for row in rows]

    def to_condition(self, field: FieldDefinition, value: Value) -> object:
        """Return how many actions are still to be done."""
        rows = self.rows_in(value)
        return sum(1 for row in rows if not row.get("done")) if rows else None


class CostLines(Rows):
    """What it cost, by category and payer, and what came back; the total follows."""

    key, name_zh, name_en = "cost_lines", "质量成本", "Cost lines"
    family = "quality"
    icon = "wallet"
    compared_as = FieldKind.NUMBER  # the total
    public = False
    quiet = frozenset({"category", "payer"})
    sums: ClassVar[str] = "amount"
    sum_goal = ""
    options = (
        Option("currency", str, label_zh="货币", label_en="Currency", default="CNY",
               choices=tuple(OptionChoice(code, f"{code} {sign}", f"{code} {sign}") for code, sign in SYMBOLS.items())),
    )  # fmt: skip

    def columns(self, field: FieldDefinition) -> Sequence[FieldDefinition]:
        """Return category, payer, amount, what came back, and a note."""
        money = {"currency": field.text("currency", "CNY")}
        return (
            column("category", "select", "类别", "Category", options=listed(COSTS)),
            column("payer", "select", "谁承担", "Paid by", options=listed(PAYERS)),
            column("amount", "money", "金额", "Amount", required=True, options=money),
            column("recovered", "money", "已追回", "Recovered", options=money),
            column("note", "text", "说明", "Note", options={"max_length": LONGEST}),
        )

    def samples(self, field: FieldDefinition) -> Samples:
        """Return costs, and ones that can't be."""
        start = f"{field.id}.0."
        full = {f"{start}category": ["external"], f"{start}payer": ["supplier"], f"{start}amount": ["1,280.50"]}
        return Samples(
            [Sent(full | {f"{start}recovered": ["300"], f"{start}note": ["补发 12 单"]}), Sent(full)],
            [
                Sent(full | {f"{start}recovered": ["9999"]}),
                Sent({f"{start}note": ["没有金额"]}),
                Sent(full | {f"{start}amount": ["很多"]}),
            ],
        )

    def finish(self, field: FieldDefinition, rows: list[Row]) -> Value:
        """Return the lines; nobody gets back more than was lost."""
        for place, row in enumerate(rows, start=1):
            amount, recovered = as_money(row.get("amount")), as_money(row.get("recovered"))
            if amount and recovered and recovered.minor > amount.minor:
                raise Refused(_("第 %(n)d 行追回的比花的多。请核对。", n=place))
        return [{"category": "internal", "payer": "company", **row} for row in rows]

    def totals(self, value: Value) -> tuple[Money, Money] | None:
        """Return what it cost and what came back; None without lines."""
        rows = self.rows_in(value)
        amounts = [money for money in (as_money(row.get("amount")) for row in rows) if money]
        back = [money for money in (as_money(row.get("recovered")) for row in rows) if money]
        if not amounts:
            return None
        currency = amounts[0].currency
        return Money(sum(one.minor for one in amounts), currency), Money(sum(one.minor for one in back), currency)

    def total_text(self, value: Value) -> str:
        """Return the sentence about the total; empty without lines."""
        found = self.totals(value)
        if found is None:
            return ""
        cost, back = found
        return (
            _("合计 %(cost)s,已追回 %(back)s", cost=str(cost), back=str(back))
            if back.minor
            else _("合计 %(cost)s", cost=str(cost))
        )

    def show(self, field: FieldDefinition, value: Value) -> str:
        """Return the total."""
        return self.total_text(value) or "—"

    def to_print(self, field: FieldDefinition, value: Value) -> str:
        """Return every line and the total."""
        return "\n".join([super().show(field, value), self.total_text(value)]).strip()

    def foot(self, field: FieldDefinition, value: Value) -> Markup:
        """Return the total below the lines."""
        return Markup('<p class="rows-total">{}</p>').format(self.total_text(value))

    def to_condition(self, field: FieldDefinition, value: Value) -> object:
        """Return the total."""
        found = self.totals(value)
        return found[0].amount if found else None


def tree_of(rows: Sequence[Row]) -> list[tuple[int, Row]]:
    """Return the rows in reading order with their depth: each followed by what explains it."""
    below: dict[object, list[int]] = {}
    for place, row in enumerate(rows, start=1):
        below.setdefault(row.get("parent"), []).append(place)
    found: list[tuple[int, Row]] = []
    waiting = [(0, place) for place in reversed(below.get(None, []))]
    while waiting:
        depth, place = waiting.pop()
        found.append((depth, rows[place - 1]))
        waiting += [(depth + 1, child) for child in reversed(below.get(place, []))]
    return found


def causes_of(value: Value) -> dict[str, list[str]]:
    """Return the causes of each category of a kept fishbone."""
    found = value if isinstance(value, Mapping) else {}
    return {key: [str(one) for one in causes] for key, causes in found.items() if isinstance(causes, list | tuple)}


def in_words(zh: str, en: str) -> str:
    """Return the word in the reader's language."""
    return en if str(get_locale() or "zh").startswith("en") else zh


def controls_choices(one: FieldDefinition) -> Sequence[Choice]:
    """Return what a column's own control offers."""
    return controls()[one.control].choices(one)


def register_controls(app: Flask) -> None:
    """Register the controls of this package."""
    for control in (FiveWhy(), Fishbone(), ActionPlan(), CostLines()):
        register_control(app, control)
