"""The sender loops against a real SMTP server: sent, refused, later, in doubt; and the portals' side."""

from __future__ import annotations

import asyncio
import email
import email.policy
import socket
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import timedelta

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from services.chassis.breaker import WAITS
from services.chassis.database import Database
from services.chassis.portal_out import Outgoing
from services.chassis.portals import Portal
from services.chassis.sender_rows import LADDER, Away, Failed, claim
from services.chassis.sending import Sending
from services.contracts.envelope import Event
from services.contracts.portals import PortalPetitionUpdated
from services.notify import sending
from services.notify.channels import Mail, Mailer
from services.notify.domain import CODE_MARK
from services.notify.models import MailMessage
from tests.integration.notify.conftest import OpenStreet
from tests.integration.notify.street import Case, Street, unit_changed


class _OnAnyPort(Controller):
    """Takes a free port; the controller itself would look for its server at port 0."""

    def _trigger_server(self) -> None:
        assert isinstance(self.server, asyncio.Server)
        self.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()  # type: ignore[no-untyped-call]


class PostOffice:
    """A mail server that does as it is told, and remembers what it took."""

    def __init__(self) -> None:
        self.taken: list[email.message.EmailMessage] = []
        self.sessions: set[int] = set()
        #: Answer to RCPT by address.
        self.refuses: dict[str, str] = {}
        #: Addresses for which the connection is cut after the whole mail was read.
        self.dies_on: set[str] = set()
        self.controller = _OnAnyPort(self, hostname="127.0.0.1", port=0, server_hostname="post.example")

    # what aiosmtpd calls
    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        self.sessions.add(id(session))
        if address in self.refuses:
            return self.refuses[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        assert isinstance(envelope.content, bytes)
        if self.dies_on & set(envelope.rcpt_tos):
            assert isinstance(server.transport, asyncio.Transport)
            server.transport.abort()
            return "250 never heard"
        message = email.message_from_bytes(envelope.content, policy=email.policy.default)
        assert isinstance(message, email.message.EmailMessage)
        self.taken.append(message)
        return "250 OK"

    @property
    def url(self) -> str:
        return f"smtp://127.0.0.1:{self.controller.port}"


@pytest.fixture
def post() -> Iterator[PostOffice]:
    office = PostOffice()
    office.controller.start()
    yield office
    office.controller.stop()


@pytest.fixture
def street(open_street: OpenStreet, post: PostOffice) -> Street:
    return open_street(smtp_url=post.url, mail_from="Petition Office <office@chenghu.example>", site_name="澄湖县问政")


def file(street: Street, *names: str) -> None:
    for name in names:
        case = Case(name)
        street.tell(case.submitted(), case.contact(mail=f"{name}@example.org"))


def states(street: Street) -> dict[str, tuple[str, str | None]]:
    return {m.address.partition("@")[0]: (m.delivery, m.problem) for m in street.messages(recipient="citizen")}


def failures(street: Street) -> list[tuple[str, str]]:
    return [(n["number"], n["code"]) for n in street.notices() if n["type"] == "notice.failed.v1"]


def at_each_send(loop: Sending[MailMessage], act: Callable[[], object]) -> None:
    """Do something whenever the server has taken a mail that is not marked yet."""
    noted = loop._noted

    def act_first(row: MailMessage, line: str, failure: Failed | None) -> Failed | None:
        if failure is None:
            act()
        return noted(row, line, failure)

    loop._noted = act_first  # type: ignore[method-assign]


def test_the_receipt_arrives_with_number_code_and_headers(street: Street, post: PostOffice) -> None:
    file(street, "p1")
    assert sending.mails(street.house).run() == 1
    (mail,) = post.taken
    (message,) = street.messages()
    assert message.delivery == "sent" and message.settled_at == street.clock.now()
    assert mail["To"] == "p1@example.org"
    assert mail["From"] == "Petition Office <office@chenghu.example>"
    assert mail["Subject"] == "【澄湖县问政】诉求已登记（回执编号 WZ-26-p1）"
    assert mail["Message-ID"] == f"<{message.id}@chenghu.example>"
    assert mail["Auto-Submitted"] == "auto-generated"
    text = mail.get_content()
    assert "查询码：K7PM-2XQ4" in text and CODE_MARK not in text
    assert "https://wz.example/petitions/status?number=WZ-26-p1" in text


def test_after_the_mail_went_out_the_code_is_nowhere_in_the_database(street: Street, post: PostOffice) -> None:
    file(street, "p1")
    sending.mails(street.house).run()
    (message,) = street.messages()
    assert message.secret is None and "K7PM" not in message.body


def test_what_was_sent_is_said_in_the_house_once(street: Street, post: PostOffice) -> None:
    file(street, "p1")
    sending.mails(street.house).run()
    assert sending.mails(street.house).run() == 0
    (notice,) = street.notices()
    assert (notice["type"], notice["channel"], notice["occasion"]) == ("notice.delivered.v1", "mail", "received")
    assert len(post.taken) == 1


def test_a_page_goes_over_one_connection(street: Street, post: PostOffice) -> None:
    file(street, *[f"p{index}" for index in range(12)])
    assert sending.mails(street.house).run() == 12
    assert len(post.taken) == 12 and len(post.sessions) == 1


def test_a_permanent_refusal_fails_that_message_alone(street: Street, post: PostOffice) -> None:
    file(street, "p1", "p2", "p3")
    post.refuses["p2@example.org"] = "550 no such mailbox"
    sending.mails(street.house).run()
    assert states(street) == {"p1": ("sent", None), "p2": ("failed", "smtp_550"), "p3": ("sent", None)}
    assert failures(street) == [("WZ-26-p2", "permanent")]


def test_a_temporary_refusal_is_tried_again_after_its_wait(street: Street, post: PostOffice) -> None:
    file(street, "p1")
    post.refuses["p1@example.org"] = "451 greylisted"
    sending.mails(street.house).run()
    assert states(street) == {"p1": ("pending", "smtp_451")}
    assert failures(street) == []
    post.refuses.clear()
    assert sending.mails(street.house).run() == 0
    street.clock.move(timedelta(seconds=LADDER[0] + 1))
    assert sending.mails(street.house).run() == 1
    assert states(street) == {"p1": ("sent", None)}


def test_temporary_refusals_come_to_an_end(street: Street, post: PostOffice) -> None:
    file(street, "p1")
    post.refuses["p1@example.org"] = "451 not now"
    for wait in (0, *LADDER):
        street.clock.move(timedelta(seconds=wait + 1))
        sending.mails(street.house).run()
    assert states(street) == {"p1": ("failed", "smtp_451")}
    assert failures(street) == [("WZ-26-p1", "attempts_used_up")]


def test_a_connection_killed_after_the_text_leaves_the_message_in_doubt(street: Street, post: PostOffice) -> None:
    file(street, "p1")
    street.clock.move(timedelta(seconds=1))
    file(street, "p2")
    post.dies_on.add("p1@example.org")
    loop = sending.mails(street.house)
    loop.run()
    assert states(street) == {"p1": ("ambiguous", "smtp_no_answer"), "p2": ("pending", None)}, "nor does it go on so"
    assert failures(street) == [("WZ-26-p1", "ambiguous")]
    time.sleep(WAITS[0])
    assert loop.run() == 1
    assert states(street)["p2"] == ("sent", None)
    street.clock.move(timedelta(days=1))
    assert sending.mails(street.house).run() == 0, "a message in doubt is never repeated blindly"


def test_a_connection_killed_before_the_text_counts_as_a_failed_try(open_street: OpenStreet) -> None:
    with _server(b"220 hi\r\n", b"250 hello\r\n", b"") as port:
        street = open_street(smtp_url=f"smtp://127.0.0.1:{port}")
        file(street, "p1")
        sending.mails(street.house).run()
    assert states(street) == {"p1": ("pending", "smtp_connection_lost")}


def test_while_the_server_is_away_messages_wait_and_no_attempt_is_counted(open_street: OpenStreet) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        street = open_street(smtp_url=f"smtp://127.0.0.1:{closed.getsockname()[1]}")
    file(street, *[f"p{index}" for index in range(45)])
    for _ in range(20):
        assert sending.mails(street.house).run() == 0
        street.clock.move(timedelta(minutes=10))
    rows = street.messages()
    assert {(m.delivery, m.attempts) for m in rows} == {("pending", 0)}
    assert "smtp_unreachable" in {m.problem for m in rows}, "the page says why they wait"


def test_a_server_that_refuses_our_sender_fails_no_message(open_street: OpenStreet) -> None:
    with _server(b"220 hi\r\n", b"250 hello\r\n", b"553 sender not allowed\r\n") as port:
        street = open_street(smtp_url=f"smtp://127.0.0.1:{port}")
        file(street, "p1", "p2")
        sending.mails(street.house).run()
    assert {state for state, _ in states(street).values()} == {"pending"}


def test_an_address_with_a_line_break_never_reaches_the_server(street: Street, post: PostOffice) -> None:
    case = Case("p1")
    street.tell(case.submitted(), case.contact(mail="a@example.org\r\nBcc: all@example.org"))
    sending.mails(street.house).run()
    (message,) = street.messages()
    assert (message.delivery, message.problem) == ("failed", "bad_address")
    assert post.taken == []


def test_a_line_that_is_a_dot_does_not_end_the_mail(street: Street, post: PostOffice) -> None:
    case = Case("p1")
    street.tell(case.submitted(), case.contact(language="en"))
    with street.house.work() as work:
        message = work.get(MailMessage, street.messages()[0].id)
        assert message is not None
        message.body = "before\n.\nafter\n"
    sending.mails(street.house).run()
    assert post.taken[0].get_content().replace("\r\n", "\n") == "before\n.\nafter\n"


def test_a_claim_whose_sender_died_is_in_doubt(street: Street, post: PostOffice) -> None:
    file(street, "p1")
    with street.house.work() as work:
        claim(work.session, MailMessage, 10, work.now, lease_s=200)
    assert sending.mails(street.house).run() == 0
    street.clock.move(timedelta(seconds=201))
    sending.mails(street.house).run()
    assert states(street) == {"p1": ("ambiguous", "sender_died")}
    assert failures(street) == [("WZ-26-p1", "ambiguous")]
    assert post.taken == []


def test_a_message_in_doubt_is_sent_again_when_a_person_says_so(street: Street, post: PostOffice) -> None:
    file(street, "p1")
    post.dies_on.add("p1@example.org")
    sending.mails(street.house).run()
    post.dies_on.clear()
    message = street.messages()[0]
    assert sending.send_again(street.house, message.id) is None
    assert sending.mails(street.house).run() == 1
    assert states(street) == {"p1": ("sent", None)}
    assert "K7PM-2XQ4" in post.taken[0].get_content()
    assert post.taken[0]["Message-ID"] == f"<{message.id}@localhost>" or message.id in post.taken[0]["Message-ID"]


def test_only_failed_messages_are_sent_again(street: Street, post: PostOffice) -> None:
    file(street, "p1")
    sending.mails(street.house).run()
    assert sending.send_again(street.house, street.messages()[0].id) == "not_failed"
    assert sending.send_again(street.house, "nothing") == "no_such_message"
    street.tell(Case("p2", portal="gone").submitted(contact=False))
    assert sending.send_again(street.house, street.messages(number="WZ-26-p2")[0].id) is None


def test_mail_left_over_from_a_server_that_is_gone_goes_to_the_mailbox(open_street: OpenStreet) -> None:
    before = open_street(smtp_url="smtp://127.0.0.1:1")
    file(before, "p1")
    after = open_street()
    assert sending.mails(after.house).run() == 1
    (message,) = after.messages()
    assert (message.channel, message.delivery, message.secret) == ("mailbox", "sent", None)
    assert after.notices()[-1]["channel"] == "mailbox"


def test_two_loops_send_every_message_once(street: Street, post: PostOffice) -> None:
    file(street, *[f"p{index}" for index in range(30)])
    loops = [threading.Thread(target=sending.mails(street.house).run) for _ in range(2)]
    for loop in loops:
        loop.start()
    for loop in loops:
        loop.join()
    assert sorted(m["To"] for m in post.taken) == sorted(f"p{index}@example.org" for index in range(30))
    assert len(street.notices()) == 30


def test_a_loop_that_is_to_end_gives_the_rest_of_its_page_back_unharmed(street: Street, post: PostOffice) -> None:
    file(street, "p1", "p2", "p3")
    loop = sending.mails(street.house)
    loop.stopping = lambda: bool(post.taken)
    assert loop.run() == 1
    assert sorted((m.delivery, m.attempts) for m in street.messages()) == [("pending", 0)] * 2 + [("sent", 0)]
    assert sending.mails(street.house).run() == 2


@pytest.mark.postgres
def test_two_workers_on_postgresql_send_every_message_once_though_a_third_dies(
    open_street: OpenStreet, post: PostOffice, postgres_database: str
) -> None:
    street = open_street(smtp_url=post.url, database_url=postgres_database)
    file(street, *[f"p{index}" for index in range(70)])
    third = sending.mails(street.house)

    def dies() -> None:
        raise Killed

    at_each_send(third, dies)
    with pytest.raises(Killed):
        third.run()
    workers = [threading.Thread(target=sending.mails(street.house).run) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    sent_to = [m["To"] for m in post.taken]
    assert len(sent_to) == len(set(sent_to)) == 51
    street.clock.move(timedelta(hours=1))
    sending.mails(street.house).run()
    found = [state for state, _ in states(street).values()]
    assert (found.count("sent"), found.count("ambiguous")) == (50, 20)
    assert len(post.taken) == 51


class Killed(BaseException):
    """The process ends here."""


def test_a_sender_that_dies_leaves_a_page_in_doubt_at_most_and_no_mail_goes_out_twice(
    street: Street, post: PostOffice
) -> None:
    file(street, *[f"p{index}" for index in range(25)])
    loop = sending.mails(street.house)

    def dies() -> None:
        if len(post.taken) == 7:
            raise Killed

    at_each_send(loop, dies)
    with pytest.raises(Killed):
        loop.run()
    sending.mails(street.house).run()
    street.clock.move(timedelta(hours=1))
    sending.mails(street.house).run()
    found = [state for state, _ in states(street).values()]
    assert (found.count("ambiguous"), found.count("sent")) == (20, 5)
    sent_to = [m["To"] for m in post.taken]
    assert len(sent_to) == len(set(sent_to)) == 12
    assert len(failures(street)) == 20, "what is in doubt is told in the house"
    read = street.house.metrics.registry.get_sample_value
    assert read("wenzheng_sends_ambiguous_total", {"sender": "notify.mail"}) == 20
    assert read("wenzheng_sends_done_total", {"sender": "notify.mail"}) == 5


def test_a_mistake_of_ours_in_one_hand_over_leaves_the_neighbours_alone(
    street: Street, post: PostOffice, monkeypatch: pytest.MonkeyPatch
) -> None:
    file(street, "p1", "p2", "p3")
    real = Mailer.send

    def send(self: Mailer, mail: Mail) -> None:
        if mail.to.startswith("p2"):
            raise RuntimeError("nobody thought of this")
        real(self, mail)

    monkeypatch.setattr(Mailer, "send", send)
    sending.mails(street.house).run()
    assert states(street) == {"p1": ("sent", None), "p2": ("ambiguous", "sender_failed"), "p3": ("sent", None)}


def test_a_slow_page_keeps_its_claim(street: Street, post: PostOffice) -> None:
    file(street, "p1", "p2", "p3", "p4")
    loop = sending.mails(street.house)
    # So long could each hand-over take that every one needs the claim anew.
    loop._channel.longest_s = 10_000.0

    def slowly() -> None:
        street.clock.move(timedelta(seconds=100))
        sending.mails(street.house).run()

    at_each_send(loop, slowly)
    loop.run()
    assert {state for state, _ in states(street).values()} == {"sent"}
    assert len(post.taken) == 4


def test_what_was_sent_is_marked_once_the_database_is_free_again(street: Street, post: PostOffice) -> None:
    file(street, "p1")
    hasty = Database(str(street.house.database.url), patient=False)
    loop = sending.mails(replace(street.house, database=hasty))
    other = sqlite3.connect(street.house.database.url.database or "", isolation_level=None, check_same_thread=False)

    def others_write() -> None:
        other.execute("BEGIN IMMEDIATE")
        threading.Timer(1.0, other.execute, ["COMMIT"]).start()

    at_each_send(loop, others_write)
    assert loop.run() == 1
    assert states(street) == {"p1": ("sent", None)}
    hasty.close()
    other.close()


def test_size_and_age_of_what_waits_can_be_read(street: Street, post: PostOffice) -> None:
    file(street, "p1", "p2")
    street.clock.move(timedelta(seconds=40))
    post.refuses = {"p1@example.org": "451 later", "p2@example.org": "451 later"}
    sending.mails(street.house).run()
    read = street.house.metrics.registry.get_sample_value
    assert read("wenzheng_sender_size", {"sender": "notify.mail"}) == 2
    assert read("wenzheng_sender_age_seconds", {"sender": "notify.mail"}) == 40
    assert read("wenzheng_sends_retried_total", {"sender": "notify.mail", "code": "smtp_451"}) == 2


# ── portals ─────────────────────────────────────────────────────────────────────────────────────────


class Letterbox:
    """Stands where the broker would be: takes what is published, or fails as told."""

    def __init__(self) -> None:
        self.taken: list[tuple[str, str, Event]] = []
        self.fails: list[Failed | Away] = []

    def publish(self, portal: Portal, outgoing: Sequence[Outgoing]) -> dict[str, Failed | None]:
        failure = self.fails.pop(0) if self.fails else None
        if isinstance(failure, Away):
            raise failure
        for one in outgoing:
            assert one.traceparent is not None and one.time.tzinfo is not None
            if failure is None:
                self.taken.append((portal.id, one.id, one.event))
        return dict.fromkeys((one.id for one in outgoing), failure)

    def close(self) -> None:
        """Nothing is held open."""


def test_a_portal_gets_each_update_once_under_its_reference(street: Street) -> None:
    case = Case("p1", portal="river")
    street.tell(unit_changed(), case.submitted(contact=False), case.dispatched())
    box = Letterbox()
    assert sending.portal_notes(street.house, box).run() == 2
    assert sending.portal_notes(street.house, box).run() == 0
    updates = [event for _, _, event in box.taken]
    assert all(isinstance(event, PortalPetitionUpdated) and event.reference == "R-p1" for event in updates)
    assert {event.occasion for event in updates} == {"received", "dispatched"}  # type: ignore[attr-defined]
    assert {event_id for _, event_id, _ in box.taken} == {m.id for m in street.messages(recipient="portal")}
    assert [n["recipient"] for n in street.notices()].count("portal") == 2


def test_a_broker_that_is_away_costs_no_attempt(street: Street) -> None:
    street.tell(Case("p1", portal="river").submitted(contact=False))
    box = Letterbox()
    for _ in range(20):
        box.fails = [Away("broker_away")]
        assert sending.portal_notes(street.house, box).run() == 0
        street.clock.move(timedelta(minutes=10))
    assert sending.portal_notes(street.house, Letterbox()).run() == 1


def test_a_doubtful_update_is_published_again_since_its_id_tells_the_repeat(street: Street) -> None:
    street.tell(Case("p1", portal="river").submitted(contact=False))
    box = Letterbox()
    box.fails = [Failed("nack", ambiguous=True)]
    sending.portal_notes(street.house, box).run()
    street.clock.move(timedelta(seconds=LADDER[0] + 1))
    assert sending.portal_notes(street.house, box).run() == 1


# ── a server of few words ───────────────────────────────────────────────────────────────────────────


class _server:  # noqa: N801 - reads as a function
    """Says one line per line it hears, then hangs up at an empty one; answers every connection alike."""

    def __init__(self, *lines: bytes) -> None:
        self._lines = lines

    def __enter__(self) -> int:
        self._socket = socket.create_server(("127.0.0.1", 0))
        threading.Thread(target=self._run, daemon=True).start()
        port: int = self._socket.getsockname()[1]
        return port

    def _run(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            with connection:
                for line in self._lines:
                    if not line:
                        break
                    connection.sendall(line)
                    connection.recv(4096)

    def __exit__(self, *error: object) -> None:
        self._socket.close()
