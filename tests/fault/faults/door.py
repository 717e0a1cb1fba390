"""What comes through the front door: huge, slow, injected, compressed, too often: rows 12 and 20 to 23."""

from __future__ import annotations

import gzip
import json
import random
import socket
import threading
import time
import uuid
from html.parser import HTMLParser
from typing import Any

from tests.fault.cluster import Cluster
from tests.fault.ledger import MAIL_DOMAIN, Client
from tests.fault.processes import Failed, Process, until
from tests.fault.rows import NoSurface, Run, row
from tests.parts import free_port
from tests.parts.mail import MailServer

MIB = 1024 * 1024
#: A slow client must be cut after so many seconds.
CUT_S = 15.0


# ── 12 ───────────────────────────────────────────────────────────────────────────────────────────
class _Drip:
    """A client that sends one byte a second."""

    def __init__(self, port: int, *, body: bool) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=10)
        head = b"POST /api/petitions HTTP/1.1\r\nHost: slow\r\nContent-Type: application/json\r\n"
        self._socket.sendall(head + (b"Content-Length: 5000\r\n\r\n{" if body else b"X-Slow: "))
        self._socket.setblocking(False)
        self.begun = time.monotonic()
        #: When the house let go of it.
        self.cut: float | None = None

    def step(self) -> None:
        """One more byte."""
        if self.cut is not None:
            return
        try:
            self._socket.send(b" ")
            if self._socket.recv(4096) == b"":
                self.cut = time.monotonic() - self.begun
        except BlockingIOError:
            return
        except OSError:
            self.cut = time.monotonic() - self.begun

    def close(self) -> None:
        """Let go."""
        self._socket.close()


@row("12", "10 MB bodies and 200 connections that send a byte a second")
def huge_and_slow(run: Run) -> None:
    """413 before anything is kept; others hardly notice; the slow are cut."""
    cluster = run.cluster
    web = cluster.webs["intake"]
    ledger = run.ledger(min(run.rate, 60))
    run.load(ledger, 60, least=4)
    calm = time.monotonic()
    before = ledger.p95_asked(calm - 3, calm)
    memory = web.memory()
    run.phase("10 MB")
    client = Client(lambda: ("127.0.0.1", web.port))
    highest = memory
    huge = b'{"title":"' + b"x" * 10 * MIB + b'"}'
    for turn in range(run.times(100, 20)):
        chunked = turn % 2 == 1
        status = _post_chunked(web.port, huge) if chunked else client.send(
            "POST", "/api/petitions", huge, {"Content-Type": "application/json"})[0]  # fmt: skip
        # It may close the connection while we still send: what counts is that it does not take it.
        run.require(status in (413, 0), f"10 MB {'in chunks ' if chunked else ''}were answered with {status}")
        highest = max(highest, web.memory())
    grown = (highest - memory) / MIB
    run.require(grown < 20, f"10 MB bodies made intake grow by {grown:.0f} MiB")
    run.note(f"10 MB bodies: memory {memory // MIB} → {highest // MIB} MiB")
    run.phase("200 slow clients")
    begun = time.monotonic()
    drips = [_Drip(web.port, body=number % 2 == 0) for number in range(200)]
    while time.monotonic() - begun < CUT_S + 5 and any(drip.cut is None for drip in drips):
        for drip in drips:
            drip.step()
        time.sleep(1)
    for drip in drips:
        drip.close()
    kept = sum(drip.cut is None or drip.cut > CUT_S + 1 for drip in drips)
    ended = time.monotonic()
    run.require(not kept, f"{kept} of 200 slow connections were not cut within {CUT_S:g} s")
    run.balance(ledger)
    # By when they were asked: those that waited until the slow were gone count as well.
    during = ledger.p95_asked(begun, ended - 1)
    run.require(during < max(2 * before, 0.25), f"others waited {during:.2f} s (p95), {before:.2f} s before")
    run.note(f"p95 of others {before * 1000:.0f} → {during * 1000:.0f} ms")
    bad = [answer.status for answer in ledger.answers if answer.status != 201]
    run.require(not bad, f"others were answered with {sorted(set(bad))}, {len(bad)} times")


