"""The web room: headers, errors, limits, CSRF, who may see what."""

from __future__ import annotations

import io
import json
import re
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from prometheus_client.parser import text_string_to_metric_families
from werkzeug.test import TestResponse

from services.chassis.clock import DrivenClock
from services.chassis.errors import Refusal
from services.chassis.house import House
from services.chassis.identity import SigningKey, Staff, sign_token, staff_key_pair
from services.chassis.web import Nav, RateLimit, local_path
from services.chassis.web.factory import here
from services.chassis.web.server import FrontDoor

if TYPE_CHECKING:
    from tests.unit.chassis import web_sample
else:
    sys.path.insert(0, str(Path(__file__).parent))
    import web_sample

OWN = {"Origin": "http://localhost"}
EN = {"Accept-Language": "en"}


@pytest.fixture
def clock() -> DrivenClock:
    return DrivenClock(web_sample.NOW)


@pytest.fixture
def house(tmp_path: Path, clock: DrivenClock) -> Iterator[House[Any]]:
    house = web_sample.sample_house(tmp_path, clock, max_body_bytes=20_000)
    yield house
    house.database.close()


@pytest.fixture
def app(house: House[Any]) -> Flask:
    return web_sample.sample_app(house)


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


@pytest.fixture
def key(house: House[Any]) -> SigningKey:
    return staff_key_pair(house.settings.data_folder)


def signed_in(client: FlaskClient, key: SigningKey, *roles: str) -> None:
    staff = Staff("s1", "周婷", "u1", frozenset(roles or {"officer"}))
    client.set_cookie("wz_staff", sign_token(staff, key, web_sample.NOW))


def csrf_of(answer: TestResponse) -> str:
    found = re.search(r'name="csrf_token" value="([^"]+)"', answer.text)
    assert found
    return found[1]


def problem(answer: TestResponse) -> dict[str, Any]:
    assert answer.mimetype == "application/problem+json"
    document: dict[str, Any] = json.loads(answer.data)
    assert document["status"] == answer.status_code
    assert document["request_id"] == answer.headers["X-Request-Id"]
    return document


# Headers


@pytest.mark.parametrize("path", ["/sample", "/nope", "/broken", "/staff", "/api/broken", "/livez"])
def test_every_answer_carries_the_guarding_headers(client: FlaskClient, path: str) -> None:
    headers = client.get(path).headers
    policy = headers["Content-Security-Policy"]
    assert "default-src 'self'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "same-origin"
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert "camera=()" in headers["Permissions-Policy"]
    assert headers["Cache-Control"] == "no-store"
    assert "Strict-Transport-Security" not in headers


def test_hsts_is_sent_over_https_only(tmp_path: Path, client: FlaskClient) -> None:
    assert "Strict-Transport-Security" in client.get("/sample", base_url="https://localhost").headers
    public = web_sample.sample_app(web_sample.sample_house(tmp_path, public_url="https://wz.example.cn"))
    answer = public.test_client().get("/sample/form?lang=en")
    assert "Strict-Transport-Security" in answer.headers
    assert all("Secure" in cookie for cookie in answer.headers.getlist("Set-Cookie"))


def test_cookies_are_kept_from_scripts_and_other_sites(client: FlaskClient) -> None:
    cookies = client.get("/sample/form?lang=en").headers.getlist("Set-Cookie")
    assert {cookie.split("=")[0] for cookie in cookies} == {"wz_sample", "wz_lang"}
    assert all("HttpOnly" in cookie and "SameSite=Lax" in cookie for cookie in cookies)


def test_no_page_holds_an_inline_script_or_style(client: FlaskClient, key: SigningKey) -> None:
    pages = [client.get("/sample"), client.get("/nope"), client.post("/plain", data={"a": "b"}, headers=OWN)]
    signed_in(client, key)
    pages.append(client.get("/staff"))
    for page in pages:
        assert not re.search(r"<style|\sstyle=|\son\w+=|<script(?![^>]*\ssrc=)|javascript:", page.text)


# Static files


def test_static_files_are_kept_for_a_year_under_the_hash_of_their_content(client: FlaskClient) -> None:
    link = re.search(r'href="(/static/house/house\.css\?v=\w+)"', client.get("/sample").text)
    assert link
    with client.get(link[1]) as answer, client.get("/static/house/house.css?v=old") as old:
        assert (answer.status_code, old.status_code) == (200, 200)
        assert "immutable" in answer.headers["Cache-Control"]
        assert "immutable" not in old.headers["Cache-Control"]


