"""The one path table of the house: which service answers which path, and the entries of the menu."""

from __future__ import annotations

from typing import Final

#: Path prefixes by service; the longest that fits wins and is never stripped.
PATHS: Final[dict[str, tuple[str, ...]]] = {
    "intake": ("/", "/petitions", "/api/petitions", "/portals", "/entry", "/static/intake", "/static/house"),
    "routing": ("/sign-in", "/desk", "/api/cases", "/directory", "/static/routing"),
    "notify": ("/notices", "/feed", "/bulletins", "/static/notify"),
    "search": ("/search", "/api/search", "/dashboard", "/static/search"),
}

#: Menu entries: service, path, message id of the label, roles ("" none: citizens; "*": any staff).
MENU: Final[tuple[tuple[str, str, str, tuple[str, ...]], ...]] = (
    ("intake", "/petitions/new", "File a petition", ()),
    ("intake", "/petitions/status", "Look up a petition", ()),
    ("routing", "/desk", "Desk", ("*",)),
    ("search", "/search", "Search", ("*",)),
    ("intake", "/entry", "Entry", ("dispatcher",)),
    ("notify", "/notices", "Notices", ("*",)),
    ("routing", "/directory", "Directory", ("*",)),
)
