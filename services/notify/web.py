"""Notify's page: every message with its delivery state, for staff; a unit reads its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, Final
from urllib.parse import urlencode

import msgspec
from flask import Flask, Response, jsonify, render_template, request, url_for
from wtforms import SelectField, StringField
from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined]

from services.chassis.errors import Refusal
from services.chassis.house import House
from services.chassis.web import HouseForm, Nav, api, current_staff, l, make_app, staff_required
from services.chassis.web import house as running_house
from services.contracts.envelope import Text
from services.notify import store
from services.notify.domain import CHANNELS, OCCASIONS, RECIPIENTS, STATES, Scope, scope_of
from services.notify.masks import mask_address, mask_name
from services.notify.settings import Settings

#: Messages on one page, and in one answer of the API.
PAGE_SIZE: Final = 50
API_LIMIT: Final = 500

STATE_WORDS: Final[Mapping[str, str]] = {
    "pending": l("Waiting to be sent"),
    "sending": l("Being sent"),
    "sent": l("Delivered"),
    "failed": l("Not delivered"),
    "ambiguous": l("In doubt"),
    "skipped": l("Not sent"),
}
STATE_TONES: Final[Mapping[str, str]] = {
    "pending": "grey",
    "sending": "blue",
    "sent": "green",
    "failed": "red",
    "ambiguous": "amber",
    "skipped": "purple",
}
OCCASION_WORDS: Final[Mapping[str, str]] = {
    "received": l("Receipt"),
    "dispatched": l("Dispatch"),
    "merged": l("Joining"),
    "unmerged": l("Taking out"),
    "replied": l("Reply"),
    "closed": l("Closing"),
    "risk": l("Danger"),
    "topic": l("Hot topic"),
}
RECIPIENT_WORDS: Final[Mapping[str, str]] = {
    "citizen": l("Petitioner"),
    "unit": l("Unit"),
    "portal": l("Portal"),
}
CHANNEL_WORDS: Final[Mapping[str, str]] = {
    "mail": l("E-mail"),
    "mailbox": l("Local mailbox"),
    "phone": l("Telephone"),
    "portal": l("Portal queue"),
    "webhook": l("Webhook"),
}
#: Why a message is not delivered, by its code; the codes of a mail server's answers are explained below.
PROBLEM_WORDS: Final[Mapping[str, str]] = {
    "no_text_messages": l("Only a telephone number is known, and text messages are not set up: call the petitioner."),
    "no_webhook_channel": l("This portal takes messages by webhook only, which is not set up."),
    "unknown_portal": l("The portal is not in the portals file."),
    "portal_has_no_queue": l("The portal has no queue on the broker."),
    "bad_address": l("The address is not a valid one."),
    "address_needs_smtputf8": l("The mail server cannot write to addresses with such characters."),
    "sender_died": l("The sending program stopped in the middle: the message may have gone out."),
    "smtp_no_answer": l("The mail server did not confirm: the message may have gone out."),
    "smtp_unreachable": l("The mail server cannot be reached; it is tried again."),
    "smtp_tls": l("The mail server offers no safe connection; it is tried again."),
    "smtp_login": l("The mail server refuses the login; it is tried again."),
    "smtp_connection_lost": l("The connection to the mail server broke."),
    "broker_away": l("The broker cannot be reached; it is tried again."),
    "broker_refuses": l("The broker refuses us at the portal's virtual host; it is tried again."),
    "sender_failed": l("A fault in the sending program: see its log. The message may have gone out."),
    "portal_has_no_webhook": l("The portal has no webhook any more."),
    "webhook_unknown_host": l("The host of the portal's webhook is unknown; it is tried again."),
    "webhook_unreachable": l("The portal's webhook cannot be reached; it is tried again."),
    "webhook_tls": l("The portal's webhook offers no safe connection; it is tried again."),
    "webhook_timeout": l("The portal's webhook did not answer in time."),
    "webhook_cut": l("The portal's webhook hung up without an answer."),
    "webhook_address_inside": l("The portal's webhook leads to an address inside the house, which is not allowed."),
    "webhook_needs_https": l("The portal's webhook must be https."),
    "webhook_too_large": l("The message is too large for a webhook."),
}


def problem_words(code: str | None) -> str:
    """Why, in the reader's language; "" when there is no problem."""
    if not code:
        return ""
    if code in PROBLEM_WORDS:
        return str(PROBLEM_WORDS[code])
    answer = code.removeprefix("webhook_")
    if answer != code:
        return str(l("The portal's webhook answered %(code)s.", code=answer))
    answer = code.removeprefix("smtp_")
    if answer != code:
        return str(l("The mail server answered %(code)s.", code=answer.partition("_")[0]))
    return code


def _choices(words: Mapping[str, str], order: Sequence[str]) -> list[SelectChoice]:
    return [SelectChoice("", l("All")), *(SelectChoice(code, words[code]) for code in order)]


