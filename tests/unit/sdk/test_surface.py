"""The surface plugins see stands on its own."""

import ast
from dataclasses import is_dataclass
from pathlib import Path

import pytest

from qtrace import sdk
from qtrace.sdk.version import fits

FOLDER = Path(sdk.__file__).parent
ALLOWED = {"collections", "dataclasses", "datetime", "decimal", "typing", "pluggy"}


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.py")), ids=lambda path: path.name)
def test_the_sdk_imports_nothing_of_the_product_but_itself(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
        for name in names:
            assert name.startswith("qtrace.sdk") or name.split(".")[0] in ALLOWED, name


def test_everything_public_is_there_and_documented() -> None:
    for name in sdk.__all__:
        thing = getattr(sdk, name)
        if isinstance(thing, type):
            assert thing.__doc__, name
            assert not (is_dataclass(thing) and thing.__doc__.startswith(f"{name}(")), name


@pytest.mark.parametrize(
    ("needed", "offered", "good"),
    [("1.0", "1.0", True), ("1.0", "1.4", True), ("1.5", "1.4", False), ("2.0", "1.4", False), ("1.0", "2.0", False),
     ("", "1.0", False), ("1.0.0", "1.0", False), ("1.x", "1.0", False)],
)  # fmt: skip
def test_a_plugin_fits_the_same_major_and_no_newer_minor_version(needed: str, offered: str, good: bool) -> None:
    assert fits(needed, offered) is good


def test_records_that_repeat_their_ids_are_told_apart_by_their_order() -> None:
    assert sdk.key_of(sdk.OrderLine(order="A1", external_id="1")) == "A1|1"
    assert sdk.key_of(sdk.Order(external_id="A1")) == "A1"
