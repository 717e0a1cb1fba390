"""The web role of intake: pages, JSON API, webhook of portals, clerk's entry."""

from __future__ import annotations

from collections.abc import Sequence
from zoneinfo import ZoneInfo

from flask import Flask

from services.chassis.house import House
from services.chassis.portals import load_portals
from services.chassis.web import Nav, make_app
from services.contracts import words
from services.intake import store
from services.intake.areas import load_areas
from services.intake.handlers.filing import Keys
from services.intake.settings import Settings
from services.intake.web import api, entry, pages, portals, status
from services.intake.web.answers import Answers
from services.intake.web.desk import Desk
from services.intake.web.quota import Quota
from services.intake.web.tray import Tray
from services.intake.web.tries import Tries


def create_app(house: House[Settings], nav: Sequence[Nav] = ()) -> Flask:
    """The Flask application of intake.

    Args:
        house: the running service.
        nav: entries of the navigation.
    """
    settings = house.settings
    keys, zone = Keys.of(house.key), ZoneInfo(settings.time_zone)

    def is_active(staff_id: str) -> bool:
        with house.database.read() as session:
            return not store.is_revoked(session, staff_id)

    app = make_app(house, "services.intake", nav=nav, is_active=is_active)
    app.extensions["intake"] = Desk(
        house=house,
        keys=keys,
        zone=zone,
        portals=load_portals(settings.portals_file),
        areas=load_areas(settings.areas_file),
        api_limit=Quota(house, "api", settings.filing_per_minute),
        form_limit=Quota(house, "form", settings.form_per_minute),
        tries=Tries(settings.code_tries),
        tray=Tray(house, keys, zone),
        answers=Answers(settings),
    )
    app.jinja_env.globals.update(
        name_of=words.name_of,
        KIND_NAMES=words.KIND_NAMES,
        STATE_NAMES=words.STATE_NAMES,
        STATE_TONES=words.STATE_TONES,
        CHANNEL_NAMES=words.CHANNEL_NAMES,
        OUTCOME_NAMES=words.OUTCOME_NAMES,
    )
    for part in (pages, status, api, entry, portals):
        app.register_blueprint(part.blueprint)
    return app
