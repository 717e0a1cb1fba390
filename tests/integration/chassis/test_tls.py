"""A broker that is reached by TLS: its authority is named in the URL, and nobody else is taken for it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import pytest

from services.chassis import broker as rabbit
from services.chassis.broker_node import BrokerNode, start_node
from services.chassis.errors import StartError
from tests.integration.chassis.toy_tables import Ping
from tests.integration.chassis.toys import Toy, eventually
from tests.parts import free_port
from tests.parts.certificates import Authority, authority

pytestmark = pytest.mark.broker


@dataclass(frozen=True)
class Safe:
    """A node that also listens for TLS, with a certificate for 127.0.0.1 and no name."""

    node: BrokerNode
    port: int
    signer: Authority
    stranger: Authority

    def url(self, vhost: str, ca: Path | None, host: str = "127.0.0.1") -> str:
        parts = urlsplit(self.node.url_of(vhost))
        where = f"{parts.netloc.rpartition('@')[0]}@{host}:{self.port}"
        query = "" if ca is None else f"cacertfile={ca}"
        return urlunsplit(parts._replace(scheme="amqps", netloc=where, query=query))


@pytest.fixture(scope="module")
def safe(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Safe]:
    folder = tmp_path_factory.mktemp("safe")
    signer, stranger = authority(folder, "signer"), authority(folder, "stranger")
    certificate, key = signer.issue("127.0.0.1")
    with start_node(folder / "broker") as node:
        found = Safe(node, free_port(), signer, stranger)
        where = f'{{"127.0.0.1", {found.port}}}'
        options = f'[{{cacertfile, "{signer.file}"}}, {{certfile, "{certificate}"}}, {{keyfile, "{key}"}}]'
        # A fourth argument came with RabbitMQ 3.12.
        node.control(
            "eval",
            "{ok, _} = application:ensure_all_started(ssl),"
            " case erlang:function_exported(rabbit_networking, start_ssl_listener, 4) of"
            f" true -> rabbit_networking:start_ssl_listener({where}, {options}, 2, 1);"
            f" false -> rabbit_networking:start_ssl_listener({where}, {options}, 2) end.",
        )
        node.ensure_vhost("safe")
        yield found


SQLITE = pytest.mark.parametrize("toy", ["sqlite"], indirect=True)


@SQLITE
def test_events_go_through_a_broker_whose_own_authority_is_named_in_the_url(toy: Toy, safe: Safe) -> None:
    url = safe.url("safe", safe.signer.file)
    toy.environ["WENZHENG_BROKER_URL"] = toy.url = url
    toy.start()
    for start in range(0, 1000, 100):
        toy.throw(*(Ping(ball=f"t{n}") for n in range(start, start + 100)), Ping(ball=f"bad{start}", wish="park"))
    eventually(lambda: len(toy.balls()) == 1000 and set(toy.balls().values()) == {(1, 1)}, 60)
    # What failed goes by a connection of its own, which is as safe.
    eventually(lambda: len(toy.look("toy.pings")) == 10)
    assert toy.stop() == 0
    toy.start()
    toy.throw(Ping(ball="after"))
    eventually(lambda: toy.balls().get("after") == (1, 1))


@SQLITE
def test_a_broker_that_a_strange_authority_signed_ends_the_start_with_one_clear_line(toy: Toy, safe: Safe) -> None:
    toy.environ["WENZHENG_BROKER_URL"] = safe.url("safe", safe.stranger.file)
    toy.start(ready=False)
    assert toy.process is not None
    assert toy.process.wait(20) > 0
    toy.close()
    (line,) = [line for line in toy.log.read_text().splitlines() if line.startswith("toy: ")]
    assert "certificate" in line
    assert "name its CA" in line
    assert "Traceback" not in toy.log.read_text()


@pytest.mark.parametrize(("trusted", "host"), [("nobody", "127.0.0.1"), ("signer", "localhost")])
def test_a_certificate_of_nobody_known_or_for_another_host_is_refused(safe: Safe, trusted: str, host: str) -> None:
    ca = safe.signer.file if trusted == "signer" else None
    with pytest.raises(StartError, match=r"certificate .* is not accepted"):
        rabbit.connect(safe.url("safe", ca, host), "test")


def test_a_file_that_is_not_there_is_named(safe: Safe, tmp_path: Path) -> None:
    with pytest.raises(StartError, match=r"nothing\.pem cannot be read"):
        rabbit.connect(safe.url("safe", tmp_path / "nothing.pem"), "test")
