"""Mappings that are shipped: one file per source, with the shop its records belong to."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from qtrace.exchange.headers import tidy_title

FOLDER = Path(__file__).parent / "presets"


@dataclass(frozen=True)
class PresetShop:
    """The shop a preset's records belong to where nobody names another."""

    key: str
    name: str
    platform: str
    currency: str
    zone: str


@dataclass(frozen=True)
class Preset:
    """The shipped mappings of one source."""

    name: str
    shop: PresetShop
    mappings: tuple[dict[str, Any], ...]

    def mapping(self, kind: str) -> dict[str, Any] | None:
        """Return the mapping for this kind of record."""
        return next((one for one in self.mappings if one["kind"] == kind), None)


@cache
def presets() -> dict[str, Preset]:
    """Return every shipped preset by name."""
    found = {}
    for path in sorted(FOLDER.glob("*.json")):
        data = json.loads(path.read_text(encoding="utf-8"))
        found[data["name"]] = Preset(data["name"], PresetShop(**data["shop"]), tuple(data["mappings"]))
    return found


def headers_of(definition: dict[str, Any]) -> set[str]:
    """Return every header a mapping reads."""
    found: set[str] = set()
    for part in (definition, *definition.get("also", ())):
        for column in part["columns"].values():
            found.update(column.get("join", ()), [column["header"]] if "header" in column else [])
    return {tidy_title(header) for header in found}


def recognise(headers: Sequence[str], *, name: str | None = None) -> tuple[Preset, dict[str, Any]] | None:
    """Return the preset and mapping all of whose columns the headers hold, the widest one first."""
    given = set(headers)
    fitting = [
        (preset, mapping)
        for preset in presets().values()
        for mapping in preset.mappings
        if name in (None, preset.name) and headers_of(mapping) <= given
    ]
    return max(fitting, key=lambda pair: len(headers_of(pair[1])), default=None)
