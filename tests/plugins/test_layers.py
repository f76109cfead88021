"""Every plugin of the repository is held to the SDK by the import contracts."""

import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_every_plugin_of_the_repository_is_under_the_import_contract() -> None:
    packages = {init.parent.name for init in (ROOT / "plugins").glob("*/qtrace_*/__init__.py")}
    rules = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["importlinter"]
    contract = next(one for one in rules["contracts"] if one["name"] == "Plugins import only the SDK")
    assert packages
    assert set(contract["source_modules"]) == packages
    assert packages <= set(rules["root_packages"])
