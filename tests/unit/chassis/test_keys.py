"""Keys that many processes share: given, never made by each of them."""

from __future__ import annotations

from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from services.chassis.errors import Exit, StartError
from services.chassis.identity import StaffKeys, public_pem, read_token, sign_token, signing_key, staff_key_pair
from services.chassis.keys import require_keys
from services.chassis.settings import ServiceSettings, load
from services.routing.settings import Settings as RoutingSettings
from tests.unit.chassis.test_identity import NOW, STAFF

POSTGRESQL = "postgresql+psycopg2://u:p@db/routing"


def private_pem() -> str:
    return (
        Ed25519PrivateKey.generate()
        .private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        .decode()
    )


def code_of(call: object) -> int:
    assert isinstance(call, pytest.ExceptionInfo)
    assert isinstance(call.value, StartError)
    return call.value.code


def test_two_pods_with_the_same_given_key_read_each_others_tokens(tmp_path: Path) -> None:
    pem = private_pem()
    one, other = signing_key(pem, tmp_path / "one"), signing_key(pem, tmp_path / "other")
    settings = load(ServiceSettings, "intake", {}, data_folder=tmp_path / "one")
    there = StaffKeys(settings).current()
    assert there is not None
    assert read_token(sign_token(STAFF, other, NOW), there, NOW) == STAFF
    assert read_token(sign_token(STAFF, one, NOW), other.public_pem, NOW) == STAFF


def test_a_given_key_is_not_written_down(tmp_path: Path) -> None:
    signing_key(private_pem(), tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["staff.pub"]


def test_a_given_key_may_have_its_lines_escaped_as_an_environment_file_needs_it(tmp_path: Path) -> None:
    pem = private_pem()
    assert signing_key(pem.replace("\n", "\\n"), tmp_path).public_pem == signing_key(pem, tmp_path).public_pem


@pytest.mark.parametrize("given", ["nonsense", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----"])
def test_what_is_no_private_key_is_refused_with_the_command_that_makes_one(tmp_path: Path, given: str) -> None:
    with pytest.raises(StartError, match=r"WENZHENG_STAFF_KEY .*openssl genpkey") as caught:
        signing_key(given, tmp_path)
    assert code_of(caught) == Exit.SECRET
    assert "AAAA" not in str(caught.value)


def test_halves_that_do_not_belong_together_are_refused(tmp_path: Path) -> None:
    stranger = public_pem(Ed25519PrivateKey.generate().public_key())
    with pytest.raises(StartError, match="not the public half") as caught:
        signing_key(private_pem(), tmp_path, stranger)
    assert code_of(caught) == Exit.SECRET


@pytest.mark.parametrize(
    ("cls", "role", "names"),
    [
        (RoutingSettings, "web", ("WENZHENG_SECRET_KEY_FILE", "WENZHENG_STAFF_KEY_FILE")),
        (RoutingSettings, "worker", ("WENZHENG_SECRET_KEY_FILE",)),
        (ServiceSettings, "web", ("WENZHENG_SECRET_KEY_FILE", "WENZHENG_STAFF_PUBLIC_KEY_FILE")),
    ],
)
def test_on_postgresql_every_missing_key_is_named(
    tmp_path: Path, cls: type[ServiceSettings], role: str, names: tuple[str, ...]
) -> None:
    settings = load(cls, "any", {}, data_folder=tmp_path, database_url=POSTGRESQL)
    with pytest.raises(StartError) as caught:
        require_keys("any", settings, role)
    assert code_of(caught) == Exit.SECRET
    assert [word.strip(" ") for word in str(caught.value).split() if word.startswith("WENZHENG_")] == list(names)
    assert list(tmp_path.iterdir()) == []


def test_given_and_kept_keys_are_both_enough(tmp_path: Path) -> None:
    given = load(
        RoutingSettings, "routing", {}, database_url=POSTGRESQL, data_folder=tmp_path, secret_key="k", staff_key="k"
    )
    require_keys("routing", given, "web")
    staff_key_pair(tmp_path)
    (tmp_path / "secret.key").write_text("k")
    kept = load(RoutingSettings, "routing", {}, database_url=POSTGRESQL, data_folder=tmp_path)
    require_keys("routing", kept, "web")


def test_on_one_machine_nothing_is_asked_for(tmp_path: Path) -> None:
    require_keys("routing", load(RoutingSettings, "routing", {}, data_folder=tmp_path), "web")
