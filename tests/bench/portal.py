"""Petitions per second that a portal hands over in signed batches of 500, and by the batch address of the API."""

from __future__ import annotations

import json
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import yaml
from standardwebhooks import Webhook

from tests.bench.load import Connection
from tests.bench.parts import clean
from tests.bench.report import Report
from tests.house import ROOT, free_port, petition, portal_event, secret, until

#: Petitions in a batch (the most that is taken), batches in a round, connections that send them.
BATCH, BATCHES, CLIENTS, ROUNDS = 500, 24, 4, 5


def run(report: Report) -> None:
    """Intake's web role alone, as a portal sees it."""
    from tests.bench.http import answers

    with tempfile.TemporaryDirectory() as name:
        folder, port, key = Path(name), free_port(), secret()
        portals = [{"id": "bench", "name": "Bench", "webhook_secrets": [key]}]
        (folder / "portals.yaml").write_text(yaml.safe_dump({"portals": portals}), encoding="utf-8")
        web = subprocess.Popen(
            [sys.executable, "-m", "services.cli.main", "run", "intake", "--role", "web"],
            cwd=ROOT,
            env=clean(
                WENZHENG_DATA_FOLDER=str(folder),
                WENZHENG_PORT=str(port),
                WENZHENG_PORTALS_FILE=str(folder / "portals.yaml"),
                WENZHENG_LOG_LEVEL="WARNING",
                WENZHENG_FILING_PER_MINUTE="10000000",
            ),
        )
        try:
            until(partial(answers, port), 60)
            rates: dict[str, list[float]] = {"portal_batch": [], "api_batch": []}
            for turn in range(report.rounds_of(ROUNDS) + 1):
                batches = report.few(BATCHES) if turn else CLIENTS
                for kind, make in (("portal_batch", partial(_webhook, port, key)), ("api_batch", partial(_api, port))):
                    found = _rate(port, [make() for _ in range(batches)])
                    # The first round only warms up.
                    if turn:
                        rates[kind].append(found)
                        report.say(f"portal {turn}: {kind} {found:7,.0f} petitions/s")
        finally:
            web.send_signal(signal.SIGTERM)
            web.wait(40)
    report.rounds |= {f"{kind}_per_s": values for kind, values in rates.items()}
    report.figures |= {f"{kind}_petitions_per_s": statistics.median(values) for kind, values in rates.items()}


def _webhook(port: int, key: str) -> bytes:
    body = json.dumps([portal_event(uuid.uuid4().hex) for _ in range(BATCH)], ensure_ascii=False)
    message_id, now = f"msg_{uuid.uuid4().hex}", datetime.now(UTC)
    headers = {
        "Content-Type": "application/cloudevents-batch+json",
        "webhook-id": message_id,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": Webhook(key).sign(message_id, now, body),
    }
    return _request(port, "/portals/bench", body.encode(), headers)


def _api(port: int) -> bytes:
    body = json.dumps({"petitions": [petition() for _ in range(BATCH)]}, ensure_ascii=False).encode()
    headers = {"Content-Type": "application/json", "Idempotency-Key": str(uuid.uuid4())}
    return _request(port, "/api/petitions/batch", body, headers)


def _request(port: int, path: str, body: bytes, headers: dict[str, Any]) -> bytes:
    lines = [f"POST {path} HTTP/1.1", f"Host: 127.0.0.1:{port}", f"Content-Length: {len(body)}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def _rate(port: int, prepared: list[bytes]) -> float:
    """Petitions per second when every client sends one batch after the other; each must be taken whole."""
    number, failed = len(prepared) * BATCH, []
    lock = threading.Lock()

    def client() -> None:
        connection = Connection(port)
        while True:
            with lock:
                request = prepared.pop() if prepared else None
            if request is None:
                return
            status, body = connection.ask(request)
            if status != 201:
                failed.append((status, body[:300]))

    threads = [threading.Thread(target=client) for _ in range(CLIENTS)]
    started = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failed, failed[0]
    return number / (time.monotonic() - started)
