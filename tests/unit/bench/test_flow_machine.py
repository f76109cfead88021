"""The runs of the machines print what was done, and a broken law is a fault and no silence."""

from collections import Counter

import pytest

from bench import flow_machine
from bench.figures import Sheet
from tests.unit.flows import machine


def test_drawn_cases_are_counted_by_what_was_done() -> None:
    done = flow_machine.drawn((0, 30))
    assert done["cases"] >= 30
    assert done["submit"] > 0
    assert done["faults"] == 0


def test_a_broken_law_is_a_fault_and_told(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def broken(_cases: int) -> None:
        raise AssertionError("a node ends exactly once")

    monkeypatch.setattr(machine, "run", broken)
    assert flow_machine.drawn((0, 30))["faults"] == 1
    assert "a node ends exactly once" in capsys.readouterr().err


def test_an_operation_that_was_never_done_is_short(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(flow_machine, "_run", lambda _work, _batches: Counter(cases=5, steps=500, submit=3))
    flow_machine.measure(Sheet("flows"), 5, 5)
    lines = capsys.readouterr().out.splitlines()
    assert "flows.machine_faults 0 faults goal <=0 ok" in lines
    assert "flows.machine_submit 3 times goal >=1 ok" in lines
    assert "flows.machine_release 0 times goal >=1 short" in lines
    assert "flows.operations_done 1 operations goal >=21 short" in lines
