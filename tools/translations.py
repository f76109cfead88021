"""Collect the messages, keep the English catalogue in order, compile it."""

import io
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "qtrace" / "translations" / "en" / "LC_MESSAGES"
CATALOG, BINARY = FOLDER / "messages.po", FOLDER / "messages.mo"
METHODS = [("**/templates/**.html", "jinja2"), ("**.py", "python")]
Message = str | tuple[str, str]
KEYWORDS = {"_": None, "gettext": None, "ngettext": (1, 2), "lazy_gettext": None, "_l": None}


def collect() -> dict[Message, list[str]]:
    """Return every message of the program with the files it stands in; a counted one is a pair, both halves alike."""
    found: dict[Message, list[str]] = {}
    for folder in (ROOT / "qtrace", ROOT / "plugins"):
        options = {"**/templates/**.html": {"trimmed": "false", "silent": "false"}}
        for name, _line, message, _comments, _context in extract_from_dir(
            folder, METHODS, options, keywords=KEYWORDS, strip_comment_tags=True
        ):
            if any(ord(char) > 127 for char in first_form(message)):
                found.setdefault(message, []).append(f"{folder.name}/{name}")
    return found


def first_form(message: Message) -> str:
    """Return the text by which the catalogue knows a message."""
    return message if isinstance(message, str) else message[0]


def forms(catalog: Catalog, message: Message) -> tuple[str, ...]:
    """Return the English of a message: one text, or one for a single thing and one for several; empty if not there."""
    known = catalog.get(first_form(message))
    said = known.string if known else ""
    count = 1 if isinstance(message, str) else 2
    texts = (said,) if isinstance(said, str) else tuple(said)
    return texts if len(texts) == count else ("",) * count


def counted_and_not(messages: Iterable[Message]) -> list[str]:
    """Return the texts that are used both with a count and without, which a catalogue cannot tell apart."""
    times = Counter(first_form(message) for message in messages)
    return sorted(text for text, count in times.items() if count > 1)


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
    for message in sorted(messages := collect(), key=first_form):
        texts = forms(old, message)
        places = [(name, 0) for name in sorted(set(messages[message]))]
        new.add(message, texts[0] if isinstance(message, str) else texts, locations=places)
    FOLDER.mkdir(parents=True, exist_ok=True)
    with CATALOG.open("wb") as handle:
        write_po(handle, new, width=0, omit_header=False, include_lineno=False, sort_output=True)
    BINARY.write_bytes(compiled())
    missing = [message for message in messages if not all(forms(new, message))]
    print(f"{len(messages)} messages, {len(missing)} without English")


if __name__ == "__main__":
    main()
