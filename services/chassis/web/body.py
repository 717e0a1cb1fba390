"""Reading request bodies: whole or not at all, and within limits."""

from __future__ import annotations

from io import BytesIO, RawIOBase
from typing import IO, TYPE_CHECKING, Any, cast

import msgspec
from flask import Request, request
from gunicorn.http.errors import ParseException
from werkzeug.exceptions import ClientDisconnected, RequestEntityTooLarge
from werkzeug.formparser import FormDataParser
from werkzeug.utils import cached_property
from werkzeug.wsgi import get_content_length, get_input_stream

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

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


class _Whole(RawIOBase):
    """A body that is read to its end or refused.

    Werkzeug's own stream hands over what fits under the limit, or what came before the connection broke, as if it
    were all: half a text would be kept as the whole of it.
    """

    def __init__(self, stream: IO[bytes], length: int | None, limit: int | None) -> None:
        self._stream = stream
        self._length = length
        self._limit = limit
        self._read = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer) -> int:
        view = memoryview(buffer).cast("B")
        size = len(view) if self._limit is None else min(len(view), self._limit - self._read + 1)
        try:
            data = self._stream.read(size)
        except (OSError, ValueError, ParseException):
            raise ClientDisconnected from None
        if not data and self._length is not None and self._read < self._length:
            raise ClientDisconnected
        self._read += len(data)
        if self._limit is not None and self._read > self._limit:
            raise RequestEntityTooLarge
        view[: len(data)] = data
        return len(data)


class HouseRequest(Request):
    """A request whose body is whole, and whose forms are limited in size and number of fields."""

    form_data_parser_class = _Parser

    @cached_property
    def stream(self) -> IO[bytes]:
        """The body; reading it raises 413 above the limit and 400 when the connection breaks."""
        length, limit = get_content_length(self.environ), self.max_content_length
        if length is not None and limit is not None and length > limit:
            raise RequestEntityTooLarge
        return cast("IO[bytes]", _Whole(get_input_stream(self.environ), length, limit))


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
