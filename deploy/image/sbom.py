"""Writes what is in an image as a CycloneDX 1.6 bill of materials: `sbom.py SERVICE VERSION`, JSON on standard output.

Runs inside deploy/Containerfile. By itself and not by a library, since the build stage has the shipped packages alone;
the document is checked against CycloneDX's own schema in tests/deploy.
"""

from __future__ import annotations

import json
import platform
import re
import sys
import uuid
from collections.abc import Iterator
from email.message import Message
from email.parser import Parser
from importlib import metadata
from pathlib import Path
from typing import Any
from urllib.parse import quote

#: Where install.py puts packages that only this service has.
OWN_FOLDER = "/own"
DPKG = Path("/var/lib/dpkg")


def component(name: str, version: str, purl: str, licence: str = "", expression: bool = False) -> dict[str, Any]:
    """One entry. ``licence`` is a name, or an SPDX expression where ``expression`` says so."""
    entry: dict[str, Any] = {"type": "library", "bom-ref": purl, "name": name, "version": version, "purl": purl}
    if licence:
        entry["licenses"] = [{"expression": licence} if expression else {"license": {"name": licence}}]
    return entry


def python_packages() -> Iterator[dict[str, Any]]:
    """What pip installed, with the licence that each package names."""
    for found in metadata.distributions():
        about = found.metadata
        name = re.sub(r"[-_.]+", "-", about["Name"]).lower()
        purl = f"pkg:pypi/{quote(name)}@{quote(found.version)}"
        spdx = about.get("License-Expression", "")
        yield component(name, found.version, purl, spdx or short_licence(about), bool(spdx))


def short_licence(about: Any) -> str:
    """The licence by its name; some packages put its whole text there, which is no name."""
    named = [entry.rsplit(" :: ", 1)[-1] for entry in about.get_all("Classifier", []) if entry.startswith("License ::")]
    if named:
        return " AND ".join(sorted(named))
    text = about.get("License", "").strip()
    return text if 0 < len(text) <= 80 and "\n" not in text else ""


def debian_packages() -> Iterator[dict[str, Any]]:
    """What the base brought, by dpkg's own list; nothing where the base is not Debian's."""
    release = platform.freedesktop_os_release() if DPKG.is_dir() else {}
    vendor = release.get("ID", "debian")
    distribution = f"{vendor}-{release.get('VERSION_ID', '')}".rstrip("-")
    files = [DPKG / "status", *sorted(DPKG.glob("status.d/*"))]
    for file in files:
        if not file.is_file() or file.suffix == ".md5sums":
            continue
        for paragraph in file.read_text(encoding="utf-8").split("\n\n"):
            about: Message = Parser().parsestr(paragraph, headersonly=True)
            name, version = str(about.get("Package", "")), str(about.get("Version", ""))
            if name and str(about.get("Status", "install ok installed")).endswith(" installed"):
                query = f"arch={about.get('Architecture', '')}&distro={distribution}"
                yield component(name, version, f"pkg:deb/{vendor}/{quote(name)}@{quote(version)}?{query}")


def document(service: str, version: str) -> dict[str, Any]:
    """The bill of materials of one image."""
    entries = sorted([*python_packages(), *debian_packages()], key=lambda entry: str(entry["purl"]))
    name = f"wenzheng-{service}"
    # Of its contents, so that the same image has the same document.
    serial = uuid.uuid5(uuid.NAMESPACE_URL, json.dumps([name, version, entries], sort_keys=True))
    return {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": serial.urn,
        "version": 1,
        "metadata": {
            "component": {
                "type": "container",
                "bom-ref": name,
                "name": name,
                "version": version,
                "licenses": [{"license": {"id": "Apache-2.0"}}],
            },
        },
        "components": entries,
    }


if __name__ == "__main__":
    sys.path.append(OWN_FOLDER)
    json.dump(document(sys.argv[1], sys.argv[2]), sys.stdout, ensure_ascii=False, indent=1)
    sys.stdout.write("\n")