class Filter(HouseForm):
    """What to show; sent by GET, so that a view can be kept as an address."""

    number = StringField(l("Number"))
    state = SelectField(l("State"), choices=_choices(STATE_WORDS, STATES))
    occasion = SelectField(l("Occasion"), choices=_choices(OCCASION_WORDS, OCCASIONS))
    recipient = SelectField(l("Recipient"), choices=_choices(RECIPIENT_WORDS, RECIPIENTS))
    channel = SelectField(l("Way"), choices=_choices(CHANNEL_WORDS, CHANNELS))

    def wanted(self) -> store.Wanted:
        """What was asked for; an unknown value finds nothing, it never widens the view."""
        return store.Wanted(*((str(self[name].data or "").strip()) for name in store.Wanted._fields))


def create_app(house: House[Settings], nav: Sequence[Nav] = ()) -> Flask:
    """The pages under ``/notices``.

    Args:
        house: the parts of the running service.
        nav: entries of the menu, of all services behind the front door.
    """

    def is_active(staff_id: str) -> bool:
        with house.database.read() as session:
            return store.is_active(session, staff_id)

    def unit_name(unit_id: str) -> Text | None:
        with house.database.read() as session:
            unit = store.unit_of(session, unit_id)
        return Text(zh=unit.name_zh, en=unit.name_en) if unit else None

    app = make_app(house, "services.notify", nav=nav, is_active=is_active, unit_name=unit_name)
    app.jinja_env.globals.update(
        STATE_WORDS=STATE_WORDS,
        STATE_TONES=STATE_TONES,
        OCCASION_WORDS=OCCASION_WORDS,
        RECIPIENT_WORDS=RECIPIENT_WORDS,
        CHANNEL_WORDS=CHANNEL_WORDS,
        problem_words=problem_words,
        mask_address=mask_address,
        mask_name=mask_name,
        unit_text=lambda unit: Text(zh=unit.name_zh, en=unit.name_en),
    )
    app.add_url_rule("/notices", view_func=notices)
    app.add_url_rule("/notices/messages.json", view_func=messages_json)
    app.add_url_rule("/notices/<message_id>", view_func=message)
    return app


def _scope() -> Scope:
    """What this reader may see.

    Raises:
        Refusal: ``role_missing``.
    """
    staff = current_staff()
    scope = scope_of(staff.roles, staff.unit_id)
    if not scope:
        raise Refusal("role_missing", "Your account has no role that may do this.", status=403)
    return scope


def _number(name: str, default: int, most: int) -> int:
    """A whole number from the query, within bounds."""
    text = request.args.get(name, "")
    return min(max(int(text), 1), most) if text.isdecimal() and len(text) < 10 else default


@staff_required()
def notices() -> str:
    """The list, the newest first."""
    house, scope = running_house(), _scope()
    form = Filter(request.args, meta={"csrf": False})
    wanted = form.wanted()
    page = _number("page", 1, 1_000_000)
    late = house.clock.now() - timedelta(seconds=house.settings.contact_grace_s)
    with house.database.read() as session:
        rows, total = store.page_of(session, scope, wanted, page, PAGE_SIZE)
        waiting = store.waiting_since(session, scope, late)

    def page_url(number: int) -> str:
        kept = {name: value for name, value in wanted._asdict().items() if value}
        return f"{url_for('notices')}?{urlencode({**kept, 'page': number})}"

    return render_template(
        "notify/notices.html",
        form=form,
        rows=rows,
        total=total,
        page=page,
        last=max(1, -(-total // PAGE_SIZE)),
        page_url=page_url,
        waiting=waiting,
        filtered=any(wanted),
        only_unit=not (scope.common or scope.sealed),
    )


@staff_required()
def message(message_id: str) -> str:
    """One message with its text."""
    scope = _scope()
    with running_house().database.read() as session:
        found = store.one(session, scope, message_id)
    if found is None:
        raise Refusal("no_such_message", "There is no such message, or you may not read it.", status=404)
    body = found.message.body
    if found.message.recipient == "portal":
        body = msgspec.json.format(body, indent=2)
    return render_template("notify/message.html", found=found, message=found.message, body=body)


@api
@staff_required()
def messages_json() -> Response:
    """What the list shows, without any address: ``?number=&state=&occasion=&recipient=&channel=&page=&limit=``."""
    scope = _scope()
    page, limit = _number("page", 1, 1_000_000), _number("limit", 100, API_LIMIT)
    wanted = store.Wanted(*(request.args.get(name, "").strip() for name in store.Wanted._fields))
    with running_house().database.read() as session:
        rows, total = store.page_of(session, scope, wanted, page, limit)
    return jsonify({"total": total, "page": page, "limit": limit, "messages": [_plain(row) for row in rows]})


def _plain(row: store.Listed) -> dict[str, Any]:
    one = row.message
    return {
        "id": one.id,
        "number": one.number,
        "occasion": one.occasion,
        "recipient": one.recipient,
        "unit": one.unit_id,
        "channel": one.channel,
        "state": one.delivery,
        "problem": one.problem,
        "attempts": one.attempts,
        "language": one.language,
        "about": one.event_id,
        "created_at": one.created_at.isoformat(),
        "settled_at": one.settled_at.isoformat() if one.settled_at else None,
    }
