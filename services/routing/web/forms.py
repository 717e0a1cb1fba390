"""The forms of sign-in and desk."""

from __future__ import annotations

from typing import Any

from wtforms import HiddenField, PasswordField, RadioField, SelectField, StringField, TextAreaField
from wtforms.validators import InputRequired, Optional, ValidationError

from services.chassis.web import HouseForm, l, t
from services.routing.domain.cases import MIN_REPLY
from services.routing.handlers.desk import Target


class SignInForm(HouseForm):
    """Account and password."""

    account = StringField(l("Account"), [InputRequired(l("Enter your account."))])
    password = PasswordField(l("Password"), [InputRequired(l("Enter your password."))])
    next = HiddenField()


class StepForm(HouseForm):
    """Base of a step on a case; ``version`` is the one that was on the screen."""

    version = HiddenField()

    def target(self, number: str) -> Target:
        """The case as it was seen."""
        seen = str(self.version.data or "")
        return Target(number, int(seen) if seen.isdigit() else -1)

    def refuse(self, field: str, message: str) -> None:
        """Show a refusal at its field, or above the form."""
        found: Any = self._fields.get(field)
        if found is None:
            self.form_errors.append(message)
        else:
            found.errors = [*found.errors, message]


class DispatchForm(StepForm):
    """Send to a unit."""

    unit = SelectField(l("Unit"), [InputRequired(l("Choose a unit."))])
    reason = TextAreaField(l("Reason"))


class AcceptForm(StepForm):
    """Accept."""


class AcknowledgeForm(StepForm):
    """Take note of a danger."""


class ObjectionForm(StepForm):
    """Hand back."""

    reason = TextAreaField(l("Why it is not for your unit"), [InputRequired(l("Give a reason."))])


class MergeForm(StepForm):
    """Join another case."""

    into = StringField(l("Number of the other case"), [InputRequired(l("Enter the number of the other case."))])


class UnmergeForm(StepForm):
    """Take out again."""

    reason = TextAreaField(l("Why it is another matter"), [InputRequired(l("Give a reason."))])


class ReplyForm(StepForm):
    """Answer the petitioner."""

    outcome = RadioField(l("Outcome"), [InputRequired(l("Choose an outcome."))])
    text = TextAreaField(l("Reply"), [InputRequired(l("Write the reply."))])
    basis = TextAreaField(l("Laws and rules it rests on"), [Optional()])

    def validate_text(self, field: Any) -> None:
        """Say that it is too short together with what else is missing, not one after the other."""
        if len((field.data or "").strip()) < MIN_REPLY:
            message = "The reply is too short: write at least %(limit)s characters that answer the petition."
            raise ValidationError(t(message, limit=MIN_REPLY))
