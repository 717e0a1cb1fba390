"""The web role of routing: sign-in, desk, directory, JSON API for scripts."""

from __future__ import annotations

from collections.abc import Sequence

from flask import Flask

from services.chassis.house import House
from services.chassis.identity import signing_key
from services.chassis.web import Nav, RateLimit, make_app
from services.contracts.envelope import Text
from services.routing import store
from services.routing.settings import Settings
from services.routing.web import api, desk, directory, sign_in, topics
from services.routing.web.door import Door


def create_app(house: House[Settings], nav: Sequence[Nav] = ()) -> Flask:
    """The Flask application of routing.

    Args:
        house: the running service.
        nav: entries of the navigation.
    """
    settings = house.settings
    door = Door(
        house=house,
        key=signing_key(settings.staff_key.get_secret_value(), settings.data_folder, settings.staff_public_key),
        limit=RateLimit(settings.sign_ins_per_minute, settings.sign_ins_per_minute),
    )

    def unit_name(unit_id: str) -> Text | None:
        with house.database.read() as session:
            unit = store.directory.read(session).unit_by_id.get(unit_id)
        return unit.name if unit else None

    app = make_app(
        house,
        "services.routing",
        nav=nav,
        is_active=door.is_active,
        staff_of=door.staff_of_session,
        unit_name=unit_name,
    )
    app.extensions["door"] = door
    for part in (sign_in, topics, desk, directory, api):
        app.register_blueprint(part.blueprint)
    return app
