"""Errors the domain raises; `web/errors.py` turns each into a page, a partial or a line."""


class DomainError(Exception):
    """An expected refusal whose message tells the reader what to do next."""

    status = 422

    def __init__(self, message: str, field: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.field = field


class Refused(DomainError):
    """The input or the state does not allow this; nothing was changed."""


class NotFound(DomainError):
    """There is no such row, or the reader may not see it."""

    status = 404

    def __init__(self, message: str = "", field: str | None = None) -> None:
        super().__init__(message, field)


class Forbidden(DomainError):
    """The reader's roles do not include this action."""

    status = 403

    def __init__(self, message: str = "", field: str | None = None) -> None:
        super().__init__(message, field)


class Conflict(DomainError):
    """Somebody else changed the row first; the message says what changed."""

    status = 409


class TooMany(DomainError):
    """A rate limit is reached; the message says when to come back, `retry_after` in how many seconds."""

    status = 429

    def __init__(self, message: str, field: str | None = None, *, retry_after: int = 60) -> None:
        super().__init__(message, field)
        self.retry_after = retry_after
