"""Settings: frozen, from the environment, read once at start; every error listed at once, secrets masked."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Literal, TypeVar
from urllib.parse import urlencode
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, ValidationInfo, field_validator

from services.chassis.errors import Exit, StartError

#: Every variable begins so.
PREFIX = "WENZHENG_"


class ServiceSettings(BaseModel):
    """What every service needs. A service adds its own fields; ``{service}`` in a default is its name.

    A field ``x`` is read from ``WENZHENG_X``, and ``WENZHENG_<SERVICE>_X`` wins over it, so that one
    environment can serve all four on one machine. A value may also come from a mounted secret file:
    ``WENZHENG_X_FILE`` names it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    data_folder: Path = Field(Path("var"), description="Folder for everything kept on one machine.")
    database_url: SecretStr = Field(
        SecretStr(""),
        description="SQLAlchemy URL; empty: a SQLite file in the data folder. PostgreSQL: postgresql+psycopg2://…",
    )
    direct_database_url: SecretStr = Field(
        SecretStr(""), description="URL past a transaction pooler, for LISTEN and locks; empty: the same."
    )
    database_pool: int = Field(
        0, ge=0, le=500, description="Connections kept open at most, per process; 0: as many as it can use at once."
    )
    database_statement_s: float = Field(
        30, ge=1, le=3600, description="How long the database may take over one statement of a worker, in seconds."
    )
    web_statement_s: float = Field(
        8, ge=0.5, le=300, description="The same for a page or the API; then the answer is 503."
    )
    database_lock_s: float = Field(10, ge=0.1, le=300, description="How long a statement may wait for a lock, in s.")
    database_idle_s: float = Field(
        60, ge=5, le=3600, description="How long a transaction may stand idle before the database ends it, in s."
    )
    database_connect_s: float = Field(5, ge=1, le=60, description="How long connecting to the database may take, in s.")
    broker_ca_file: str = Field(
        "", description="CA certificates (PEM) that RabbitMQ's is checked with; empty: those of the system."
    )
    broker_url: SecretStr = Field(
        SecretStr(""), description="amqp(s):// URL of RabbitMQ; empty: a private node on this machine."
    )
    broker_management_url: SecretStr = Field(
        SecretStr(""),
        description="http(s)://user:password@host:15672 of RabbitMQ's management API, for `wenzheng queues` and "
        "`wenzheng topology check`; empty: they show what AMQP tells.",
    )
    host: str = Field("127.0.0.1", description="Address the web role listens on.")
    port: int = Field(8080, ge=0, le=65535, description="Port the web role listens on.")
    worker_port: int = Field(0, ge=0, le=65535, description="Port of the worker's health and metrics; 0: none.")
    web_threads: int = Field(16, ge=1, le=256, description="Threads of the web server.")
    web_waiting: int = Field(
        64, ge=0, le=900, description="Requests that may wait for one of them; more are answered 503 at once."
    )
    public_url: str = Field("", description="Address the public sees, for links in messages; empty: http://host:port.")
    site_name: str = Field("问政", description="Name of the place or office, shown in the head of every page.")
    trusted_proxies: int = Field(
        0, ge=0, le=5, description="Proxies in front whose X-Forwarded-For and -Proto are believed; 0: none."
    )
    time_zone: str = Field("Asia/Shanghai", description="IANA zone in which all legal time is reckoned.")
    default_language: Literal["zh-Hans", "zh-Hant", "en"] = Field(
        "zh-Hans", description="Language of pages when the reader names none: zh-Hans, zh-Hant or en."
    )
    max_body_bytes: int = Field(1_000_000, ge=10_000, description="Largest HTTP request body, in bytes.")
    secret_key: SecretStr = Field(
        SecretStr(""), description="Key of cookies and hashes; empty: made once in the data folder."
    )
    staff_public_key: str = Field(
        "", description="Ed25519 public key (PEM) that staff tokens are checked with; empty: from the data folder."
    )
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        "INFO", description="DEBUG, INFO, WARNING or ERROR."
    )
    otlp_endpoint: str = Field(
        "",
        description="http(s):// base address of an OpenTelemetry collector that takes OTLP over HTTP, for traces, for "
        "example http://collector:4318; empty: none.",
    )
    otlp_ratio: float = Field(1.0, ge=0, le=1, description="Share of the traces that are kept, the same everywhere.")
    log_format: Literal["json", "text", "auto"] = Field("auto", description="json, text or auto (text on a terminal).")
    batch_size: int = Field(200, ge=1, le=1000, description="Events a consumer takes into one transaction.")
    batch_linger_ms: int = Field(20, ge=0, le=1000, description="How long a consumer waits to fill a batch, in ms.")
    batch_deadline_s: float = Field(
        30, ge=1, le=600, description="How long a batch may be handled before the watchdog cuts it, in seconds."
    )
    partitions: int = Field(
        1, ge=1, le=64, description="Queues that each of a service's queues is split into, by what the event is about."
    )
    retry_ladder: tuple[int, ...] = Field(
        (5, 30, 120, 600, 3600), description="Seconds that an event waits before each further try, comma separated."
    )
    sender_lease_s: float = Field(
        60,
        ge=1,
        le=3600,
        description="Silence past one hand-over after which a sender counts as dead, in s.",
    )
    drain_s: float = Field(25, ge=1, le=600, description="How long a worker may drain after SIGTERM, in seconds.")
    start_wait_s: float = Field(
        120,
        ge=0,
        le=3600,
        description="How long `wenzheng run` waits at its start for the database, its migration and the broker, in s.",
    )

    @field_validator("time_zone")
    @classmethod
    def _zone_exists(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError):
            raise ValueError("no such IANA time zone, for example Asia/Shanghai") from None
        return value

    @field_validator("retry_ladder", mode="before")
    @classmethod
    def _rungs(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        rungs = [part.strip() for part in value.split(",") if part.strip()]
        if not rungs or not all(rung.isascii() and rung.isdigit() and 1 <= int(rung) <= 86_400 for rung in rungs):
            raise ValueError("must be whole seconds from 1 to 86400, for example 5,30,120,600,3600")
        return tuple(int(rung) for rung in rungs)

    @field_validator("database_url", "direct_database_url")
    @classmethod
    def _driver_is_named(cls, value: SecretStr) -> SecretStr:
        url = value.get_secret_value()
        if url.startswith(("postgresql:", "postgres:")):
            # As PostgreSQL's own tools write it, and the secrets of operators that run it.
            return SecretStr(f"postgresql+psycopg2:{url.partition(':')[2]}")
        if url and not url.startswith(("sqlite:", "postgresql+psycopg2:")):
            raise ValueError("must begin with sqlite: or postgresql+psycopg2: (psycopg 3 blocks the worker's loop)")
        return value

    @field_validator("otlp_endpoint")
    @classmethod
    def _collector_speaks_http(cls, value: str) -> str:
        if value and not value.startswith(("http://", "https://")):
            raise ValueError("must begin with http:// or https:// (OTLP over HTTP, not gRPC)")
        return value

    @field_validator("broker_url")
    @classmethod
    def _broker_is_amqp(cls, value: SecretStr, info: ValidationInfo) -> SecretStr:
        url = value.get_secret_value()
        if url and not url.startswith(("amqp://", "amqps://", "pyamqp://")):
            raise ValueError("must begin with amqp:// or amqps://")
        ca_file = info.data.get("broker_ca_file")
        if url.startswith("amqps://") and ca_file and "cacertfile=" not in url:
            # As RabbitMQ's own clients name it in a URL (rabbitmq.com/docs/uri-query-parameters).
            url += ("&" if "?" in url else "?") + urlencode({"cacertfile": ca_file})
        return SecretStr(url)


S = TypeVar("S", bound=ServiceSettings)


def load(cls: type[S], service: str, environ: dict[str, str] | None = None, **overrides: Any) -> S:
    """Read the settings of one service.

    Raises:
        StartError: one line per wrong value: the variable, the reason; never the value of a secret. Its code is
            ``Exit.SECRET`` when a file that holds a value is missing, unreadable or empty.
    """
    env = dict(os.environ if environ is None else environ)
    values: dict[str, Any] = {}
    problems: list[str] = []
    code = Exit.SETTINGS
    for name in cls.model_fields:
        found = source_of(name, service, env)
        if found is None:
            continue
        if not found.endswith(name.upper()):
            try:
                values[name] = _kept_in(env[found])
            except ValueError as error:
                problems.append(f"{found}: {error}")
                code = Exit.SECRET
        else:
            values[name] = env[found]
    values.update(overrides)
    try:
        settings = cls(**values)
    except ValidationError as error:
        for item in error.errors(include_url=False, include_input=False):
            field = str(item["loc"][0]) if item["loc"] else ""
            variable = source_of(field, service, env) or f"{PREFIX}{field.upper()}"
            problems.append(f"{variable}: {item['msg'].removeprefix('Value error, ')}{_link(env.get(variable, ''))}")
    if problems:
        raise StartError("wrong settings\n  " + "\n  ".join(problems), code)
    return settings


def _kept_in(path: str) -> str:
    """The value that a mounted file holds.

    Raises:
        ValueError: it cannot be read, or there is nothing in it.
    """
    try:
        value = Path(path).read_text(encoding="utf-8").strip()
    except OSError as error:
        raise ValueError(f"{path} cannot be read ({error.strerror}); mount the secret there, readable by us") from None
    except UnicodeDecodeError:
        raise ValueError(f"{path} holds no text; put the value itself in it") from None
    if not value:
        raise ValueError(f"{path} is empty; put the value in it")
    return value


def _link(value: str) -> str:
    """Kubernetes names the address of a service of ours in variables that look like settings."""
    return "; Kubernetes made it: set enableServiceLinks: false" if value.startswith("tcp://") else ""


def source_of(field: str, service: str, env: dict[str, str]) -> str | None:
    """The variable that a setting is read from, None when it has its default."""
    for stem in (f"{PREFIX}{service.upper()}_{field.upper()}", f"{PREFIX}{field.upper()}"):
        for name in (stem, f"{stem}_FILE"):
            if env.get(name, "") != "":
                return name
    return None


def describe(settings: ServiceSettings, service: str) -> list[tuple[str, str, str, str, str]]:
    """Rows of ``wenzheng config``: variable, value (secrets masked), source, default, meaning."""
    env = dict(os.environ)
    rows = []
    for name, field in type(settings).model_fields.items():
        value = getattr(settings, name)
        shown = masked(value)
        default = "" if field.default is None else masked(field.default)
        rows.append(
            (
                f"{PREFIX}{name.upper()}",
                shown,
                source_of(name, service, env) or "default",
                default,
                field.description or "",
            )
        )
    return rows


def masked(value: object) -> str:
    """A setting as it may be printed."""
    if isinstance(value, SecretStr):
        return "********" if value.get_secret_value() else ""
    if isinstance(value, tuple):
        # As it is written in the environment.
        return ",".join(map(str, value))
    return "" if value is None else str(value)
