"""Items that arrange a form and hold nothing; they are not counted as controls."""

# ruff: noqa: ARG002 -- every control keeps the signatures of the contract

from collections.abc import Mapping

from flask_babel import get_locale
from flask_babel import gettext as _
from markupsafe import Markup

from qtrace.forms.controls.text import clean_html, is_web_address, paragraphs
from qtrace.forms.registry import Cell, Control, FieldDefinition, Option, OptionChoice, Sent, Storage, Value
from qtrace.web.filters import localised

TONES = (
    OptionChoice("info", "说明", "Note"), OptionChoice("warn", "提醒", "Warning"), OptionChoice("bad", "危险", "Danger"),
)  # fmt: skip


class LayoutItem(Control):
    """Something between the fields of a form that nobody fills in."""

    family = "layout"
    storage = Storage.COMPUTED
    layout = True
    wide = True

    def parse(self, field: FieldDefinition, sent: Sent) -> Value:
        """Return nothing."""
        return None

    def send(self, field: FieldDefinition, value: Value) -> dict[str, list[str]]:
        """Return nothing."""
        return {}

    def on_paper(self, field: FieldDefinition, value: Value) -> Markup:
        """Return the item's name: what an empty form shows between the places to write."""
        return Markup("<b>{}</b>").format(localised(field, "label"))

    def from_cell(self, field: FieldDefinition, cell: Cell) -> Value:
        """Return nothing."""
        return None


class Divider(LayoutItem):
    """A line between fields, with the field's name on it."""

    key, name_zh, name_en = "divider", "分隔线", "Divider"
    icon = "minus"


class Note(LayoutItem):
    """Words that explain: how to judge, what to photograph."""

    key, name_zh, name_en = "note", "说明文字", "Note"
    icon = "info"
    options = (
        Option("text_zh", str, required=True, label_zh="文字", label_en="Text (Chinese)", rows=4),
        Option("text_en", str, label_zh="文字(英文)", label_en="Text (English)", advanced=True, rows=4),
        Option("tone", str, label_zh="语气", label_en="Tone", default="info", choices=TONES),
    )

    def starter(self) -> dict[str, object]:
        """Return words to be replaced."""
        return {"text_zh": "请在这里写说明。", "text_en": "Write the explanation here."}

    def words(self, field: FieldDefinition) -> Markup:
        """Return the explanation in the reader's language."""
        english = str(get_locale() or "zh").startswith("en")
        text = (field.text("text_en") if english else "") or field.text("text_zh")
        return Markup(clean_html(paragraphs(text)))  # noqa: S704 -- nh3 cleaned it

    def on_paper(self, field: FieldDefinition, value: Value) -> Markup:
        """Return the explanation."""
        return self.words(field)


class Button(LayoutItem):
    """A link that looks like a button: the standard, a video, another system."""

    key, name_zh, name_en = "button", "按钮", "Button"
    icon = "external-link"
    options = (Option("url", str, required=True, label_zh="网址", label_en="Address", help_zh="以 https:// 或 / 开头。",
                      help_en="Begins with https:// or /."),)  # fmt: skip

    def starter(self) -> dict[str, object]:
        """Return the start page."""
        return {"url": "/"}

    def on_paper(self, field: FieldDefinition, value: Value) -> Markup:
        """Return the name with the address."""
        return Markup("{} {}").format(localised(field, "label"), field.text("url"))

    def check_options(self, options: Mapping[str, object]) -> list[str]:
        """Add that the address leads to a page and runs nothing."""
        problems, url = super().check_options(options), str(options.get("url"))
        inside = url.startswith("/") and not url.startswith(("//", "/\\"))
        return problems or ([] if inside or is_web_address(url) else [_("网址以 https:// 或 / 开头。")])
