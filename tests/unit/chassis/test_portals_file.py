"""Unit: a portals file that could never work is refused at the start, in one line and without a secret."""

from __future__ import annotations

from pathlib import Path

import pytest

from services.chassis.errors import StartError
from services.chassis.portals import load_portals

SECRET = "whsec_c2VjcmV0c2VjcmV0c2VjcmV0"


def load(tmp_path: Path, url: str, secrets: str = SECRET) -> str | None:
    file = tmp_path / "portals.yaml"
    file.write_text(f"portals: [{{id: hook, name: Hook, webhook_url: '{url}', webhook_secrets: [{secrets}]}}]")
    return load_portals(str(file))["hook"].webhook_url


def test_a_webhook_address_is_taken_as_it_is(tmp_path: Path) -> None:
    assert load(tmp_path, "https://portal.example:8443/in?key=1") == "https://portal.example:8443/in?key=1"


@pytest.mark.parametrize(
    "url",
    [
        "ftp://portal.example/",
        "https://",
        "portal.example",
        "https://portal.example:99999/",
        "https://user:word@portal.example/",
        "https://portal.example/#part",
        "https://portal.example/\\x0d\\x0aHost: other",
        "https://portal.example/a b",
        "https://门户.example/",
    ],
)
def test_an_address_that_cannot_be_posted_to_is_refused(tmp_path: Path, url: str) -> None:
    with pytest.raises(StartError, match="portal hook: webhook_url") as caught:
        load(tmp_path, url.encode().decode("unicode_escape") if "\\x" in url else url)
    assert "word" not in str(caught.value)


@pytest.mark.parametrize("secrets", ["", "whsec_%%%", "whsec_"])
def test_a_webhook_address_needs_a_secret_to_sign_with(tmp_path: Path, secrets: str) -> None:
    with pytest.raises(StartError, match="webhook_secrets"):
        load(tmp_path, "https://portal.example/", f"'{secrets}'" if secrets else "")