@pytest.mark.parametrize(
    "path", ["/static/house/../server.py", "/static/other/a.css", "/static/house/nope", "/static/"]
)
def test_nothing_else_is_served_as_static_file(client: FlaskClient, path: str) -> None:
    assert client.get(path).status_code == 404


# Ids


def test_a_sane_request_id_is_kept_and_another_replaced(client: FlaskClient) -> None:
    assert client.get("/livez", headers={"X-Request-Id": "proxy-12345"}).headers["X-Request-Id"] == "proxy-12345"
    for bad in ("short", "a b c d e f g h", "x" * 65, "<script>alert</script>"):
        given = client.get("/nope", headers={"X-Request-Id": bad})
        assert re.fullmatch(r"[0-9a-f-]{36}", given.headers["X-Request-Id"])
        assert given.headers["X-Request-Id"] in given.text


def test_a_trace_goes_on_and_a_wrong_one_is_not_believed(client: FlaskClient) -> None:
    trace = "00-" + "a" * 32 + "-" + "b" * 16 + "-01"
    got = client.post("/api/sample", json=1, headers={"traceparent": trace}).json
    assert got is not None
    assert got["traceparent"][:36] == trace[:36]
    assert got["traceparent"] != trace
    for wrong in ("00-" + "0" * 32 + "-" + "b" * 16 + "-01", "x" * 55, ""):
        other = client.post("/api/sample", json=1, headers={"traceparent": wrong}).json
        assert other is not None
        assert re.fullmatch(r"00-[0-9a-f]{32}-[0-9a-f]{16}-01", other["traceparent"])
        assert other["traceparent"][3:35] not in {"a" * 32, "0" * 32}


# Errors


def test_a_refusal_is_a_page_for_readers_and_a_problem_for_programs(client: FlaskClient) -> None:
    page = client.get("/refused/409", headers=EN)
    assert (page.status_code, page.mimetype) == (409, "text/html")
    assert "Sample &lt;b&gt;7&lt;/b&gt; is refused." in page.text
    document = problem(client.get("/refused/409", headers={**EN, "Accept": "application/json"}))
    assert document["code"] == "sample_refused"
    assert document["type"].endswith("/sample_refused")
    assert document["detail"] == "Sample <b>7</b> is refused."
    assert document["title"] == "It has changed meanwhile"


def test_a_problem_speaks_the_readers_language(client: FlaskClient) -> None:
    answer = client.get("/api/nope", headers={"Accept-Language": "zh-TW"})
    assert problem(answer)["title"] == "未找到"
    assert answer.headers["Content-Language"] == "zh-Hant"


def test_every_wrong_field_is_named(client: FlaskClient) -> None:
    document = problem(client.post("/api/wrong", headers={"Accept-Language": "zh"}))
    assert document["code"] == "invalid_input"
    assert document["errors"] == [
        {"field": "title", "code": "too_long", "detail": "Field cannot be longer than 3."},
        {"field": "text", "code": "missing", "detail": "此项必填。"},
    ]


@pytest.mark.parametrize("path", ["/broken", "/api/broken"])
def test_a_fault_of_ours_shows_a_reference_and_nothing_of_what_happened(client: FlaskClient, path: str) -> None:
    answer = client.get(path, headers=EN)
    assert answer.status_code == 500
    assert answer.headers["X-Request-Id"] in answer.text
    assert "neighbour" not in answer.text
    assert "RuntimeError" not in answer.text


def test_a_database_away_is_503_with_the_time_to_come_back(client: FlaskClient) -> None:
    answer = client.get("/away", headers={"Accept": "application/json"})
    assert answer.status_code == 503
    assert int(answer.headers["Retry-After"]) > 0
    assert problem(answer)["code"] == "database_unavailable"


def test_a_value_that_was_not_given_to_a_template_is_a_fault_and_not_a_gap(client: FlaskClient) -> None:
    assert client.get("/undefined").status_code == 500


