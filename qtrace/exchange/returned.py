"""Refused rows that came back mended: the file is known by the two columns put in front and by its headers."""

import hashlib
import json
from collections.abc import Sequence

from flask_babel import gettext as _

NUMBER_WORDS = ("行号", "Row")
REASON_WORDS = ("原因", "Reason")


def in_front() -> list[str]:
    """Return the titles of the two columns put in front of refused rows."""
    return [_("行号"), _("原因")]


def returned_columns(headers: Sequence[str]) -> tuple[str, ...]:
    """Return the two columns in front when the file is one of refused rows, in whichever language it was made."""
    pairs = [[number, reason] for number, reason in zip(NUMBER_WORDS, REASON_WORDS, strict=True)]
    front = list(headers[:2])
    return tuple(front) if front in [*pairs, in_front()] else ()


def headers_digest(headers: Sequence[str]) -> str:
    """Return what tells tables of other columns apart; the columns in front of refused rows do not count."""
    own = [header for header in headers[len(returned_columns(headers)) :] if header]
    return hashlib.sha256(json.dumps(own, ensure_ascii=False).encode()).hexdigest()
