"""Every text of the pages has its Chinese, with the same placeholders."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import wtforms
from babel.messages.extract import extract
from babel.messages.pofile import read_po
from jinja2.ext import babel_extract

import services
from services.chassis.web.errors import _HTTP, TITLES
from services.chassis.web.i18n import LOCALE

ROOT = Path(services.__file__).parent
KEYWORDS = {"t": None, "l": None, "tn": (1, 2), "Refusal": (2,), "InvalidField": (2,), "Nav": (2,)}
PLACEHOLDER = re.compile(r"%\(\w+\)[sd]|%s")
ROOMS = sorted(p.name for p in ROOT.iterdir() if (p / "__init__.py").exists() and p.name != "contracts")


def said_in(folder: Path) -> Iterator[tuple[str, str]]:
    """Each msgid in the code and the templates of a folder, with where it stands."""
    for file in sorted([*folder.rglob("*.py"), *folder.rglob("*.html"), *folder.rglob("*.txt")]):
        template = file.suffix != ".py"
        if template and "templates" not in file.parts:
            continue
        with file.open("rb") as source:
            method: Any = babel_extract if template else "python"
            options = {"silent": "false", "encoding": "utf-8"}
            for line, message, _, _ in extract(method, source, KEYWORDS, options=options):
                where = f"{file.relative_to(ROOT)}:{line}"
                for msgid in [message] if isinstance(message, str) else message:
                    if msgid:
                        yield msgid, where
                        break


def translated(*folders: Path) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for folder in folders:
        path = folder / "zh_Hans.po"
        if not path.exists():
            continue
        with path.open("rb") as file:
            for message in read_po(file, abort_invalid=True):
                said: Any = message.string
                forms = tuple(said) if isinstance(said, (tuple, list)) else (said,)
                msgid = message.id[0] if isinstance(message.id, (tuple, list)) else message.id
                if msgid and all(forms) and not message.fuzzy:
                    found[msgid] = forms
    return found


def catalogue_of(room: str) -> dict[str, tuple[str, ...]]:
    return translated(ROOT / room / "locale", LOCALE)


@pytest.mark.parametrize("room", ROOMS)
def test_every_text_of_a_room_is_translated(room: str) -> None:
    known = catalogue_of(room)
    missing = sorted({f"{where}: {msgid!r}" for msgid, where in said_in(ROOT / room) if msgid not in known})
    assert not missing, "no Chinese for\n" + "\n".join(missing)


@pytest.mark.parametrize("room", ROOMS)
def test_a_translation_has_the_placeholders_of_its_text(room: str) -> None:
    wrong = [
        msgid
        for msgid, forms in catalogue_of(room).items()
        for form in forms
        if not set(PLACEHOLDER.findall(form)) <= set(PLACEHOLDER.findall(msgid))
    ]
    assert not wrong


@pytest.mark.parametrize("room", [room for room in ROOMS if room != "chassis"])
def test_a_catalogue_holds_nothing_that_is_said_nowhere(room: str) -> None:
    texts = "".join(
        file.read_text(encoding="utf-8")
        for file in [*(ROOT / room).rglob("*.py"), *(ROOT / room).rglob("*.html"), *(ROOT / "cli").rglob("*.py")]
    )
    said = {msgid for msgid, _ in said_in(ROOT / room)}
    stale = [m for m in translated(ROOT / room / "locale") if m not in said and m not in texts]
    assert not stale, "translated but never said:\n" + "\n".join(stale)


def test_the_errors_of_the_house_are_translated() -> None:
    known = translated(LOCALE)
    assert [text for text in [*TITLES.values(), *(m for _, m in _HTTP.values())] if text not in known] == []


def test_the_messages_of_wtforms_are_translated() -> None:
    known = translated(LOCALE)
    with (Path(wtforms.__file__).parent / "locale" / "wtforms.pot").open("rb") as file:
        ids = [m.id[0] if isinstance(m.id, (tuple, list)) else m.id for m in read_po(file)]
    assert [msgid for msgid in ids if msgid and msgid not in known] == []


def test_the_menu_is_named_in_both_languages() -> None:
    from services.cli.front_door import MENU

    assert [path for path, label, _ in MENU if not (label.zh and label.en)] == []
