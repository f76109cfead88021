"""Bar codes in a photo, read by a child with limits; what they say is somebody else's text and comes back clean."""

import json
import unicodedata
from dataclasses import dataclass

from qtrace.core.files import in_photo_child

CODE_CHILD = "qtrace.core.code_child"
GROUP_SEPARATOR = "\x1d"
MAX_TEXT = 2000
# Control characters, invisible and direction marks, private and lone code points; line ends become blanks.
DROPPED = frozenset({"Cc", "Cf", "Co", "Cn", "Cs"})
BLANKS = frozenset("\t\n\r\x0b\x0c\x85\u2028\u2029")


@dataclass(frozen=True)
class Code:
    """One code of a photo; its text is one line, and only group separators are left of control characters."""

    text: str
    symbology: str
    gs1: bool = False


def read_codes(photo: bytes) -> list[Code]:
    """Return the codes in the photo, each text once; refuse what is not a photo."""
    found: dict[str, Code] = {}
    for text, symbology, gs1 in json.loads(in_photo_child(CODE_CHILD, photo)):
        code = Code(clean_code(str(text)), clean_code(str(symbology))[:40], bool(gs1))
        if code.text:
            found.setdefault(code.text, code)
    return list(found.values())


def clean_code(text: str) -> str:
    """Return the text as one printable line of at most 2000 characters; group separators stay between its parts."""
    kept = (" " if char in BLANKS else char for char in text[: 2 * MAX_TEXT])
    line = "".join(c for c in kept if c == GROUP_SEPARATOR or unicodedata.category(c) not in DROPPED)
    return line.strip(f" {GROUP_SEPARATOR}")[:MAX_TEXT]
