"""The web role: one factory for every service's Flask application, and what its views may use."""

from __future__ import annotations

from services.chassis.web.access import api, current_staff, local_path, staff_or_none, staff_required
from services.chassis.web.body import body_json
from services.chassis.web.context import Nav, about, client_key, house, traceparent
from services.chassis.web.errors import InvalidInput
from services.chassis.web.factory import make_app
from services.chassis.web.forms import HouseForm
from services.chassis.web.i18n import day, l, language, moment, pick, t, tn
from services.chassis.web.limits import RateLimit, too_many

__all__ = [
    "HouseForm",
    "InvalidInput",
    "Nav",
    "RateLimit",
    "about",
    "api",
    "body_json",
    "client_key",
    "current_staff",
    "day",
    "house",
    "l",
    "language",
    "local_path",
    "make_app",
    "moment",
    "pick",
    "staff_or_none",
    "staff_required",
    "t",
    "tn",
    "too_many",
    "traceparent",
]
