"""The file of a model: one line that names format and checksum, then arrays. Data only, nothing in it is executed."""

from __future__ import annotations

import hashlib
import io
import re
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from services.chassis.errors import Refusal

#: Of the file's form. A model of another version is trained anew, which takes a minute.
VERSION: Final = 1
#: A file above this is not read (bytes).
LARGEST: Final = 400_000_000
_HEAD: Final = re.compile(rb"wenzheng-judgement (\d{1,6}) sha256:([0-9a-f]{64})\n")
#: A head is never longer.
_HEAD_LENGTH: Final = 120

Arrays = Mapping[str, npt.NDArray[Any]]


def pack(arrays: Arrays) -> bytes:
    """The bytes of a model file."""
    buffer = io.BytesIO()
    np.savez_compressed(buffer, allow_pickle=False, **dict(arrays))
    content = buffer.getvalue()
    return b"wenzheng-judgement %d sha256:%s\n" % (VERSION, hashlib.sha256(content).hexdigest().encode()) + content


def unpack(data: bytes, name: str = "model") -> dict[str, npt.NDArray[Any]]:
    """The arrays of a model file.

    Args:
        data: the whole file.
        name: of the file, for the refusal.

    Raises:
        Refusal: it is no model, of another version, cut off, or not as it was written.
    """
    head = _HEAD.match(data[:_HEAD_LENGTH])
    if head is None:
        raise Refusal("model_foreign", "This is not a model of the judgement.", field=name)
    if int(head[1]) != VERSION:
        raise Refusal(
            "model_version",
            "The model has version %(found)s, this release reads %(ours)s: train it anew.",
            field=name,
            found=int(head[1]),
            ours=VERSION,
        )
    content = memoryview(data)[head.end() :]
    if hashlib.sha256(content).hexdigest().encode() != head[2]:
        raise damaged(name)
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as stored:
            if sum(entry.file_size for entry in stored.zip.infolist()) > 4 * LARGEST:
                raise damaged(name)
            return {key: stored[key] for key in stored.files}
    except (ValueError, KeyError, OSError, EOFError, zipfile.BadZipFile, NotImplementedError):
        raise damaged(name) from None


def read(path: Path) -> bytes:
    """The bytes of a file that is small enough to be a model.

    Raises:
        Refusal: it is too large.
        OSError: it cannot be read.
    """
    with path.open("rb") as file:
        data = file.read(LARGEST + 1)
    if len(data) > LARGEST:
        raise Refusal("model_too_large", "The file is too large for a model.", field=path.name)
    return data


def damaged(name: str) -> Refusal:
    """The refusal of a file that is not as it was written."""
    return Refusal("model_damaged", "The model is cut off or damaged: fetch or train it anew.", field=name)
