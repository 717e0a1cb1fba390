"""What one service's process holds: settings, database, clock, metrics and keys. Built once, passed in."""

from __future__ import annotations

import hashlib
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Generic, TypeVar

from services.chassis.clock import Clock
from services.chassis.database import Database
from services.chassis.delivery import Work
from services.chassis.errors import Exit, StartError
from services.chassis.folders import make_folder
from services.chassis.metrics import Metrics
from services.chassis.settings import ServiceSettings
from services.chassis.timeouts import Timeouts

if TYPE_CHECKING:
    from services.chassis.tracing import Tracer

#: Where the secret key is kept when none is given, in the data folder.
SECRET_FILE = "secret.key"  # noqa: S105 - the name of a file

#: Connections of a process that does not say how many it can use at once: a command uses one or two.
FEW = 10

S = TypeVar("S", bound=ServiceSettings)
S_co = TypeVar("S_co", bound=ServiceSettings, covariant=True)


@dataclass(frozen=True)
class House(Generic[S_co]):
    """The parts of one running service."""

    service: str
    settings: S_co
    database: Database
    clock: Clock
    metrics: Metrics
    secret: bytes
    #: Makes spans of what is done; None unless a collector is named.
    tracer: Tracer | None = None

    @contextmanager
    def work(self, traceparent: str | None = None) -> Iterator[Work]:
        """A unit of work in one transaction, for the web role and commands: commits at the end."""
        with self.database.write() as session:
            recording = self.tracer.recording() if self.tracer is not None else None
            work = Work(session, self.clock.now(), traceparent=traceparent, recording=recording)
            yield work
            work.finish()
        if recording is not None:
            recording.committed()

    def key(self, purpose: str) -> bytes:
        """A 32-byte key for one purpose, derived from the secret key (HKDF-like, keyed BLAKE2b)."""
        return hashlib.blake2b(purpose.encode(), key=self.secret[:64], digest_size=32).digest()


def open_house(
    service: str,
    settings: S,
    clock: Clock | None = None,
    *,
    patient: bool = True,
    role: str = "",
    connections: int = 0,
) -> House[S]:
    """Open the database and the keys of one service.

    Args:
        service: its name.
        settings: its settings.
        clock: another clock than the database's.
        patient: False in the worker, whose loop must not stand still for a lock.
        role: web or worker; empty for a command, whose work is not traced.
        connections: what the process can use at once, where that is more than a few.

    Raises:
        StartError: the folder cannot be written, the URL is wrong.
    """
    database = open_database(service, settings, patient=patient, role=role, connections=connections)
    given = settings.secret_key.get_secret_value().encode()
    secret = given or kept_secret(settings.data_folder / SECRET_FILE)
    return House(
        service, settings, database, clock or database.clock(), Metrics(), secret, _tracer(service, settings, role)
    )


def _tracer(service: str, settings: ServiceSettings, role: str) -> Tracer | None:
    if not role or not settings.otlp_endpoint:
        return None
    # Here: a process without a collector keeps its memory.
    from services.chassis.tracing import Tracer

    return Tracer(service, role, settings.otlp_endpoint, settings.otlp_ratio)


def open_database(
    service: str, settings: ServiceSettings, *, patient: bool = True, role: str = "", connections: int = 0
) -> Database:
    """The database of one service alone, for what needs no keys.

    Args:
        service: its name.
        settings: its settings.
        patient: as in ``open_house``.
        role: as in ``open_house``.
        connections: as in ``open_house``.

    Raises:
        StartError: the folder cannot be written, the URL is wrong.
    """
    url = settings.database_url.get_secret_value() or f"sqlite:///{settings.data_folder.resolve()}/{service}.db"
    return Database(
        url,
        direct_url=settings.direct_database_url.get_secret_value(),
        pool=settings.database_pool or connections or FEW,
        application=f"wenzheng-{service}",
        patient=patient,
        timeouts=Timeouts(
            statement=settings.web_statement_s if role == "web" else settings.database_statement_s,
            lock=settings.database_lock_s,
            # Longer than a batch may be handled.
            idle=max(settings.database_idle_s, 2 * settings.batch_deadline_s),
            connect=settings.database_connect_s,
        ),
    )


def kept_secret(path: Path) -> bytes:
    """The secret kept in a file, made on first use and readable by its owner alone."""
    make_folder(path.parent)
    try:
        try:
            handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            return path.read_bytes()
        with os.fdopen(handle, "wb") as file:
            secret = secrets.token_hex(32).encode()
            file.write(secret)
        return secret
    except OSError as error:
        raise StartError(f"{path} cannot be written: {error.strerror}", Exit.FOLDER) from None
