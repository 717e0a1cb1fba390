"""How a process starts while what it needs is not there yet: it waits, says so once, and ends with the reason."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final, TypeVar

from sqlalchemy.exc import DBAPIError

from services.chassis.database import Database
from services.chassis.errors import Exit, StartError
from services.chassis.telemetry import log

T = TypeVar("T")

#: What passes of itself: a server that starts, a name that is not known yet, a migration under way.
PASSES: Final = frozenset({Exit.DATABASE_AWAY, Exit.SCHEMA_OLD, Exit.BROKER_AWAY})
#: First and longest rest between two tries (s).
REST_S: Final = 0.25
LONGEST_REST_S: Final = 5.0

#: libpq tells what a server refuses in words only, since no statement has failed yet (fe-connect.c, PgBouncer's
#: client.c). What none of these is in counts as away and is waited for.
_REFUSED: Final = (
    "authentication failed", "no password supplied", "pg_hba.conf", "does not exist", "no such database",
    "no such user", "permission denied", "does not support ssl", "ssl required", "login rejected",
    "invalid connection option", "not allowed",
)  # fmt: skip


def patiently(
    what: Callable[[], T], seconds: float, service: str, *, sleep: Callable[[float], object] = time.sleep
) -> T:
    """Do something that others must make possible first; try again while that may come of itself.

    Args:
        what: raises ``StartError`` with one of ``PASSES`` while it has to wait.
        seconds: how long it is waited for.
        service: for the log.
        sleep: how to rest.

    Raises:
        StartError: the last one, when the time is over; any other at once.
    """
    deadline, rest, said = time.monotonic() + seconds, REST_S, set[int]()
    while True:
        try:
            return what()
        except StartError as error:
            left = deadline - time.monotonic()
            if error.code not in PASSES or left <= 0:
                raise StartError(f"{error} (waited {seconds:.0f} s)", error.code) if said else error from None
            if error.code not in said:
                said.add(error.code)
                log(service).warning("waits", reason=str(error), at_most_s=round(left))
            sleep(min(rest, left))
            rest = min(rest * 2, LONGEST_REST_S)


@contextmanager
def reaching(database: Database) -> Iterator[None]:
    """Say in one line which database cannot be used and why, without its password.

    Raises:
        StartError: in place of the database's error.
    """
    try:
        yield
    except DBAPIError as error:
        raise database_trouble(database, error) from None


def database_trouble(database: Database, error: DBAPIError) -> StartError:
    """The line and the exit code for what a database says when it is opened."""
    where = database.url.render_as_string(hide_password=True)
    reason = " ".join(str(error.orig).split()) or type(error.orig).__name__
    low = reason.lower()
    if database.sqlite:
        return StartError(f"the database {where} cannot be used: {reason}; look at its folder and disk", Exit.FOLDER)
    if "certificate" in low:
        remedy = "renew it, or name its CA with sslrootcert in the URL"
        return StartError(
            f"the certificate of the database {where} is not accepted: {reason}; {remedy}", Exit.DATABASE_CERTIFICATE
        )
    if "unsupported startup parameter" in low:
        return StartError(
            f"the database {where} is a pooler's ({reason}); give the server's own URL in WENZHENG_DIRECT_DATABASE_URL "
            "beside it",
            Exit.DATABASE_REFUSES,
        )
    if any(word in low for word in _REFUSED):
        return StartError(
            f"the database {where} refuses us: {reason}; check user, password and name in the database URL",
            Exit.DATABASE_REFUSES,
        )
    return StartError(
        f"the database {where} cannot be used: {reason}; check that it runs and the host in the database URL",
        Exit.DATABASE_AWAY,
    )
