"""Settings of search: which engine holds the index, and how much memory it may take."""

from __future__ import annotations

from pydantic import Field, SecretStr, field_validator

from services.chassis.settings import ServiceSettings


class Settings(ServiceSettings):
    """What search needs beside the settings of every service."""

    elasticsearch_url: SecretStr = Field(
        SecretStr(""),
        description="http(s):// URL of Elasticsearch 8.19 or 9, with user and password where needed; empty: tantivy.",
    )
    elasticsearch_ca_file: str = Field(
        "", description="CA certificates (PEM) that Elasticsearch's is checked with; empty: those of the system."
    )
    elasticsearch_index: str = Field(
        "wenzheng-petitions",
        pattern=r"^[a-z][a-z0-9_-]{0,60}$",
        description="First part of the name of the Elasticsearch index; its schema version follows.",
    )
    elasticsearch_replicas: int = Field(1, ge=0, le=5, description="Copies that Elasticsearch keeps of the index.")
    elasticsearch_timeout: float = Field(5.0, gt=0, le=120, description="Seconds to wait for an answer to one search.")
    tantivy_heap_bytes: int = Field(
        15_000_000, ge=15_000_000, le=1_000_000_000, description="Memory of the writer of the tantivy index, in bytes."
    )
    index_page: int = Field(500, ge=1, le=5000, description="Petitions written to the index in one go, at most.")

    public_answers: bool = Field(
        False,
        description="Show title and reply of answered petitions to everybody, where the petitioner agreed to it. Rules "
        "blot out numbers and names with a title; a bare name in a reply they do not see.",
    )

    @field_validator("elasticsearch_url")
    @classmethod
    def _elasticsearch_is_http(cls, value: SecretStr) -> SecretStr:
        url = value.get_secret_value()
        if url and not url.startswith(("http://", "https://")):
            raise ValueError("must begin with http:// or https://")
        return value
