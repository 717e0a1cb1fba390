"""Which brokers we work with."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from services.chassis.broker import _require_version, _tls
from services.chassis.errors import Exit, StartError


class Connection:
    """What kombu's connection tells of the server."""

    def __init__(self, product: str, version: str) -> None:
        self.connection = SimpleNamespace(server_properties={"product": product, "version": version})
        self.released = False

    def release(self) -> None:
        self.released = True


@pytest.mark.parametrize("version", ["3.10.0", "3.13.7", "4.1.0", "4.0.0-rc.1"])
def test_a_broker_of_3_10_or_later_is_taken(version: str) -> None:
    _require_version(Connection("RabbitMQ", version), "amqp://h/")


@pytest.mark.parametrize("version", ["3.9.29", "3.8.0", "2.8.7"])
def test_an_older_one_is_refused_with_its_version_and_left(version: str) -> None:
    old: Any = Connection("RabbitMQ", version)
    with pytest.raises(StartError, match="upgrade it") as caught:
        _require_version(old, "amqp://u:verysecret@host:5672/house")
    assert caught.value.code == Exit.BROKER_VERSION
    assert version in str(caught.value)
    assert "host:5672/house" in str(caught.value)
    assert "verysecret" not in str(caught.value)
    assert old.released


def test_what_is_no_rabbitmq_is_not_measured_by_its_numbers() -> None:
    _require_version(Connection("LavinMQ", "2.1.0"), "amqp://h/")


def test_tls_checks_certificate_and_name_and_the_ca_leaves_the_url(tmp_path: Any) -> None:
    import ssl

    (tmp_path / "ca.pem").touch()
    url, tls = _tls(f"amqps://u:p@host/v?heartbeat=5&cacertfile={tmp_path}/ca.pem")
    assert url == "amqps://u:p@host/v?heartbeat=5"
    assert tls == {"cert_reqs": ssl.CERT_REQUIRED, "server_hostname": "host", "ca_certs": f"{tmp_path}/ca.pem"}
    assert _tls("amqp://u:p@host/v") == ("amqp://u:p@host/v", False)


def test_a_ca_that_cannot_be_read_is_named() -> None:
    with pytest.raises(StartError, match=r"WENZHENG_BROKER_CA_FILE: /none\.pem") as caught:
        _tls("amqps://host/?cacertfile=/none.pem")
    assert caught.value.code == Exit.SECRET
