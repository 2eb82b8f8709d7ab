"""Passwords at rest: salted argon2id hashes, compared in constant time."""

from __future__ import annotations

from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerifyMismatchError

_HASHER: Final = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)
"""OWASP's smaller argon2id setting: 20 chargers reconnecting at once must not exhaust an edge computer."""

_DECOY: Final = _HASHER.hash("no station has this password")


def hashed(password: str | bytes) -> str:
    """Return a salted hash of the password, to be stored."""
    return _HASHER.hash(password)


def matches(password: str | bytes, stored: str | None) -> bool:
    """Whether the password is the one behind the hash. Takes as long when there is no hash to compare with.

    >>> matches("open sesame", hashed("open sesame")), matches("x", hashed("y")), matches("x", None)
    (True, False, False)
    """
    try:
        return _HASHER.verify(stored or _DECOY, password) and stored is not None
    except (VerifyMismatchError, InvalidHashError):
        return False
