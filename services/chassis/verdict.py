"""What becomes of a delivery: done, tried again later, or parked."""

from __future__ import annotations

from dataclasses import dataclass

from services.chassis.errors import Park, Retry


@dataclass(frozen=True)
class Verdict:
    """What became of one delivery: ``done``, ``retry`` or ``park``."""

    kind: str
    code: str = ""
    detail: str = ""


DONE = Verdict("done")


def verdict_of(error: Exception) -> Verdict:
    """What an exception of a handler means for its event."""
    if isinstance(error, Park):
        return Verdict("park", error.code, error.detail)
    if isinstance(error, Retry):
        return Verdict("retry", error.code)
    # The class only: a message may quote what somebody wrote.
    return Verdict("retry", "handler_failed", type(error).__name__)
