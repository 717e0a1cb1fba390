"""Real parts for tests, started from packages: what is absent skips a test on a laptop and fails it in CI."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

import pytest


def absent(part: str, package: str) -> NoReturn:
    """End the test because a part is not installed: skipped on a laptop, failed where CI or WENZHENG_CI is set."""
    reason = f"{part} is not installed: Debian's package {package}, or run bin/ensure test"
    if os.environ.get("CI") or os.environ.get("WENZHENG_CI"):
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)


def free_port() -> int:
    """A TCP port nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def until(ready: Callable[[], bool], seconds: float, what: str) -> None:
    """Wait until something is so.

    Raises:
        TimeoutError: it did not come to be.
    """
    end = time.monotonic() + seconds
    while not ready():
        if time.monotonic() > end:
            raise TimeoutError(f"{what} within {seconds:g} s")
        time.sleep(0.05)


def as_account(name: str) -> list[str]:
    """What to put before a command that refuses to run as root; nothing for everybody else."""
    if os.geteuid() != 0:
        return []
    account = pwd.getpwnam(name)
    return ["setpriv", f"--reuid={account.pw_uid}", f"--regid={account.pw_gid}", "--clear-groups", "--"]


@contextmanager
def folder_of(account: str, prefix: str) -> Iterator[Path]:
    """A temporary folder that belongs to an account (to us, unless we are root), removed at the end."""
    path = Path(tempfile.mkdtemp(prefix=f"wenzheng-{prefix}-"))
    try:
        if os.geteuid() == 0:
            owner = pwd.getpwnam(account)
            os.chown(path, owner.pw_uid, owner.pw_gid)
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)
