"""Reads the breaks of breaks.toml, and the tests that docs/delivery.md names for each promise."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FILE = Path(__file__).with_name("breaks.toml")
PAGE = ROOT / "docs" / "delivery.md"


@dataclass(frozen=True)
class Break:
    """A small change of the code that breaks a promise.

    Args:
        what: one sentence: what is broken.
        file: path below the root.
        old: stands once in the file.
        new: what stands there instead.
        tests: node ids of the tests that must fail then.
    """

    what: str
    file: str
    old: str
    new: str
    tests: tuple[str, ...]

    @property
    def module(self) -> str:
        """The module that it changes."""
        return self.file.removesuffix(".py").removesuffix("/__init__").replace("/", ".")

    def apply(self, root: Path) -> None:
        """Break the tree below a folder.

        Raises:
            ValueError: the old text does not stand exactly once in the file.
        """
        path = root / self.file
        text = path.read_text(encoding="utf-8")
        if (number := text.count(self.old)) != 1:
            raise ValueError(f"the old text stands {number} times in {self.file}")
        path.write_text(text.replace(self.old, self.new), encoding="utf-8")


def breaks() -> list[Break]:
    """All of them, in the order of the promises."""
    found = tomllib.loads(FILE.read_text(encoding="utf-8"))["break"]
    return [Break(**{**one, "tests": tuple(one["tests"])}) for one in found]


def named() -> list[str]:
    """Tests that the page names, those apart that ``make fault`` runs: each once, without parameters."""
    shown = PAGE.read_text(encoding="utf-8").partition("## Which test shows it\n")[2]
    found = re.findall(r"`(tests/(?!fault/)[\w/]+\.py::\w+)`", shown)
    return list(dict.fromkeys(found))
