"""`make chart`: writes the chart's files that follow from the code and from values.yaml. `--check` only compares."""

from __future__ import annotations

import sys

from tests.deploy.making.house_file import house_file
from tests.deploy.making.values_page import page
from tests.deploy.making.values_schema import values_schema
from tests.deploy.tools import CHART


def run(check: bool) -> int:
    """Write the files; with ``check`` only name those that differ. Returns the exit code."""
    readme = CHART / "README.md"
    made = {
        CHART / "files" / "house.yaml": house_file(),
        CHART / "values.schema.json": values_schema(),
        readme: page(readme.read_text(encoding="utf-8"), (CHART / "values.yaml").read_text(encoding="utf-8")),
    }
    old = [path for path, text in made.items() if not path.exists() or path.read_text(encoding="utf-8") != text]
    for path in old:
        if check:
            sys.stderr.write(f"{path.relative_to(CHART)} is not what `make chart` makes\n")
        else:
            path.write_text(made[path], encoding="utf-8")
            sys.stdout.write(f"{path.relative_to(CHART)}\n")
    return 1 if check and old else 0


if __name__ == "__main__":
    sys.exit(run("--check" in sys.argv))
