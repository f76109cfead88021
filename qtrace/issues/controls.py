"""The control that shows issues like the one being written down, and keeps those that belong together."""

# ruff: noqa: ARG002 -- every control keeps the signatures of the contract

import re
from collections.abc import Sequence

from flask import Flask, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext
from markupsafe import Markup, escape
from sqlalchemy import select

from qtrace.core.db import db
from qtrace.core.errors import Refused
from qtrace.forms.controls.identity import half_width
from qtrace.forms.linking import reader
from qtrace.forms.registry import (
    Cell,
    Control,
    FieldDefinition,
    Option,
    Samples,
    Sent,
    Storage,
    Value,
    cell_text,
    register_control,
)
from qtrace.issues.models import Issue
from qtrace.issues.visibility import visible_issues

BETWEEN = re.compile(r"[\s、,,;;]+")
MOST = 20


class SimilarIssues(Control):
    """Issues like this one: live hits while the form is filled in; the chosen ones are kept."""

    key, name_zh, name_en = "similar_issues", "相似问题", "Similar issues"
    family = "relation"
    storage = Storage.REFS
    icon = "search"
    grouped = True
    wide = True
    public = False
    not_in_rows = lazy_gettext("相似问题看的是整张表单,不能放在子表的一行里。")
    options = (
        Option("closed", bool, label_zh="也找已结案的", label_en="Closed issues, too", default=False),
        Option("max", int, label_zh="最多选几个", label_en="At most", default=MOST, least=1, most=MOST, advanced=True),
    )
    looks_at = ("lot_no", "sku", "supplier", "order_ref")  # fields of the same form that make issues alike

    def samples(self, field: FieldDefinition) -> Samples:
        """Return the newest issue, and numbers nothing has."""
        numbers = db.session.scalars(select(Issue.number).order_by(Issue.id.desc()).limit(2)).all()
        right = [Sent({field.id: [text]}) for text in dict.fromkeys((*numbers[:1], "、".join(numbers))) if text]
        return Samples(right, [Sent({field.id: [text]}) for text in ("查无此号-0", "0、1")])

    def parse(self, field: FieldDefinition, sent: Sent) -> Value:
        """Return the ids of the issues named; refuse a number nothing has, or nothing the person may see."""
        numbers = named(sent.values.get(field.id, ()))
        if len(numbers) > field.number("max", MOST):
            raise Refused(_("最多选 %(n)d 个。请减少几个。", n=field.number("max", MOST)))
        user = reader()
        seen = select(Issue) if user is None else visible_issues(user)
        found = {issue.number: issue.id for issue in db.session.scalars(seen.where(Issue.number.in_(numbers)))}
        for number in numbers:
            if number not in found:
                raise Refused(_("没有找到「%(code)s」。请检查编号,或清空后提交。", code=number[:60]))
        return [found[number] for number in numbers] or None

    def send(self, field: FieldDefinition, value: Value) -> dict[str, list[str]]:
        """Return the numbers in one text."""
        return {field.id: [self.show(field, value)]} if isinstance(value, list) else {}

    def show(self, field: FieldDefinition, value: Value) -> str:
        """Return the numbers."""
        return "、".join(_numbers(value).values()) or "—"

    def to_html(self, field: FieldDefinition, value: Value) -> Markup:
        """Return the numbers; whoever may see an issue can open it."""
        user, numbers = reader(), _numbers(value)
        if not numbers:
            return escape("—")
        mine = visible_issues(user).where(Issue.id.in_(numbers)) if user else None
        seen = {issue.id: issue for issue in db.session.scalars(mine)} if mine is not None else {}
        lines = [
            Markup('<li><a href="{}">{}</a> <span class="soft">{}</span></li>').format(
                url_for("issues.show", number=number), number, seen[row_id].title
            )
            if row_id in seen
            else Markup("<li>{}</li>").format(number)
            for row_id, number in numbers.items()
        ]
        return Markup('<ul class="plain-list">{}</ul>').format(Markup("").join(lines))

    def search_text(self, field: FieldDefinition, value: Value) -> str:
        """Return the numbers, by which the record is found."""
        return " ".join(_numbers(value).values())

    def from_cell(self, field: FieldDefinition, cell: Cell) -> Value:
        """Read numbers separated by 、 , ; blanks or line ends."""
        return self.parse(field, Sent({field.id: ["" if cell is None else cell_text(cell)]}))


def register_controls(app: Flask) -> None:
    """Register the control of this package."""
    register_control(app, SimilarIssues())


def named(texts: Sequence[str]) -> list[str]:
    """Return the numbers in what was typed and ticked, each once."""
    words = (word.upper() for text in texts for word in BETWEEN.split(half_width(text)))
    return list(dict.fromkeys(word for word in words if word))


def _numbers(value: Value) -> dict[int, str]:
    """Return {id: number} of the issues that are kept, in their order."""
    ids = [item for item in value if isinstance(item, int)] if isinstance(value, list) else []
    found = {row.id: row.number for row in db.session.execute(select(Issue.id, Issue.number).where(Issue.id.in_(ids)))}
    return {row_id: found[row_id] for row_id in ids if row_id in found}
