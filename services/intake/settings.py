"""Settings of intake, beside those of every service."""

from __future__ import annotations

from pydantic import Field, field_validator

from services.chassis.settings import ServiceSettings


class Settings(ServiceSettings):
    """What intake alone needs."""

    portals_file: str = Field("", description="YAML file that names the external portals; empty: there are none.")
    areas_file: str = Field(
        "", description="YAML file whose list `areas` the form offers (the directory file will do); empty: no choice."
    )
    phone_region: str = Field("CN", description="Country whose numbers are meant when a phone has no +code (ISO 3166).")
    # Whoever lives here may petition, so the API asks for no account; this only stops a flood from one address.
    filing_per_minute: int = Field(
        6000, ge=1, le=100_000_000, description="Petitions that one client address may file by API in a minute."
    )
    form_per_minute: int = Field(
        120, ge=1, le=1_000_000, description="Petitions that one client address may file by form in a minute."
    )
    outbox_limit_s: int = Field(
        86_400,
        ge=60,
        le=31_536_000,
        description="Age of the oldest event that the broker did not take, in seconds, from which on nothing is filed.",
    )
    code_tries: int = Field(
        8, ge=1, le=1000, description="Wrong query codes that one client may try for one number in ten minutes."
    )
    status_minutes: int = Field(
        30, ge=1, le=600, description="How long a status page stays open after the query code was typed, in minutes."
    )

    answers_url: str = Field(
        "",
        description="http(s):// address at which intake reads the public answers of search, to show them beside the "
        "form; empty: none are shown. `wenzheng up` sets it where search may show them.",
    )

    @field_validator("answers_url")
    @classmethod
    def _answers_are_http(cls, value: str) -> str:
        if value and not value.startswith(("http://", "https://")):
            raise ValueError("must begin with http:// or https://")
        return value.rstrip("/")

    @field_validator("phone_region")
    @classmethod
    def _two_letters(cls, value: str) -> str:
        if len(value) != 2 or not value.isascii() or not value.isalpha():
            raise ValueError("must be a two-letter country code, for example CN")
        return value.upper()
