"""Folders and files of one machine: made for their owner alone, since keys and what people wrote are in them."""

from __future__ import annotations

import os
from pathlib import Path

from services.chassis.errors import Exit, StartError


def make_folder(folder: Path, way_out: str = "") -> Path:
    """The folder, made (0700) when it is not there.

    Args:
        folder: which.
        way_out: what the operator can do, for the message.

    Raises:
        StartError: it cannot be made, or not be written.
    """
    remedy = f"; {way_out}" if way_out else ""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise StartError(f"folder {folder} cannot be made: {error.strerror}{remedy}", Exit.FOLDER) from None
    if not os.access(folder, os.W_OK):
        raise StartError(f"folder {folder} is not writable{remedy}", Exit.FOLDER)
    return folder


def make_private(file: Path) -> None:
    """An empty file (0600) where there is none; SQLite gives its other files the same rights (sqlite.org/wal.html).

    Raises:
        StartError: it cannot be made, or not be written.
    """
    try:
        os.close(os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
    except OSError as error:
        raise StartError(
            f"{file} cannot be opened for writing: {error.strerror}; give us a folder and a disk that can be written",
            Exit.FOLDER,
        ) from None
