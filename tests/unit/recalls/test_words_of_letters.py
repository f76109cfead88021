"""The words of a letter take the values of one order, and nothing in a value is read as a name."""

from hypothesis import given
from hypothesis import strategies as st

from qtrace.recalls.words_of_letters import NAMES, filled, unknown_gaps

VALUES = {"shop": "旗舰店", "order": "T1", "goods": "精华", "lot": "B1", "pieces": "2", "recall": "RC-1"}


def test_names_in_both_languages_are_replaced() -> None:
    assert filled("{店铺}{shop} { 订单号 } {件数}", VALUES) == "旗舰店旗舰店 T1 2"


def test_unknown_names_are_told_once_in_their_order() -> None:
    assert unknown_gaps("{姓名}{店铺}{电话}{姓名}") == ["姓名", "电话"]


@given(st.dictionaries(st.sampled_from(sorted(NAMES.values())), st.text(alphabet="{}店铺订a"), min_size=6))
def test_a_value_with_braces_stays_as_it_is(values: dict[str, str]) -> None:
    body = "".join(f"{{{name}}}|" for name in NAMES)
    assert filled(body, values) == "".join(f"{values[key]}|" for key in NAMES.values())
