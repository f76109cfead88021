"""The forms a new one may start from: shipped as data beside this file."""

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).with_name("shipped_forms")


@dataclass(frozen=True)
class Template:
    """A shipped start of a form."""

    key: str
    name_zh: str
    name_en: str
    note_zh: str
    note_en: str
    kind: str
    prefix: str
    definition: dict[str, Any]


@cache
def templates() -> tuple[Template, ...]:
    """Return the shipped templates in the order of their files."""
    return tuple(
        Template(key=path.stem.split("-", 1)[1], **json.loads(path.read_text("utf-8")))
        for path in sorted(FOLDER.glob("*.json"))
    )