def _post_chunked(port: int, body: bytes) -> int:
    """Post without a length; the status, 0 when the connection was closed."""
    with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
        head = b"POST /api/petitions HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
        try:
            connection.sendall(head + b"Transfer-Encoding: chunked\r\n\r\n")
            for start in range(0, len(body), 65536):
                part = body[start : start + 65536]
                connection.sendall(f"{len(part):x}\r\n".encode() + part + b"\r\n")
            connection.sendall(b"0\r\n\r\n")
            answer = connection.recv(64)
        except OSError:
            return 0
    return int(answer.split()[1]) if answer.startswith(b"HTTP/1.1 ") else 0


# ── 20 ───────────────────────────────────────────────────────────────────────────────────────────
#: Further headers of a mail of ours.
_MAIL_HEADERS = ("content-transfer-encoding", "content-language", "auto-submitted", "precedence")
#: Attributes whose value is an address that may be run.
_ADDRESSES = ("href", "src", "action", "formaction", "data", "xlink:href")
#: Marks what must never become code.
MARK = "wzinjected"
#: What people write into fields to see what happens.
STRINGS = (
    "'; drop table petition; --",
    '" or 1=1 or "a"="a',
    "1) union select password_hash from account --",
    f"<script>{MARK}()</script>",
    f'"><img src=x onerror={MARK}()>',
    f"' onmouseover='{MARK}()",
    f"</textarea></title><svg onload={MARK}()>",
    f"javascript:{MARK}()",
    f"{{{{ {MARK}.__class__ }}}} {{% for x in {MARK} %}} ${{{MARK}}} #{{7*7}}",
    f'=cmd|"/c {MARK}"!A1',
    "+1+1", "-2+3", "@sum(1+1)",
    "%s%s%n %(message)s {0} {event}",
    "../../../../etc/passwd",
    "$(id) `id` ; id | id && id",
    '{"$gt": ""} {"query_string": {"query": "*"}} {"script": {"source": "1"}}',
    "*:* AND (a OR b)~2^4 [1 TO *] /.*.*.*x/ title:\"a\" !(a)",
    "*" * 60, "?" * 60, '"' * 61, "(" * 60, "\\" * 60,
    "a\r\nBcc: victim@example.com\r\nX-Injected: yes",
    '\n{"event": "forged", "level": "info"}',
    "line\u2028separator\u2029and\u0085next",
    "\u202eright to left\u202c \u200b\u200d\ufeff",
    "nul \x00 and escape \x1b[31m",
    "𝔘𝔫𝔦 ＜ｓｃｒｉｐｔ＞ ①②③ é é",
)  # fmt: skip