def test_an_error_page_is_shown_even_when_the_layout_cannot_be_made(house: House[Any], key: SigningKey) -> None:
    def broken(staff_id: str) -> bool:
        raise RuntimeError("no accounts")

    client = web_sample.sample_app(house, is_active=broken).test_client()
    signed_in(client, key)
    answer = client.get("/nope", headers=EN)
    assert answer.status_code == 404
    assert "There is no such page" in answer.text


def test_a_wrong_method_names_the_right_ones(client: FlaskClient) -> None:
    answer = client.get("/api/sample")
    assert problem(answer)["code"] == "method_not_allowed"
    assert "POST" in answer.headers["Allow"]


# Bodies


@pytest.mark.parametrize(
    ("body", "kind", "status", "code"),
    [
        (b"{", "application/json", 400, "malformed_json"),
        (b"", "application/json", 400, "malformed_json"),
        (b"\xff", "application/json", 400, "malformed_json"),
        (b"[" * 9_000, "application/json", 400, "malformed_json"),
        (b'{"a":1}', "text/plain", 415, "wrong_content_type"),
        (b"a=1", "application/x-www-form-urlencoded", 415, "wrong_content_type"),
        (b"1" * 20_001, "application/json", 413, "body_too_large"),
    ],
)
def test_a_body_that_is_no_json_is_named(client: FlaskClient, body: bytes, kind: str, status: int, code: str) -> None:
    answer = client.post("/api/sample", data=body, content_type=kind)
    assert (answer.status_code, problem(answer)["code"]) == (status, code)


def test_json_of_other_names_is_json(client: FlaskClient) -> None:
    answer = client.post("/api/sample", data=b'{"a":"\xe7\x94\xb2"}', content_type="application/cloudevents+json")
    assert answer.json is not None
    assert answer.json["got"] == {"a": "甲"}


@pytest.mark.parametrize("announced", [True, False])
def test_a_view_may_take_less_than_the_application(client: FlaskClient, announced: bool) -> None:
    body = b'"' + b"a" * 30 + b'"'
    given: dict[str, Any] = {"data": body} if announced else {"input_stream": io.BytesIO(body)}
    flags = {} if announced else {"environ_overrides": {"wsgi.input_terminated": True}}
    answer = client.post("/api/small", content_type="application/json", **given, **flags)
    assert problem(answer)["code"] == "body_too_large"


def test_a_form_too_large_is_a_page_that_says_so(client: FlaskClient) -> None:
    answer = client.post("/sample/form", data={"text": "a" * 20_001}, headers=EN)
    assert answer.status_code == 413
    assert "at most 20 kB" in answer.text


@pytest.mark.parametrize("kind", ["application/x-www-form-urlencoded", "multipart/form-data"])
def test_a_form_with_too_many_fields_is_refused(client: FlaskClient, kind: str) -> None:
    client.application.config["MAX_CONTENT_LENGTH"] = 1_000_000
    answer = client.post("/sample/form", data={f"f{n}": "" for n in range(501)}, content_type=kind)
    assert answer.status_code == 413


# CSRF


def test_a_form_is_taken_with_its_token(client: FlaskClient) -> None:
    token = csrf_of(client.get("/sample/form"))
    data = {"csrf_token": token, "kind": "lamp", "title": "路灯", "text": "不亮", "area": "a"}
    answer = client.post("/sample/form", data=data)
    assert answer.status_code == 303


def test_a_form_without_its_token_is_not_carried_out_but_kept(client: FlaskClient) -> None:
    data = {"text": '湖滨路 "三盏" <b>路灯</b>', "password": "secret-7", "csrf_token": "wrong"}
    answer = client.post("/plain?a=1", data=data, headers={**OWN, **EN})
    assert answer.status_code == 400
    assert "湖滨路 &#34;三盏&#34; &lt;b&gt;路灯&lt;/b&gt;" in answer.text
    assert "secret-7" not in answer.text
    assert 'action="/plain?a=1"' in answer.text
    again = client.post("/plain?a=1", data={"text": data["text"], "csrf_token": csrf_of(answer)})
    assert (again.status_code, again.text) == (200, data["text"])


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://localhost", "Sec-Fetch-Site": "cross-site"},
        {"Referer": "http://localhost.evil.example/"},
    ],
)
def test_what_a_strangers_page_posted_is_not_kept_for_one_press_of_our_button(
    client: FlaskClient, key: SigningKey, headers: dict[str, str]
) -> None:
    for path in ("/plain", "/staff"):
        answer = client.post(path, data={"text": "written by a stranger"}, headers=headers)
        assert answer.status_code in {400, 401}
        assert "written by a stranger" not in answer.text


