"""The private RabbitMQ node: found or started, on the loopback only, stopped with the process that started it."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote, urlsplit

import amqp
import psutil
import pytest

from services.chassis.broker_node import BrokerNode, start_node

pytestmark = pytest.mark.broker


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BrokerNode]:
    with start_node(tmp_path_factory.mktemp("node") / "broker") as started:
        yield started


def _open(node: BrokerNode, vhost: str, user: str = "", password: str = "") -> amqp.Connection:
    url = urlsplit(node.url_of(vhost, user, password))
    who = unquote(url.username or ""), unquote(url.password or "")
    opened = amqp.Connection(f"{url.hostname}:{url.port}", *who, virtual_host=vhost)
    opened.connect()
    return opened


def test_nothing_of_the_node_listens_beyond_this_machine(node: BrokerNode) -> None:
    listening = {at.laddr for at in psutil.Process(node.pid).net_connections("inet") if at.status == "LISTEN"}
    assert {at.ip for at in listening} <= {"127.0.0.1", "::ffff:127.0.0.1"}
    assert node.port in {at.port for at in listening}


def test_the_password_is_readable_by_its_owner_alone_and_guest_does_not_exist(node: BrokerNode) -> None:
    for name in ("node.json", "rabbitmq.conf"):
        assert (node.folder / name).stat().st_mode & 0o077 == 0
    with pytest.raises(amqp.AccessRefused):
        _open(node, "wenzheng", "guest", "guest")


def test_a_second_process_attaches_and_leaves_the_node_running(node: BrokerNode) -> None:
    code = (
        "import sys; from pathlib import Path; from services.chassis.broker_node import start_node\n"
        "with start_node(Path(sys.argv[1])) as node: print(node.ours, node.amqp_url)"
    )
    done = subprocess.run([sys.executable, "-c", code, node.folder], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", node.amqp_url]
    _open(node, "wenzheng").close()


def test_a_user_has_the_rights_it_was_given_and_no_others(node: BrokerNode) -> None:
    node.ensure_user("portal", "its pass/word", "portal", configure="", write="^house$", read="^answers$")
    with _open(node, "portal") as admin:
        admin.channel().exchange_declare("house", "topic", auto_delete=False)
    with _open(node, "portal", "portal", "its pass/word") as theirs:
        theirs.channel().basic_publish(amqp.Message("x"), exchange="house", routing_key="a")
        with pytest.raises(amqp.AccessRefused):
            theirs.channel().queue_declare("mine")
    with pytest.raises(amqp.NotAllowed):
        _open(node, "wenzheng", "portal", "its pass/word")
    node.delete_vhost("portal")
    with pytest.raises(amqp.AMQPError):
        _open(node, "portal")


def test_after_a_crash_it_comes_back_on_the_same_port_with_its_messages(node: BrokerNode) -> None:
    with _open(node, "wenzheng") as opened:
        channel = opened.channel()
        channel.confirm_select()
        channel.queue_declare("kept", durable=True, auto_delete=False, arguments={"x-queue-type": "quorum"})
        channel.basic_publish_confirm(amqp.Message("still here", delivery_mode=2), routing_key="kept")
    url = node.amqp_url
    time.sleep(1)  # the server writes the name of a new queue to disk only after half a second
    node.kill()
    node.restart()
    assert node.amqp_url == url
    with _open(node, "wenzheng") as opened:
        message = opened.channel().basic_get("kept", no_ack=True)
    assert message is not None
    assert message.body == "still here"


def test_a_node_whose_owner_was_killed_is_taken_over_and_stopped(tmp_path: Path) -> None:
    code = (
        "import os, sys; from pathlib import Path; from services.chassis.broker_node import start_node\n"
        "start_node(Path(sys.argv[1])); os.kill(os.getpid(), 9)"
    )
    subprocess.run([sys.executable, "-c", code, tmp_path / "broker"], check=False)
    with start_node(tmp_path / "broker") as node:
        assert node.ours
        server = psutil.Process(node.pid)
    server.wait(10)
    (tmp_path / "broker" / "pid").write_text("1\n")  # a stale pid file that names somebody else's process
    with start_node(tmp_path / "broker") as node:
        _open(node, "wenzheng").close()


def test_it_stops_at_once_for_a_process_that_blocks_signals(tmp_path: Path) -> None:
    code = (
        "import signal, sys, time; from pathlib import Path; from services.chassis.broker_node import start_node\n"
        "signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGINT})\n"
        "node = start_node(Path(sys.argv[1])); begun = time.monotonic(); node.stop()\n"
        "print(time.monotonic() - begun)"
    )
    done = subprocess.run([sys.executable, "-c", code, tmp_path], capture_output=True, text=True, check=True)
    assert float(done.stdout) < 15
