"""Who did what to events by hand, when and why: a line each in the log and in a file that only grows.

A file and not a table: it can be written while a database or the broker is away, which is when such things are done,
and a restored database does not forget it. It lies in the data folder, beside what it is about.
"""

from __future__ import annotations

import getpass
import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path

from services.chassis.clock import SystemClock
from services.chassis.errors import StartError
from services.chassis.telemetry import log, set_up_logs
from services.cli.registry import installed, settings_of

#: Name of the file in the data folder.
FILE = "operator-audit.jsonl"


class Audit:
    """Opens the file; every line is on disk before the thing is done.

    Args:
        what: the thing that is done, for example ``event discarded``.
        why: the operator's reason.

    Raises:
        StartError: the file cannot be written; then nothing is done either.
    """

    def __init__(self, what: str, why: str) -> None:
        settings = settings_of(installed()[0])
        set_up_logs(settings.log_level, settings.log_format)
        self._log = log("operator")
        self._what, self._why, self._who = what, why, _who()
        self.path: Path = settings.data_folder / FILE
        try:
            settings.data_folder.mkdir(parents=True, exist_ok=True)
            self._handle = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        except OSError as error:
            raise StartError(f"{self.path} cannot be written ({error.strerror}); nothing was done") from None

    def write(self, events: Iterable[Mapping[str, str]]) -> None:
        """Write a line for each event and wait until they are on disk.

        Args:
            events: which, without anything that is in them.
        """
        moment = SystemClock().now().isoformat(timespec="milliseconds")
        lines = []
        for event in events:
            entry = {"when": moment, "who": self._who, "what": self._what, "why": self._why, **event}
            lines.append(json.dumps(entry, ensure_ascii=False) + "\n")
            self._log.warning(self._what, who=self._who, why=self._why, **event)
        os.write(self._handle, "".join(lines).encode())
        os.fsync(self._handle)

    def close(self) -> None:
        """Close the file."""
        os.close(self._handle)


def _who() -> str:
    """The account at the machine, and the one it was changed from."""
    try:
        name = getpass.getuser()
    except (KeyError, OSError):
        # An image without a name for the account it runs under.
        name = f"uid {os.getuid()}"
    before = os.environ.get("SUDO_USER")
    return f"{name} (sudo from {before})" if before else name
