"""Staff tokens, keys and passwords."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta
from pathlib import Path

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from services.chassis.errors import Refusal, StartError
from services.chassis.identity import (
    SigningKey,
    Staff,
    StaffKeys,
    read_public_key,
    read_token,
    sign_token,
    staff_key_pair,
)
from services.chassis.passwords import hash_password, password_matches
from services.chassis.settings import ServiceSettings, load

NOW = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)
STAFF = Staff("s1", "周婷", "u1", frozenset({"officer", "checker"}))


@pytest.fixture
def key(tmp_path: Path) -> SigningKey:
    return staff_key_pair(tmp_path)


def code_of(token: str, key: SigningKey | str, now: datetime = NOW) -> str:
    with pytest.raises(Refusal) as caught:
        read_token(token, key if isinstance(key, str) else key.public_pem, now)
    assert caught.value.status == 401
    return caught.value.code


def test_a_token_says_who_it_was_signed_for(key: SigningKey) -> None:
    assert read_token(sign_token(STAFF, key, NOW), key.public_pem, NOW + timedelta(minutes=9)) == STAFF


def test_a_member_without_a_unit_keeps_having_none(key: SigningKey) -> None:
    nobody = Staff("s2", "Li", None, frozenset())
    assert read_token(sign_token(nobody, key, NOW), key.public_pem, NOW) == nobody


def test_a_token_runs_out_after_its_time(key: SigningKey) -> None:
    token = sign_token(STAFF, key, NOW)
    assert code_of(token, key, NOW + timedelta(minutes=10)) == "token_expired"


def test_an_expired_token_of_a_stranger_is_invalid_and_not_expired(key: SigningKey) -> None:
    stranger = SigningKey(Ed25519PrivateKey.generate())
    assert code_of(sign_token(STAFF, stranger, NOW), key, NOW + timedelta(hours=1)) == "token_invalid"


def test_a_token_of_the_future_is_invalid(key: SigningKey) -> None:
    assert code_of(sign_token(STAFF, key, NOW + timedelta(minutes=5)), key) == "token_invalid"


@pytest.mark.parametrize("algorithm", ["none", "HS256"])
def test_a_token_without_our_kind_of_signature_is_invalid(key: SigningKey, algorithm: str) -> None:
    claims = {"iss": "wenzheng", "sub": "s1", "iat": int(NOW.timestamp()), "exp": int(NOW.timestamp()) + 600}
    forged = jwt.encode(claims, "" if algorithm == "none" else "x" * 40, algorithm=algorithm)
    assert code_of(forged, key) == "token_invalid"


@pytest.mark.parametrize(
    "change",
    [
        {"iss": "other"},
        {"roles": "officer"},
        {"roles": None},
        {"name": 7},
        {"unit": ["u"]},
        {"exp": "soon"},
        {"exp": 10**40},
        {"iat": None},
        {"sub": None},
    ],
)
def test_a_token_with_wrong_claims_is_invalid(key: SigningKey, change: dict[str, object]) -> None:
    moment = int(NOW.timestamp())
    claims: dict[str, object] = {
        "iss": "wenzheng",
        "sub": "s1",
        "name": "a",
        "unit": None,
        "roles": [],
        "iat": moment,
        "exp": moment + 60,
    }
    token = jwt.encode({**claims, **change}, key.private, algorithm="EdDSA")
    assert code_of(token, key) == "token_invalid"


@pytest.mark.parametrize("token", ["", "a", "a.b.c", "é.é.é", "." * 5000])
def test_rubbish_is_invalid(key: SigningKey, token: str) -> None:
    assert code_of(token, key) == "token_invalid"


def test_the_private_key_is_made_once_and_readable_by_its_owner_alone(tmp_path: Path) -> None:
    first, second = staff_key_pair(tmp_path), staff_key_pair(tmp_path)
    assert first.public_pem == second.public_pem
    assert (tmp_path / "staff.key").stat().st_mode & 0o077 == 0
    assert sorted(p.name for p in tmp_path.iterdir()) == ["staff.key", "staff.pub"]


def test_a_lost_public_file_is_written_again(tmp_path: Path) -> None:
    key = staff_key_pair(tmp_path)
    (tmp_path / "staff.pub").unlink()
    staff_key_pair(tmp_path)
    assert (tmp_path / "staff.pub").read_text() == key.public_pem


def test_a_broken_key_file_is_one_line_for_the_operator(tmp_path: Path) -> None:
    (tmp_path / "staff.key").write_text("rubbish")
    with pytest.raises(StartError, match=r"staff\.key holds no Ed25519 private key"):
        staff_key_pair(tmp_path)


def test_a_public_key_is_taken_as_pem_and_as_base64(key: SigningKey) -> None:
    token = sign_token(STAFF, key, NOW)
    raw = base64.b64encode(key.private.public_key().public_bytes_raw()).decode()
    packed = base64.b64encode(key.public_pem.encode()).decode()
    for text in (key.public_pem, key.public_pem.replace("\n", "\\n"), raw, packed):
        assert read_token(token, text, NOW) == STAFF


@pytest.mark.parametrize("text", ["", "rubbish", "é", base64.b64encode(b"x" * 31).decode()])
def test_a_wrong_public_key_names_its_setting(text: str) -> None:
    with pytest.raises(StartError, match="WENZHENG_STAFF_PUBLIC_KEY"):
        read_public_key(text)


def test_the_kept_key_is_found_when_it_appears_and_when_it_changes(tmp_path: Path) -> None:
    keys = StaffKeys(load(ServiceSettings, "x", {}, data_folder=tmp_path))
    assert keys.current() is None
    staff_key_pair(tmp_path)
    first = keys.current()
    assert first is not None
    (tmp_path / "staff.key").unlink()
    newer = staff_key_pair(tmp_path)
    second = keys.current()
    assert second is not None
    assert second.public_bytes_raw() == newer.private.public_key().public_bytes_raw() != first.public_bytes_raw()


def test_the_key_of_the_settings_wins_over_the_kept_one(tmp_path: Path, key: SigningKey) -> None:
    other = SigningKey(Ed25519PrivateKey.generate())
    keys = StaffKeys(load(ServiceSettings, "x", {}, data_folder=tmp_path, staff_public_key=other.public_pem))
    found = keys.current()
    assert found is not None
    assert found.public_bytes_raw() == other.private.public_key().public_bytes_raw()


def test_any_of_the_roles_is_enough() -> None:
    assert STAFF.has("dispatcher", "officer")
    assert not STAFF.has("dispatcher")
    assert not STAFF.has()


def test_a_password_matches_its_own_hash_only() -> None:
    kept = hash_password("湖滨路-lamp-7")
    assert kept.startswith("$argon2id$")
    assert password_matches(kept, "湖滨路-lamp-7")
    assert not password_matches(kept, "湖滨路-lamp-8")
    assert "lamp" not in kept


def test_one_password_typed_on_two_keyboards_is_the_same() -> None:
    assert password_matches(hash_password("ＡＢＣ１２３é"), "ABC123e\u0301")


@pytest.mark.parametrize("kept", ["", "rubbish"])
def test_without_a_hash_no_password_matches(kept: str) -> None:
    assert not password_matches(kept, "")
    assert not password_matches(kept, "x")
