"""A model file is data, whole, of this version, or it is refused with a stable code; nothing in it is executed."""

from __future__ import annotations

import hashlib
import io
import json
import pickle
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.chassis.errors import Refusal
from services.routing.judgement import model_file
from services.routing.judgement.fitting import fit
from services.routing.judgement.model import load, to_bytes
from tests.unit.routing.judgement.decided import rows


@pytest.fixture(scope="module")
def data() -> bytes:
    return to_bytes(fit(rows(40)), datetime(2026, 3, 2, tzinfo=UTC))


def code(data: bytes) -> str:
    with pytest.raises(Refusal) as caught:
        load(data)
    return caught.value.code


def sealed(content: bytes, version: int = model_file.VERSION) -> bytes:
    """A file around any content, with a checksum that fits."""
    return b"wenzheng-judgement %d sha256:%s\n" % (version, hashlib.sha256(content).hexdigest().encode()) + content


def changed(data: bytes, **arrays: Any) -> bytes:
    """The model with some arrays replaced; None: left out."""
    kept = {**model_file.unpack(data), **arrays}
    return model_file.pack({key: value for key, value in kept.items() if value is not None})


@settings(max_examples=150, deadline=None)
@given(place=st.integers(0, 10**9), bit=st.integers(0, 7))
def test_a_flipped_bit_anywhere_is_seen(data: bytes, place: int, bit: int) -> None:
    broken = bytearray(data)
    broken[place % len(data)] ^= 1 << bit
    assert code(bytes(broken)) in ("model_damaged", "model_foreign", "model_version")


@settings(max_examples=50, deadline=None)
@given(place=st.integers(0, 10**9))
def test_a_file_cut_off_anywhere_is_seen(data: bytes, place: int) -> None:
    assert code(data[: place % len(data)]) in ("model_damaged", "model_foreign")


def test_a_longer_file_is_seen(data: bytes) -> None:
    assert code(data + b"\n") == "model_damaged"


@pytest.mark.parametrize(
    "other", [b"", b"PK\x03\x04", b"\x80\x04.", "模型".encode(), b"wenzheng-judgement one sha256:"]
)
def test_another_file_is_no_model(other: bytes) -> None:
    assert code(other) == "model_foreign"


def test_another_version_is_named_with_ours() -> None:
    with pytest.raises(Refusal, match="version 7, this release reads 1") as caught:
        load(sealed(b"", 7))
    assert caught.value.code == "model_version"


@pytest.mark.parametrize("content", [b"", b"nonsense", pickle.dumps({"a": 1})])
def test_content_that_is_no_archive_is_refused_though_its_checksum_fits(content: bytes) -> None:
    assert code(sealed(content)) == "model_damaged"


def test_nothing_is_executed_when_a_file_holds_objects(tmp_path: Path) -> None:
    class Trap:
        def __reduce__(self) -> tuple[Any, ...]:
            return (Path.touch, (tmp_path / "sprung",))

    buffer = io.BytesIO()
    np.savez(buffer, about=np.array([Trap()], dtype=object))
    assert code(sealed(buffer.getvalue())) == "model_damaged"
    assert not (tmp_path / "sprung").exists()


@pytest.mark.parametrize(
    "name", ["about", "keys", "key_weights", "starts", "rows", "values", "weights", "prior", "shifts", "labels"]
)
def test_a_model_that_lacks_a_part_is_refused(data: bytes, name: str) -> None:
    assert code(changed(data, **{name: None})) == "model_damaged"
    assert code(changed(data, **{name: np.zeros(3, np.uint8)})) == "model_damaged"


def test_parts_that_do_not_fit_each_other_are_refused(data: bytes) -> None:
    parts = model_file.unpack(data)
    wild = parts["rows"].copy()
    wild[0] = 4_000
    unsound = parts["weights"].copy()
    unsound[0, 0] = np.nan
    about = json.loads(parts["about"].tobytes())
    endless = np.frombuffer(json.dumps({**about, "slope": float("inf")}).encode(), np.uint8)
    for name, value in (("rows", wild), ("weights", unsound), ("keys", parts["keys"][::-1]), ("about", endless)):
        assert code(changed(data, **{name: value})) == "model_damaged"


def test_a_file_that_is_too_large_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(model_file, "LARGEST", 10)
    (tmp_path / "model").write_bytes(b"a" * 11)
    with pytest.raises(Refusal) as caught:
        load(tmp_path / "model")
    assert caught.value.code == "model_too_large"
    assert caught.value.field == "model"
