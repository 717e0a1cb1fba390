"""Errors as readers see them: a page with what to do next, or a problem document (RFC 9457)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

import msgspec
from flask import Response, current_app, g, make_response, render_template, request
from flask_wtf.csrf import CSRFError
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from werkzeug.exceptions import HTTPException, RequestEntityTooLarge

from services.chassis.database import is_transient
from services.chassis.errors import Refusal, Transient
from services.chassis.telemetry import log
from services.chassis.web.access import SignInNeeded, sign_in_url
from services.chassis.web.body import too_large
from services.chassis.web.context import from_own_pages, house, is_api
from services.chassis.web.crowd import CROWDED
from services.chassis.web.i18n import language, t

if TYPE_CHECKING:
    from flask import Flask

#: Paths whose errors are always problem documents.
API_PATHS: Final = ("/api/", "/portals")
#: Seconds after which a client may try again when nobody knows better.
RETRY_AFTER: Final = 5

#: Heading of an error by its status.
TITLES: Final = {
    400: "The request could not be read",
    401: "Sign-in needed",
    403: "Not allowed",
    404: "Not found",
    405: "Not possible this way",
    406: "Not available in this form",
    408: "The request took too long",
    409: "It has changed meanwhile",
    410: "No longer there",
    413: "Too large",
    414: "Address too long",
    415: "Wrong content type",
    422: "Please check what you entered",
    428: "A condition is missing",
    429: "Too many requests",
    500: "Something went wrong here",
    503: "Not available for the moment",
}
#: Code and message of the errors that Flask and Werkzeug raise.
_HTTP: Final = {
    400: ("bad_request", "The request could not be read: go back and send it again."),
    401: ("sign_in_required", "Only staff may do this: sign in first."),
    403: ("forbidden", "You may not see this page."),
    404: ("not_found", "There is no such page. Check the address, or start from the front page."),
    405: ("method_not_allowed", "This address does not take such requests."),
    406: ("not_acceptable", "This is not available in the form you asked for."),
    408: ("request_timeout", "The request arrived too slowly: send it again."),
    413: ("body_too_large", "What was sent is too large."),
    414: ("uri_too_long", "The address is too long."),
    415: ("wrong_content_type", "The content type is not accepted here."),
    429: ("too_many_requests", "Too many requests: wait a little and try again."),
}
_BROKEN: Final = Refusal(
    "internal_error",
    "The fault is ours and has been noted. Try again later; if it stays, tell us the reference below.",
    status=500,
)
_AWAY: Final = Refusal(
    "database_unavailable", "Our records cannot be reached for the moment. Try again in a few seconds.", status=503
)
_FORGED: Final = Refusal("csrf_failed", "For your safety this form must be sent once more from this page.", status=400)
#: Fields that are never written back into a page.
_NEVER_KEPT: Final = ("password", "csrf_token")


class InvalidInput(Refusal):
    """Several fields are wrong at once; the problem document lists them under ``errors``.

    Args:
        errors: one refusal per fault, each with its field.
    """

    def __init__(self, errors: Sequence[Refusal], status: int = 422) -> None:
        super().__init__("invalid_input", "Some fields are wrong; each is named below.", status=status)
        self.errors = tuple(errors)


def wants_problem() -> bool:
    """True when the answer to an error is a problem document and not a page."""
    if is_api() or request.path.startswith(API_PATHS):
        return True
    accepted = request.accept_mimetypes
    best = accepted.best_match(["text/html", "application/json", "application/problem+json"], "text/html")
    return best != "text/html" and accepted[best] > accepted["text/html"]


def answer(refusal: Refusal) -> Response:
    """The page or the problem document of a refusal."""
    house().metrics.count("refusals", service=house().service, code=refusal.code)
    g.refusal_code = refusal.code
    response = _problem(refusal) if wants_problem() else _page(refusal)
    response.status_code = refusal.status
    if refusal.status == 401:
        response.headers["WWW-Authenticate"] = 'Bearer realm="wenzheng"'
    if refusal.status == 429:
        response.headers["Retry-After"] = str(refusal.values.get("seconds", 60))
    elif refusal.status == 503:
        response.headers["Retry-After"] = str(refusal.values.get("seconds", RETRY_AFTER))
    return response


def _title(status: int) -> str:
    return t(TITLES.get(status) or TITLES[500 if status >= 500 else 400])


def _problem(refusal: Refusal) -> Response:
    document: dict[str, Any] = {
        "type": f"/problems/{refusal.code}",
        "title": _title(refusal.status),
        "status": refusal.status,
        "detail": t(refusal.message, **refusal.values),
        "code": refusal.code,
        "request_id": g.get("request_id", ""),
    }
    if refusal.field:
        document["field"] = refusal.field
    if isinstance(refusal, InvalidInput):
        document["errors"] = [
            {"field": error.field, "code": error.code, "detail": t(error.message, **error.values)}
            for error in refusal.errors
        ]
    response = current_app.response_class(msgspec.json.encode(document), mimetype="application/problem+json")
    response.headers["Content-Language"] = language()
    return response


def _page(refusal: Refusal) -> Response:
    values = {
        "title": _title(refusal.status),
        "detail": t(refusal.message, **refusal.values),
        "refusal": refusal,
        "details": [t(e.message, **e.values) for e in refusal.errors] if isinstance(refusal, InvalidInput) else [],
    }
    try:
        if isinstance(refusal, SignInNeeded) or refusal.code == "csrf_failed":
            kept = _kept_fields()
            door = sign_in_url(refusal.code, "/") if isinstance(refusal, SignInNeeded) else ""
            if kept is not None:
                return make_response(render_template("house/again.html", kept=kept, door=door, **values))
            values["door"] = door
        return make_response(render_template("house/error.html", **values))
    except Exception:
        # The layout itself needs what is away (the account behind the cookie): a page without it.
        log(house().service).error("error page failed", code=refusal.code, exc_info=True)
        g.staff_asked = (None, "sign_in_required")
        return make_response(render_template("house/bare.html", **values))


def _kept_fields() -> list[tuple[str, str]] | None:
    """What was typed, to be sent once more; None when there is nothing or another site's page sent it.

    Were a stranger's form kept, one press of our own button would carry out what the stranger wrote.
    """
    if request.method != "POST" or not from_own_pages():
        return None
    return [
        (name, value) for name, value in request.form.items(multi=True) if not any(word in name for word in _NEVER_KEPT)
    ]


def _refused(error: Refusal) -> Response:
    return answer(error)


def _http(error: HTTPException) -> Response:
    status = error.code or 500
    if status < 400:
        return make_response(error.get_response())
    if isinstance(error, RequestEntityTooLarge):
        refusal = too_large(request.max_content_length or house().settings.max_body_bytes)
    elif status in _HTTP:
        code, message = _HTTP[status]
        refusal = Refusal(code, message, status=status)
    elif status == 503:
        refusal = _AWAY
    elif status >= 500:
        refusal = _BROKEN
    else:
        refusal = Refusal("bad_request", _HTTP[400][1], status=status)
    response = answer(refusal)
    for name, value in error.get_headers():
        if name in {"Allow", "Retry-After"}:
            response.headers[name] = value
    if status == 405 and (methods := getattr(error, "valid_methods", None)):
        response.headers["Allow"] = ", ".join(sorted(methods))
    return response


def _csrf(error: CSRFError) -> Response:
    return answer(_FORGED)


def _unexpected(error: Exception) -> Response:
    if isinstance(error, PoolTimeout):
        # Every connection is in use, by requests that take long.
        return answer(CROWDED)
    if is_transient(error) or isinstance(error, Transient) or _took_too_long(error):
        log(house().service).warning("dependency away", error=type(error).__name__, request_id=g.get("request_id"))
        return answer(_AWAY)
    log(house().service).error("request failed", exc_info=error, request_id=g.get("request_id"))
    return answer(_BROKEN)


def _took_too_long(error: Exception) -> bool:
    """PostgreSQL ended a statement at its time-out (57014, query_canceled)."""
    return isinstance(error, DBAPIError) and getattr(error.orig, "pgcode", None) == "57014"


def set_up(app: Flask) -> None:
    """Register the handlers of every kind of error."""
    app.register_error_handler(Refusal, _refused)
    app.register_error_handler(CSRFError, _csrf)
    app.register_error_handler(HTTPException, _http)
    app.register_error_handler(Exception, _unexpected)
