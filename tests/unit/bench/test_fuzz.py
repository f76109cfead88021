"""The fuzzing of conditions and formulas finds faults and slow inputs."""

import random

import pytest

from bench import fuzz
from bench.figures import Sheet


def test_a_small_run_finds_nothing(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fuzz, "worst_cases", lambda target: (seed + "(" * 1000 for seed in fuzz.SEEDS[target]))
    sheet = Sheet("rules")
    found = fuzz.measure(sheet, 600)
    assert found.faults == 0, capsys.readouterr().out
    # Ten times the goal: a busy machine is not a slow input.
    assert found.slowest_ms < fuzz.GOAL_MS * 10, found.slowest
    assert "rules.fuzz_slowest_ms" in capsys.readouterr().out


def test_the_seeds_are_valid_inputs() -> None:
    for target, (run, _declared) in fuzz.TARGETS.items():
        for seed in fuzz.SEEDS[target]:
            run(seed)


def test_the_worst_cases_reach_the_limits() -> None:
    for target in fuzz.TARGETS:
        assert max(map(len, fuzz.worst_cases(target))) > 20_000


def test_the_same_seed_gives_the_same_inputs() -> None:
    first, second = random.Random(7), random.Random(7)
    assert [fuzz.mutated("text", first) for _ in range(20)] == [fuzz.mutated("text", second) for _ in range(20)]


def test_an_undeclared_error_is_a_fault(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(fuzz.TARGETS, "text", (int, KeyError))
    found = fuzz.Found()
    found.feed("text", "not a number")
    assert found.faults == 1
    assert "not a number" in capsys.readouterr().out
