"""The control that shows issues alike while a form is filled in, and keeps the ones that were picked."""

# ruff: noqa: ARG002 -- every control keeps the signatures of the contract

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from flask import Flask, url_for
from flask_babel import gettext as _
from flask_login import current_user
from markupsafe import Markup, escape
from sqlalchemy import ColumnElement, or_, select

from qtrace.catalog.controls import SkuRef
from qtrace.core import search
from qtrace.core.db import db, table_of
from qtrace.core.errors import Refused
from qtrace.forms.answers import Bound
from qtrace.forms.controls.choice import split_cell
from qtrace.forms.controls.rows import NOT_IN_ROWS
from qtrace.forms.registry import (
    Cell,
    Control,
    FieldDefinition,
    Names,
    Option,
    Samples,
    Sent,
    Storage,
    Value,
    register_control,
)
from qtrace.issues.models import Issue
from qtrace.issues.visibility import visible_issues
from qtrace.orders.controls import LotNo

ISSUES = table_of(Issue)
MOST_SHOWN, MOST_READ, MOST_KEPT = 6, 40, 20
MOST_PHRASES = 6
PHRASE = re.compile(r"[^\s,。,.;;、!!??::()()/]{2,12}")


@dataclass(frozen=True)
class Alike:
    """An issue that may be the same, and why."""

    number: str
    title: str
    reasons: tuple[str, ...]
    open: bool


class SimilarIssues(Control):
    """Issues alike by article, lot or words; the ones picked stay linked to the record."""

    key, name_zh, name_en = "similar_issues", "相似问题", "Similar issues"
    family = "relation"
    icon = "lightbulb"
    storage = Storage.REFS
    grouped = True
    wide = True
    public = False
    not_in_rows = NOT_IN_ROWS
    options = (
        Option(
            "sku",
            str,
            label_zh="商品字段",
            label_en="Field of the article",
            default="sku",
            names=Names.FIELD,
            fits=("sku",),
        ),
        Option(
            "lot",
            str,
            label_zh="批次字段",
            label_en="Field of the lot",
            default="lot",
            names=Names.FIELD,
            fits=("lot_no",),
        ),
        Option(
            "text",
            str,
            label_zh="描述字段",
            label_en="Field of the words",
            default="title",
            names=Names.FIELD,
            fits=("text", "textarea", "richtext"),
        ),
    )

    def samples(self, field: FieldDefinition) -> Samples:
        """Return an issue there is, and numbers no issue has."""
        number = db.session.scalar(select(ISSUES.c.number).order_by(ISSUES.c.id).limit(1))
        right = [Sent({field.id: [number]}), Sent({f"{field.id}.more": [number]})] if number else []
        return Samples(right, [Sent({field.id: ["QI-0000-0000"]}), Sent({f"{field.id}.more": ["不知道"]})])

    def parse(self, field: FieldDefinition, sent: Sent) -> Value:
        """Return the ids of the issues picked or typed; refuse numbers the reader can't see an issue of."""
        numbers = list(dict.fromkeys([*sent.all(field.id), *split_cell(sent.first(f"{field.id}.more").upper())]))
        if len(numbers) > MOST_KEPT:
            raise Refused(_("最多关联 %(n)d 个问题。", n=MOST_KEPT))
        known = numbers_of(numbers)
        missing = next((number for number in numbers if number not in known), None)
        if missing is not None:
            raise Refused(_("没有编号为「%(number)s」的问题。请检查编号,或清空后提交。", number=missing[:40]))
        return [known[number] for number in numbers] or None

    def send(self, field: FieldDefinition, value: Value) -> dict[str, list[str]]:
        """Return the numbers."""
        return {field.id: kept_numbers(value)} if value else {}

    def show(self, field: FieldDefinition, value: Value) -> str:
        """Return the numbers; what the issues are about is for those who may read them."""
        return "、".join(kept_numbers(value)) or "—"

    def to_html(self, field: FieldDefinition, value: Value) -> Markup:
        """Return links to the issues, which ask who reads them."""
        links = [
            Markup('<a href="{}">{}</a>').format(url_for("issues.show", number=one), one) for one in kept_numbers(value)
        ]
        return Markup("、").join(links) or escape("—")

    def search_text(self, field: FieldDefinition, value: Value) -> str:
        """Return the numbers."""
        return " ".join(kept_numbers(value))

    def from_cell(self, field: FieldDefinition, cell: Cell) -> Value:
        """Read numbers separated by 、 , ; or line ends."""
        return self.parse(field, Sent({field.id: [text.upper() for text in split_cell(cell)]}))

    def names(self, field: FieldDefinition) -> dict[str, str]:
        """Return which fields say what is alike."""
        return {
            name: field.text(name, default) for name, default in (("sku", "sku"), ("lot", "lot"), ("text", "title"))
        }

    def alike(self, bound: Bound) -> list[Alike]:
        """Return the issues alike to what is typed now, without those that are picked already."""
        found = find_alike(self._typed(bound))
        return [one for one in found if one.number not in bound.values]

    def asked(self, bound: Bound) -> bool:
        """Say whether anything is typed that issues can be alike in."""
        return any(self._typed(bound).values())

    def _typed(self, bound: Bound) -> dict[str, str]:
        return {name: bound.sent.first(field) for name, field in self.names(bound.field).items()}


