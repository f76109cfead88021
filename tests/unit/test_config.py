"""The settings of a site, and the one line an operator gets when they cannot work."""

from pathlib import Path

import pytest

from qtrace import config


def test_a_closed_data_folder_is_named_with_the_command_that_opens_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def closed(self: Path, **_options: object) -> None:
        raise PermissionError(13, "Permission denied", str(self))

    monkeypatch.setattr(Path, "mkdir", closed)
    with pytest.raises(config.BadSetting, match=r"chown -R \d+ .*volume"):
        config.load({"QTRACE_DATA_DIR": str(tmp_path / "volume")})


def test_a_short_key_is_refused(tmp_path: Path) -> None:
    with pytest.raises(config.BadSetting, match="too short"):
        config.load({"QTRACE_DATA_DIR": str(tmp_path), "QTRACE_SECRET_KEY": "short"})
