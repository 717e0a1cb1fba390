"""What the public may read: answered petitions whose petitioners agreed, found by half of a title's words."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from flask.testing import FlaskClient

from services.chassis.house import House
from services.contracts.routing import CaseLink
from services.search.engines import open_engine
from services.search.indexing import Indexer
from services.search.models import PetitionView
from services.search.web import create_app
from tests.integration.search.events import NOW, Town, case, petition, unit

TITLE = "橡园里路灯不亮"


@pytest.fixture
def town(house: House[Any]) -> Town:
    made = Town(house)
    made.send(unit("urban"))
    return made


@pytest.fixture
def client(town: Town) -> FlaskClient:
    return create_app(open_to_all(town)).test_client()


def open_to_all(town: Town) -> House[Any]:
    return replace(town.house, settings=town.house.settings.model_copy(update={"public_answers": True}))


def index(town: Town) -> None:
    engine = open_engine(town.house.settings)
    while Indexer(town.house, engine).run():
        pass
    engine.close()


def told(client: FlaskClient, title: str = TITLE) -> list[dict[str, Any]]:
    answer = client.post("/api/search/answers", json={"title": title})
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json["answers"]  # type: ignore[index]
    return found


def test_an_answered_petition_is_found_by_a_title_like_its_own_and_read_by_everybody(
    town: Town, client: FlaskClient
) -> None:
    town.send(petition("p1", "橡园里七幢路灯坏了", "正文只有工作人员能看", publish=True))
    town.send(case("p1", "replied", unit="urban", reply="李芳女士：三盏路灯已修好，可致电13800130117。"))
    index(town)
    (one,) = told(client, "橡园里的路灯坏了没人修")
    assert (one["title"], one["unit"]["zh"], one["outcome"]) == ("橡园里七幢路灯坏了", "城市管理局", "supported")
    page = client.get(one["url"])
    assert page.status_code == 200
    assert "三盏路灯已修好" in page.text
    for hidden in ("13800130117", "李芳", "正文只有工作人员能看", "WZ-"):
        assert hidden not in page.text


@pytest.mark.parametrize(
    ("filed", "stands"),
    [
        ({"publish": False}, {"state": "replied", "reply": "已修好。"}),
        ({"publish": True}, {"state": "dispatched"}),
        ({"publish": True}, {"state": "replied", "reply": "已修好。", "audience": "dispatchers"}),
        ({"publish": True}, {"state": "replied", "reply": "已修好。", "audience": "sealed"}),
        ({"publish": True, "sealed": True}, {"state": "replied", "reply": "已修好。", "sealed": True}),
        ({"publish": True, "what": "withdrawn"}, {"state": "withdrawn"}),
    ],
    ids=["not agreed", "not answered", "dispatchers", "sealed later", "report on a person", "withdrawn"],
)
def test_nothing_else_is_found_or_read(
    town: Town, client: FlaskClient, filed: dict[str, Any], stands: dict[str, Any]
) -> None:
    town.send(petition("p1", TITLE, **filed))
    town.send(case("p1", unit="urban", **stands))
    index(town)
    assert told(client) == []
    assert client.get("/search/answers/p1").status_code == 404


def test_what_is_sealed_a_moment_ago_is_not_shown_though_the_index_still_has_it(
    town: Town, client: FlaskClient
) -> None:
    town.send(petition("p1", TITLE, publish=True), case("p1", "replied", unit="urban", reply="已修好。"))
    index(town)
    assert len(told(client)) == 1
    town.send(case("p1", "replied", unit="urban", reply="已修好。", audience="sealed"))
    assert told(client) == []
    assert client.get("/search/answers/p1").status_code == 404


def test_at_most_five_and_no_stranger(town: Town, client: FlaskClient) -> None:
    for number in range(8):
        town.send(petition(f"p{number}", f"{TITLE}第{number}次", publish=True))
        town.send(case(f"p{number}", "replied", unit="urban", reply="已修好。"))
    town.send(petition("other", "断缴的社保怎么补", publish=True))
    town.send(case("other", "replied", unit="urban", reply="请带身份证到窗口办理。"))
    index(town)
    assert len(told(client)) == 5
    assert [one["title"] for one in told(client, "社保断缴怎么补")] == ["断缴的社保怎么补"]
    assert told(client, "！！") == []


@pytest.mark.parametrize("body", [{}, {"title": 7}, {"title": "路灯", "body": "x"}, []])
def test_another_body_is_refused(client: FlaskClient, body: Any) -> None:
    answer = client.post("/api/search/answers", json=body)
    assert (answer.status_code, answer.json["code"]) == (422, "invalid_body")  # type: ignore[index]


def test_none_of_it_is_shown_before_an_operator_lets_it(town: Town) -> None:
    town.send(petition("p1", TITLE, publish=True), case("p1", "replied", unit="urban", reply="已修好。"))
    index(town)
    assert not town.house.settings.public_answers
    shut = create_app(town.house).test_client()
    assert shut.post("/api/search/answers", json={"title": TITLE}).status_code == 404
    assert shut.get("/search/answers/p1").status_code == 404


def test_who_is_handled_together_stands_in_the_row(town: Town) -> None:
    link = CaseLink(petition_id="p2", number="WZ-2", since=NOW)
    town.send(petition("p1"), petition("p2", number="WZ-2"))
    town.send(case("p1", lead=link), case("p2", number="WZ-2", joined=[link]))
    with town.house.database.read() as session:
        one, two = session.get(PetitionView, "p1"), session.get(PetitionView, "p2")
        assert one is not None and two is not None
        assert (one.lead, one.joined, two.lead, two.joined) == ("WZ-2", [], None, ["WZ-2"])
