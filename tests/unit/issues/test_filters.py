"""Filters in the address."""

from datetime import UTC, datetime
from urllib.parse import parse_qsl
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qtrace.core.ids import as_id
from qtrace.issues.filters import Filters, day_start, month_start, read_filters

SHANGHAI = ZoneInfo("Asia/Shanghai")


@given(st.dictionaries(st.sampled_from([*Filters.__dataclass_fields__]), st.text(max_size=40)))
def test_any_address_reads_and_what_it_says_reads_back(args: dict[str, str]) -> None:
    filters = read_filters(args)
    assert read_filters(dict(parse_qsl(filters.query()))) == filters


@pytest.mark.parametrize(
    ("name", "text"),
    [("status", "broken"), ("sku", "abc"), ("lot", "-1"), ("order", "9" * 30), ("opened_from", "2026-13-01"), ("overdue", "0"),
     ("closed", "year"), ("ids", "x,y")],
)  # fmt: skip
def test_what_is_malformed_asks_nothing(name: str, text: str) -> None:
    assert read_filters({name: text}) == Filters()


def test_ids_are_a_list() -> None:
    assert read_filters({"ids": "3, 5,x,5"}).ids == "3,5,5"
    assert as_id("３") is None


def test_a_day_begins_in_the_zone_of_the_site() -> None:
    assert day_start("2026-11-20", SHANGHAI) == datetime(2026, 11, 19, 16, tzinfo=UTC)
    assert day_start("2026-11-20", SHANGHAI, days=1) == datetime(2026, 11, 20, 16, tzinfo=UTC)
    assert day_start("0001-01-01", SHANGHAI) is None


def test_a_month_begins_in_the_zone_of_the_site() -> None:
    assert month_start(datetime(2026, 10, 31, 18, tzinfo=UTC), SHANGHAI) == datetime(2026, 10, 31, 16, tzinfo=UTC)
