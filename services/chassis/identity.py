"""Who the staff are: the token each service checks on its own, its keys, the account row."""

from __future__ import annotations

import base64
import binascii
import os
import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import jwt
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from sqlalchemy import JSON, Boolean, String
from sqlalchemy.orm import Mapped, mapped_column

from services.chassis.errors import Exit, Refusal, StartError
from services.chassis.folders import make_folder
from services.chassis.settings import ServiceSettings

#: Claim ``iss`` of every token.
ISSUER: Final = "wenzheng"
#: How long a token lives; a revoked account is dropped sooner, by each service's own table of accounts.
TOKEN_TTL: Final = timedelta(minutes=10)
#: Two servers' clocks may differ by this much before a token counts as issued in the future.
CLOCK_SKEW: Final = timedelta(seconds=60)
#: Names of the kept keys in the data folder.
KEY_FILE: Final = "staff.key"
PUBLIC_FILE: Final = "staff.pub"


@dataclass(frozen=True)
class Staff:
    """A member of staff as a request knows one."""

    id: str
    name: str
    unit_id: str | None
    roles: frozenset[str] = field(default_factory=frozenset)

    def has(self, *roles: str) -> bool:
        """True when the member holds any of ``roles``."""
        return not self.roles.isdisjoint(roles)


class AccountColumns:
    """Mixin of the small table of accounts that a service keeps; a row with ``active`` False is signed out."""

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    name: Mapped[str] = mapped_column(String(120))
    unit_id: Mapped[str | None] = mapped_column(String(64), default=None)
    roles: Mapped[list[str]] = mapped_column(JSON, default=list)
    active: Mapped[bool] = mapped_column(Boolean, default=True)

    def staff(self) -> Staff:
        """The account as a request knows it."""
        return Staff(self.id, self.name, self.unit_id, frozenset(self.roles or ()))


@dataclass(frozen=True)
class SigningKey:
    """The Ed25519 key (RFC 8032) that tokens are signed with; only the service that keeps the accounts holds it."""

    private: Ed25519PrivateKey

    @property
    def public_pem(self) -> str:
        """The public half as PEM, for ``staff_public_key``."""
        return public_pem(self.private.public_key())


def public_pem(key: Ed25519PublicKey) -> str:
    """A public key as PEM (SubjectPublicKeyInfo)."""
    encoding, form = serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    return key.public_bytes(encoding, form).decode("ascii")


def signing_key(given: str, folder: Path, public: str = "") -> SigningKey:
    """The key that tokens are signed with: the one given, which many processes share, else the one kept in ``folder``.

    Args:
        given: Ed25519 private key, PEM; empty: kept in the folder.
        folder: the data folder; the public half is put there for other services on this machine.
        public: what ``staff_public_key`` says, to be held against it.

    Raises:
        StartError: it is no such key, it does not fit ``public``, the folder cannot be written.
    """
    if given:
        key = SigningKey(_private(given.strip().replace("\\n", "\n").encode(), "WENZHENG_STAFF_KEY"))
        _publish(make_folder(folder) / PUBLIC_FILE, key.public_pem)
    else:
        key = staff_key_pair(folder)
    if public and public_pem(read_public_key(public)) != key.public_pem:
        raise StartError(
            "WENZHENG_STAFF_PUBLIC_KEY is not the public half of the staff key; leave it out here, and give it to the "
            "other services as `openssl pkey -pubout` prints it",
            Exit.SECRET,
        )
    return key


