"""What a connector raises; the class decides what the product does next."""

from qtrace.sdk.text import Text


class ConnectorError(Exception):
    """Something went wrong with the source; `message` is shown to the administrator."""

    def __init__(self, message: Text | str) -> None:
        super().__init__(str(message))
        self.message = message


class Retry(ConnectorError):
    """The source did not answer this time; the sync is tried again after a growing pause."""


class RateLimited(ConnectorError):
    """The source asks to slow down; the sync goes on after `seconds`."""

    def __init__(self, message: Text | str, *, seconds: int) -> None:
        super().__init__(message)
        self.seconds = seconds


class Reauth(ConnectorError):
    """The source no longer accepts the account's authorisation; a person has to grant it anew."""


class Misconfigured(ConnectorError):
    """A setting is wrong; `hint` says which one and what to enter."""

    def __init__(self, message: Text | str, *, hint: Text | str = "") -> None:
        super().__init__(message)
        self.hint = hint


class Permanent(ConnectorError):
    """Trying again cannot help; a person has to look."""


class BadRecord(Exception):
    """One raw row cannot become a record; it is kept as refused with this reason, and the sync goes on."""

    def __init__(self, reason: Text | str) -> None:
        super().__init__(str(reason))
        self.reason = reason


class UnreadableFile(Exception):
    """A dropped file cannot be read as a table of its kind; the message says why and what to do."""
