"""Settings from the environment and from mounted files: what is wrong with them is said with their name."""

from __future__ import annotations

from pathlib import Path

import pytest

from services.chassis.errors import Exit, StartError
from services.chassis.settings import ServiceSettings, load


def refused(**environ: str) -> StartError:
    with pytest.raises(StartError) as caught:
        load(ServiceSettings, "intake", environ)
    return caught.value


@pytest.mark.parametrize(
    ("content", "word"), [(None, "No such file"), (b"", "is empty"), (b" \n", "is empty"), (b"\xff\xfe\x00", "no text")]
)
def test_a_secret_file_that_gives_no_secret_is_named_with_a_code_of_its_own(
    tmp_path: Path, content: bytes | None, word: str
) -> None:
    file = tmp_path / "secret-key"
    if content is not None:
        file.write_bytes(content)
    error = refused(WENZHENG_SECRET_KEY_FILE=str(file))
    assert error.code == Exit.SECRET
    assert "WENZHENG_SECRET_KEY_FILE" in str(error)
    assert word in str(error)


def test_a_folder_in_place_of_a_secret_file_is_named(tmp_path: Path) -> None:
    assert "cannot be read (Is a directory)" in str(refused(WENZHENG_SECRET_KEY_FILE=str(tmp_path)))


def test_a_wrong_value_has_the_code_of_settings() -> None:
    assert refused(WENZHENG_PORT="many").code == Exit.SETTINGS


def test_what_kubernetes_puts_in_the_place_of_a_setting_is_told_with_the_way_out() -> None:
    assert "enableServiceLinks: false" in str(refused(WENZHENG_INTAKE_PORT="tcp://10.0.0.1:8080"))


@pytest.mark.parametrize("scheme", ["postgresql", "postgres", "postgresql+psycopg2"])
def test_a_database_url_may_be_written_as_postgresqls_own_tools_and_operators_write_it(scheme: str) -> None:
    settings = load(
        ServiceSettings, "intake", {"WENZHENG_DATABASE_URL": f"{scheme}://u:p@db:5432/intake?sslmode=require"}
    )
    assert settings.database_url.get_secret_value() == "postgresql+psycopg2://u:p@db:5432/intake?sslmode=require"


def test_a_driver_that_would_block_the_workers_loop_is_refused() -> None:
    assert "psycopg 3 blocks" in str(refused(WENZHENG_DIRECT_DATABASE_URL="postgresql+psycopg://u:p@db/intake"))
