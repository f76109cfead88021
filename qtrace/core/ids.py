"""Random identifiers and tokens."""

import hashlib
import secrets

BIGGEST_ID = 2**63 - 1  # what both databases can hold


def as_id(text: str | None) -> int | None:
    """Return the row id a form or an address names; None when the text is none."""
    if not text or not text.isascii() or not text.isdecimal() or len(text) > 19:
        return None
    return int(text) if int(text) <= BIGGEST_ID else None


def new_token() -> str:
    """Return an unguessable URL-safe token of 256 bits."""
    return secrets.token_urlsafe(32)


def new_id() -> str:
    """Return a random id of 128 bits in lower-case hex."""
    return secrets.token_hex(16)


def digest(token: str) -> str:
    """Return the SHA-256 of a token, the only form of it that is stored."""
    return hashlib.sha256(token.encode()).hexdigest()
