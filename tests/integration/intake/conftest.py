"""An intake house on SQLite, its web application, staff, and what came out of the outbox."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from flask.testing import FlaskClient
from sqlalchemy import select

from services.chassis.clock import DrivenClock
from services.chassis.delivery import outbox
from services.chassis.house import House, open_house
from services.chassis.identity import Staff, sign_token, staff_key_pair
from services.chassis.migrate import migrate
from services.chassis.settings import load
from services.contracts.envelope import Event
from services.contracts.registry import EVENTS
from services.intake.settings import Settings
from services.intake.web import create_app

SECRET_A = "whsec_" + "QUFB" * 8
SECRET_B = "whsec_" + "QkJC" * 8


@pytest.fixture
def clock() -> DrivenClock:
    return DrivenClock(datetime(2026, 3, 2, 1, 0, tzinfo=UTC))


@pytest.fixture
def house(tmp_path: Path, clock: DrivenClock) -> House[Settings]:
    portals = tmp_path / "portals.yaml"
    portals.write_text(
        yaml.safe_dump(
            {
                "portals": [
                    {
                        "id": "north",
                        "name": "North",
                        "vhost": "north",
                        "user": "north",
                        "webhook_secrets": [SECRET_A, SECRET_B],
                    },
                    {"id": "south", "name": "South", "vhost": "south", "user": "south", "webhook_secrets": [SECRET_B]},
                ]
            }
        ),
        encoding="utf-8",
    )
    settings = load(Settings, "intake", {}, data_folder=tmp_path, portals_file=str(portals), code_tries=3)
    house = open_house("intake", settings, clock=clock)
    migrate(house.database, "services.intake")
    return house


@pytest.fixture
def client(house: House[Settings]) -> FlaskClient:
    return create_app(house).test_client()


@pytest.fixture
def events(house: House[Settings]) -> Callable[[], list[Event]]:
    """What the outbox holds, in order."""

    def read() -> list[Event]:
        with house.database.read() as session:
            rows = session.execute(select(outbox).order_by(outbox.c.position)).all()
        return [EVENTS.decode(row.type, row.body) for row in rows]

    return read


@pytest.fixture
def sign_in(house: House[Settings], client: FlaskClient, clock: DrivenClock) -> Callable[..., None]:
    """Sign somebody in by the token cookie."""
    key = staff_key_pair(house.settings.data_folder)

    def sign(*roles: str, unit: str = "office", staff_id: str = "s1") -> None:
        token = sign_token(Staff(staff_id, "沈禾", unit, frozenset(roles)), key, clock.now())
        client.set_cookie("wz_staff", token)

    return sign


@pytest.fixture
def petition() -> dict[str, Any]:
    return {
        "kind": "complaint",
        "title": "橡园里窨井盖松动",
        "body": "车一压就响，夜里睡不着，请派人固定。",
        "place": {"text": "橡园里七幢", "adcode": "990101001", "lat": 30.2, "lon": 125.1, "crs": "GCJ02"},
        "contact": {"name": "宋以棠", "phone": "13800130117", "mail": "song@example.org"},
        "publish": True,
    }


@pytest.fixture
def post_form(client: FlaskClient) -> Callable[..., Any]:
    """Open a page, fill its form with what is hidden in it and ``fields``, and post it."""
    import re

    def post(path: str, fields: dict[str, str], page: str = "") -> Any:
        html = client.get(page or path).get_data(as_text=True)
        hidden = dict(re.findall(r'name="(csrf_token)" value="([^"]*)"', html))
        found = re.search(r'<input id="form_id" name="form_id" type="hidden" value="([^"]*)">', html)
        if found:
            hidden["form_id"] = found.group(1)
        return client.post(path, data={**hidden, **fields})

    return post
