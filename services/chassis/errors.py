"""The errors that cross rooms: coded refusals for callers and the two verbs of delivery."""

from __future__ import annotations


class Refusal(Exception):
    """Something was asked that cannot be done. Shown alike on the page, in the API, the log and the metric.

    Args:
        code: stable machine code, for example ``wrong_code``.
        message: one English sentence, also the message id of its translations; may hold ``%(name)s``.
        field: the input at fault, empty when there is none.
        status: HTTP status it maps to.
        values: what the placeholders of ``message`` stand for; never personal data.
    """

    def __init__(self, code: str, message: str, *, field: str = "", status: int = 422, **values: object) -> None:
        super().__init__(message % values if values else message)
        self.code = code
        self.message = message
        self.field = field
        self.status = status
        self.values = values


class StartError(Exception):
    """The process cannot start or go on: one plain line for the operator, exit code 2."""


class Mismatch(StartError):
    """A queue or exchange stands on the broker with other arguments than this release declares."""


class Transient(Exception):
    """A dependency (database, broker) is away for the moment: wait and try again, blame nobody."""


class Hold(Transient):
    """The consumer itself must pause: give back what is in hand, rest, come back with one event at a time.

    Args:
        reason: for the log.
        seconds: how long it rests.
    """

    def __init__(self, reason: str, seconds: float) -> None:
        super().__init__(reason)
        self.seconds = seconds


class Retry(Exception):
    """Raised by a handler: not now, perhaps later. The event climbs the retry ladder."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class Park(Exception):
    """Raised by a handler: never like this. The event goes to the parked queue with the reason."""

    def __init__(self, code: str, detail: str = "") -> None:
        super().__init__(f"{code}: {detail}" if detail else code)
        self.code = code
        self.detail = detail
