"""Run inside an image by its own Python: prints what is there as JSON. Uses nothing but the image's own packages."""

from __future__ import annotations

import importlib
import importlib.util
import json
import os
import pkgutil
import stat
import sys
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement

#: Programs that turn source into machine code, fetch or install.
TOOLS = (
    "cc",
    "gcc",
    "g++",
    "clang",
    "ld",
    "as",
    "make",
    "cargo",
    "rustc",
    "pip",
    "pip3",
    "apt",
    "apt-get",
    "curl",
    "wget",
)


def unmet() -> list[str]:
    """What packages require and do not find here."""
    found = {name_of(each.metadata["Name"]): each.version for each in metadata.distributions()}
    missing = []
    for each in metadata.distributions():
        for line in each.requires or ():
            need = Requirement(line)
            if need.marker is not None and not need.marker.evaluate({"extra": ""}):
                continue
            version = found.get(name_of(need.name))
            if version is None or not need.specifier.contains(version, prereleases=True):
                missing.append(f"{each.metadata['Name']} requires {need}")
    return missing


def name_of(name: str) -> str:
    """A package's name in its one form."""
    return name.lower().replace("_", "-").replace(".", "-")


def broken_modules() -> list[str]:
    """Our own modules that cannot be imported."""
    services = importlib.import_module("services")
    broken = []
    for module in pkgutil.walk_packages(services.__path__, "services."):
        if ".migrations" in module.name or module.name.endswith("__main__"):
            continue
        try:
            importlib.import_module(module.name)
        except ImportError as error:
            broken.append(f"{module.name}: {error}")
    return broken


def files() -> dict[str, list[str]]:
    """Files that become somebody else's, and those of ours without byte code."""
    privileged, uncompiled = [], []
    for folder, folders, names in os.walk("/"):
        folders[:] = [name for name in folders if os.path.join(folder, name) not in ("/proc", "/sys", "/dev", "/run")]
        for name in names:
            path = os.path.join(folder, name)
            if stat.S_ISREG(mode := os.lstat(path).st_mode) and mode & (stat.S_ISUID | stat.S_ISGID):
                privileged.append(path)
            if path.startswith("/opt/wenzheng/app/") and name.endswith(".py"):
                if not Path(importlib.util.cache_from_source(path)).is_file():
                    uncompiled.append(path)
    return {"privileged": privileged, "uncompiled": uncompiled}


def main() -> None:
    """Print the facts."""
    app = Path("/opt/wenzheng/app")
    status = Path("/var/lib/dpkg/status").read_text(encoding="utf-8")
    facts = {
        "app": sorted(path.name for path in app.iterdir()),
        "services": sorted(path.name for path in (app / "services").iterdir() if path.name != "__pycache__"),
        "packages": {name_of(each.metadata["Name"]): each.version for each in metadata.distributions()},
        "debian": status.count("\nPackage: ") + status.startswith("Package: "),
        "unmet": unmet(),
        "tools": [name for name in TOOLS for folder in os.get_exec_path() if Path(folder, name).exists()],
        "installers": [name for name in ("pip", "ensurepip", "setuptools") if importlib.util.find_spec(name)],
        "mirrors": [str(path) for path in Path("/etc/apt").rglob("*") if path.is_file() and "sources" in path.name],
        **files(),
        "broken": broken_modules(),
    }
    sys.stdout.write(json.dumps(facts))


main()
