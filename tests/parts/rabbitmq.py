"""A private RabbitMQ node for the whole run, a fresh virtual host for each test."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

import pytest

from services.chassis.broker_node import BrokerNode, start_node
from services.chassis.errors import StartError
from tests.parts import absent


@pytest.fixture(scope="session")
def broker_node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BrokerNode]:
    """A running node. Who restarts or kills it starts one of his own instead."""
    try:
        node = start_node(tmp_path_factory.mktemp("rabbitmq"))
    except StartError as error:
        if "not installed" not in str(error):
            raise
        absent("RabbitMQ", "rabbitmq-server")
    with node:
        yield node


@pytest.fixture
def broker(broker_node: BrokerNode) -> Iterator[str]:
    """URL of an empty virtual host of this test's own."""
    name = f"test-{uuid.uuid4().hex[:12]}"
    broker_node.ensure_vhost(name)
    yield broker_node.url_of(name)
    broker_node.delete_vhost(name)
