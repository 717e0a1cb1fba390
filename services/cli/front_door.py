"""The one path table of the house: which service answers which path, and the entries of the menu."""

from __future__ import annotations

from typing import Final

from services.contracts.envelope import Text

#: Path prefixes by service; the longest that fits wins and is never stripped.
PATHS: Final[dict[str, tuple[str, ...]]] = {
    "intake": ("/", "/petitions", "/api/petitions", "/portals", "/entry", "/static/intake", "/static/house"),
    "routing": ("/sign-in", "/desk", "/api/cases", "/directory", "/static/routing"),
    "notify": ("/notices", "/feed", "/bulletins", "/static/notify"),
    "search": ("/search", "/api/search", "/dashboard", "/static/search"),
}

#: Roles that have messages to look at.
_NOTICES = ("dispatcher", "officer", "checker", "unit_head", "supervisor", "sealed_officer")

#: Menu entries: path, label, roles ("" none: citizens; "*": any staff).
MENU: Final[tuple[tuple[str, Text, tuple[str, ...]], ...]] = (
    ("/petitions/new", Text(zh="提交诉求", en="File a petition"), ()),
    ("/petitions/status", Text(zh="查询进度", en="Look up a petition"), ()),
    ("/desk", Text(zh="办理台", en="Desk"), ("*",)),
    ("/search", Text(zh="检索", en="Search"), ("*",)),
    ("/entry", Text(zh="登记", en="Entry"), ("dispatcher",)),
    ("/notices", Text(zh="告知", en="Notices"), _NOTICES),
    ("/directory", Text(zh="机构", en="Directory"), ("*",)),
)
