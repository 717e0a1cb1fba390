"""The JSON API: file one petition or many, read where one stands, add, withdraw, rate.

Nobody needs an account to file: everyone may petition (信访工作条例 Art. 17), and the form asks for none
either. A limit per client address stops floods; the query code guards everything after filing.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec
from flask import Blueprint, Response, request

from services.chassis.errors import Refusal
from services.chassis.web import about, api, body_json, client_key, language, t, traceparent
from services.intake import store
from services.intake.addresses import status_url
from services.intake.domain.petition import (
    COMMENT_LENGTH,
    REASON_LENGTH,
    SUPPLEMENT_LENGTH,
    Filing,
    check_added,
    clean,
)
from services.intake.handlers import Receipt, file, rate, supplement, withdraw
from services.intake.handlers.filing import key_hash
from services.intake.reading import Handed, Way, Wrong, read
from services.intake.web.bodies import ADDED, PETITION, RATING, PetitionBody, RatingBody, answer, decoded, invalid_field
from services.intake.web.desk import desk, opened, refusal_of
from services.intake.web.way import picture

blueprint = Blueprint("api", __name__)

#: Header that carries the query code: an address would be kept in logs and histories.
CODE_HEADER: Final = "Wenzheng-Query-Code"
#: Petitions of one batch.
BATCH_SIZE: Final = 500
KEY_LENGTH: Final = 255


def filing_of(body: PetitionBody, key: str | None) -> Filing:
    """An API body to a checked filing.

    Raises:
        Wrong: with everything that is wrong.
    """
    here = desk()
    handed = Handed(
        kind=body.kind,
        title=body.title,
        body=body.body,
        place=body.place,
        name=body.contact.name or "",
        phone=body.contact.phone or "",
        mail=body.contact.mail or "",
        publish=body.publish,
        language=body.language or "",
    )
    way = Way(
        channel="api",
        fallback=language(),
        key=key_hash("api", key) if key else None,
        traceparent=traceparent(),
    )
    return read(handed, way, region=here.house.settings.phone_region, now=here.house.clock.now())


def idempotency_key() -> str | None:
    """The ``Idempotency-Key`` of this request, None when there is none.

    Raises:
        Refusal: ``idempotency_key_invalid``.
    """
    key = request.headers.get("Idempotency-Key")
    if key is None:
        return None
    if not 1 <= len(key) <= KEY_LENGTH or not key.isascii() or not key.isprintable():
        raise Refusal(
            "idempotency_key_invalid",
            "Send an Idempotency-Key of at most %(limit)s visible characters, best a UUID.",
            field="Idempotency-Key",
            status=400,
            limit=KEY_LENGTH,
        )
    return key


def receipt_document(receipt: Receipt) -> dict[str, Any]:
    """What whoever files by machine gets back."""
    return {
        "petition_id": receipt.petition_id,
        "number": receipt.number,
        "query_code": receipt.query_code,
        "status_url": status_url(desk().house.settings, receipt.number),
    }


@blueprint.post("/api/petitions")
@api
def file_petition() -> Response:
    """File one petition: 201 with number and query code, the same again for the same key and body."""
    here = desk()
    here.api_limit.check(client_key())
    key = idempotency_key()
    try:
        filing = filing_of(decoded(PETITION), key)
    except Wrong as wrong:
        raise refusal_of(wrong.problems) from None
    receipt = here.tray.file(filing)
    about(petition_id=receipt.petition_id)
    response = answer(receipt_document(receipt), 201)
    response.headers["Location"] = f"/api/petitions/{receipt.number}"
    if receipt.repeated:
        response.headers["Idempotency-Replayed"] = "true"
    return response


@blueprint.post("/api/petitions/batch")
@api
def file_batch() -> Response:
    """File up to 500 petitions: 201 when all were filed, 207 when some, 422 when none; each with its own result."""
    here = desk()
    here.api_limit.check(client_key())
    key = idempotency_key()
    body = body_json()
    items = body.get("petitions") if isinstance(body, dict) else body
    if not isinstance(items, list) or not 1 <= len(items) <= BATCH_SIZE:
        raise Refusal(
            "invalid_batch",
            "Send a list of 1 to %(limit)s petitions.",
            field="petitions",
            limit=BATCH_SIZE,
        )
    if len(items) > 1:
        here.api_limit.check(client_key(), cost=len(items) - 1)
    results: list[dict[str, Any]] = [{} for _ in items]
    filings: list[tuple[int, Filing]] = []
    for index, item in enumerate(items):
        try:
            petition = msgspec.convert(item, PetitionBody)
            filings.append((index, filing_of(petition, f"{key}\x1f{index}" if key else None)))
        except msgspec.ValidationError as error:
            results[index] = refused(invalid_field(error))
        except Wrong as wrong:
            results[index] = refused(refusal_of(wrong.problems))
    done = (
        file(
            [filing for _, filing in filings],
            open_work=here.tray.filing,
            keys=here.keys,
            zone=here.zone,
        )
        if filings
        else []
    )
    for (index, _), result in zip(filings, done, strict=True):
        if isinstance(result, Refusal):
            results[index] = refused(result)
        else:
            results[index] = {"status": 201, **receipt_document(result)}
    filed = sum(result["status"] == 201 for result in results)
    status = 201 if filed == len(results) else 207 if filed else 422
    numbered = [{"index": index, **result} for index, result in enumerate(results)]
    return answer({"filed": filed, "refused": len(results) - filed, "results": numbered}, status)


def refused(refusal: Refusal) -> dict[str, Any]:
    """One refused item among several."""
    document: dict[str, Any] = {
        "status": refusal.status,
        "code": refusal.code,
        "field": refusal.field,
        "detail": t(refusal.message, **refusal.values),
    }
    errors = getattr(refusal, "errors", ())
    if errors:
        document["errors"] = [{"field": e.field, "code": e.code, "detail": t(e.message, **e.values)} for e in errors]
    return document


@blueprint.get("/api/petitions/<number>")
@api
def petition_status(number: str) -> Response:
    """Where a petition stands and the way it went; the query code comes in a header."""
    return answer(_picture(_opened(number)))


@blueprint.post("/api/petitions/<number>/supplements")
@api
def add(number: str) -> Response:
    """Add a text to a petition."""
    petition_id = _opened(number)
    text = clean(decoded(ADDED).text)
    if problems := check_added(text, SUPPLEMENT_LENGTH):
        raise refusal_of(problems)
    with desk().tray.work(traceparent()) as work:
        supplement(work, petition_id, text)
    return answer(_picture(petition_id), 201)


@blueprint.post("/api/petitions/<number>/withdrawal")
@api
def take_back(number: str) -> Response:
    """Take a petition back."""
    petition_id = _opened(number)
    reason = clean(decoded(ADDED).reason) if request.get_data(cache=True) else ""
    if reason and (problems := check_added(reason, REASON_LENGTH)):
        raise refusal_of(problems)
    with desk().tray.work(traceparent()) as work:
        withdraw(work, petition_id, reason)
    return answer(_picture(petition_id), 201)


@blueprint.post("/api/petitions/<number>/rating")
@api
def rate_reply(number: str) -> Response:
    """Rate the reply."""
    petition_id = _opened(number)
    body: RatingBody = decoded(RATING)
    comment = clean(body.comment)
    if not 1 <= body.satisfaction <= 5:
        raise Refusal("satisfaction_invalid", "Rate from 1 (very poor) to 5 (very good).", field="satisfaction")
    if comment and (problems := check_added(comment, COMMENT_LENGTH)):
        raise refusal_of(problems)
    with desk().tray.work(traceparent()) as work:
        rate(work, petition_id, body.solved, body.satisfaction, comment)
    return answer(_picture(petition_id), 201)


def _opened(number: str) -> str:
    return opened(number, request.headers.get(CODE_HEADER, ""))


def _picture(petition_id: str) -> dict[str, Any]:
    with desk().house.database.read() as session:
        petition = store.petition_by_id(session, petition_id)
        steps = store.steps_of(session, petition_id)
    if petition is None:
        raise Refusal("unknown_petition", "There is no such petition.", status=404)
    return picture(petition, steps)
