"""Static files: addresses that hold a hash of the content, so that browsers may keep them for a year."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Final

from flask import request, send_from_directory
from werkzeug.exceptions import NotFound

if TYPE_CHECKING:
    from flask import Flask, Response

#: Statics of the chassis, served by every application under /static/house/.
OWN: Final = Path(__file__).parent / "static"
_YEAR: Final = "public, max-age=31536000, immutable"
_SHORT: Final = "public, max-age=300"


class Assets:
    """The static files of one application.

    Args:
        folders: folder by the name it is served under.
    """

    def __init__(self, folders: dict[str, Path]) -> None:
        self._folders = folders
        self._hashes: dict[str, tuple[int, str]] = {}

    def url(self, name: str) -> str:
        """Address of ``name``, for example ``house/house.css``."""
        return f"/static/{name}?v={self._hash(name)}"

    def _hash(self, name: str) -> str:
        folder, _, path = name.partition("/")
        file = self._folders[folder] / path
        changed = file.stat().st_mtime_ns
        known = self._hashes.get(name)
        if known is None or known[0] != changed:
            digest = hashlib.blake2b(file.read_bytes(), digest_size=6).hexdigest()
            known = self._hashes[name] = (changed, digest)
        return known[1]

    def serve(self, folder: str, path: str) -> Response:
        """One file, with how long it may be kept."""
        if folder not in self._folders:
            raise NotFound
        response = send_from_directory(self._folders[folder], path)
        current = request.args.get("v") == self._hash(f"{folder}/{path}")
        response.headers["Cache-Control"] = _YEAR if current else _SHORT
        return response


def set_up(app: Flask, service: str, folder: Path) -> None:
    """Serve the statics of ``service`` and of the chassis; templates get ``asset("house/house.css")``."""
    assets = Assets({"house": OWN, service: folder})
    app.add_url_rule("/static/<folder>/<path:path>", "static", assets.serve)
    app.jinja_env.globals["asset"] = assets.url
