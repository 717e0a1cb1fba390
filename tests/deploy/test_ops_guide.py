"""The guide of docs/ops.md: each of its commands is one that `make deploy-test` runs, or says why it is not."""

from __future__ import annotations

import re
import subprocess

import pytest

from services.chassis.errors import Exit
from tests.house import ROOT

PAGE = (ROOT / "docs" / "ops.md").read_text(encoding="utf-8")
INSTALL = PAGE.partition("## Install")[2].partition("\n## ")[0]
#: A line, and the commands below it.
_BLOCK = re.compile(r"^([^\n]*)\n```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def test_every_command_of_the_installation_is_run_by_the_test_on_a_cluster_or_says_why_not() -> None:
    before = [line for line, _ in _BLOCK.findall(INSTALL)]
    silent = [line for line in before if not re.fullmatch(r"<!-- (guide: \w+|not run: .+) -->", line)]
    assert before
    assert not silent


@pytest.mark.parametrize("block", [block for _, block in _BLOCK.findall(PAGE)])
def test_every_command_of_the_guide_is_one_that_a_shell_can_read(block: str) -> None:
    read = subprocess.run(["bash", "-n"], input=block, capture_output=True, text=True)
    assert read.returncode == 0, read.stderr


def test_the_guide_names_every_exit_code() -> None:
    named = {int(code) for cell in re.findall(r"^\| ([\d · ]+) \|", PAGE, re.MULTILINE) for code in cell.split(" · ")}
    assert {int(code) for code in Exit} <= named