def test_signing_out_works_from_the_page_of_any_service_but_from_no_stranger(client: FlaskClient) -> None:
    assert client.post("/sign-in/out", headers=OWN).text == "out"
    assert client.post("/sign-in/out", headers={"Sec-Fetch-Site": "same-origin"}).text == "out"
    assert client.post("/sign-in/out", headers={"Origin": "https://evil.example"}).status_code == 400
    assert client.post("/sign-in/out").status_code == 400


# Staff


def test_a_stranger_is_sent_to_the_sign_in_and_back(client: FlaskClient) -> None:
    answer = client.get("/staff?page=2&q=%E8%B7%AF%26")
    assert answer.status_code == 303
    assert answer.location == "/sign-in?next=%2Fstaff%3Fpage%3D2%26q%3D%25E8%25B7%25AF%2526"


def test_who_is_signed_in_sees_the_page(client: FlaskClient, key: SigningKey) -> None:
    signed_in(client, key)
    page = client.get("/staff").text
    assert "周婷" in page
    assert "澄湖县城市管理局" in page
    assert 'action="/sign-in/out"' in page


def test_a_token_that_ran_out_is_renewed_on_the_way(client: FlaskClient, key: SigningKey, clock: DrivenClock) -> None:
    signed_in(client, key)
    clock.move(timedelta(minutes=11))
    assert client.get("/staff").location == "/sign-in/renew?next=%2Fstaff"


@pytest.mark.parametrize("expired", [True, False])
def test_nothing_typed_is_lost_when_the_sign_in_ran_out(
    client: FlaskClient, key: SigningKey, clock: DrivenClock, expired: bool
) -> None:
    signed_in(client, key)
    token = csrf_of(client.get("/staff"))
    if expired:
        clock.move(timedelta(minutes=11))
    else:
        client.delete_cookie("wz_staff")
    data = {"csrf_token": token, "text": ["第一段", "第二段"]}
    answer = client.post("/staff", data=data, headers={**OWN, **EN})
    assert answer.status_code == 401
    assert 'href="/sign-in' in answer.text
    assert 'target="_blank"' in answer.text
    kept = re.findall(r'name="text" value="([^"]+)"', answer.text)
    assert kept == ["第一段", "第二段"]
    staff = Staff("s1", "周婷", "u1", frozenset({"officer"}))
    client.set_cookie("wz_staff", sign_token(staff, key, clock.now()))
    again = client.post("/staff", data={"csrf_token": csrf_of(answer), "text": kept}, headers=OWN)
    assert again.text == "周婷|第一段|第二段"


def test_a_role_that_does_not_fit_is_403(client: FlaskClient, key: SigningKey) -> None:
    signed_in(client, key)
    assert client.get("/staff/admin").status_code == 403
    signed_in(client, key, "supervisor")
    assert client.get("/staff/admin").text == "admin"


def test_a_revoked_account_is_signed_out(house: House[Any], key: SigningKey) -> None:
    asked: list[str] = []

    def is_active(staff_id: str) -> bool:
        asked.append(staff_id)
        return False

    client = web_sample.sample_app(house, is_active=is_active).test_client()
    signed_in(client, key)
    assert client.get("/staff").location == "/sign-in?next=%2Fstaff"
    assert asked == ["s1"]


def test_a_service_may_look_up_its_staff_itself(house: House[Any]) -> None:
    client = web_sample.sample_app(house, staff_of=lambda: web_sample.OFFICER).test_client()
    assert "周婷" in client.get("/staff").text


def test_an_api_asks_for_a_token_with_a_problem(client: FlaskClient, key: SigningKey, clock: DrivenClock) -> None:
    answer = client.get("/api/staff")
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")
    assert problem(answer)["code"] == "sign_in_required"
    headers = {"Authorization": f"Bearer {web_sample.bearer(key)}"}
    assert client.post("/api/staff", headers=headers).json == {"name": "周婷"}
    clock.move(timedelta(minutes=11))
    assert problem(client.get("/api/staff", headers=headers))["code"] == "token_expired"


