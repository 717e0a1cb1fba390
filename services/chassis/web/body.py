"""Reading request bodies within limits."""

from __future__ import annotations

from io import BytesIO
from typing import IO, Any

import msgspec
from flask import Request, request
from werkzeug.formparser import FormDataParser
from werkzeug.wsgi import get_content_length

from services.chassis.errors import Refusal

#: Fields a form may have; more is an attack on the parser, not a form of ours.
MAX_FIELDS = 500


class _Parser(FormDataParser):
    """Counts the fields of an urlencoded body before it is taken apart; Werkzeug does so for multipart only."""

    def _parse_urlencoded(
        self, stream: IO[bytes], mimetype: str, content_length: int | None, options: dict[str, str]
    ) -> Any:
        body = stream.read()
        if body.count(b"&") >= MAX_FIELDS:
            raise Refusal("too_many_fields", "The form has too many fields.", status=413)
        return super()._parse_urlencoded(BytesIO(body), mimetype, content_length, options)


class HouseRequest(Request):
    """A request whose forms are limited in size and number of fields."""

    form_data_parser_class = _Parser


def body_json(limit: int | None = None) -> Any:
    """The JSON body of this request.

    Args:
        limit: largest body in bytes, below the application's own cap.

    Raises:
        Refusal: ``wrong_content_type`` (415), ``body_too_large`` (413) or ``malformed_json`` (400).
    """
    kind = request.mimetype
    if kind != "application/json" and not (kind.startswith("application/") and kind.endswith("+json")):
        raise Refusal("wrong_content_type", "The body must be JSON: send Content-Type: application/json.", status=415)
    if limit is not None:
        announced = get_content_length(request.environ)
        if announced is not None and announced > limit:
            raise too_large(limit)
        request.max_content_length = min(limit, request.max_content_length or limit)
    body = request.get_data(cache=True)
    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise Refusal("malformed_json", "The body is not well-formed JSON.", status=400) from None


def too_large(limit: int) -> Refusal:
    """The refusal of a body above ``limit`` bytes."""
    return Refusal(
        "body_too_large",
        "What was sent is too large: at most %(limit)s kB are taken at once.",
        status=413,
        limit=limit // 1000,
    )
