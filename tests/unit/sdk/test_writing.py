"""The plugin printed in the guide works as printed."""

import re
from pathlib import Path
from types import ModuleType

from flask import Flask

from qtrace.channels.service import NewAccount, add_account
from qtrace.channels.syncing import sync
from qtrace.core.db import write
from qtrace.plugins import add_plugin
from tests.conftest import NOW

GUIDE = Path(__file__).resolve().parents[3] / "docs" / "plugins" / "writing.md"


def test_the_plugin_of_the_guide_syncs_and_shows_its_bad_row(sqlite_app: Flask) -> None:
    found = re.search(r"```python\n(.*?)```", GUIDE.read_text(encoding="utf-8"), re.DOTALL)
    assert found
    module = ModuleType("qtrace_myshop")
    exec(found[1], module.__dict__)
    assert str(add_plugin(sqlite_app, "myshop", lambda: module).error) == ""
    with write():
        new = NewAccount(name="我的店", connector="myshop", shop_id=None, settings={"token": "open sesame"})
        account_id = add_account(new, by=None, now=NOW)
    assert sync(account_id, clock=lambda: NOW).streams["orders"].as_json() == {
        "read": 3, "stored": 2, "updated": 0, "unchanged": 0, "refused": 1,
    }  # fmt: skip
