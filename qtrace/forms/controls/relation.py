"""The control that points to another record."""

# ruff: noqa: ARG002 -- every control keeps the signatures of the contract

from collections.abc import Mapping, Sequence

from flask_babel import gettext as _
from markupsafe import Markup, escape

from qtrace.core.errors import Refused
from qtrace.forms.controls.identity import half_width
from qtrace.forms.controls.text import PLACEHOLDER, Line
from qtrace.forms.linking import Linked, link_targets, reader, source_of
from qtrace.forms.registry import (
    Choice,
    FieldDefinition,
    Option,
    Samples,
    Sent,
    Storage,
    Value,
)

MAX_NUMBER = 60
MOST_FOUND = 8


class LinkRef(Line):
    """One record of another form, named by its number; whoever may not see it reads the number only."""

    key, name_zh, name_en = "link", "关联记录", "Linked record"
    family = "relation"
    storage = Storage.REF
    icon = "link"
    public = False  # numbers of our records are nothing for outsiders to try
    code = True
    options = (
        Option("to", str, required=True, label_zh="关联到", label_en="Links to", of_site=link_targets,
               help_zh="哪一种记录。", help_en="Which kind of record."),
        PLACEHOLDER,
    )  # fmt: skip

    def longest(self, field: FieldDefinition) -> int:
        """Return room for a number."""
        return MAX_NUMBER

    def after(self, field: FieldDefinition) -> str:
        """Return nothing: numbers have no unit."""
        return ""

    def starter(self) -> dict[str, object]:
        """Return the first form there is."""
        return {"to": next((choice.value for choice in link_targets()), "")}

    def samples(self, field: FieldDefinition) -> Samples:
        """Return the newest record, and numbers nothing has."""
        source = source_of(field.text("to"))
        newest = source.begins(field.text("to"), "", 1, reader()) if source else []
        right = [Sent({field.id: [one.number]}) for one in newest]
        return Samples(right, [Sent({field.id: [text]}) for text in ("查无此号-0", "0")])

    def check_options(self, options: Mapping[str, object]) -> list[str]:
        """Leave a form that was there when the field was made: what it links to stays readable when it is gone."""
        known = dict(options)
        if isinstance(known.get("to"), str) and source_of(str(known["to"])) is None and link_targets():
            known["to"] = link_targets()[0].value if known["to"] else None
        return super().check_options(known)

    def parse(self, field: FieldDefinition, sent: Sent) -> Value:
        """Return the record's id; refuse a number nothing has, or nothing the person may see."""
        text = half_width(sent.first(field.id))[:MAX_NUMBER]
        if not text:
            return None
        source = source_of(field.text("to"))
        found = source.by_number(field.text("to"), text, reader()) if source else None
        if found is None:
            raise Refused(_("没有找到「%(code)s」。请检查编号,或清空后提交。", code=text))
        return found.id

    def send(self, field: FieldDefinition, value: Value) -> dict[str, list[str]]:
        """Return the number."""
        found = self.linked(field, value)
        return {field.id: [found.number]} if found else {}

    def show(self, field: FieldDefinition, value: Value) -> str:
        """Return the number, which tells nothing to those who may not see the record."""
        found = self.linked(field, value)
        return found.number if found else "—"

    def to_html(self, field: FieldDefinition, value: Value) -> Markup:
        """Return the number as a link with the title beside it, for those who may see the record."""
        user, source = reader(), source_of(field.text("to"))
        seen = source.by_id(field.text("to"), value, user) if source and user and isinstance(value, int) else None
        if seen is None:
            return escape(self.show(field, value))
        return Markup('<a href="{}">{}</a> <span class="soft">{}</span>').format(seen.url, seen.number, seen.title)

    def find(self, field: FieldDefinition, text: str) -> Sequence[Choice]:
        """Return the newest records whose number begins like this, of every form: the box does not say which."""
        found: list[Choice] = []
        for target in link_targets() if text else ():
            source = source_of(target.value)
            rows = source.begins(target.value, text, MOST_FOUND, reader()) if source else ()
            found += [Choice(one.number, one.title) for one in rows]
        return found[:MOST_FOUND]

    def linked(self, field: FieldDefinition, value: Value) -> Linked | None:
        """Return the record whatever the reader may see; only its number may be shown."""
        source = source_of(field.text("to"))
        return source.by_id(field.text("to"), value, None) if source and isinstance(value, int) else None
