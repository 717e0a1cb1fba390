"""The next release that `make deploy-test` makes up is one that today's code lives with, as docs/upgrading.md asks."""

from __future__ import annotations

import pytest

from services.chassis.errors import StartError
from services.chassis.migrate import _require_serves
from services.cli.registry import installed
from tests.deploy.cluster.images import ADDS, TABLES, head_of, next_of


@pytest.mark.parametrize("service", installed())
def test_the_database_of_the_next_release_serves_todays_code(service: str) -> None:
    assert next_of(service) > head_of(service)
    _require_serves(next_of(service), f"services.{service}")


def test_a_next_release_that_does_not_say_so_would_be_refused() -> None:
    with pytest.raises(StartError):
        _require_serves(next_of("intake").partition("_from_")[0], "services.intake")


@pytest.mark.parametrize("service", installed())
def test_its_migration_is_python_and_only_adds(service: str) -> None:
    text = ADDS.format(revision=next_of(service), before=head_of(service), table=TABLES[service])
    compile(text, "migration.py", "exec")
    upgrade = text.partition("def upgrade")[2].partition("def downgrade")[0]
    assert "drop" not in upgrade
    assert "nullable=False" not in upgrade
