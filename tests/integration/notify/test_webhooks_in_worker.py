"""In a worker, where everything shares one thread: a portal that hangs holds up nobody, and the deadline holds."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.parts.webhooks import WebhookServer

ROOT = Path(__file__).resolve().parents[3]
SCRIPT = """
import services.chassis.green  # first of all, as in a worker
import json, sys, time
from datetime import UTC, datetime
import eventlet
from services.chassis.webhook_out import Doubtful, Unreachable, WebhookOut

ticks = []
def tick():
    while True:
        ticks.append(time.monotonic())
        eventlet.sleep(0.02)
eventlet.spawn(tick)
eventlet.sleep(0)
began = time.monotonic()
try:
    out = WebhookOut(allow_http=True, allow_private=True, total_s=2.0)
    said = out.post(sys.argv[1], b"{}", {"Content-Type": "application/json"}, datetime.now(UTC)).status
except (Doubtful, Unreachable) as error:
    said = error.code
print(json.dumps({"said": said, "took": time.monotonic() - began, "ticks": len(ticks)}))
"""


def post(url: str) -> dict[str, object]:
    done = subprocess.run([sys.executable, "-c", SCRIPT, url], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr[-500:]
    found: dict[str, object] = json.loads(done.stdout)
    return found


@pytest.mark.parametrize("how", ["hang", "drip"])
def test_a_portal_that_hangs_is_cut_off_in_time_while_all_else_goes_on(webhook_server: WebhookServer, how: str) -> None:
    webhook_server.answers = [how]
    found = post(webhook_server.url)
    assert found["said"] == "webhook_timeout"
    assert isinstance(found["took"], float) and 1.5 < found["took"] < 10
    assert isinstance(found["ticks"], int) and found["ticks"] > 20, "nobody else moved meanwhile"


def test_an_answer_and_a_broken_handshake_are_told_apart(webhook_server: WebhookServer) -> None:
    assert post(webhook_server.url)["said"] == 204
    assert post(webhook_server.url.replace("http:", "https:"))["said"] == "webhook_tls"