class _Code(HTMLParser):
    """Looks for our mark where it would be code: in a script, in an attribute that is run, as an address."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self._in_script = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._in_script = tag in ("script", "style")
        for name, value in attrs:
            text = (value or "").strip().lower()
            runs = name.startswith("on") or (name in _ADDRESSES and text.startswith("javascript:"))
            if MARK in name or (MARK in text and runs):
                self.found.append(f"{tag} {name}")

    def handle_endtag(self, tag: str) -> None:
        self._in_script = False

    def handle_data(self, data: str) -> None:
        if self._in_script and MARK in data:
            self.found.append("script")


@row("20", "injection in every field: SQL, scripts, templates, mail headers, queries, log lines")
def injected(run: Run) -> None:
    """Kept as it was typed, shown as text, found as words; no header, log line or query is made of it."""
    cluster = run.cluster
    notify, mail = cluster.workers["notify"], MailServer()
    mail.start()
    said = {process.name: process.said() for process in cluster.processes}
    try:
        notify.stop()
        notify.start(WENZHENG_SMTP_URL=mail.url)
        notify.ready()
        ledger = run.quiet_ledger()
        run.phase(f"{len(STRINGS)} strings in every field")
        receipts = _file_all(run, ledger)
        run.balance(ledger, unsent=True)
        _kept_verbatim(run, receipts)
        run.phase("pages")
        _shown_as_text(run, ledger.tag, receipts)
        run.phase("searching for them")
        _searched(run)
        run.phase("mails")
        until(lambda: len(mail.received) >= len(receipts), 60, "a mail for each petition", 0.5)
        allowed = {"from", "to", "subject", "date", "message-id", "mime-version", "content-type", *_MAIL_HEADERS}
        for one in mail.received:
            strange = {name.lower() for name in one.message} - allowed
            run.require(not strange, f"a mail has the headers {sorted(strange)}")
            run.require(len(one.recipients) == 1, f"a mail went to {len(one.recipients)} recipients")
        _log_lines(run, said)
        run.note(
            f"{len(receipts)} petitions, {len(mail.received)} mails; no CSV is written anywhere: nothing to inject"
        )
    finally:
        notify.stop()
        mail.stop()
        notify.start()
        notify.ready()


def _file_all(run: Run, ledger: Any) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """Each string in each field of a petition, then in a supplement and a withdrawal: (body, receipt)."""
    port = run.cluster.webs["intake"].port
    client, chance = Client(lambda: ("127.0.0.1", port)), random.Random(ledger.tag)
    receipts = []
    for turn, string in enumerate(STRINGS):
        mail = f"i{uuid.uuid4().hex[:12]}@{MAIL_DOMAIN}"
        body = ledger.petition(chance, "x") | {
            "title": f"{ledger.tag} {string}"[:100],
            "body": f"{ledger.tag} {string}",
            "place": {"text": string[:190], "adcode": string[:10]},
            "contact": {"name": string[:55], "mail": mail},
        }
        key = f"{ledger.tag}-{turn}"
        status, document, _ = client.post("/api/petitions", body, {"Idempotency-Key": key, "X-Request-Id": "a b"})
        if status == 422:
            # A field that has a form of its own is refused by name; the rest is filed.
            for field in {str(error["field"]) for error in document.get("errors", [document])}:
                body["place"] = {"text": string[:190]} if field.startswith("place") else body["place"]
                body["contact"] = {"mail": mail} if field.startswith("contact") or field == "name" else body["contact"]
            status, document, _ = client.post("/api/petitions", body, {"Idempotency-Key": key})
        if status != 201:
            run.require(False, f"string {turn}: {status} {document.get('code')} {document.get('field')}")
            continue
        ledger.note(key, body, document)
        receipts.append((body, document))
        code = {"Wenzheng-Query-Code": document["query_code"]}
        for path, field in (("supplements", "text"), ("withdrawal", "reason")):
            status, _, _ = client.post(f"/api/petitions/{document['number']}/{path}", {field: string}, code)
            run.require(status in (201, 422), f"string {turn} in {path} was answered with {status}")
    # Where no text belongs.
    for string in STRINGS:
        for body in (
            {"kind": string}, {"kind": "complaint", "title": string, "language": string},
            {"kind": "complaint", "contact": {"mail": string, "phone": string}}, {"publish": string}, string, [string],
        ):  # fmt: skip
            status, _, _ = client.post("/api/petitions", body)
            run.require(400 <= status < 500, f"a body of the wrong form was answered with {status}")
    client.close()
    return receipts


def _kept_verbatim(run: Run, receipts: list[tuple[dict[str, Any], dict[str, Any]]]) -> None:
    """What was typed is what is kept, but for control characters and the form of characters (NFC)."""
    rows = dict(run.cluster.rows("intake", "select id, body from petition"))
    for body, receipt in receipts:
        kept, typed = rows[receipt["petition_id"]], str(body["body"])
        plain = all(character.isprintable() and ord(character) < 0x2000 for character in typed)
        run.require(not plain or kept == typed.strip(), f"kept otherwise than typed: {typed[:40]!r}")
        run.require(bool(kept), "a body was kept empty")


def _shown_as_text(run: Run, tag: str, receipts: list[tuple[dict[str, Any], dict[str, Any]]]) -> None:
    cluster = run.cluster
    pages: list[tuple[str, str, dict[str, Any], str]] = [
        ("search", "/search", {"q": tag}, "supervisor"),
        ("routing", "/desk", {"queue": "all", "words": tag}, "supervisor"),
    ]
    pages += [("search", "/search", {"q": string}, "supervisor") for string in STRINGS if MARK in string]
    pages += [("routing", "/desk", {"words": string}, "supervisor") for string in STRINGS if MARK in string]
    pages += [("routing", f"/desk/{receipt['number']}", {}, "supervisor") for _, receipt in receipts]
    pages += [("intake", "/petitions/status", {"number": string}, "") for string in STRINGS if MARK in string]
    looked = 0
    for service, path, query, role in pages:
        answer = cluster.get(service, path, role, **query)
        run.require(answer.status_code < 500, f"{service}{path} answers {answer.status_code}")
        looker = _Code()
        looker.feed(answer.text)
        run.require(not looker.found, f"{service}{path}: our text became code: {looker.found[:3]}")
        looked += answer.status_code == 200
        if answer.status_code == 200 and "text/html" in answer.headers.get("Content-Type", ""):
            run.require(
                "script-src" in answer.headers.get("Content-Security-Policy", ""), f"{path} has no policy for scripts"
            )
    run.require(looked > len(receipts), f"only {looked} pages could be looked at")
    run.note(f"{looked} pages looked at")


def _searched(run: Run) -> None:
    slowest = 0.0
    for string in STRINGS:
        begun = time.monotonic()
        answer = run.cluster.get("search", "/api/search", "supervisor", q=string)
        slowest = max(slowest, time.monotonic() - begun)
        run.require(answer.status_code in (200, 400, 422), f"searching {string[:20]!r} answers {answer.status_code}")
    for name in ("kind", "unit", "state", "month", "sort", "page", "size", "unknown"):
        answer = run.cluster.get("search", "/api/search", "supervisor", **{name: "'; drop table petition_view; --"})
        run.require(answer.status_code < 500, f"a filter {name} answers {answer.status_code}")
    run.require(slowest < 3, f"a search took {slowest:.1f} s")
    run.note(f"slowest search {slowest * 1000:.0f} ms")


def _log_lines(run: Run, said: dict[str, int]) -> None:
    """Every line of every log is one JSON object of ours: no text of a petition made another."""
    for process in run.cluster.processes:
        for line in process.words(said.get(process.name, 0)).splitlines():
            if not line.startswith("{"):
                continue
            try:
                document = json.loads(line)
            except ValueError:
                run.require(False, f"a line of {process.name}'s log is no JSON")
                continue
            run.require(document.get("event") != "forged", f"a forged line is in {process.name}'s log")
            run.require(MARK not in line, f"what a citizen wrote is in {process.name}'s log")


# ── 21, 22, 23 ───────────────────────────────────────────────────────────────────────────────────
@row("21", "attachments: path traversal")
def traversal(run: Run) -> None:
    """There are no attachments yet."""
    raise NoSurface("there are no attachments yet")


@row("22", "zip bombs: a compressed HTTP body (the AMQP ones are in row 11; there are no attachments yet)")
def bombs(run: Run) -> None:
    """A compressed body is refused without being inflated."""
    cluster = run.cluster
    web = cluster.webs["intake"]
    client, before = Client(lambda: ("127.0.0.1", web.port)), web.memory()
    bomb = gzip.compress(b"[" + b" " * 500 * MIB + b"]", 9)
    for encoding in ("gzip", "x-gzip", "deflate", "br", "gzip, gzip"):
        for _ in range(3):
            status, _, _ = client.send(
                "POST", "/api/petitions", bomb, {"Content-Type": "application/json", "Content-Encoding": encoding}
            )
            run.require(status in (400, 413, 415), f"a body of {encoding} was answered with {status}")
    grown = (web.memory() - before) / MIB
    run.require(grown < 20, f"compressed bodies made intake grow by {grown:.0f} MiB")
    run.note(f"500 MiB in {len(bomb) // 1024} KiB: memory grew by {grown:.0f} MiB")
    run.result.verdict = "in part"
    run.note("no surface for 42.zip, nested archives and images: there are no attachments yet")


def _limited(cluster: Cluster, name: str) -> Process:
    """A web process of intake that takes 60 petitions a minute from one address."""
    port = free_port()
    environ = cluster.environ | {"WENZHENG_PORT": str(port), "WENZHENG_FILING_PER_MINUTE": "60"}
    return Process("intake", "web", environ, port, cluster.folder / f"intake-web-{name}.log")


@row("23", "rate limit: one address 1,000 times a minute, a thousand addresses once, spoofed addresses")
def flooded(run: Run) -> None:
    """429 with Retry-After for the one, 201 for everybody else; a header or another web process changes nothing."""
    cluster = run.cluster
    web = cluster.webs["intake"]
    limited, other = (_limited(cluster, name) for name in ("limited", "other"))
    port = limited.port
    ledger = run.quiet_ledger()
    limited.start()
    try:
        limited.ready()
        flood = Client(lambda: ("127.0.0.1", port))
        statuses: list[int] = []
        missing = 0
        begun = time.monotonic()
        for turn in range(run.times(1000, 300)):
            key, body = f"{ledger.tag}-flood-{turn}", ledger.petition(run.chance, f"flood-{turn}")
            spoof = {"X-Forwarded-For": f"10.{turn % 250}.0.1"} if turn % 2 else {}
            status, document, headers = flood.post("/api/petitions", body, {"Idempotency-Key": key, **spoof})
            statuses.append(status)
            if status == 201:
                ledger.note(key, body, document)
            missing += status == 429 and not headers.get("retry-after", "").isdigit()
        took = time.monotonic() - begun
        taken = statuses.count(201)
        run.require(set(statuses) == {201, 429}, f"the flood was answered with {sorted(set(statuses))}")
        run.require(not missing, f"{missing} answers of 429 without Retry-After")
        run.require(taken <= 60 + 2 * took + 60, f"{taken} of the flood were taken in {took:.0f} s at 60 a minute")
        run.phase("a thousand addresses")
        answers = _from_many(run, ledger, port, run.times(1000, 200))
        run.require(set(answers) == {201}, f"other addresses were answered with {sorted(set(answers))}")
        run.balance(ledger)
        run.note(f"{taken} of {len(statuses)} taken from one address, spoofed X-Forwarded-For in every second")
        run.phase("another process")
        limited.stop()
        other.start()
        other.ready()
        flood, asked = Client(lambda: ("127.0.0.1", other.port)), []
        for turn in range(int(time.monotonic() - begun - took) + 40):
            key, body = f"{ledger.tag}-again-{turn}", ledger.petition(run.chance, f"again-{turn}")
            status, document, _ = flood.post("/api/petitions", body, {"Idempotency-Key": key})
            asked.append(status)
            if status == 201:
                ledger.note(key, body, document)
        away = time.monotonic() - begun - took
        again = f"{asked.count(201)} of {len(asked)}"
        run.require(asked.count(201) <= away + 2, f"a new process took {again} from the address after {away:.0f} s")
        run.note(f"a web process started afterwards took {again}: no more than {away:.0f} s give back")
        run.balance(ledger)
    finally:
        limited.stop()
        other.stop()
    if web.ask("/livez") != 200:
        raise Failed("intake's other web process does not live")


def _from_many(run: Run, ledger: Any, port: int, number: int) -> list[int]:
    """One petition from each of many addresses of the loopback."""
    answers: list[int] = []
    lock = threading.Lock()
    work = [(n, ledger.petition(run.chance, f"many-{n}")) for n in range(number)]

    def file(part: list[tuple[int, dict[str, Any]]]) -> None:
        for n, body in part:
            client = Client(lambda: ("127.0.0.1", port), source=f"127.1.{n // 250}.{n % 250 + 1}")
            key = f"{ledger.tag}-many-{n}"
            status, document, _ = client.post("/api/petitions", body, {"Idempotency-Key": key})
            client.close()
            with lock:
                answers.append(status)
            if status == 201:
                ledger.note(key, body, document)

    threads = [threading.Thread(target=file, args=(work[n::4],)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers
