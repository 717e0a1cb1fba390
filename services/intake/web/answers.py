"""Answered petitions like the one somebody is about to file, read from search. The form works without them."""

from __future__ import annotations

import http.client
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Final
from urllib.parse import urlsplit

import msgspec

from services.chassis.errors import Refusal
from services.chassis.telemetry import log
from services.chassis.web import RateLimit
from services.contracts.envelope import Text
from services.intake.settings import Settings

#: For the whole question, from connecting to the last byte of the answer (s).
LIMIT_S: Final = 0.3
#: Looks of one client in a minute; whoever looks more often sees nothing and files as ever.
PER_MINUTE: Final = 30
#: Questions under way at once; more wait, and give up like those that are answered late.
AT_ONCE: Final = 4
#: Largest answer that is read (bytes).
MOST_BYTES: Final = 64_000
#: How many are shown.
MOST: Final = 5


class Answered(msgspec.Struct, frozen=True):
    """An answered petition that everybody may read."""

    title: str
    unit: Text
    #: Path of its page.
    url: str
    replied_at: datetime
    kind: str = ""
    outcome: str = ""


class _Told(msgspec.Struct, frozen=True):
    answers: list[Answered]


class Answers:
    """Asks search for answered petitions.

    Args:
        settings: of intake.
    """

    def __init__(self, settings: Settings) -> None:
        self._base = settings.answers_url
        self._limit = RateLimit(PER_MINUTE, PER_MINUTE)
        self._aside = ThreadPoolExecutor(max_workers=AT_ONCE, thread_name_prefix="answers")

    @property
    def offered(self) -> bool:
        """There is somebody to ask."""
        return bool(self._base)

    def like(self, title: str, client: str) -> Sequence[Answered] | None:
        """Answered petitions that everybody may read, found by a title.

        Args:
            title: what somebody is about to file.
            client: who asks, for the limit.

        Returns:
            Up to five; None when search did not answer in time, whatever the reason.
        """
        if not self.offered:
            return None
        if not title.strip():
            return []
        until = time.monotonic() + LIMIT_S
        try:
            self._limit.check(client)
            # In a thread of its own: nothing else bounds an answer whose head drips, or a name server that is silent.
            body = self._aside.submit(self._ask, title, until).result(LIMIT_S)
            return msgspec.json.decode(body, type=_Told).answers[:MOST] if body is not None else None
        except (Refusal, http.client.HTTPException, OSError, TimeoutError, msgspec.MsgspecError) as error:
            log("intake").info("no answers beside the form", reason=type(error).__name__)
            return None

    def _ask(self, title: str, until: float) -> bytes | None:
        # http.client: a client library would stay loaded in every web process for this one question.
        where = urlsplit(self._base)
        kind = http.client.HTTPSConnection if where.scheme == "https" else http.client.HTTPConnection
        link = kind(where.netloc, timeout=LIMIT_S)
        try:
            question = msgspec.json.encode({"title": title})
            link.request("POST", f"{where.path}/api/search/answers", question, {"Content-Type": "application/json"})
            answer = link.getresponse()
            body = b""
            # The time-out is for one read; what drips is cut off here.
            while piece := answer.read1(8_192):
                body += piece
                if time.monotonic() > until or len(body) > MOST_BYTES:
                    return None
            return body if answer.status == 200 else None
        finally:
            link.close()
