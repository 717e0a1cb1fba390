"""A process that is asked to end while it still loads ends, also where nothing ends it by default."""

from __future__ import annotations

import subprocess
import sys

import pytest

#: The first process of a container ignores SIGTERM until it listens. This one does so too, and is asked to end when it
#: begins to load what takes time.
CHILD = """
import os, signal, sys
from importlib.abc import MetaPathFinder

class Asked(MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.startswith("services.chassis"):
            sys.meta_path.remove(self)
            os.kill(os.getpid(), signal.SIGTERM)

signal.signal(signal.SIGTERM, signal.SIG_IGN)
sys.meta_path.insert(0, Asked())
import {module}
print("deaf")
"""


@pytest.mark.parametrize("module", ["services.cli.main", "services.cli.worker", "services.cli.web"])
def test_a_process_that_is_asked_to_end_while_it_loads_ends(module: str) -> None:
    child = subprocess.run([sys.executable, "-c", CHILD.format(module=module)], stdout=subprocess.PIPE, check=False)
    assert (child.returncode, child.stdout) == (143, b"")
