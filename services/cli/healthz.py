"""`wenzheng-healthz`: exit code 0 when the process of this container is ready, 1 when not; a probe of one single word.

Takes no arguments, since some engines hand a probe's words over wrongly. Only the standard library and a bare socket:
a probe runs every few seconds, and loading an HTTP client would cost more than the question.
"""

from __future__ import annotations

import os
import socket
import sys

#: How long the process may take to answer (s); probes commonly give up after 5.
PATIENCE_S = 4.0
#: Of what is answered, so much is read and shown (bytes).
SHOWN = 2000


def setting(name: str, default: str) -> str:
    """A setting as the process itself reads it: the one of its service wins over the one for all.

    Args:
        name: without prefix, for example ``PORT``.
        default: when it is not set.
    """
    # Not pathlib: importing it takes half as long as all the rest.
    services = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    for service in sorted(os.listdir(services)):
        own = os.environ.get(f"WENZHENG_{service.upper()}_{name}")
        if own:
            return own
    return os.environ.get(f"WENZHENG_{name}") or default


def address() -> str:
    """The address to ask: the one that is listened on, or this machine's own when that is every address."""
    host = setting("HOST", "127.0.0.1")
    return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - compared, not listened on


def ask(host: str, port: int) -> tuple[bool, str] | None:
    """Ask one port whether it is ready.

    Returns:
        (ready, what was answered); None when nobody listens there.
    """
    try:
        with socket.create_connection((host, port), PATIENCE_S) as connection:
            connection.sendall(f"GET /readyz HTTP/1.0\r\nHost: {host}\r\n\r\n".encode("ascii"))
            answer = b""
            while len(answer) < SHOWN and (more := connection.recv(SHOWN)):
                answer += more
    except ConnectionRefusedError:
        return None
    except OSError as error:
        return False, str(error)
    head, _, body = answer.decode("utf-8", "replace").partition("\r\n\r\n")
    words = head.split("\r\n", 1)[0].split(" ", 2)
    ready = len(words) > 1 and words[0].startswith("HTTP/") and words[1] == "200"
    return ready, " ".join((" ".join(words[1:]), *body.split())).strip() or "an empty answer"


def ports() -> list[int]:
    """Ports on which a process of ours may answer: of the worker, of the web role.

    Raises:
        ValueError: a setting is no port.
    """
    found = []
    for name, default in (("WORKER_PORT", "0"), ("PORT", "8080")):
        text = setting(name, default)
        if not (text.isascii() and text.isdigit() and int(text) <= 65535):
            raise ValueError(f"WENZHENG_{name} is no port: {text!r}")
        if int(text):
            found.append(int(text))
    return found


def run() -> int:
    """Ask; returns the exit code and says on standard output what was answered."""
    host = address()
    try:
        asked = ports()
    except ValueError as error:
        print(error)
        return 1
    # A container runs one role, so one of the ports answers. Where both do, both have to be ready.
    answers = {port: answer for port in asked if (answer := ask(host, port)) is not None}
    if not answers:
        print(f"nobody listens on {host}, port {' or '.join(map(str, asked))}")
        return 1
    for port, (_, text) in answers.items():
        print(f"{port}: {text}")
    return 0 if all(ready for ready, _ in answers.values()) else 1


def main() -> None:
    """Entry point of the command."""
    sys.exit(run())


if __name__ == "__main__":
    main()
