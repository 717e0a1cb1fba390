"""`helm test`: files a petition through the front door, finds it by search, takes it back.

Runs in routing's image. Makes an account for itself, with a password that nobody else knows, and revokes it at the end.
"""

import json
import os
import secrets
import subprocess
import sys
import time
import urllib.error
import urllib.request
import uuid

ACCOUNT = "helm-test"
TIMEOUT_S = 10.0
DEADLINE = time.monotonic() + float(os.environ["TEST_SECONDS"])
#: The front door, or the path table with a Service for each prefix.
DOOR = os.environ.get("TEST_URL", "").rstrip("/")
HOST = os.environ.get("TEST_HOST", "")
PATHS = json.loads(os.environ["TEST_PATHS"])


def address(path):
    """Where a path is asked for: at the door, else at the Service whose prefix fits best."""
    if DOOR:
        return DOOR + path
    fits = [
        (len(prefix), service)
        for service, prefixes in PATHS.items()
        for prefix in prefixes
        if prefix == "/" or path == prefix or path.startswith((prefix + "/", prefix + "?"))
    ]
    return f"http://{max(fits)[1]}:8080{path}"


def ask(path, body=None, **headers):
    """(status, document) of one request; a status of 0 says that nobody answered."""
    request = urllib.request.Request(address(path), method="GET" if body is None else "POST")
    if HOST:
        request.add_header("Host", HOST)
    for name, value in headers.items():
        request.add_header(name.replace("_", "-"), value)
    if body is not None:
        request.add_header("Content-Type", "application/json")
        request.data = json.dumps(body).encode()
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT_S) as answer:
            return answer.status, json.loads(answer.read() or b"{}")
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode(errors="replace")[:500]
    except (OSError, ValueError) as error:
        return 0, f"{type(error).__name__}: {error}"


def until(what, path, good, body=None, **headers):
    """Ask until the answer is good; end the test with the last answer when the time is up."""
    while True:
        status, document = ask(path, body, **headers)
        if status in (200, 201) and good(document):
            print(f"{what}: done", flush=True)
            return document
        if time.monotonic() > DEADLINE:
            sys.exit(f"{what}: {address(path)} answered {status} {document}")
        time.sleep(1)


def staff(*arguments, text=""):
    """Run one of routing's own commands on accounts."""
    done = subprocess.run(["wenzheng", "staff", *arguments], input=text, text=True, capture_output=True, check=False)
    if done.returncode:
        sys.exit(f"wenzheng staff {arguments[0]}: {(done.stderr or done.stdout).strip()}")


def run():
    """File, find, take back."""
    password = secrets.token_urlsafe(24)
    staff("add", ACCOUNT, "--name", "helm test", "--role", "dispatcher", "--password-stdin", text=password + "\n")
    try:
        marker = "helmtest" + secrets.token_hex(6)
        petition = {
            "kind": "inquiry",
            "title": f"部署自检 {marker}",
            "body": f"部署自检，请勿办理。This petition was filed by helm test and is taken back at once. {marker}",
            "contact": {"mail": "helm-test@example.org"},
        }
        filed = until(
            "filed through the front door",
            "/api/petitions",
            lambda found: found["number"],
            petition,
            Idempotency_Key=str(uuid.uuid4()),
        )
        signed = until(
            "signed in", "/sign-in/token", lambda found: found["token"], {"id": ACCOUNT, "password": password}
        )
        bearer = f"Bearer {signed['token']}"
        until(
            "found by search",
            f"/api/search?q={marker}",
            lambda found: any(hit["number"] == filed["number"] for hit in found["hits"]),
            Authorization=bearer,
        )
        until(
            "taken back",
            f"/api/petitions/{filed['number']}/withdrawal",
            lambda found: True,
            {"reason": "helm test"},
            Wenzheng_Query_Code=filed["query_code"],
        )
    finally:
        staff("revoke", ACCOUNT)


if __name__ == "__main__":
    run()
