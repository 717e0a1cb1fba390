"""Fixtures for all tests: the real parts (broker, databases, search server, mail server, browser) in tests/parts."""

from __future__ import annotations

pytest_plugins = [
    "tests.parts.rabbitmq",
    "tests.parts.postgresql",
    "tests.parts.pgbouncer",
    "tests.parts.elastic",
    "tests.parts.mail",
    "tests.parts.collector",
    "tests.parts.webhooks",
    "tests.parts.chromium",
]