def test_an_api_that_writes_does_not_take_the_cookie_alone(client: FlaskClient, key: SigningKey) -> None:
    signed_in(client, key)
    token = csrf_of(client.get("/staff"))
    assert client.get("/api/staff").status_code == 200
    assert problem(client.post("/api/staff", headers=OWN))["code"] == "bearer_required"
    assert client.post("/api/staff", headers={"X-CSRFToken": token}).status_code == 200
    assert client.post("/api/staff", headers={"X-CSRFToken": token + "x"}).status_code == 401


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ("/desk?a=1#b", "/desk?a=1#b"),
        ("/", "/"),
        ("//evil.example", "/x"),
        ("/\\evil.example", "/x"),
        ("/\t/evil.example", "/x"),
        ("https://evil.example", "/x"),
        ("javascript:alert(1)", "/x"),
        ("desk", "/x"),
        ("", "/x"),
        (None, "/x"),
        ("/a\r\nSet-Cookie: b=c", "/x"),
        ("/a/..//evil.example", "/a/..//evil.example"),
        ("http:///evil.example", "/x"),
    ],
)
def test_no_next_leads_to_a_strangers_site(target: str | None, expected: str) -> None:
    assert local_path(target, "/x") == expected


# Navigation


def test_citizens_and_staff_have_entries_of_their_own(client: FlaskClient, key: SigningKey) -> None:
    def entries() -> list[str]:
        found = re.search(r'<nav class="site-nav".*?</nav>', client.get("/sample").text, re.DOTALL)
        assert found
        return re.findall(r'href="([^"]+)"', found[0])

    assert entries() == ["/sample", "/sample/form"]
    signed_in(client, key)
    assert entries() == ["/staff"]
    signed_in(client, key, "administrator")
    assert entries() == ["/staff", "/staff/admin"]


def test_the_entry_a_page_lies_under_is_marked() -> None:
    entries = [Nav("/", "Home"), Nav("/desk", "Desk"), Nav("/desk/all", "All")]
    paths = ["/", "/desk", "/desk/7", "/desktop", "/desk/all/2"]
    assert [here(entries, path) for path in paths] == ["/", "/desk", "/desk", "", "/desk/all"]


# Health, measures, limits


def test_health_tells_alive_from_ready(client: FlaskClient, app: Flask) -> None:
    assert client.get("/readyz").json == {"status": "ok", "checks": {"database": "ok"}}

    def gone() -> None:
        raise ConnectionError

    app.extensions["checks"]["index"] = gone
    assert client.get("/livez").status_code == 200
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json == {"status": "unavailable", "checks": {"database": "ok", "index": "ConnectionError"}}


