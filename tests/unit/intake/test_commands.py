"""``wenzheng portals list``: who may hand petitions in, and what is wrong with their file."""

from __future__ import annotations

from pathlib import Path

from typer.testing import CliRunner

from services.intake.commands import app

GOOD = "whsec_" + "QUFB" * 8


def run(tmp_path: Path, text: str) -> tuple[int, str]:
    file = tmp_path / "portals.yaml"
    file.write_text(text, encoding="utf-8")
    result = CliRunner().invoke(app, ["portals", "list", "--file", str(file)])
    return result.exit_code, result.output


def test_a_good_file_is_listed(tmp_path: Path) -> None:
    text = f"portals: [{{id: a, name: A, webhook_secrets: [{GOOD}]}}, {{id: b, name: B, vhost: b, user: b}}]"
    code, output = run(tmp_path, text)
    assert code == 0
    assert "a\tA\twebhook" in output
    assert "b\tB\tAMQP" in output


def test_every_fault_is_named_and_no_secret_repeated(tmp_path: Path) -> None:
    text = "portals: [{id: a, name: A, webhook_secrets: [whsec_geheim]}, {id: b, name: B, vhost: b}, {id: c, name: C}]"
    code, output = run(tmp_path, text)
    assert code == 2
    assert all(word in output for word in ("webhook_secrets[0]", "user:", "vhost, webhook_secrets:"))
    assert "geheim" not in output


def test_a_file_that_is_not_there_is_one_plain_line(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["portals", "list", "--file", str(tmp_path / "none.yaml")])
    assert result.exit_code == 2
    assert "cannot be read" in result.output
    assert "Traceback" not in result.output
