"""Every text of intake's pages, forms and refusals has its Chinese wording."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from babel.messages.pofile import read_po
from jinja2 import Environment

ROOT = Path(__file__).resolve().parents[3] / "services"
INTAKE = ROOT / "intake"
#: Position of the text among the arguments of what carries one to a reader.
CARRIERS = {"t": 0, "l": 0, "Refusal": 1, "Problem": 1, "Refused": 4}


def of_python() -> Iterator[tuple[str, str]]:
    for path in INTAKE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in CARRIERS:
                at = CARRIERS[node.func.id]
                text = node.args[at] if len(node.args) > at else None
                if isinstance(text, ast.Constant):
                    yield str(text.value), path.name
            if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and node.targets[0].id.isupper():
                value = node.value
                if isinstance(value, ast.Constant) and isinstance(value.value, str) and value.value.endswith("."):
                    yield value.value, path.name


def of_templates() -> Iterator[tuple[str, str]]:
    environment = Environment(extensions=["jinja2.ext.i18n"])
    for path in (INTAKE / "templates").rglob("*.html"):
        for _, _, message in environment.extract_translations(  # type: ignore[attr-defined]
            path.read_text(encoding="utf-8"), gettext_functions=("t", "tn")
        ):
            first = message if isinstance(message, str) else message[0]
            if first:
                yield first, path.name


def translated() -> dict[str, str]:
    found = {}
    for folder in ("intake/locale", "chassis/web/locale"):
        with (ROOT / folder / "zh_Hans.po").open("rb") as file:
            for message in read_po(file, abort_invalid=True):
                singular = message.id if isinstance(message.id, str) else message.id[0]
                string = message.string if isinstance(message.string, str) else (message.string or ("",))[0]
                if singular and string:
                    found[singular] = string
    return found


def test_every_text_has_its_chinese_wording() -> None:
    known = translated()
    missing = sorted({(text, where) for text, where in (*of_python(), *of_templates()) if text not in known})
    assert not missing, "\n".join(f"{where}: {text}" for text, where in missing)


def test_the_wordings_keep_the_placeholders() -> None:
    for text, wording in translated().items():
        assert sorted(re.findall(r"%\((\w+)\)s", text)) == sorted(re.findall(r"%\((\w+)\)s", wording)), text


def test_no_wording_is_left_behind() -> None:
    used = {text for text, _ in (*of_python(), *of_templates())}
    with (INTAKE / "locale" / "zh_Hans.po").open("rb") as file:
        ids = {m.id if isinstance(m.id, str) else m.id[0] for m in read_po(file) if m.id}
    assert ids <= used, sorted(ids - used)
