"""Which span of time to read next: pure arithmetic over bookmarks."""

from datetime import datetime, timedelta

from qtrace.sdk.connector import Stream, Window


def next_window(stream: Stream, position: str, now: datetime) -> Window | None:
    """Return the next span of a stream read by time, never longer than its limit; None when all up to now is read."""
    if not position:
        since = now - stream.history
        return Window(position, since, min(now, since + stream.max_window))
    read_until = datetime.fromisoformat(position)
    if read_until >= now:
        return None
    # An overlap as long as the window itself would never move on.
    overlap = stream.overlap if stream.overlap < stream.max_window else timedelta(0)
    since = read_until - overlap
    return Window(position, since, min(now, since + stream.max_window))


def position_after(window: Window) -> str:
    """Return the bookmark once the whole window is stored."""
    assert window.until is not None
    return window.until.isoformat()
