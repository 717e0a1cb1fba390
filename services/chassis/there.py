"""Opens a house that is there already, for a command that looks at it or changes it: nothing that is missing is made.

A command that made what it does not find would leave an empty house wherever a folder was mistyped, with a secret key
of its own, and say that nothing waits.
"""

from __future__ import annotations

import os
from pathlib import Path

from sqlalchemy.engine import make_url

from services.chassis.errors import Exit, StartError
from services.chassis.house import SECRET_FILE, House, S, open_database
from services.chassis.metrics import Metrics
from services.chassis.settings import ServiceSettings


def open_there(service: str, settings: S) -> House[S]:
    """The house of a service, of whose database and keys nothing is made.

    Args:
        service: its name.
        settings: its settings.

    Raises:
        StartError: the data folder, or the file of a SQLite database, is not there.
    """
    path = _file_of(service, settings)
    if path is not None and not path.exists():
        raise StartError(
            f"there is no database {path.absolute()}; is it the right folder? `wenzheng migrate {service}` makes it",
            Exit.FOLDER,
        )
    database = open_database(service, settings)
    kept = settings.data_folder / SECRET_FILE
    secret = settings.secret_key.get_secret_value().encode()
    if not secret and os.access(kept, os.R_OK):
        secret = kept.read_bytes()
    kind = House if secret else _Keyless
    return kind(service, settings, database, database.clock(), Metrics(), secret)


class _Keyless(House[S]):
    """A house whose secret key is not at hand; most commands need none."""

    def key(self, purpose: str) -> bytes:
        """Refuses.

        Raises:
            StartError: always.
        """
        raise StartError(f"{self.settings.data_folder / SECRET_FILE} is not there or cannot be read", Exit.SECRET)


def require_folder(folder: Path) -> None:
    """Refuse a data folder that is not there.

    Raises:
        StartError: with its full name, since the default depends on where the command is called.
    """
    if not folder.is_dir():
        raise StartError(
            f"there is no data folder {folder.absolute()}; name the right one with WENZHENG_DATA_FOLDER", Exit.FOLDER
        )


def _file_of(service: str, settings: ServiceSettings) -> Path | None:
    """The file of a SQLite database; None for a server's."""
    given = settings.database_url.get_secret_value()
    if not given:
        require_folder(settings.data_folder)
        return settings.data_folder / f"{service}.db"
    url = make_url(given)
    return Path(url.database) if url.get_backend_name() == "sqlite" and url.database else None
