"""The errors that cross rooms: coded refusals for callers and the two verbs of delivery."""

from __future__ import annotations

from enum import IntEnum


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


class Exit(IntEnum):
    """Exit codes of our processes: what the operator has to mend. docs/limits.md lists them with remedies."""

    #: A fault of ours; the log says where.
    BROKEN = 1
    #: The command line, a setting or a file that a setting names.
    SETTINGS = 2
    #: A key or password: not given, empty, unreadable.
    SECRET = 10
    #: A folder or a disk: full, read-only, not ours.
    FOLDER = 11
    #: An address to listen on, or a place that another process of ours holds.
    TAKEN = 12
    #: The database: not reached in time, refuses us, its certificate.
    DATABASE_AWAY = 20
    DATABASE_REFUSES = 21
    DATABASE_CERTIFICATE = 22
    #: Its tables: not migrated in time, of a newer release, a migration that failed, another service's.
    SCHEMA_OLD = 23
    SCHEMA_NEW = 24
    MIGRATION_FAILED = 25
    SCHEMA_FOREIGN = 26
    #: The broker: not reached in time, refuses us, its certificate, its version.
    BROKER_AWAY = 30
    BROKER_REFUSES = 31
    BROKER_CERTIFICATE = 32
    BROKER_VERSION = 33


class StartError(Exception):
    """The process cannot start or go on: one plain line for the operator, and the exit code that says so.

    Args:
        message: what, why, and what mends it; empty when another process of ours has said it already.
        code: what kind of thing it is.
    """

    def __init__(self, message: str = "", code: int = Exit.SETTINGS) -> None:
        super().__init__(message)
        self.code = int(code)


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
