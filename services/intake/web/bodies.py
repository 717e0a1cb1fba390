"""Bodies of the JSON API and how they are read and answered."""

from __future__ import annotations

from typing import Any, Final

import msgspec
from flask import Response, request

from services.chassis.errors import Refusal
from services.chassis.web import body_json
from services.contracts.shared import Place


class ContactBody(msgspec.Struct, kw_only=True):
    """Contact of an API body."""

    name: str | None = None
    phone: str | None = None
    mail: str | None = None


class PetitionBody(msgspec.Struct, kw_only=True):
    """A petition as the API takes it; what is missing is refused by its own code."""

    kind: str = ""
    title: str = ""
    body: str = ""
    place: Place = Place()
    contact: ContactBody = msgspec.field(default_factory=ContactBody)
    publish: bool = False
    language: str | None = None


class RatingBody(msgspec.Struct, kw_only=True):
    """A rating as the API takes it."""

    satisfaction: int
    solved: bool | None = None
    comment: str = ""


class AddedBody(msgspec.Struct, kw_only=True):
    """A supplement, or the reason of a withdrawal."""

    text: str = ""
    reason: str = ""


PETITION: Final = msgspec.json.Decoder(PetitionBody)
RATING: Final = msgspec.json.Decoder(RatingBody)
ADDED: Final = msgspec.json.Decoder(AddedBody)


def decoded(decoder: msgspec.json.Decoder[Any]) -> Any:
    """The body of this request in its typed form.

    Raises:
        Refusal: as ``body_json``, or ``invalid_field`` with the field whose type is wrong.
    """
    if request.mimetype == "application/json":
        try:
            return decoder.decode(request.get_data(cache=True))
        except msgspec.ValidationError as error:
            raise invalid_field(error) from None
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            raise Refusal("malformed_json", "The body is not well-formed JSON.", status=400) from None
    try:
        return msgspec.convert(body_json(), decoder.type)
    except msgspec.ValidationError as error:
        raise invalid_field(error) from None


def invalid_field(error: msgspec.ValidationError) -> Refusal:
    """The refusal of a field of the wrong type."""
    _, _, path = str(error).partition(" - at `")
    return Refusal(
        "invalid_field",
        "A field has the wrong type; see the API reference.",
        field=path.rstrip("`").removeprefix("$").removeprefix("."),
    )


def answer(document: dict[str, Any], status: int = 200) -> Response:
    """A JSON answer."""
    return Response(msgspec.json.encode(document), status, mimetype="application/json")
