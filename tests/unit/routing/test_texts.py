"""Every text of routing's pages has its Chinese."""

from __future__ import annotations

import re
from pathlib import Path

from babel.messages.pofile import read_po

ROUTING = Path(__file__).resolve().parents[3] / "services" / "routing"
#: t("…"), tn("…", and l("…"), and the texts of refusals that pages show.
TEXT = re.compile(r'\b(?:t|tn|l|Refusal)\(\s*(?:"[a-z_]+",\s*)?"([^"]*[A-Za-z%][^"]*)"')


def test_every_text_of_pages_and_refusals_is_translated() -> None:
    with (ROUTING / "locale" / "zh_Hans.po").open("rb") as file:
        known = {one.id[0] if isinstance(one.id, tuple) else one.id for one in read_po(file) if one.string}
    house = ROUTING.parent / "chassis" / "web" / "locale" / "zh_Hans.po"
    with house.open("rb") as file:
        known |= {one.id[0] if isinstance(one.id, tuple) else one.id for one in read_po(file) if one.string}
    # Shown on a terminal, which speaks English.
    files = [path for path in ROUTING.rglob("*") if path.suffix in (".html", ".py") and path.name != "commands.py"]
    used = {text for path in files for text in TEXT.findall(path.read_text(encoding="utf-8"))}
    codes = {text for text in used if re.fullmatch("[a-z]+_[a-z_]+", text)}
    assert len(used - codes) > 100
    assert sorted(used - codes - known) == []
