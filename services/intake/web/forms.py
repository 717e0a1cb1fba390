"""The forms of intake."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any, Final
from uuid import uuid4

from wtforms import (
    BooleanField,
    DateField,
    Form,
    HiddenField,
    RadioField,
    SelectField,
    StringField,
    TextAreaField,
)
from wtforms.fields import EmailField, TelField
from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined]  # newer than the stubs
from wtforms.validators import Optional

from services.chassis.errors import Refusal
from services.chassis.web import HouseForm, l, pick, t
from services.contracts.shared import KINDS, Place
from services.contracts.words import CHANNEL_NAMES, KIND_NAMES, name_of
from services.intake.areas import depth
from services.intake.domain.petition import CLERK_CHANNELS, Problem
from services.intake.reading import Handed
from services.intake.web.desk import desk

#: Name of a form's field by the field that a problem names.
_FIELDS: Final = {
    "place.text": "place",
    "place.adcode": "adcode",
    "place.lat": "place",
    "contact": "phone",
    "contact.name": "name",
    "contact.phone": "phone",
    "contact.mail": "mail",
}

#: One line for each kind, under its name.
KIND_HINTS: Final = {
    "complaint": l("Something or somebody has done you harm or failed a duty, and you want it put right."),
    "report": l("You tell of something that is wrong, for yourself or for all: a broken road, a danger, a nuisance."),
    "inquiry": l("You want to know how something works or what the rule is."),
    "suggestion": l("You have an idea how something could be done better."),
}


class Needed:
    """Marks a field that must be filled; whether it was is checked with everything else."""

    field_flags = {"required": True}  # noqa: RUF012 - WTForms reads it so

    def __call__(self, form: Form, field: Any) -> None:
        """Nothing to do here."""


class _Kept(HouseForm):
    """A form that knows it was sent twice: its hidden id is the idempotency key."""

    form_id = HiddenField()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not self.form_id.data:
            self.form_id.data = uuid4().hex

    @property
    def key(self) -> str:
        """The id of this very form."""
        return str(self.form_id.data)[:64]

    def blame(self, problems: Iterable[Problem]) -> None:
        """Show each problem at its field."""
        for problem in problems:
            field = self[_FIELDS.get(problem.field, problem.field)]
            field.errors = [*field.errors, t(problem.message, **problem.values)]

    def refuse(self, refusal: Refusal, field: str = "") -> None:
        """Show a refusal at its field."""
        at = self[field or refusal.field]
        at.errors = [*at.errors, t(refusal.message, **refusal.values)]


class ReportForm(_Kept):
    """A report on a person 检举控告: no kind, contact only if wished."""

    title = StringField(l("Title"), [Needed()])
    body = TextAreaField(l("What do you report?"), [Needed()])
    place = StringField(l("Where"), [Optional()])
    name = StringField(l("Your name"), [Optional()])
    phone = TelField(l("Phone"), [Optional()])
    mail = EmailField(l("Mail"), [Optional()])

    def handed(self) -> Handed:
        """What was typed."""
        return Handed(
            title=self.title.data or "",
            body=self.body.data or "",
            place=Place(text=self.place.data or ""),
            name=self.name.data or "",
            phone=self.phone.data or "",
            mail=self.mail.data or "",
            sealed=True,
        )


class PetitionForm(_Kept):
    """A petition."""

    kind = RadioField(l("What is it?"), [Needed()], validate_choice=False)
    title = StringField(l("Title"), [Needed()])
    body = TextAreaField(l("What happened, and what do you ask for?"), [Needed()])
    place = StringField(l("Where"), [Optional()])
    adcode = SelectField(l("Area"), [Optional()], validate_choice=False)
    name = StringField(l("Your name"), [Optional()])
    phone = TelField(l("Phone"))
    mail = EmailField(l("Mail"))
    publish = BooleanField(l("Petition and reply may be published, without anything that names me"))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.kind.choices = [SelectChoice(kind, pick(name_of(KIND_NAMES, kind))) for kind in KINDS]
        areas = desk().areas
        indented = [SelectChoice(area.id, "\u3000" * depth(area, areas) + pick(area.name)) for area in areas]
        self.adcode.choices = [SelectChoice("", t("Not said")), *indented]

    def handed(self) -> Handed:
        """What was typed."""
        return Handed(
            kind=self.kind.data or "",
            title=self.title.data or "",
            body=self.body.data or "",
            place=Place(text=self.place.data or "", adcode=self.adcode.data or None),
            name=self.name.data or "",
            phone=self.phone.data or "",
            mail=self.mail.data or "",
            publish=bool(self.publish.data),
        )


class EntryForm(PetitionForm):
    """A petition that a clerk writes down: a call, a letter, a visit (来电 来信 来访)."""

    channel = RadioField(l("How did it come?"), [Needed()], validate_choice=False)
    name = StringField(l("Name"), [Optional()])
    phone = TelField(l("Phone"), [Optional()])
    mail = EmailField(l("Mail"), [Optional()])
    received = DateField(l("Received on"), [Needed()])
    sealed = BooleanField(l("It is a report on a person (sealed)"))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.channel.choices = [
            SelectChoice(channel, pick(name_of(CHANNEL_NAMES, channel))) for channel in CLERK_CHANNELS
        ]

    def handed(self) -> Handed:
        """What was typed."""
        return replace(super().handed(), sealed=bool(self.sealed.data))


class StatusForm(HouseForm):
    """Number and query code."""

    number = StringField(l("Receipt number"), [Needed()])
    code = StringField(l("Query code"), [Needed()])


class SupplementForm(HouseForm):
    """Something to add."""

    text = TextAreaField(l("What do you want to add?"), [Needed()])


class WithdrawForm(HouseForm):
    """Taking the petition back."""

    reason = StringField(l("Why?"), [Optional()])


class RatingForm(HouseForm):
    """Rating of the reply."""

    solved = RadioField(
        l("Is the matter solved?"),
        choices=[
            SelectChoice("yes", l("Yes")),
            SelectChoice("no", l("No")),
            SelectChoice("unsaid", l("I cannot say yet")),
        ],
        default="unsaid",
        validate_choice=False,
    )
    satisfaction = RadioField(
        l("How satisfied are you with the reply?"),
        [Needed()],
        choices=[
            SelectChoice("5", l("5 – very satisfied")),
            SelectChoice("4", l("4 – satisfied")),
            SelectChoice("3", l("3 – neither nor")),
            SelectChoice("2", l("2 – dissatisfied")),
            SelectChoice("1", l("1 – very dissatisfied")),
        ],
        validate_choice=False,
    )
    comment = TextAreaField(l("What would you like to say about it?"), [Optional()])


class ReasonForm(HouseForm):
    """Why somebody needs a contact."""

    reason = StringField(l("Why do you need it?"), [Needed()])
