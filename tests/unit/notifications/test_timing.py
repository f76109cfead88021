"""At once, with the hour, with the day, and never at night."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qtrace.notifications.timing import Rule, due_time

SHANGHAI = ZoneInfo("Asia/Shanghai")
NIGHT = (time(22), time(8))
FIRST, LAST = datetime(2026, 1, 1), datetime(2027, 12, 31)  # noqa: DTZ001 -- Hypothesis adds the zone


def at(text: str) -> datetime:
    """Return a moment of Shanghai."""
    return datetime.fromisoformat(f"2026-11-{text}").replace(tzinfo=SHANGHAI).astimezone(UTC)


@pytest.mark.parametrize(
    ("told", "rule", "sent"),
    [
        ("20 10:15", Rule(), "20 10:15"),
        ("20 10:15", Rule("hourly"), "20 11:00"),
        ("20 11:00", Rule("hourly"), "20 12:00"),
        ("20 10:15", Rule("daily", time(18)), "20 18:00"),
        ("20 18:00", Rule("daily", time(18)), "21 18:00"),
        ("20 21:59", Rule(quiet=NIGHT), "20 21:59"),
        ("20 22:00", Rule(quiet=NIGHT), "21 08:00"),
        ("21 00:30", Rule(quiet=NIGHT), "21 08:00"),
        ("21 08:00", Rule(quiet=NIGHT), "21 08:00"),
        ("20 12:30", Rule(quiet=(time(12), time(14))), "20 14:00"),
        ("20 12:30", Rule(quiet=(time(12), time(12))), "20 12:30"),
        ("20 21:30", Rule("hourly", quiet=NIGHT), "21 08:00"),
        ("20 10:00", Rule("daily", time(23), NIGHT), "21 08:00"),
    ],
)
def test_it_is_sent_when_the_person_wants_it(told: str, rule: Rule, sent: str) -> None:
    assert due_time(at(told), rule, SHANGHAI) == at(sent)


def test_what_is_urgent_passes() -> None:
    assert due_time(at("21 02:00"), Rule("daily", time(9), NIGHT), SHANGHAI, urgent=True) == at("21 02:00")


times = st.times(timezones=st.none()).map(lambda one: one.replace(second=0, microsecond=0))


@settings(max_examples=60)
@given(
    st.datetimes(FIRST, LAST, timezones=st.just(UTC)),
    st.builds(Rule, st.sampled_from(["now", "hourly", "daily"]), times, st.none() | st.tuples(times, times)),
    st.sampled_from([SHANGHAI, ZoneInfo("Europe/Berlin"), ZoneInfo("America/New_York")]),
)
def test_it_is_never_sent_before_it_is_told_nor_in_quiet_hours_nor_days_late(
    now: datetime, rule: Rule, zone: ZoneInfo
) -> None:
    sent = due_time(now, rule, zone)
    assert now <= sent <= now + timedelta(hours=50)
    if rule.quiet is not None and rule.quiet[0] != rule.quiet[1]:
        begin, end = rule.quiet
        clock = sent.astimezone(zone).time()
        assert not (begin <= clock < end) if begin < end else end <= clock < begin
