"""The line of a figure and the file of a run are read by people and by tools."""

import json
from pathlib import Path

import pytest

from bench import figures, run
from bench.figures import Figure, Sheet


def test_a_figure_prints_name_value_unit_goal_and_verdict(capsys: pytest.CaptureFixture[str]) -> None:
    Sheet("bench").add("start", 1.20349, "s", 2)
    assert capsys.readouterr().out == "bench.start 1.203 s goal <=2 ok\n"


def test_a_figure_below_its_least_goal_is_short(capsys: pytest.CaptureFixture[str]) -> None:
    Sheet("bench").add("creates_of_bare", 32.3, "%", 60, most=False)
    assert capsys.readouterr().out == "bench.creates_of_bare 32.3 % goal >=60 short\n"


def test_a_figure_without_a_goal_is_never_short() -> None:
    assert Figure("bench.creates", 0, "creates/s").good


def test_a_sheet_writes_every_figure_with_its_verdict(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(figures, "FOLDER", tmp_path / "figures")
    sheet = Sheet("bench")
    sheet.add("start", 3, "s", 2)
    sheet.write()
    written = json.loads((tmp_path / "figures" / "bench.json").read_text(encoding="utf-8"))
    assert written["area"] == "bench"
    assert written["figures"] == [
        {"name": "bench.start", "value": 3, "unit": "s", "goal": 2, "most": True, "good": False}
    ]


@pytest.fixture
def in_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(figures, "FOLDER", tmp_path)
    return tmp_path


def test_a_short_figure_does_not_fail_the_run(in_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "PARTS", {"start": lambda sheet: sheet.add("start", 9, "s", 2)})
    assert run.main([]) == 0
    assert (in_folder / "bench.json").exists()


def test_a_part_that_breaks_is_told_and_the_others_still_run(
    in_folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(_sheet: Sheet) -> None:
        raise RuntimeError("no server")

    monkeypatch.setattr(run, "PARTS", {"list": broken, "start": lambda sheet: sheet.add("start", 1, "s", 2)})
    assert run.main([]) == 1
    printed = capsys.readouterr()
    assert "bench.start 1 s goal <=2 ok" in printed.out
    assert "could not be measured: list" in printed.err
    assert (in_folder / "bench.json").exists()


def test_an_unknown_part_is_wrong_usage(capsys: pytest.CaptureFixture[str]) -> None:
    assert run.main(["speed"]) == 2
    assert "no part speed" in capsys.readouterr().err