def test_requests_and_refusals_are_counted(client: FlaskClient) -> None:
    client.get("/refused/409")
    samples = {
        (sample.name, *sorted(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(client.get("/metrics").text)
        for sample in family.samples
    }
    assert samples["wenzheng_http_requests_total", ("service", "sample"), ("status", "4xx")] == 1
    assert samples["wenzheng_refusals_total", ("code", "sample_refused"), ("service", "sample")] == 1


def test_a_rate_limit_lets_the_burst_through_and_then_says_how_long_to_wait() -> None:
    limit = RateLimit(per_minute=1, burst=3)
    for _ in range(3):
        limit.check("a")
    with pytest.raises(Refusal) as caught:
        limit.check("a")
    assert (caught.value.code, caught.value.status) == ("too_many_requests", 429)
    assert 1 <= int(str(caught.value.values["seconds"])) <= 60
    limit.check("b")


def test_who_took_many_at_once_waits_as_long_as_if_one_by_one() -> None:
    limit = RateLimit(per_minute=60, burst=10)
    limit.check("a", cost=40)
    with pytest.raises(Refusal) as caught:
        limit.check("a")
    assert caught.value.values["seconds"] in (30, 31)
    limit.check("b")


@pytest.mark.parametrize("path", ["/%00", "/?q=%00", "/?%00=1", "/nowhere/a%00b"])
def test_a_nul_in_an_address_is_refused_before_any_view_sees_it(client: FlaskClient, path: str) -> None:
    assert client.get(path).status_code == 400


def test_a_rate_limit_comes_back_with_time() -> None:
    limit = RateLimit(per_minute=6_000, burst=1)
    limit.check("a")
    with pytest.raises(Refusal):
        limit.check("a")
    import time

    time.sleep(0.02)
    limit.check("a")


def test_a_client_is_known_by_a_key_that_is_not_its_address(client: FlaskClient) -> None:
    def key_of(address: str) -> str:
        return client.get("/words?n=1", environ_overrides={"REMOTE_ADDR": address}).text.split(" | ")[2]

    assert key_of("10.0.0.7") == key_of("10.0.0.7") != key_of("10.0.0.8")
    assert "10.0.0.7" not in key_of("10.0.0.7")


def test_a_proxy_is_believed_only_when_it_is_named(tmp_path: Path, client: FlaskClient) -> None:
    forwarded = {"X-Forwarded-For": "203.0.113.9", "X-Forwarded-Proto": "https"}
    assert "Strict-Transport-Security" not in client.get("/livez", headers=forwarded).headers
    house = web_sample.sample_house(tmp_path, trusted_proxies=1)
    trusting = web_sample.sample_app(house).test_client()
    assert "Strict-Transport-Security" in trusting.get("/livez", headers=forwarded).headers


# The front door


def wsgi(name: str) -> Any:
    def app(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        start_response("200 OK", [])
        return [f"{name}:{environ['PATH_INFO']}".encode()]

    return app


def ask(door: FrontDoor, path: str, seen: list[str] | None = None) -> str:
    def start(status: str, headers: Any, error: Any = None) -> Any:
        if seen is not None:
            seen.append(status)

    return b"".join(door({"PATH_INFO": path, "REQUEST_METHOD": "GET"}, start)).decode()


def test_the_longest_prefix_wins_on_the_bounds_of_segments() -> None:
    names = ["/", "/search", "/api/search", "/api/search/deep", "/petitions"]
    door = FrontDoor([(name, wsgi(name)) for name in names])
    expected = {
        "/": "/",
        "": "/",
        "/search": "/search",
        "/search/": "/search",
        "/search/x": "/search",
        "/searching": "/",
        "/api/search/deep/er": "/api/search/deep",
        "/api/search/deeper": "/api/search",
        "/api": "/",
        "//search": "/",
    }
    assert {path: ask(door, path) for path in expected} == {path: f"{name}:{path}" for path, name in expected.items()}


@pytest.mark.parametrize("names", [["/a"], ["/", "/a", "/a/"], ["/", "/"]])
def test_a_door_that_cannot_be_right_is_refused(names: list[str]) -> None:
    with pytest.raises(ValueError, match="prefix"):
        FrontDoor([(name, wsgi(name)) for name in names])


@pytest.fixture
def pair(tmp_path: Path) -> tuple[FrontDoor, Flask, Flask]:
    first = web_sample.sample_app(web_sample.sample_house(tmp_path / "a"))
    second_house = web_sample.sample_house(tmp_path / "b")
    object.__setattr__(second_house, "service", "other")
    second = web_sample.sample_app(second_house)
    return FrontDoor([("/", first), ("/other", second), ("/static/other", second)]), first, second


def test_the_metrics_of_all_applications_are_one_valid_text(pair: tuple[FrontDoor, Flask, Flask]) -> None:
    door, first, second = pair
    first.test_client().get("/livez")
    second.test_client().get("/nope")
    second.extensions["house"].metrics.count("events_handled", queue="q")
    text = ask(door, "/metrics")
    helps = [line for line in text.splitlines() if line.startswith("# HELP")]
    assert len(helps) == len(set(helps))
    requests = {
        (sample.labels["service"], sample.labels["status"]): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name == "wenzheng_http_requests_total"
    }
    assert requests == {("sample", "2xx"): 1.0, ("other", "4xx"): 1.0}
    assert 'wenzheng_events_handled_total{queue="q",service="other"} 1.0' in text


def test_the_door_is_ready_when_every_application_is(pair: tuple[FrontDoor, Flask, Flask]) -> None:
    door, _, second = pair
    assert json.loads(ask(door, "/readyz"))["checks"] == {"sample.database": "ok", "other.database": "ok"}

    def gone() -> None:
        raise ConnectionError

    second.extensions["checks"]["index"] = gone
    seen: list[str] = []
    body = ask(door, "/readyz", seen)
    assert seen == ["503 Service Unavailable"]
    assert json.loads(body)["checks"]["other.index"] == "ConnectionError"
    assert ask(door, "/livez") == '{"status":"ok"}'
