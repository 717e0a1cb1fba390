"""The webhook of portals: Standard Webhooks signatures around CloudEvents, single or in batches."""

from __future__ import annotations

import base64
import binascii
import hmac
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import msgspec
from flask import Blueprint, Response, request
from standardwebhooks.webhooks import EmptyWebhookSecretError, Webhook

from services.chassis.errors import Refusal
from services.chassis.portals import Portal
from services.chassis.web import api, t
from services.intake.handlers import Receipt, Refused, file
from services.intake.portal_events import BATCHED, STRUCTURED, read_structured
from services.intake.web.api import BATCH_SIZE, receipt_document
from services.intake.web.bodies import answer
from services.intake.web.desk import desk

blueprint = Blueprint("portals", __name__)

#: How far a message's timestamp may be from now (Standard Webhooks, "verifying webhook authenticity").
TOLERANCE: Final = timedelta(minutes=5)
_RAW_LIST: Final = msgspec.json.Decoder(list[msgspec.Raw])


@blueprint.post("/portals/<portal_id>")
@api
def take(portal_id: str) -> Response:
    """File what a portal sends: 201 with number, code and status URL, the same on repeat."""
    here = desk()
    portal = here.portals.get(portal_id)
    if portal is None:
        raise Refusal("unknown_portal", "There is no such portal; ask the operator for its address.", status=404)
    body = request.get_data(cache=True)
    verify(portal, body, here.house.clock.now())
    if request.mimetype == STRUCTURED:
        return _single(portal, body)
    if request.mimetype == BATCHED:
        return _batch(portal, body)
    raise Refusal(
        "wrong_content_type",
        "Send CloudEvents as application/cloudevents+json or application/cloudevents-batch+json.",
        status=415,
    )


def verify(portal: Portal, body: bytes, now: datetime) -> None:
    """Check the signature against each of the portal's secrets.

    The library signs; the comparison is done here, so that the clock is the house's.

    Raises:
        Refusal: ``bad_signature`` (401), whatever is wrong with it.
    """
    bad = Refusal(
        "bad_signature",
        "The signature does not fit: sign id, timestamp and body with the portal's secret (Standard Webhooks).",
        status=401,
    )
    message_id = request.headers.get("webhook-id", "")
    given = request.headers.get("webhook-signature", "")
    try:
        at = datetime.fromtimestamp(int(request.headers.get("webhook-timestamp", "")), UTC)
        text = body.decode()
    except (ValueError, OverflowError, OSError):
        raise bad from None
    if not message_id or abs(now - at) > TOLERANCE:
        raise bad
    signatures = [part.partition(",")[2] for part in given.split(" ")[:10] if part.startswith("v1,")]
    for secret in portal.webhook_secrets:
        try:
            expected = Webhook(secret).sign(message_id, at, text).partition(",")[2]
        except (EmptyWebhookSecretError, binascii.Error):
            # A secret that is none opens nothing; ``wenzheng portals list`` names it.
            continue
        if any(hmac.compare_digest(_bytes(expected), _bytes(signature)) for signature in signatures):
            return
    raise bad


def _bytes(signature: str) -> bytes:
    try:
        return base64.b64decode(signature, validate=True)
    except (binascii.Error, ValueError):
        return b""


def _single(portal: Portal, body: bytes) -> Response:
    (result,) = _take(portal, [body])
    if result["status"] != 201:
        detail = result["detail"]
        raise Refusal(result["code"], detail, field=result["field"], status=result["status"])
    del result["status"]
    return answer(result, 201)


def _batch(portal: Portal, body: bytes) -> Response:
    """201 when all were filed, 207 when some, 422 when none."""
    try:
        events = [bytes(raw) for raw in _RAW_LIST.decode(body)]
    except (msgspec.DecodeError, RecursionError):
        raise Refusal("malformed_json", "The body is no JSON list of CloudEvents.", status=400) from None
    if not 1 <= len(events) <= BATCH_SIZE:
        raise Refusal("invalid_batch", "Send a list of 1 to %(limit)s petitions.", limit=BATCH_SIZE)
    results = _take(portal, events)
    filed = sum(result["status"] == 201 for result in results)
    status = 201 if filed == len(results) else 207 if filed else 422
    return Response(msgspec.json.encode(results), status, mimetype="application/json")


def _take(portal: Portal, bodies: list[bytes]) -> list[dict[str, Any]]:
    here = desk()
    now, region = here.house.clock.now(), here.house.settings.phone_region
    read = [read_structured(portal, body, region=region, now=now) for body in bodies]
    filings = [one for one in read if not isinstance(one, Refused)]
    done = iter(file(filings, open_work=here.tray.filing, keys=here.keys, zone=here.zone) if filings else [])
    return [_refused(one) if isinstance(one, Refused) else _result(one.reference, next(done)) for one in read]


def _refused(refused: Refused) -> dict[str, Any]:
    status = 400 if refused.code == "malformed_json" else 415 if refused.code == "wrong_content_type" else 422
    return {
        "status": status,
        "reference": refused.reference,
        "code": refused.code,
        "field": refused.field,
        "detail": t(refused.detail),
    }


def _result(reference: str | None, result: Receipt | Refusal) -> dict[str, Any]:
    if isinstance(result, Refusal):
        return {
            "status": result.status,
            "reference": reference,
            "code": result.code,
            "field": result.field,
            "detail": t(result.message, **result.values),
        }
    return {"status": 201, "reference": reference, **receipt_document(result)}
