"""Windows cover all time up to now and are never longer than the limit."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from qtrace.channels.windows import next_window, position_after
from qtrace.sdk import Stream, Text

NOW = datetime(2026, 11, 20, 2, 0, tzinfo=UTC)
minutes = st.integers(1, 3000).map(lambda n: timedelta(minutes=n))


def stream(max_window: timedelta, overlap: timedelta, history: timedelta) -> Stream:
    return Stream(
        name="s", record="orders", label=Text("", ""), cursor="time",
        max_window=max_window, overlap=overlap, history=history,
    )  # fmt: skip


@given(max_window=minutes, overlap=st.integers(0, 3000).map(lambda n: timedelta(minutes=n)), history=minutes)
def test_windows_join_without_gaps_and_end_at_now(
    max_window: timedelta, overlap: timedelta, history: timedelta
) -> None:
    one, position, reached = stream(max_window, overlap, history), "", NOW - history
    for _ in range(4000):
        window = next_window(one, position, NOW)
        if window is None:
            break
        assert window.since is not None
        assert window.until is not None
        assert window.since <= reached < window.until
        assert window.until - window.since <= max_window
        reached, position = window.until, position_after(window)
    assert reached == NOW


def test_the_next_sync_begins_before_the_last_one_ended() -> None:
    one = stream(timedelta(days=1), timedelta(minutes=10), timedelta(days=90))
    window = next_window(one, NOW.isoformat(), NOW + timedelta(minutes=5))
    assert window is not None
    assert (window.since, window.until) == (NOW - timedelta(minutes=10), NOW + timedelta(minutes=5))
