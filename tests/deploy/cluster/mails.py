"""What the mail server was handed for a ledger's petitioners: how many mails, and how many of them twice."""

from __future__ import annotations

from collections import Counter

from tests.fault.ledger import Ledger
from tests.parts.mail import MailServer


def twice(server: MailServer, ledger: Ledger) -> tuple[int, int]:
    """Mails to the petitioners of a ledger, and how many of them came a second time (one text to one address)."""
    ours = {str(body["contact"]["mail"]) for body, _ in ledger.keys.values() if "mail" in body.get("contact", {})}
    count: Counter[tuple[str, str]] = Counter()
    for mail in list(server.received):
        for recipient in mail.recipients:
            if recipient in ours:
                count[recipient, f"{mail.message['Subject']}\n{mail.text}"] += 1
    return sum(count.values()), sum(times - 1 for times in count.values())