def find_alike(typed: Mapping[str, str]) -> list[Alike]:
    """Return the issues the reader may see with the article or lot, or with words of the text, the likest first."""
    if not (current_user and current_user.is_authenticated):
        return []
    sku, lot = _id_of(SkuRef(), typed.get("sku", "")), _id_of(LotNo(), typed.get("lot", ""))
    phrases = PHRASE.findall(typed.get("text", ""))[:MOST_PHRASES]
    same: list[ColumnElement[bool]] = [search.matching("issue", phrase, ISSUES.c.id) for phrase in phrases]
    same += [ISSUES.c.sku_id == sku] if sku else []
    same += [ISSUES.c.lot_id == lot] if lot else []
    if not same:
        return []
    rows = db.session.scalars(visible_issues(current_user).where(or_(*same)).order_by(Issue.id.desc()).limit(MOST_READ))
    found = []
    for issue in rows:
        words = sum(1 for phrase in phrases if phrase in f"{issue.title}{issue.description}")
        weight = 4 * (lot is not None and issue.lot_id == lot) + 2 * (sku is not None and issue.sku_id == sku) + words
        reasons = [_("同批次")] if lot and issue.lot_id == lot else []
        reasons += [_("同商品")] if sku and issue.sku_id == sku else []
        reasons += [_("描述相近")] if words else []
        found.append(
            (
                weight + (issue.status == "open"),
                Alike(issue.number, issue.title, tuple(reasons), issue.status == "open"),
            )
        )
    return [one for _weight, one in sorted(found, key=lambda pair: -pair[0])[:MOST_SHOWN]]


def numbers_of(numbers: Sequence[str]) -> dict[str, int]:
    """Return {number: id} of the issues there are; a person reaches only those they may see."""
    if current_user and current_user.is_authenticated:
        statement = (
            visible_issues(current_user)
            .where(ISSUES.c.number.in_(numbers))
            .with_only_columns(ISSUES.c.number, ISSUES.c.id)
        )
        return {row.number: row.id for row in db.session.execute(statement)}
    rows = db.session.execute(select(ISSUES.c.number, ISSUES.c.id).where(ISSUES.c.number.in_(numbers)))
    return {row.number: row.id for row in rows}


def kept_numbers(value: Value) -> list[str]:
    """Return the numbers of kept issues in the order they were picked."""
    ids = [one for one in value if isinstance(one, int)] if isinstance(value, list | tuple) else []
    rows = db.session.execute(select(ISSUES.c.id, ISSUES.c.number).where(ISSUES.c.id.in_(ids))) if ids else ()
    known = {row.id: row.number for row in rows}
    return [known[one] for one in ids if one in known]


def _id_of(control: Control, text: str) -> int | None:
    """Return what a text names; None while it names nothing yet."""
    field = FieldDefinition("typed", control.key, control.name_zh, control.name_en)
    try:
        found = control.parse(replace(field), Sent({"typed": [text]}))
    except Refused:
        return None
    return found if isinstance(found, int) else None


def register_controls(app: Flask) -> None:
    """Register the control of this package."""
    register_control(app, SimilarIssues())
