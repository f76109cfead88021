"""Whatever is done to a case, in whatever order, its flow keeps its laws.

`python -m bench.flow_machine` runs many more cases and prints what was done in them.
"""

from tests.unit.flows.machine import HAPPENINGS, OPERATIONS, STEPS, Case, run

CASES = 2000


def test_every_case_keeps_the_laws_whatever_is_done_to_it() -> None:
    run(CASES)
    assert Case.tally["cases"] >= CASES
    assert Case.tally["steps"] > CASES * STEPS / 2
    assert [name for name in (*OPERATIONS, *HAPPENINGS) if not Case.tally[name]] == []
