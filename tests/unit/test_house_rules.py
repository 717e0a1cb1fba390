"""The rules of the house that import-linter cannot say; each failure names the file and the line."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SERVICES = ("intake", "routing", "notify", "search")
#: Words of the field. Chassis is mechanism: another product could be built on it as it is.
FIELD_WORDS = re.compile(
    r"petition|citizen|complain|inquir|county|dispatcher|"
    r"信访|上访|投诉|诉求|咨询|建议|检举|控告|来信|来访|来电|群众|市民|办件|答复|受理|转办|交办",
    re.IGNORECASE,
)
#: Longest file of the product; beyond it a module becomes a package of the same name.
LONGEST = 300
TEXT = {".py", ".html", ".po", ".css", ".js", ".svg", ".txt", ".mako"}


def modules(*folders: str) -> Iterator[tuple[Path, ast.Module]]:
    for folder in folders:
        for path in sorted((ROOT / folder).rglob("*.py")):
            yield path.relative_to(ROOT), ast.parse(path.read_text(encoding="utf-8"))


def imported(tree: ast.Module) -> Iterator[tuple[str, int]]:
    """Every module named by an import statement, wherever it stands, with its line."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            yield from ((f"{node.module}.{alias.name}", node.lineno) for alias in node.names)


def allowed(name: str, *prefixes: str) -> bool:
    top = name.partition(".")[0]
    return top in sys.stdlib_module_names or any(name == p or name.startswith(f"{p}.") for p in prefixes)


def test_contracts_need_nothing_but_msgspec_and_the_standard_library() -> None:
    wrong = [
        f"{path}:{line} {name}"
        for path, tree in modules("services/contracts")
        for name, line in imported(tree)
        if not allowed(name, "msgspec", "services.contracts")
    ]
    assert wrong == []


@pytest.mark.parametrize("service", SERVICES)
def test_the_rules_of_a_service_need_nothing_but_contracts_and_the_standard_library(service: str) -> None:
    home = ROOT / "services" / service
    files = [home / "domain.py", *sorted((home / "domain").rglob("*.py"))]
    rules = [(path.relative_to(ROOT), ast.parse(path.read_text(encoding="utf-8"))) for path in files if path.exists()]
    assert rules
    forbidden = {"os", "importlib", "socket", "subprocess", "time", "logging"}
    wrong = [
        f"{path}:{line} {name}"
        for path, tree in rules
        for name, line in imported(tree)
        if not allowed(name, "services.contracts", f"services.{service}.domain") or name.partition(".")[0] in forbidden
    ]
    assert wrong == []


def test_nameko_and_eventlet_are_named_only_in_chassis_and_in_service_py() -> None:
    wrong = [
        f"{path}:{line} {name}"
        for path, tree in modules("services")
        for name, line in imported(tree)
        if name.partition(".")[0] in {"nameko", "eventlet"}
        and path.parts[1] != "chassis"
        and not (len(path.parts) == 3 and path.name == "service.py")
    ]
    assert wrong == []


def test_tests_from_outside_import_nothing_of_the_product() -> None:
    wrong = [
        f"{path}:{line} {name}"
        for path, tree in modules("tests/e2e", "tests/fault", "tests/bench", "tests/deploy/cluster")
        for name, line in imported(tree)
        if name.partition(".")[0] == "services"
    ]
    assert wrong == []


def test_only_the_clock_of_the_house_asks_what_time_it_is() -> None:
    asks = {"now", "utcnow", "today"}
    wrong = [
        f"{path}:{node.lineno} {ast.unparse(node)}"
        for path, tree in modules("services")
        if path != Path("services/chassis/clock.py")
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and node.attr in asks and ast.unparse(node.value) in TIMES
    ]
    assert wrong == []


TIMES = {"datetime", "datetime.datetime", "date", "datetime.date", "dt.datetime", "dt.date"}


def test_every_module_says_first_what_it_is_for() -> None:
    wrong = [str(path) for path, tree in modules("services", "tests") if tree.body and not ast.get_docstring(tree)]
    assert wrong == []


def test_no_file_of_the_product_is_longer_than_a_reader_can_hold() -> None:
    lengths = {path: len((ROOT / path).read_text(encoding="utf-8").splitlines()) for path, _tree in modules("services")}
    assert {str(path): length for path, length in lengths.items() if length > LONGEST} == {}


def test_chassis_has_not_one_word_about_the_field() -> None:
    wrong = []
    for path in sorted((ROOT / "services" / "chassis").rglob("*")):
        if path.suffix in TEXT:
            for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
                found = FIELD_WORDS.search(line)
                if found:
                    wrong.append(f"{path.relative_to(ROOT)}:{number} {found.group()}")
    assert wrong == []


def test_only_commands_print() -> None:
    wrong = [
        f"{path}:{node.lineno}"
        for path, tree in modules("services")
        if path.parts[1] != "cli" and path.name != "commands.py"
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print"
    ]
    assert wrong == []


def test_locks_pin_everything_and_name_no_registry() -> None:
    source = re.compile(r"^\s*(-i|--index-url|--extra-index-url|-f|--find-links)|https?://", re.MULTILINE)
    for path in sorted((ROOT / "requirements").glob("*.txt")):
        text = path.read_text(encoding="utf-8")
        assert "--hash=sha256:" in text, path
        assert not source.search(text), path
    lock = json.loads((ROOT / "package-lock.json").read_text(encoding="utf-8"))
    packages = {name: facts for name, facts in lock["packages"].items() if name}
    assert packages
    assert [name for name, facts in packages.items() if "resolved" in facts or "integrity" not in facts] == []


def test_no_file_in_the_repository_names_a_place_on_somebodys_machine() -> None:
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode:
        pytest.skip("not a git checkout")
    place = re.compile(r"/(?:work|root|home/[a-z]+)/")
    wrong = []
    for name in listed.stdout.split("\n"):
        path = ROOT / name
        if not path.is_file() or path == Path(__file__):
            continue
        try:
            found = place.search(path.read_text(encoding="utf-8"))
        except UnicodeDecodeError:
            continue
        if found:
            wrong.append(f"{name}: {found.group()}")
    assert wrong == []
