"""Passwords of staff: hashed with argon2id, checked in the same time whether or not there is such an account."""

from __future__ import annotations

import base64
import os
import threading
import unicodedata

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

#: OWASP Password Storage Cheat Sheet, argon2id: 19 MiB, two passes, one lane.
_HASHER = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)
#: So that many sign-ins at once cannot take 19 MiB each.
_HASHING = threading.BoundedSemaphore(2)
#: Hash of nothing anybody knows: an unknown account takes as long as a wrong password.
_NOBODY: list[str] = []


def hash_password(password: str) -> str:
    """The argon2id hash to keep."""
    with _HASHING:
        return _HASHER.hash(_normal(password))


def password_matches(hash: str, password: str) -> bool:
    """True when ``password`` is the one hashed. An empty ``hash`` (no such account) is False after as long a time."""
    if not hash and not _NOBODY:
        _NOBODY.append(hash_password(base64.b64encode(os.urandom(18)).decode()))
    with _HASHING:
        try:
            return _HASHER.verify(hash or _NOBODY[0], _normal(password)) and bool(hash)
        except (VerificationError, InvalidHashError):
            return False


def _normal(password: str) -> str:
    """One form for what different keyboards send (NIST SP 800-63B §5.1.1.2)."""
    return unicodedata.normalize("NFKC", password)
