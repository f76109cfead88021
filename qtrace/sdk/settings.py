"""Typed settings of a connector: the product makes the form from them and checks what is entered."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from qtrace.sdk.text import Text

SettingKind = Literal["text", "secret", "number", "switch", "choice"]
SettingValue = str | int | bool
Settings = Mapping[str, SettingValue]


@dataclass(frozen=True, kw_only=True)
class SettingField:
    """One setting of an account; a secret is never shown again once it is saved."""

    name: str
    label: Text
    kind: SettingKind = "text"
    hint: Text | None = None
    required: bool = False
    default: SettingValue = ""
    choices: tuple[tuple[str, Text], ...] = ()
    least: int | None = None
    most: int | None = None
