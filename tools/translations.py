"""Collect the messages, keep the English catalogue in order, compile it."""

import io
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "qtrace" / "translations" / "en" / "LC_MESSAGES"
CATALOG, BINARY = FOLDER / "messages.po", FOLDER / "messages.mo"
METHODS = [("**/templates/**.html", "jinja2"), ("**.py", "python")]
KEYWORDS = {"_": None, "gettext": None, "ngettext": (1, 2), "lazy_gettext": None, "_l": None}


def collect() -> dict[str, list[str]]:
    """Return every message of the program with the files it stands in."""
    found: dict[str, list[str]] = {}
    for folder in (ROOT / "qtrace", ROOT / "plugins"):
        options = {"**/templates/**.html": {"trimmed": "false", "silent": "false"}}
        for name, _line, message, _comments, _context in extract_from_dir(
            folder, METHODS, options, keywords=KEYWORDS, strip_comment_tags=True
        ):
            for text in message if isinstance(message, tuple) else (message,):
                if text and any(ord(char) > 127 for char in text):
                    found.setdefault(text, []).append(f"{folder.name}/{name}")
    return found


def english() -> Catalog:
    """Return the English catalogue as it stands."""
    if not CATALOG.exists():
        return Catalog(locale="en", charset="utf-8")
    with CATALOG.open("rb") as handle:
        return read_po(handle, locale="en")


def compiled() -> bytes:
    """Return the catalogue in the form gettext reads."""
    buffer = io.BytesIO()
    write_mo(buffer, english())
    return buffer.getvalue()


def main() -> None:
    """Bring messages.po up to date, keeping what is translated, and compile it."""
    old = english()
    new = Catalog(locale="en", charset="utf-8", project="qtrace", fuzzy=False)
    for text in sorted(messages := collect()):
        known = old.get(text)
        new.add(text, known.string if known else "", locations=[(name, 0) for name in sorted(set(messages[text]))])
    FOLDER.mkdir(parents=True, exist_ok=True)
    with CATALOG.open("wb") as handle:
        write_po(handle, new, width=0, omit_header=False, include_lineno=False, sort_output=True)
    BINARY.write_bytes(compiled())
    missing = [text for text in messages if not (new[text].string)]
    print(f"{len(messages)} messages, {len(missing)} without English")


if __name__ == "__main__":
    main()
