"""Tells the petition office of a hot topic: by the office's mail where there is one, else in the house's mailbox."""

from __future__ import annotations

from services.chassis.delivery import Delivery, Work
from services.contracts.alerts import TopicEmerging
from services.contracts.envelope import Text
from services.notify.domain import SENDER_OF, Manner, message_id, way_to_unit
from services.notify.models import BY_SENDER, Message, Unit
from services.notify.store import told_already
from services.notify.wording import topic_in_words


def tell_topic(delivery: Delivery[TopicEmerging], work: Work, manner: Manner) -> None:
    """Write one message, unless there is one for this event. What petitioners wrote leaves the house in no mail."""
    event, envelope = delivery.event, delivery.envelope
    if told_already(work, envelope.id, "unit"):
        return
    unit = work.get(Unit, manner.office) if manner.office else None
    way = way_to_unit(unit.mail if unit else None, sealed=False, manner=manner)
    name = Text(zh=unit.name_zh, en=unit.name_en) if unit else None
    language, subject, body = topic_in_words(event, name, manner, named=way.channel == "mailbox")
    work.add(
        BY_SENDER.get(SENDER_OF.get(way.channel, ""), Message)(
            id=message_id(envelope.id, "unit", way.channel),
            event_id=envelope.id,
            petition_id=event.topic_id,
            number="",
            occasion="topic",
            recipient="unit",
            channel=way.channel,
            language=language,
            unit_id=unit.id if unit else None,
            address=way.address,
            subject=subject,
            body=body,
            secret=None,
            traceparent=envelope.traceparent,
            created_at=work.now,
            delivery=way.state,
            problem=way.problem,
            settled_at=None if way.state == "pending" else work.now,
            attempts=0,
        )
    )
