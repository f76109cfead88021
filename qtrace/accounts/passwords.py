"""Passwords: argon2id with two passes over 19 MB in one lane, at most two at a time."""

import threading

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from flask_babel import gettext as _

from qtrace.core.errors import Refused

MIN_LENGTH = 8
_hasher = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
_slots = threading.BoundedSemaphore(2)
_NOBODY = "$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHRzb21lc2FsdA$dGhpcyBpcyBub2JvZHkncyBoYXNoIGZvciB0aW1pbmc"


def hash_password(password: str) -> str:
    """Return the hash to store; refused when the password is too short."""
    if len(password) < MIN_LENGTH:
        raise Refused(_("密码至少 %(n)d 个字符。", n=MIN_LENGTH), field="password")
    with _slots:
        return _hasher.hash(password)


def verify_password(stored: str | None, password: str) -> bool:
    """Say whether the password fits; costs the same when there is no such person."""
    with _slots:
        try:
            return _hasher.verify(stored or _NOBODY, password) and stored is not None
        except (VerificationError, InvalidHashError):
            return False
