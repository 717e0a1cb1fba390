"""One turn of each sender loop: claim a page, send it outside of any transaction, mark it and say so."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, TypeVar

from sqlalchemy.exc import DBAPIError

from services.chassis.database import is_transient
from services.chassis.delivery import Work
from services.chassis.house import House
from services.chassis.portals import Portal
from services.chassis.sender_rows import Failed, failed, sent
from services.chassis.telemetry import log
from services.contracts.envelope import Event
from services.contracts.registry import PORTAL_EVENTS
from services.notify import handlers, store
from services.notify.channels import Away, Mail, Mailer, SmtpServer
from services.notify.domain import CODE_MARK
from services.notify.models import Correspondence, MailMessage, Message, PortalNote
from services.notify.settings import Settings, portals_of

#: A page stops here (s), well before its lease of ``store.LEASE_S`` ends; the rest goes back to the queue.
BUDGET_S: Final = 240.0
#: Why the rest of such a page went back.
SLOW: Final = "page_took_too_long"
#: How long messages wait when the other side is away (s); no attempt is counted.
AWAY_S: Final = 30
#: Waits before marking is tried again (s): what was sent must not be forgotten for a busy database.
MARKING_S: Final = (0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0)

M = TypeVar("M", bound=Message)
#: Hands one message over; raises Failed or Away.
Hand = Callable[[M], None]
#: ``portal, event id, event, time, traceparent``; raises Failed (chassis.portal_link.PortalOut).
Publish = Callable[[Portal, str, Event, datetime, str | None], None]


@dataclass(frozen=True)
class _Later:
    """Not sent, and not the message's fault."""

    code: str


def send_mail(house: House[Settings]) -> int:
    """Send a page of mails; without a mail server they go to the local mailbox. Returns how many were settled."""
    rows = _claimed(house, MailMessage)
    if not rows:
        return 0
    url = house.settings.smtp_url.get_secret_value()
    if not url:
        # They were written while there was a mail server.
        return _mark(house, rows, {row.id: None for row in rows}, to_mailbox=True)
    server = SmtpServer(url, house.settings.mail_from, house.settings.smtp_timeout_s)
    with Mailer(server) as mailer:

        def hand(row: MailMessage) -> None:
            body = row.body.replace(CODE_MARK, row.secret) if row.secret else row.body
            mailer.send(Mail(row.id, row.address, row.language, row.subject, body, row.created_at))

        outcomes = _hand_over(rows, hand)
    return _mark(house, rows, outcomes)


def send_to_portals(house: House[Settings], publish: Publish) -> int:
    """Publish a page of updates into the portals' own virtual hosts. Returns how many were settled."""
    rows = _claimed(house, PortalNote)
    if not rows:
        return 0
    portals = portals_of(house.settings)

    def hand(row: PortalNote) -> None:
        portal = portals.get(row.address)
        if portal is None:
            raise Failed("unknown_portal", permanent=True)
        event = PORTAL_EVENTS.decode("portal.petition.updated.v1", row.body.encode())
        try:
            publish(portal, row.id, event, row.created_at, row.traceparent)
        except Failed as failure:
            if failure.code == "broker_away":
                raise Away(failure.code) from None
            # Its event id makes a repeat recognisable, so that a doubtful one is simply published again.
            raise Failed(failure.code, permanent=failure.permanent) from None

    return _mark(house, rows, _hand_over(rows, hand))


def _claimed(house: House[Settings], model: type[M]) -> Sequence[M]:
    """A page of due messages, claimed and committed; first the claims of dead senders are settled."""
    now = house.clock.now()
    with house.database.read() as session:
        if not store.anything_due(session, model, now):
            return ()
    with house.work() as work:
        dead = store.dead_claims(work.session, model, work.now)
        if dead:
            _settle_dead(dead, work, house)
        return store.take(work.session, model, work.now)


def _settle_dead(dead: Sequence[Message], work: Work, house: House[Settings]) -> None:
    store.lock_correspondence(work, dead)
    for row in dead:
        if isinstance(row, PortalNote):
            store.give_back(row, "sender_died", work.now)
        else:
            _settle(row, Failed("sender_died", ambiguous=True), work, house)
    work.session.flush()


def _hand_over(rows: Sequence[M], hand: Hand[M]) -> dict[str, Failed | _Later | None]:
    """Hand the page over, one by one. Once the other side is away, or time is up, the rest comes later."""
    outcomes: dict[str, Failed | _Later | None] = {}
    started, later = time.monotonic(), None
    for row in rows:
        if later is None and time.monotonic() - started > BUDGET_S:
            later = _Later(SLOW)
        if later is not None:
            outcomes[row.id] = later
            continue
        try:
            hand(row)
            outcomes[row.id] = None
        except Failed as failure:
            outcomes[row.id] = failure
        except Away as away:
            later = outcomes[row.id] = _Later(away.code)
    return outcomes


def _mark(
    house: House[Settings],
    rows: Sequence[M],
    outcomes: Mapping[str, Failed | _Later | None],
    to_mailbox: bool = False,
) -> int:
    """Mark a page in one transaction, with its notice events; a busy database is waited for."""
    for pause in (*MARKING_S, None):
        try:
            return _mark_once(house, rows, outcomes, to_mailbox)
        except DBAPIError as error:
            if pause is None or not is_transient(error):
                raise
            time.sleep(pause)
    raise AssertionError("unreachable: the last turn returns or raises")


def _mark_once(
    house: House[Settings], rows: Sequence[M], outcomes: Mapping[str, Failed | _Later | None], to_mailbox: bool
) -> int:
    settled, away = 0, ""
    with house.work() as work:
        later = work.now + timedelta(seconds=AWAY_S)
        store.lock_correspondence(work, rows)
        for row in store.taken(work.session, rows).values():
            outcome = outcomes[row.id]
            if isinstance(outcome, _Later):
                away = outcome.code
                store.give_back(row, away, work.now if away == SLOW else later)
                continue
            if to_mailbox:
                row.channel = "mailbox"
            _settle(row, outcome, work, house)
            settled += 1
        if away and away != SLOW:
            store.hold(work.session, type(rows[0]), away, work.now, later)
    if away:
        log(house.service).warning("messages wait", sender=rows[0].sender, code=away)
    return settled


def _settle(row: Message, outcome: Failed | None, work: Work, house: House[Settings]) -> None:
    """Mark one message and, if that ends it, say so in the house."""
    if outcome is None:
        sent(row, work.now)
        row.secret = None
        code = ""
    else:
        failed(row, outcome, work.now)
        if row.delivery == "pending":
            return
        code = "ambiguous" if outcome.ambiguous else "permanent" if outcome.permanent else "attempts_used_up"
        house.metrics.count("sends_failed", sender=f"notify.{row.sender}", code=code)
        log(house.service).warning("message not delivered", notice_id=row.id, code=outcome.code, state=row.delivery)
    petition = work.get(Correspondence, row.petition_id)
    if petition is None:
        raise LookupError("a message without its correspondence")
    handlers.announce(row, petition, work, code)


def send_again(house: House[Settings], message_id: str) -> str | None:
    """Put a failed or ambiguous message back into the queue.

    Returns:
        None when that was done, else a stable code: ``no_such_message``, ``not_failed`` or ``no_sender``.
    """
    with house.work() as work:
        row = work.get(Message, message_id)
        if row is None:
            return "no_such_message"
        if row.delivery not in ("failed", "ambiguous"):
            return "not_failed"
        if not row.sender:
            return "no_sender"
        row.delivery, row.attempts, row.settled_at = "pending", 0, None
        row.next_try, row.problem, row.claim = None, None, None
        return None
