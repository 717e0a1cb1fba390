"""What one service's process holds: settings, database, clock, metrics and keys. Built once, passed in."""

from __future__ import annotations

import hashlib
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

from services.chassis.clock import Clock
from services.chassis.database import Database
from services.chassis.delivery import Work
from services.chassis.errors import StartError
from services.chassis.metrics import Metrics
from services.chassis.settings import ServiceSettings

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

    @contextmanager
    def work(self, traceparent: str | None = None) -> Iterator[Work]:
        """A unit of work in one transaction, for the web role and commands: commits at the end."""
        with self.database.write() as session:
            work = Work(session, self.clock.now(), traceparent=traceparent)
            yield work
            work.finish()

    def key(self, purpose: str) -> bytes:
        """A 32-byte key for one purpose, derived from the secret key (HKDF-like, keyed BLAKE2b)."""
        return hashlib.blake2b(purpose.encode(), key=self.secret[:64], digest_size=32).digest()


def open_house(service: str, settings: S, clock: Clock | None = None, *, patient: bool = True) -> House[S]:
    """Open the database and the keys of one service.

    Args:
        service: its name.
        settings: its settings.
        clock: another clock than the database's.
        patient: False in the worker, whose loop must not stand still for a lock.

    Raises:
        StartError: the folder cannot be written, the URL is wrong.
    """
    url = settings.database_url.get_secret_value() or f"sqlite:///{settings.data_folder.resolve()}/{service}.db"
    database = Database(
        url,
        direct_url=settings.direct_database_url.get_secret_value(),
        pool=settings.database_pool,
        application=f"wenzheng-{service}",
        patient=patient,
    )
    given = settings.secret_key.get_secret_value().encode()
    secret = given or kept_secret(settings.data_folder / "secret.key")
    return House(service, settings, database, clock or database.clock(), Metrics(), secret)


def kept_secret(path: Path) -> bytes:
    """The secret kept in a file, made on first use and readable by its owner alone."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            return path.read_bytes()
        with os.fdopen(handle, "wb") as file:
            secret = secrets.token_hex(32).encode()
            file.write(secret)
        return secret
    except OSError as error:
        raise StartError(f"{path} cannot be written: {error.strerror}") from None
