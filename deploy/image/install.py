"""Installs packages of requirements/run.txt while an image is built: `install.py common`, or `install.py SERVICE`.

Runs inside deploy/Containerfile, where there is nothing but Python. Wheels mounted at /wheels (deploy/build does so)
are taken from there, with no index and no network; otherwise pip asks the index it is set to. Either way pip checks
the hashes.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

#: The environment that is shipped, and where packages go that only one service has.
ENVIRONMENT = Path("/opt/wenzheng")
OWN_FOLDER = Path("/own")
WHEELS = Path("/wheels")
#: Packages that one service alone imports, with what they alone require. tests/deploy checks that every image has all
#: that its packages require.
OWN = {
    "intake": {"email-validator", "phonenumberslite"},
    "routing": {"numpy"},
    "search": {"elastic-transport", "elasticsearch8", "python-dateutil", "tantivy"},
}


def entries(lock: str) -> dict[str, str]:
    """Name and text of each entry of a lock file."""
    found: dict[str, str] = {}
    name = ""
    for line in lock.splitlines():
        if line[:1].isalpha():
            name = line.split("==")[0].split("[")[0]
            found[name] = ""
        if name and not line.lstrip().startswith("#"):
            found[name] += line + "\n"
    return found


def chosen(lock: str, part: str) -> str:
    """The part of a lock file that goes into every image (``common``) or into one service's alone.

    Raises:
        KeyError: the lock file lacks a package that this service is said to have alone.
    """
    every = entries(lock)
    alone = {name for names in OWN.values() for name in names}
    names = sorted(OWN[part]) if part != "common" else [name for name in every if name not in alone]
    return "".join(every[name] for name in names)


def pip() -> list[str]:
    """The command of pip: from its wheel where wheels are mounted, else the one that the base has."""
    python = str(ENVIRONMENT / "bin/python")
    found = sorted(WHEELS.glob("pip-*.whl"))
    if found:
        return [python, f"{found[-1]}/pip"]
    return [sys.executable, "-m", "pip", "--python", python]


def main(part: str) -> None:
    """Install one part."""
    Path("part.txt").write_text(chosen(Path("run.txt").read_text(encoding="utf-8"), part), encoding="utf-8")
    if part == "common":
        # Without pip, which is not shipped.
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", ENVIRONMENT], check=True)
        site = next(ENVIRONMENT.glob("lib/python3*/site-packages"))
        (site / "wenzheng.pth").write_text(f"{ENVIRONMENT}/app\n{ENVIRONMENT}/own\n", encoding="ascii")
        where = []
    else:
        OWN_FOLDER.mkdir(exist_ok=True)
        site = OWN_FOLDER
        where = ["--target", str(OWN_FOLDER)]
    source = ["--no-index", "--find-links", str(WHEELS)] if WHEELS.is_dir() and any(WHEELS.iterdir()) else []
    command = [*pip(), "install", "--quiet", "--no-deps", "--require-hashes", "--only-binary", ":all:"]
    quiet = ["--no-cache-dir", "--disable-pip-version-check", "--no-input", "--root-user-action", "ignore"]
    subprocess.run([*command, "--no-compile", *quiet, *source, *where, "-r", "part.txt"], check=True)
    for tests in sorted(site.glob("numpy/**/tests"), reverse=True):
        # 17 MB that nobody runs there.
        shutil.rmtree(tests)
    # unchecked-hash: what is compiled stays good whatever becomes of the files' times in layers.
    compiled = [sys.executable, "-m", "compileall", "-q", "-j", "0", "--invalidation-mode", "unchecked-hash", str(site)]
    subprocess.run(compiled, check=True)


if __name__ == "__main__":
    main(sys.argv[1])
