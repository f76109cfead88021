"""Controls that hold words."""

import unicodedata

from qtrace.forms.registry import MAX_TEXT, Control, FieldDefinition, Option, Sent, Storage, Value, refuse_long

MAX_LINES = 20_000


class Text(Control):
    """One line of text."""

    key, name_zh, name_en = "text", "单行文字", "Text"
    storage = Storage.TEXT
    options = (Option("max_length", int),)

    def parse(self, field: FieldDefinition, sent: Sent) -> Value:
        """Return the line without control characters."""
        text = "".join(char for char in sent.first(field.id) if unicodedata.category(char) != "Cc")
        return refuse_long(text, field.number("max_length", 200)) or None


class Textarea(Control):
    """Several lines of text."""

    key, name_zh, name_en = "textarea", "多行文字", "Long text"
    wide = True
    storage = Storage.TEXT
    options = (Option("max_length", int),)

    def parse(self, field: FieldDefinition, sent: Sent) -> Value:
        """Return the text with plain line ends."""
        text = sent.first(field.id).replace("\r\n", "\n").replace("\x00", "")
        return refuse_long(text, field.number("max_length", MAX_LINES)) or None


class Scan(Control):
    """A code that is scanned, pasted or typed; with `fills` the page looks it up and fills the rest."""

    key, name_zh, name_en = "scan", "扫码", "Scan"
    storage = Storage.TEXT
    options = (Option("fills", bool),)

    def parse(self, field: FieldDefinition, sent: Sent) -> Value:
        """Return the code in half-width characters: wedge scanners under a Chinese input method send full-width ones."""
        text = unicodedata.normalize("NFKC", sent.first(field.id))
        text = "".join(char for char in text if unicodedata.category(char) not in ("Cc", "Cf")).strip()
        return refuse_long(text, MAX_TEXT) or None
