"""The use cases of intake: file, add, withdraw, rate, look at a contact, answer a portal, follow the case."""

from services.intake.handlers.contacts import see_contact
from services.intake.handlers.filing import Receipt, file
from services.intake.handlers.petitioner import rate, supplement, withdraw
from services.intake.handlers.portal import Refused, answer_event, take_portal
from services.intake.handlers.progress import ON_CASE, ON_PROGRESS

__all__ = [
    "ON_CASE",
    "ON_PROGRESS",
    "Receipt",
    "Refused",
    "answer_event",
    "file",
    "rate",
    "see_contact",
    "supplement",
    "take_portal",
    "withdraw",
]