def _private(pem: bytes, where: str) -> Ed25519PrivateKey:
    try:
        private = serialization.load_pem_private_key(pem, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        private = None
    if not isinstance(private, Ed25519PrivateKey):
        raise StartError(
            f"{where} holds no Ed25519 private key in PEM; `openssl genpkey -algorithm ed25519` makes one", Exit.SECRET
        )
    return private


def staff_key_pair(folder: Path) -> SigningKey:
    """The key pair kept in ``folder``, made on first use: ``staff.key`` for its owner alone, ``staff.pub`` for all.

    Raises:
        StartError: the folder cannot be written or the file holds no Ed25519 key.
    """
    path = make_folder(folder) / KEY_FILE
    try:
        _make_once(path)
        pem = path.read_bytes()
    except OSError as error:
        raise StartError(f"{path} cannot be read or written: {error.strerror}", Exit.FOLDER) from None
    key = SigningKey(_private(pem, str(path)))
    _publish(folder / PUBLIC_FILE, key.public_pem)
    return key


def _make_once(path: Path) -> None:
    """Write a new key under a name of its own, then link it: two processes starting at once agree on one key."""
    if path.exists():
        return
    pem = Ed25519PrivateKey.generate().private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    draft = path.with_name(f".{path.name}.{os.getpid()}.{threading.get_ident()}")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(pem)
        try:
            os.link(draft, path)
        except FileExistsError:
            return
    finally:
        draft.unlink()


def _publish(path: Path, pem: str) -> None:
    """Keep the public half beside the private one, replaced in one step so that no reader sees half of it."""
    try:
        if path.exists() and path.read_text(encoding="ascii") == pem:
            return
        draft = path.with_name(f".{path.name}.{os.getpid()}.{threading.get_ident()}")
        draft.write_text(pem, encoding="ascii")
        draft.replace(path)
    except (OSError, UnicodeDecodeError) as error:
        raise StartError(f"{path} cannot be written: {type(error).__name__}", Exit.FOLDER) from None


def read_public_key(text: str) -> Ed25519PublicKey:
    """A public key given as PEM, as base64 of the PEM, or as base64 of the 32 raw bytes.

    Raises:
        StartError: it is none of these.
    """
    wrong = StartError("WENZHENG_STAFF_PUBLIC_KEY is no Ed25519 public key (PEM or base64)", Exit.SECRET)
    text = text.strip().replace("\\n", "\n")
    try:
        raw = text.encode("ascii") if text.startswith("-----") else base64.b64decode(text, validate=True)
        if len(raw) == 32:
            return Ed25519PublicKey.from_public_bytes(raw)
        key = serialization.load_pem_public_key(raw)
    except (ValueError, UnsupportedAlgorithm, binascii.Error):
        raise wrong from None
    if not isinstance(key, Ed25519PublicKey):
        raise wrong
    return key


class StaffKeys:
    """The public key a service checks tokens with: from the settings, else from the data folder as soon as it is there.

    Args:
        settings: ``staff_public_key`` and ``data_folder``.

    Raises:
        StartError: the key in the settings is none.
    """

    def __init__(self, settings: ServiceSettings) -> None:
        given = settings.staff_public_key
        self._fixed = read_public_key(given) if given else None
        self._path = settings.data_folder / PUBLIC_FILE
        self._kept: tuple[tuple[int, int, int], Ed25519PublicKey] | None = None

    def current(self) -> Ed25519PublicKey | None:
        """The key; None while there is none. A changed file is read again (one ``stat`` a request)."""
        if self._fixed is not None:
            return self._fixed
        try:
            stat = self._path.stat()
            version = (stat.st_mtime_ns, stat.st_size, stat.st_ino)
            if self._kept is None or self._kept[0] != version:
                self._kept = (version, read_public_key(self._path.read_text(encoding="ascii")))
        except (OSError, UnicodeDecodeError, StartError):
            # No key yet, or one being replaced by hand: nobody is signed in until it can be read.
            return None
        return self._kept[1]


def sign_token(staff: Staff, key: SigningKey, now: datetime, ttl: timedelta = TOKEN_TTL) -> str:
    """A JWT (RFC 7519, EdDSA by RFC 8037) that says who ``staff`` is until ``now + ttl``."""
    claims = {
        "iss": ISSUER,
        "sub": staff.id,
        "name": staff.name,
        "unit": staff.unit_id,
        "roles": sorted(staff.roles),
        "iat": int(now.timestamp()),
        "exp": int((now + ttl).timestamp()),
    }
    return jwt.encode(claims, key.private, algorithm="EdDSA")


def read_token(token: str, public_key: str | Ed25519PublicKey, now: datetime) -> Staff:
    """Who a token names.

    Args:
        token: what ``sign_token`` made.
        public_key: the key, or its text as ``read_public_key`` takes it.
        now: the moment it must be valid at.

    Raises:
        Refusal: ``token_expired`` or ``token_invalid``, both 401.
    """
    key = read_public_key(public_key) if isinstance(public_key, str) else public_key
    invalid = Refusal("token_invalid", "This sign-in is not valid: sign in again.", status=401)
    try:
        # The moments are checked below against the clock of the house, not against that of the machine.
        claims: dict[str, Any] = jwt.decode(
            token,
            key,
            algorithms=["EdDSA"],
            issuer=ISSUER,
            options={
                "require": ["exp", "iat", "iss", "sub"],
                "verify_exp": False,
                "verify_iat": False,
                "verify_nbf": False,
                "verify_aud": False,
            },
        )
        issued = datetime.fromtimestamp(int(claims["iat"]), UTC)
        expires = datetime.fromtimestamp(int(claims["exp"]), UTC)
        unit, roles, name = claims.get("unit"), claims.get("roles", []), claims.get("name", "")
    except (jwt.PyJWTError, ValueError, TypeError, OverflowError, OSError):
        raise invalid from None
    well_formed = isinstance(roles, list) and isinstance(name, str) and (unit is None or isinstance(unit, str))
    if not well_formed or issued > now + CLOCK_SKEW:
        raise invalid
    if expires <= now:
        raise Refusal("token_expired", "Your sign-in has run out: sign in again.", status=401)
    return Staff(claims["sub"], name, unit, frozenset(str(role) for role in roles))
