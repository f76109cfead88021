"""The document of the hooks says exactly what the code declares."""

import inspect
import re
from pathlib import Path

from qtrace.sdk import hookspecs

DOCUMENT = Path(__file__).resolve().parents[3] / "docs" / "plugins" / "hooks.md"


def test_every_hook_is_documented_with_its_exact_arguments_and_line() -> None:
    declared = {
        f"{name}{inspect.signature(one)}": inspect.getdoc(one)
        for name, one in vars(hookspecs).items()
        if name.startswith("qtrace_")
    }
    signatures = {text.split(" -> ")[0]: line for text, line in declared.items()}
    found = dict(re.findall(r"^## `([^`]+)`\n\n(.+)$", DOCUMENT.read_text(encoding="utf-8"), re.MULTILINE))
    assert found == signatures
