"""The page and the API for staff: what is found, by whom, and what is refused."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from html import unescape
from typing import Any

import pytest
from flask.testing import FlaskClient

from services.chassis.house import House
from services.chassis.identity import Staff, sign_token, staff_key_pair
from services.search.engines import open_engine
from services.search.engines.elastic import ElasticEngine
from services.search.indexing import Indexer
from services.search.web import create_app
from tests.integration.search.events import NOW, Town, account, case, number_of, petition, unit

Who = Callable[..., FlaskClient]


@pytest.fixture
def town(house: House[Any]) -> Town:
    return Town(house)


@pytest.fixture
def who(town: Town) -> Who:
    """Signs in a member of staff."""
    key = staff_key_pair(town.house.settings.data_folder)
    app = create_app(town.house)

    def sign_in(*roles: str, unit: str | None = None, id: str = "chen") -> FlaskClient:
        town.send(account(id, *roles, unit=unit))
        token = sign_token(Staff(id, "陈静", unit, frozenset(roles)), key, town.house.clock.now())
        client = app.test_client()
        client.set_cookie("wz_staff", token)
        client.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {token}"
        return client

    return sign_in


@pytest.fixture
def filled(town: Town) -> Iterator[Town]:
    town.send(*[unit(key) for key in ("housing", "urban", "water")])
    town.send(
        petition("p1", "夜間施工噪音擾民", "錦梭路工地<b>夜裡</b>打樁，孩子睡不著。", language="zh-Hant"),
        petition("p2", "路灯不亮", "巷口三盏路灯坏了。", kind="report", at=NOW + timedelta(days=1)),
        petition("p3", "物业不修路灯", "车库的灯坏了。", at=NOW + timedelta(days=31)),
        petition("p4", "某人收受礼金", "与路灯工程有关。", sealed=True),
        petition("p5", "How to report a broken lamp", "The lamp 路灯 near the wharf.", language="en"),
    )
    town.send(
        case("p1", "accepted", unit="urban"),
        case("p2", "replied", unit="urban", kind="report", reply="三盏路灯已于昨日修好。"),
        case("p3", unit="housing"),
    )
    engine = open_engine(town.house.settings)
    while Indexer(town.house, engine).run():
        pass
    yield town
    engine.close()


def titles(client: FlaskClient, query: str) -> set[str]:
    answer = client.get(f"/api/search?{query}")
    assert answer.status_code == 200, answer.text
    return {hit["petition_id"] for hit in answer.json["hits"]}  # type: ignore[index]


def test_each_member_of_staff_finds_only_what_the_rule_allows(filled: Town, who: Who) -> None:
    expected = {
        ("dispatcher", None): {"p1", "p2", "p3", "p5"},
        ("supervisor", None): {"p1", "p2", "p3", "p5"},
        ("officer", "urban"): {"p1", "p2"},
        ("officer", "housing"): {"p3"},
        ("officer", "water"): set(),
        ("administrator", None): set(),
        ("sealed_officer", None): {"p4"},
    }
    for (role, unit_id), ids in expected.items():
        client = who(role, unit=unit_id)
        assert titles(client, "") == ids, role
        facets = client.get("/api/search").json["facets"]  # type: ignore[index]
        for values in facets.values():
            assert sum(value["count"] for value in values) == len(ids)
        page = client.get("/search").text
        for key in ("p1", "p2", "p3", "p4", "p5"):
            assert (number_of(key) in page) == (key in ids), (role, key)


def test_a_petition_sealed_since_it_was_indexed_is_not_shown(filled: Town, who: Who) -> None:
    filled.send(case("p2", "replied", unit="urban", audience="sealed", reply="x"))
    answer = who("dispatcher").get("/api/search?q=路灯").json
    assert "p2" not in {hit["petition_id"] for hit in answer["hits"]}  # type: ignore[index]


def test_the_api_answers_with_what_was_found_and_where_it_matched(filled: Town, who: Who) -> None:
    answer = who("dispatcher").get("/api/search?q=路灯&kind=report&lang=en").json
    assert answer is not None
    assert (answer["total"], answer["page"], len(answer["hits"])) == (1, 1, 1)
    hit = answer["hits"][0]
    assert hit["number"] == number_of("p2")
    assert hit["unit"] == {"id": "urban", "name": "Urban Management Bureau"}
    assert (hit["kind"], hit["state"]) == ("report", "replied")
    assert hit["highlights"]["title"] == "<mark>路灯</mark>不亮"
    assert hit["highlights"]["reply"] == "三盏<mark>路灯</mark>已于昨日修好。"
    assert hit["highlights"]["supplements"] is None
    assert hit["indexed_at"] is not None
    assert hit["score"] > 0
    kinds = {value["value"]: (value["name"], value["count"]) for value in answer["facets"]["kind"]}
    assert kinds == {"complaint": ("Complaint", 2), "report": ("Report", 1)}


def test_a_simplified_question_finds_and_marks_traditional_text(filled: Town, who: Who) -> None:
    hit = who("dispatcher").get("/api/search?q=噪音扰民").json["hits"][0]  # type: ignore[index]
    assert hit["highlights"]["title"] == "夜間施工<mark>噪音擾民</mark>"
    hit = who("dispatcher").get("/api/search?q=睡不着").json["hits"][0]  # type: ignore[index]
    assert "孩子<mark>睡不著</mark>" in hit["highlights"]["body"]


def test_html_in_a_petition_stays_text_on_the_page(filled: Town, who: Who) -> None:
    page = who("dispatcher").get("/search?q=夜里").text
    assert "工地&lt;b&gt;<mark>夜裡</mark>&lt;/b&gt;打樁" in page
    page = who("dispatcher").get("/search?q=<script>alert(1)</script>").text
    assert "<script>alert" not in page


@pytest.mark.parametrize("change", [str, str.lower, lambda n: n.replace("-", ""), lambda n: n[3:], lambda n: f" {n} "])
def test_a_receipt_number_finds_its_petition_however_it_is_typed(
    filled: Town, who: Who, change: Callable[[str], str]
) -> None:
    assert titles(who("dispatcher"), f"q={change(number_of('p3'))}") == {"p3"}


def test_a_number_of_a_petition_one_may_not_see_finds_nothing(filled: Town, who: Who) -> None:
    assert titles(who("officer", unit="urban"), f"q={number_of('p3')}") == set()


def test_punctuation_alone_finds_nothing(filled: Town, who: Who) -> None:
    assert titles(who("dispatcher"), "q=？？！") == set()
    assert who("dispatcher").get("/search?q=？？！").status_code == 200


@pytest.mark.parametrize("query", ["kind=report", "unit=housing", "state=accepted", "month=2026-04", "unit=-"])
def test_a_filter_leaves_only_what_it_names(filled: Town, who: Who, query: str) -> None:
    expected = {
        "kind=report": {"p2"},
        "unit=housing": {"p3"},
        "state=accepted": {"p1"},
        "month=2026-04": {"p3"},
        "unit=-": {"p5"},
    }
    assert titles(who("dispatcher"), query) == expected[query]


def test_every_facet_link_of_the_page_leads_to_as_many_as_it_says(filled: Town, who: Who) -> None:
    client = who("dispatcher")
    page = client.get("/search?q=路灯&lang=en").text
    links = re.findall(
        r'<li><a href="([^"]+)"><span class="facet-name">[^<]+</span> <span class="facet-count">(\d+)', page
    )
    assert len(links) >= 2 * 7
    for href, count in links:
        there = client.get(unescape(href)).text
        assert f"<strong>{count} petition" in there
        assert 'class="chips"' in there


def test_newest_first_on_request(filled: Town, who: Who) -> None:
    hits = who("dispatcher").get("/api/search?q=路灯&sort=newest").json["hits"]  # type: ignore[index]
    assert [hit["petition_id"] for hit in hits] == ["p3", "p2", "p5"]
    assert hits[0]["score"] is None


def test_pages_lead_through_all_hits(filled: Town, who: Who) -> None:
    client = who("dispatcher")
    seen = [titles(client, f"size=3&page={page}") for page in (1, 2, 3)]
    assert [len(page) for page in seen] == [3, 1, 0]
    assert set.union(*seen) == {"p1", "p2", "p3", "p5"}


@pytest.mark.parametrize(
    ("query", "code", "field"),
    [
        ("q=" + "字" * 201, "query_too_long", "q"),
        ("kind=rant", "unknown_kind", "kind"),
        ("unit=nowhere", "unknown_unit", "unit"),
        ("page=9999", "page_too_deep", "page"),
        ("colour=red", "unknown_parameter", "colour"),
    ],
)
def test_what_cannot_be_asked_is_a_problem_with_its_field(
    filled: Town, who: Who, query: str, code: str, field: str
) -> None:
    client = who("dispatcher")
    answer = client.get(f"/api/search?{query}")
    assert answer.status_code == 422
    assert answer.content_type == "application/problem+json"
    assert (answer.json["code"], answer.json["field"]) == (code, field)  # type: ignore[index]
    page = client.get(f"/search?{query}")
    assert page.status_code == 422
    assert 'role="alert"' in page.text


def test_without_an_index_the_page_says_that_there_is_nothing_yet(town: Town, who: Who) -> None:
    answer = who("dispatcher").get("/search?lang=en")
    assert answer.status_code == 200
    assert "No petitions yet" in answer.text


def test_while_the_engine_is_away_the_page_says_so(house: House[Any], tmp_path: Any) -> None:
    app = create_app(house)
    app.extensions["search_engine"] = ElasticEngine("http://127.0.0.1:9", "gone", timeout=1)
    Town(house).send(account("chen", "dispatcher"))
    staff = Staff("chen", "陈静", None, frozenset({"dispatcher"}))
    token = sign_token(staff, staff_key_pair(tmp_path), house.clock.now())
    headers = {"Authorization": f"Bearer {token}"}
    answer = app.test_client().get("/api/search?q=路灯", headers=headers)
    assert (answer.status_code, answer.json["code"]) == (503, "search_unavailable")  # type: ignore[index]


def test_strangers_are_sent_to_the_sign_in(town: Town) -> None:
    client = create_app(town.house).test_client()
    assert client.get("/search?q=路灯").headers["Location"].startswith("/sign-in?next=")
    assert client.get("/api/search").status_code == 401


def test_a_revoked_account_finds_nothing_more(filled: Town, who: Who) -> None:
    client = who("dispatcher")
    filled.send(account("chen", "dispatcher", active=False))
    assert client.get("/api/search").status_code == 401


@pytest.mark.parametrize("language", ["zh-Hans", "zh-Hant", "en"])
def test_the_page_speaks_the_readers_language(filled: Town, who: Who, language: str) -> None:
    words = {"zh-Hans": "检索诉求", "zh-Hant": "檢索訴求", "en": "Search petitions"}
    page = who("dispatcher").get(f"/search?q=路灯&lang={language}").text
    assert words[language] in page
    if language != "en":
        body = re.sub(r"<[^>]+>", " ", page.partition("<main")[2].partition("</main>")[0])
        for english in ("Filter", "Newest", "Kind", "petition ", "found in"):
            assert english not in body
