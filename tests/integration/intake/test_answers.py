"""Answered petitions beside the form: shown where search answers in time; the form works without them."""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from sqlalchemy import func, select

from services.chassis.house import House
from services.chassis.settings import load
from services.intake.models import Petition
from services.intake.settings import Settings
from services.intake.web import create_app
from services.intake.web.answers import MOST, PER_MINUTE, Answers

FIELDS = {"kind": "complaint", "title": "路灯不亮", "body": "橡园里路灯坏了三天，请修。", "phone": "13800130117"}
ANSWER = {
    "title": "橡园里路灯<b>不亮</b>",
    "kind": "complaint",
    "unit": {"zh": "城市管理局", "en": "Urban Management"},
    "outcome": "supported",
    "replied_at": "2026-02-03T01:00:00+00:00",
    "url": "/search/answers/p1",
}


@dataclass
class Searching:
    """What the stand-in of search does, and what it was asked."""

    url: str = ""
    answers: list[dict[str, Any]] = field(default_factory=lambda: [ANSWER])
    status: int = 200
    body: bytes | None = None
    wait_s: float = 0.0
    drip_s: float = 0.0
    #: Interim answers before the answer, one every 50 ms.
    head_lines: int = 0
    asked: list[dict[str, Any]] = field(default_factory=list)


@pytest.fixture
def search() -> Iterator[Searching]:
    """A server that answers as search does, or worse."""
    doing = Searching()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked = self.rfile.read(int(self.headers["Content-Length"]))
            for _ in range(doing.head_lines):
                self.wfile.write(b"HTTP/1.1 100 Continue\r\n\r\n")
                time.sleep(0.05)
            doing.asked.append({"path": self.path, "cookie": self.headers["Cookie"], **json.loads(asked)})
            time.sleep(doing.wait_s)
            body = doing.body if doing.body is not None else json.dumps({"answers": doing.answers}).encode()
            try:
                self.send_response(doing.status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                for piece in [body] if not doing.drip_s else [body[at : at + 1] for at in range(len(body))]:
                    self.wfile.write(piece)
                    self.wfile.flush()
                    time.sleep(doing.drip_s)
            except OSError:
                return

        def log_message(self, *args: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    doing.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield doing
    server.shutdown()
    server.server_close()


@pytest.fixture
def house(house: House[Settings], search: Searching) -> House[Settings]:
    return with_answers(house, search.url)


def with_answers(house: House[Settings], url: str) -> House[Settings]:
    """The same house that reads answers from another address, or from none."""
    return replace(house, settings=house.settings.model_copy(update={"answers_url": url}))


def count(house: House[Settings]) -> int:
    with house.database.read() as session:
        return session.scalar(select(func.count()).select_from(Petition)) or 0


def test_a_look_shows_answered_petitions_and_files_nothing(
    house: House[Settings], search: Searching, post_form: Callable[..., Any]
) -> None:
    page = post_form("/petitions/new", {**FIELDS, "look": "1"})
    text = page.get_data(as_text=True)
    assert page.status_code == 200 and count(house) == 0
    assert 'href="/search/answers/p1"' in text and "橡园里路灯&lt;b&gt;不亮&lt;/b&gt;" in text
    assert "2026年2月3日" in text
    # What was typed is still there, and search learns the title alone.
    assert FIELDS["body"] in text and FIELDS["phone"] in text
    assert search.asked == [{"path": "/api/search/answers", "cookie": None, "title": "路灯不亮"}]


def test_a_look_finds_no_fault_with_what_is_not_finished(post_form: Callable[..., Any], search: Searching) -> None:
    page = post_form("/petitions/new", {"title": "路灯不亮", "look": "1"})
    assert page.status_code == 200 and "aria-invalid" not in page.get_data(as_text=True)
    assert post_form("/petitions/new", {"look": "1"}).status_code == 200
    assert len(search.asked) == 1


def test_a_look_without_the_forms_token_is_refused(client: Any, search: Searching) -> None:
    assert client.post("/petitions/new", data={"title": "路灯不亮", "look": "1"}).status_code == 400
    assert search.asked == []


def test_after_a_look_the_same_form_files_once(
    house: House[Settings], client: Any, post_form: Callable[..., Any], search: Searching
) -> None:
    page = post_form("/petitions/new", {**FIELDS, "look": "1"}).get_data(as_text=True)
    hidden = dict(re.findall(r'name="(csrf_token)" value="([^"]*)"', page))
    form_id = re.search(r'<input id="form_id" name="form_id" type="hidden" value="([^"]*)">', page)
    assert form_id is not None
    filed = client.post("/petitions/new", data={**FIELDS, **hidden, "form_id": form_id[1]})
    assert (filed.status_code, count(house)) == (303, 1)


@pytest.mark.parametrize(
    "ill",
    [
        {"status": 503},
        {"status": 404},
        {"body": b"<html>"},
        {"body": b'{"answers": [{"title": 7}]}'},
        {"wait_s": 1.0},
        {"drip_s": 0.05},
        {"head_lines": 40},
    ],
    ids=["503", "404", "no JSON", "other JSON", "slow", "body drips", "head drips"],
)
def test_the_form_comes_without_answers_within_half_a_second(
    ill: dict[str, Any], search: Searching, post_form: Callable[..., Any]
) -> None:
    for name, value in ill.items():
        setattr(search, name, value)
    post_form("/petitions/new", {"look": "1"})
    started = time.monotonic()
    page = post_form("/petitions/new", {**FIELDS, "look": "1"})
    assert time.monotonic() - started < 0.5
    text = page.get_data(as_text=True)
    assert page.status_code == 200 and 'class="answered"' not in text and FIELDS["body"] in text


def test_where_nobody_can_be_asked_no_button_is_shown(house: House[Settings]) -> None:
    assert 'name="look"' in create_app(house).test_client().get("/petitions/new").text
    assert 'name="look"' not in create_app(with_answers(house, "")).test_client().get("/petitions/new").text


def test_nobody_there_is_no_answer() -> None:
    settings = load(Settings, "intake", {}, answers_url="http://127.0.0.1:9")
    assert Answers(settings).like("路灯不亮", "c") is None


def test_never_more_than_five_and_only_so_often(search: Searching) -> None:
    search.answers = [ANSWER] * 9
    answers = Answers(load(Settings, "intake", {}, answers_url=search.url))
    assert len(answers.like("路灯不亮", "c") or []) == MOST
    looks = [answers.like("路灯不亮", "c") for _ in range(PER_MINUTE + 5)]
    assert looks[-1] is None and answers.like("路灯不亮", "d") is not None
