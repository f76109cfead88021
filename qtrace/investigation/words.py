"""The words people type into the investigation's forms, read the same way everywhere."""

from flask_babel import gettext as _

from qtrace.core.errors import Refused

MAX_TEXT = 500
MAX_LONG_TEXT = 2000


def said(text: str, field: str) -> str:
    """Return a short text; refused where nothing was written."""
    text = long_text(text)[:MAX_TEXT]
    if not text:
        raise Refused(_("请填写内容。"), field=field)
    return text


def long_text(text: str) -> str:
    """Return a text as it is stored: plain line ends, nothing a database refuses, not endless."""
    return text.replace("\x00", "").replace("\r\n", "\n").strip()[:MAX_LONG_TEXT]
