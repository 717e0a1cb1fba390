"""Forms whose built-in messages speak the reader's language."""

from __future__ import annotations

from typing import Any

from flask_wtf import FlaskForm

from services.chassis.web.i18n import t, tn


class _Messages:
    """WTForms' own messages through the catalogue of the house."""

    def gettext(self, string: str) -> str:
        return t(string)

    def ngettext(self, singular: str, plural: str, n: int) -> str:
        # WTForms fills the placeholders itself.
        return tn(singular, plural, n, fill=False)


_MESSAGES = _Messages()


class HouseForm(FlaskForm):  # type: ignore[misc]
    """Base of every form: CSRF token and translated messages."""

    class Meta(FlaskForm.Meta):  # type: ignore[misc]
        def get_translations(self, form: Any) -> Any:
            return _MESSAGES
