"""Random identifiers and tokens."""

import hashlib
import secrets


def new_token() -> str:
    """Return an unguessable URL-safe token of 256 bits."""
    return secrets.token_urlsafe(32)


def new_id() -> str:
    """Return a random id of 128 bits in lower-case hex."""
    return secrets.token_hex(16)


def digest(token: str) -> str:
    """Return the SHA-256 of a token, the only form of it that is stored."""
    return hashlib.sha256(token.encode()).hexdigest()
