"""Makes the Flask application of a service: pages, errors, guards, languages, measures."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlencode

import structlog
from flask import Flask, Response, g, request
from jinja2 import ChoiceLoader, FileSystemLoader, StrictUndefined
from werkzeug.exceptions import BadRequest
from werkzeug.middleware.proxy_fix import ProxyFix

from services.chassis.house import House
from services.chassis.identity import Staff
from services.chassis.ids import child_traceparent, uuid7
from services.chassis.telemetry import log, trace_of
from services.chassis.web import access, assets, crowd, errors, health, i18n, security
from services.chassis.web.body import MAX_FIELDS, HouseRequest
from services.chassis.web.context import Nav, over_https, own_address, own_path
from services.contracts.envelope import Text

_TEMPLATES: Final = Path(__file__).parent / "templates"
#: The product's own name, in small letters beside the name of the place.
_PRODUCT_SHORT: Final = "问政"
_PRODUCT: Final = Text(zh="Wenzheng")
_PRODUCT_LONG: Final = Text(zh="问政 Wenzheng", en="Wenzheng 问政")
#: A request id of a proxy's that is safe to log and show.
_REQUEST_ID: Final = re.compile(r"[A-Za-z0-9._-]{8,64}")
#: W3C Trace Context, version 00.
_TRACEPARENT: Final = re.compile(r"00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")
#: Methods as a span names them; any other is "_OTHER" (OpenTelemetry's conventions for HTTP).
_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
#: Asked by machines every few seconds: logged only when asked for.
_QUIET: Final = health.PROBES | {"static"}


def make_app(
    house: House[Any],
    package: str,
    *,
    nav: Sequence[Nav] = (),
    is_active: Callable[[str], bool] | None = None,
    staff_of: Callable[[], Staff | None] | None = None,
    unit_name: Callable[[str], Text | None] | None = None,
) -> Flask:
    """The application of one service, to which the service adds its views.

    Args:
        house: the parts of the running service.
        package: the service's package, ``services.<name>``; its ``templates``, ``static`` and ``locale`` are used.
        nav: entries of the navigation, of all services that share the front door.
        is_active: asked once a request about a signed-in member of staff; False signs out.
        staff_of: the service's own lookup of who is signed in, in place of the token cookie.
        unit_name: name of a unit by its id, for the header; without it the unit is not shown.
    """
    app = Flask(package, static_folder=None)
    app.extensions["house"] = house
    folder = Path(app.root_path)
    app.request_class = HouseRequest
    app.config.update(
        MAX_CONTENT_LENGTH=house.settings.max_body_bytes,
        MAX_FORM_MEMORY_SIZE=house.settings.max_body_bytes,
        MAX_FORM_PARTS=MAX_FIELDS,
    )
    if house.settings.trusted_proxies:
        count = house.settings.trusted_proxies
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=count, x_proto=count, x_host=0)  # type: ignore[method-assign]
    _templates(app, folder)
    security.set_up(app)
    i18n.set_up(app, folder / "locale")
    access.set_up(app, is_active, staff_of)
    errors.set_up(app)
    health.set_up(app)
    assets.set_up(app, house.service, folder / "static")
    _measures(app, house)
    _page_values(app, tuple(nav), unit_name)
    return app


def _templates(app: Flask, folder: Path) -> None:
    app.jinja_loader = ChoiceLoader([FileSystemLoader(folder / "templates"), FileSystemLoader(_TEMPLATES)])
    app.jinja_env.undefined = StrictUndefined
    app.jinja_env.autoescape = True
    app.jinja_env.trim_blocks = True
    app.jinja_env.lstrip_blocks = True


def _measures(app: Flask, house: House[Any]) -> None:
    """What happens around every request: ids, CSRF, headers, counts, one line of log."""
    logger = log(house.service)
    service = house.service
    house.metrics.gauge("web_threads", house.settings.web_threads, service=service)

    @app.before_request
    def begin() -> None:
        g.started = time.perf_counter()
        given = request.headers.get("X-Request-Id", "")
        g.request_id = given if _REQUEST_ID.fullmatch(given) else uuid7()
        parent = request.headers.get("traceparent", "")
        g.parent = parent if _TRACEPARENT.fullmatch(parent) else None
        g.traceparent = child_traceparent(g.parent)
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=g.request_id, **trace_of(g.traceparent))
        if "\0" in request.path or any("\0" in part for pair in request.args.items(multi=True) for part in pair):
            # Nothing of ours holds a NUL, and PostgreSQL takes none: what asks for one is no question.
            raise BadRequest
        crowd.refuse_the_crowd()
        security.protect()

    @app.after_request
    def finish(response: Response) -> Response:
        seconds = time.perf_counter() - g.started
        response.headers["X-Request-Id"] = g.request_id
        security.add_headers(response)
        i18n.keep_choice(response, over_https())
        status = f"{response.status_code // 100}xx"
        house.metrics.count("http_requests", service=service, status=status)
        house.metrics.observe("http_seconds", seconds, service=service)
        # The rule and not the path: a path may hold the number of a thing, a query what somebody typed.
        values = {
            "method": request.method,
            "route": request.url_rule.rule if request.url_rule else "",
            "status": response.status_code,
            "ms": round(seconds * 1000, 1),
        }
        if "refusal_code" in g:
            values["code"] = g.refusal_code
        if request.endpoint in _QUIET:
            logger.debug("request", **values)
            return response
        logger.info("request", **values)
        if house.tracer is not None:
            house.tracer.request(
                g.traceparent,
                g.parent,
                seconds,
                method=request.method if request.method in _METHODS else "_OTHER",
                route=values["route"],
                status=response.status_code,
                code=g.get("refusal_code", ""),
                ids={"request_id": g.request_id, **g.get("about", {})},
            )
        return response

    @app.teardown_request
    def forget(error: BaseException | None) -> None:
        structlog.contextvars.clear_contextvars()


def _page_values(app: Flask, entries: tuple[Nav, ...], unit_name: Callable[[str], Text | None] | None) -> None:
    """What the layout needs; computed only for pages."""
    settings = app.extensions["house"].settings
    name = Text(zh=settings.site_name)

    @app.context_processor
    def values() -> dict[str, Any]:
        staff = access.staff_or_none()
        unit = unit_name(staff.unit_id) if staff and staff.unit_id and unit_name else None
        return {
            "staff": staff,
            "staff_unit": unit,
            "nav": shown(entries, staff),
            "nav_here": here(entries, request.path),
            "site_name": i18n.pick(name),
            "house_name": i18n.pick(_PRODUCT if settings.site_name == _PRODUCT_SHORT else _PRODUCT_LONG),
            "request_id": g.get("request_id", ""),
            "sign_out_path": access.SIGN_OUT,
            "renew_path": access.RENEW,
            "sign_in_path": access.SIGN_IN,
        }

    def language_url(code: str) -> str:
        query = [(name, value) for name, value in request.args.items(multi=True) if name != "lang"]
        return f"{own_path()}?{urlencode([*query, ('lang', code)])}"

    def label_of(entry: Nav) -> str:
        return i18n.t(entry.label) if isinstance(entry.label, str) else i18n.pick(entry.label)

    app.jinja_env.globals.update(language_url=language_url, label_of=label_of, own_address=own_address)


def shown(entries: Sequence[Nav], staff: Staff | None) -> list[Nav]:
    """The entries for this reader: the public sees those without roles, staff those their roles open."""
    if staff is None:
        return [entry for entry in entries if not entry.roles]
    return [entry for entry in entries if "*" in entry.roles or staff.has(*entry.roles)]


def here(entries: Sequence[Nav], path: str) -> str:
    """Path of the entry that ``path`` lies under: the longest one, on the bounds of segments; "" when none."""
    under = [e.path for e in entries if path == e.path or (e.path != "/" and path.startswith(f"{e.path}/"))]
    return max(under, key=len, default="")
