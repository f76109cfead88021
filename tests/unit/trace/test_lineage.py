"""Forward and backward walks over what was made of what are each other's inverse, also where the records go in circles."""

from hypothesis import given
from hypothesis import strategies as st

from qtrace.trace.lineage import Lineage, Made

LOTS = st.integers(1, 12)
MADE = st.frozensets(st.builds(Made, LOTS, LOTS, st.sampled_from(["part", "rework"])), max_size=30)


@given(MADE)
def test_a_lot_is_a_source_of_another_exactly_when_the_other_is_its_product(made: frozenset[Made]) -> None:
    lineage = Lineage(made)
    lots = range(1, 13)
    forward = {(of, into) for of in lots for into in lineage.products([of])}
    backward = {(of, into) for into in lots for of in lineage.sources([into])}
    assert forward == backward


@given(MADE)
def test_only_lots_that_reach_themselves_are_cycles(made: frozenset[Made]) -> None:
    lineage = Lineage(made)
    assert lineage.cycles() == {lot for lot in range(1, 13) if lot in lineage.products([lot])}


def test_components_are_found_at_every_depth() -> None:
    pump, bottle, serum = 1, 2, 3
    lineage = Lineage(frozenset({Made(bottle, pump), Made(serum, bottle)}))
    assert lineage.sources([serum]) == {pump, bottle}
    assert lineage.products([pump]) == {bottle, serum}
    assert not lineage.cycles()


def test_rework_into_itself_is_a_cycle_and_ends() -> None:
    lineage = Lineage(frozenset({Made(2, 1, "rework"), Made(1, 2, "rework")}))
    assert lineage.cycles() == {1, 2}
    assert lineage.sources([1]) == {1, 2}
