"""Finishes one service's code while its image is built: `finish.py SERVICE` makes commands, byte code and SBOM.

Runs inside deploy/Containerfile, on top of what install.py has made; writes to /out.
"""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

OUT = Path("/out")
PYTHON = "/opt/wenzheng/bin/python"
SCRIPT = """#!{python}
import sys
from {module} import {function}
sys.exit({function}())
"""


def main(service: str) -> None:
    """Finish one service's part."""
    project = tomllib.loads(Path("pyproject.toml").read_text(encoding="utf-8"))["project"]
    folder = OUT / "bin"
    folder.mkdir(parents=True)
    for name, target in project["scripts"].items():
        module, function = target.split(":")
        script = folder / name
        script.write_text(SCRIPT.format(python=PYTHON, module=module, function=function), encoding="ascii")
        script.chmod(0o755)
    # A read-only root could not keep what Python compiles at each start.
    compiled = [sys.executable, "-m", "compileall", "-q", "-j", "0", "--invalidation-mode", "unchecked-hash"]
    # The paths in it are those of the image, so that tracebacks name real files.
    subprocess.run([*compiled, "-s", str(OUT), "-p", "/opt/wenzheng", str(OUT / "app")], check=True)
    made = subprocess.run([PYTHON, "sbom.py", service, project["version"]], check=True, stdout=subprocess.PIPE)
    (OUT / "sbom.cdx.json").write_bytes(made.stdout)


if __name__ == "__main__":
    main(sys.argv[1])
