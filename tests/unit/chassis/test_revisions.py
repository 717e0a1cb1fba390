"""Names of migrations: they say which older code a database still serves, and may not take that back."""

from __future__ import annotations

import re

import pytest
from alembic.script import ScriptDirectory

from services.chassis.migrate import _config
from services.cli.registry import installed

FORM = re.compile(r"(\d{4})(?:_from_(\d{4}))?")


@pytest.mark.parametrize("service", installed())
def test_every_revision_is_numbered_in_turn_and_its_file_begins_with_the_number(service: str) -> None:
    scripts = list(ScriptDirectory.from_config(_config(f"services.{service}")).walk_revisions())[::-1]
    for place, script in enumerate(scripts, 1):
        found = FORM.fullmatch(script.revision)
        assert found, script.revision
        assert found[1] == f"{place:04}"
        assert script.path.rpartition("/")[2].startswith(found[1])


@pytest.mark.parametrize("service", installed())
def test_a_revision_serves_no_older_code_than_the_one_before_it(service: str) -> None:
    scripts = list(ScriptDirectory.from_config(_config(f"services.{service}")).walk_revisions())[::-1]
    oldest = [FORM.fullmatch(script.revision) for script in scripts]
    served = [found[2] or found[1] for found in oldest if found is not None]
    assert served == sorted(served)
