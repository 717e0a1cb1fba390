"""Pages and API of routing through Flask's own client: sign-in, desk, directory, tokens."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient

from services.chassis.passwords import hash_password
from services.routing import store
from services.routing.handlers import staff as staff_cases
from services.routing.models import SignInTries, StaffSession
from services.routing.web import create_app

PASSWORD = "correct-horse-staple"
HASHED = hash_password(PASSWORD)
ACCOUNTS = {
    "dispatcher": ("dispatcher", "petition-office"),
    "officer": ("officer", "urban-management"),
    "sealed": ("sealed_officer", "discipline"),
    "admin": ("administrator", None),
}
REPLY = "3月5日已到现场更换全部灯具，现已恢复照明，今后每月巡查一次。"


@pytest.fixture
def app(bench: Any) -> Any:
    with bench.house.work() as work:
        for account, (role, unit) in ACCOUNTS.items():
            staff_cases.add_account(work, account, account.title(), unit, [role], HASHED)
    return create_app(bench.house)


@pytest.fixture
def client(app: Any) -> FlaskClient:
    made: FlaskClient = app.test_client()
    made.set_cookie("wz_lang", "en")
    return made


def csrf(client: FlaskClient, path: str) -> str:
    found = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', client.get(path).text)
    assert found
    return found[1]


def sign_in(client: FlaskClient, account: str, password: str = PASSWORD, target: str = "/desk") -> Any:
    form = {"account": account, "password": password, "next": target, "csrf_token": csrf(client, "/sign-in")}
    return client.post("/sign-in", data=form)


def version_on(client: FlaskClient, path: str) -> str:
    found = re.search(r'name="version"[^>]*value="(\d+)"', client.get(path).text)
    assert found
    return found[1]


def post(client: FlaskClient, path: str, page: str, **values: str) -> Any:
    form = {"csrf_token": csrf(client, page), "version": version_on(client, page), **values}
    return client.post(path, data=form)


def bearer(client: FlaskClient, account: str) -> dict[str, str]:
    answer = client.post("/sign-in/token", json={"id": account, "password": PASSWORD})
    assert answer.status_code == 200
    return {"Authorization": f"Bearer {answer.json['token']}"}  # type: ignore[index]


def lamp(bench: Any) -> str:
    event = bench.petition("路灯不亮", "锦梭路小学门口，三盏<b>路灯</b>不亮。", adcode="990101003")
    bench.deliver(event)
    number: str = event.number
    return number


def test_signing_in_leads_to_where_one_was_going(client: FlaskClient) -> None:
    assert client.get("/desk?queue=all").headers["Location"] == "/sign-in?next=%2Fdesk%3Fqueue%3Dall"
    answer = sign_in(client, "dispatcher", target="/desk?queue=all")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/desk?queue=all")
    assert client.get("/desk").status_code == 200


def test_no_stranger_is_the_goal_of_a_sign_in(client: FlaskClient) -> None:
    assert sign_in(client, "dispatcher", target="//evil.example/").headers["Location"] == "/desk"


def test_an_unknown_account_and_a_wrong_password_are_answered_alike(client: FlaskClient) -> None:
    unknown = sign_in(client, "nobody", "x" * 12)
    wrong = sign_in(client, "dispatcher", "x" * 12)
    assert (unknown.status_code, wrong.status_code) == (422, 422)
    for page in (unknown.text, wrong.text):
        assert "The account or the password is not right." in page
    assert "x" * 12 not in wrong.text


@pytest.mark.parametrize("account", ["dispatcher", "nobody"])
def test_too_many_wrong_tries_lock_known_and_unknown_accounts_for_a_while(
    bench: Any, client: FlaskClient, account: str
) -> None:
    for _ in range(5):
        sign_in(client, account, "wrong-password")
    locked = sign_in(client, account)
    assert locked.status_code == 429
    assert "wait 15 minutes" in locked.text
    bench.clock.move(timedelta(minutes=16))
    assert sign_in(client, account).status_code == (303 if account == "dispatcher" else 422)


def test_wrong_tries_of_a_stranger_do_not_lock_the_member_of_staff_out(bench: Any, client: FlaskClient) -> None:
    def from_address(address: str, password: str) -> int:
        given = {"id": "dispatcher", "password": password}
        return client.post("/sign-in/token", json=given, environ_base={"REMOTE_ADDR": address}).status_code

    assert [from_address("203.0.113.9", "wrong-password") for _ in range(6)] == [401] * 5 + [429]
    assert from_address("203.0.113.9", PASSWORD) == 429
    assert from_address("192.0.2.7", PASSWORD) == 200
    # Many addresses together lock it for all: otherwise a password could be tried through from a thousand of them.
    tried = [from_address(f"198.51.100.{n}", "wrong-password") for n in range(10) for _ in range(5)]
    assert tried == [401] * 50
    assert from_address("192.0.2.8", PASSWORD) == 429
    bench.clock.move(timedelta(minutes=16))
    assert from_address("192.0.2.8", PASSWORD) == 200


def test_many_tries_from_one_address_are_slowed_down(client: FlaskClient) -> None:
    answers = [client.post("/sign-in/token", json={"id": f"a{n}", "password": "x"}).status_code for n in range(21)]
    assert answers[:20] == [401] * 20 and answers[20] == 429


def test_what_was_typed_as_account_is_not_kept_in_clear(bench: Any, client: FlaskClient) -> None:
    sign_in(client, "My-Password-Typed-Here", "x")
    with bench.house.database.read() as session:
        rows = session.query(SignInTries).all()
    assert len(rows) == 2
    assert not any("password" in row.typed_hash.lower() for row in rows)


def test_the_cookie_is_not_what_the_table_holds(bench: Any, client: FlaskClient) -> None:
    sign_in(client, "dispatcher")
    cookie = client.get_cookie("wz_session")
    with bench.house.database.read() as session:
        (row,) = session.query(StaffSession).all()
    assert cookie is not None and cookie.value not in row.id_hash
    assert cookie.http_only and cookie.same_site == "Lax"


def test_an_idle_session_ends(bench: Any, client: FlaskClient) -> None:
    sign_in(client, "dispatcher")
    bench.clock.move(timedelta(minutes=119))
    assert client.get("/desk").status_code == 200
    bench.clock.move(timedelta(minutes=121))
    assert client.get("/desk").status_code == 303


def test_a_session_ends_after_twelve_hours_however_busy(bench: Any, client: FlaskClient) -> None:
    sign_in(client, "dispatcher")
    for _ in range(8):
        bench.clock.move(timedelta(minutes=85))
        assert client.get("/desk").status_code == 200
    bench.clock.move(timedelta(minutes=41))
    assert client.get("/desk").status_code == 303


def test_a_revoked_account_is_out_at_once(bench: Any, client: FlaskClient) -> None:
    sign_in(client, "dispatcher")
    token = bearer(client, "dispatcher")
    with bench.house.work() as work:
        staff_cases.revoke(work, "dispatcher")
    assert client.get("/desk").status_code == 303
    assert client.get("/api/cases", headers=token).status_code == 401
    assert sign_in(client, "dispatcher").status_code == 422


def test_signing_out_ends_the_session_and_both_cookies(bench: Any, client: FlaskClient) -> None:
    sign_in(client, "dispatcher")
    answer = client.post("/sign-in/out", headers={"Sec-Fetch-Site": "same-origin"})
    assert answer.status_code == 303
    assert client.get_cookie("wz_session") is None and client.get_cookie("wz_staff") is None
    with bench.house.database.read() as session:
        assert store.staff.sessions(session) == 0


def test_renewal_gives_a_fresh_token_and_leads_back(client: FlaskClient) -> None:
    assert client.get("/sign-in/renew?next=/search").headers["Location"] == "/sign-in?next=%2Fsearch"
    sign_in(client, "dispatcher")
    client.delete_cookie("wz_staff")
    answer = client.get("/sign-in/renew?next=/search")
    assert answer.headers["Location"] == "/search"
    assert client.get_cookie("wz_staff") is not None
    assert client.get("/sign-in/renew?next=https://evil.example").headers["Location"] == "/desk"


def test_the_desk_is_for_those_who_work_there(client: FlaskClient) -> None:
    sign_in(client, "admin")
    assert client.get("/desk").status_code == 403
    assert client.get("/directory").status_code == 200


def test_the_queue_shows_what_waits_and_no_markup_of_petitioners(bench: Any, client: FlaskClient) -> None:
    number = lamp(bench)
    sign_in(client, "officer")
    page = client.get("/desk").text
    assert number in page and "路灯不亮" in page
    assert "&lt;b&gt;路灯" in client.get(f"/desk/{number}").text


def test_filters_that_fit_nothing_say_so(bench: Any, client: FlaskClient) -> None:
    lamp(bench)
    sign_in(client, "officer")
    assert "Nothing fits these filters" in client.get("/desk?kind=inquiry").text
    assert client.get("/desk?page=99999999999&state=nonsense&queue=x").status_code == 200


def test_an_officer_accepts_and_replies_on_the_page(bench: Any, client: FlaskClient) -> None:
    number = lamp(bench)
    sign_in(client, "officer")
    page = f"/desk/{number}"
    assert post(client, f"{page}/accept", page).status_code == 303
    short = post(client, f"{page}/reply", page, text="已办结了", outcome="supported", basis="")
    assert short.status_code == 422
    assert "The reply is too short" in short.text and "已办结了" in short.text
    assert post(client, f"{page}/reply", page, text=REPLY, outcome="supported", basis="").status_code == 303
    assert REPLY in client.get(page).text


def test_a_step_on_an_old_page_is_refused_and_keeps_what_was_typed(bench: Any, client: FlaskClient) -> None:
    number = lamp(bench)
    sign_in(client, "officer")
    page = f"/desk/{number}"
    old = {"csrf_token": csrf(client, page), "version": version_on(client, page)}
    assert post(client, f"{page}/accept", page).status_code == 303
    late = client.post(f"{page}/objection", data={**old, "reason": "该路段路灯由交通运输局养护"})
    assert late.status_code == 409
    assert "该路段路灯由交通运输局养护" in late.text
    assert "changed by somebody else" in late.text


def test_the_dispatcher_sends_an_objected_case_on(bench: Any, client: FlaskClient) -> None:
    number = lamp(bench)
    page = f"/desk/{number}"
    sign_in(client, "officer")
    answer = post(client, f"{page}/objection", page, reason="该路段路灯由交通运输局养护")
    assert answer.headers["Location"] == "/desk?done=objection"
    assert "Handed back to the dispatcher." in client.get("/desk?done=objection").text
    sign_in_again = client.post("/sign-in/out", headers={"Sec-Fetch-Site": "same-origin"})
    assert sign_in_again.status_code == 303
    sign_in(client, "dispatcher")
    assert post(client, f"{page}/dispatch", page, unit="transport", reason="太短").status_code == 422
    assert post(client, f"{page}/dispatch", page, unit="transport", reason="县道路灯由交通局养护").status_code == 303
    assert "Transport Bureau" in client.get(page).text


def test_a_form_without_its_token_does_nothing(bench: Any, client: FlaskClient) -> None:
    number = lamp(bench)
    sign_in(client, "officer")
    assert client.post(f"/desk/{number}/accept", data={"version": "3"}).status_code == 400
    assert "Accept or hand back" in client.get(f"/desk/{number}").text


def test_a_sealed_case_is_as_if_it_were_not_there(bench: Any, client: FlaskClient) -> None:
    event = bench.petition("举报某人", "收好处费", sealed=True)
    bench.deliver(event)
    sign_in(client, "dispatcher")
    assert client.get(f"/desk/{event.number}").status_code == 404
    answer = client.get(f"/api/cases/{event.number}", headers=bearer(client, "dispatcher"))
    assert (answer.status_code, answer.json["code"]) == (404, "no_such_case")  # type: ignore[index]
    assert client.get(f"/api/cases/{event.number}", headers=bearer(client, "sealed")).status_code == 200


def test_a_script_works_a_case_by_token(bench: Any, client: FlaskClient) -> None:
    number = lamp(bench)
    token = bearer(client, "officer")
    listed: Any = client.get("/api/cases?queue=mine&state=dispatched", headers=token).json
    assert [one["number"] for one in listed["cases"]] == [number]
    accepted: Any = client.post(f"/api/cases/{number}/accept", headers=token).json
    assert (accepted["state"], accepted["steps"]) == ("accepted", ["reply"])
    body = {"text": REPLY, "outcome": "supported", "version": accepted["version"]}
    done: Any = client.post(f"/api/cases/{number}/reply", headers=token, json=body).json
    assert (done["state"], done["reply"]["text"]) == ("replied", REPLY)
    assert [entry["step"] for entry in done["history"]][-2:] == ["accepted", "replied"]


@pytest.mark.parametrize(
    ("body", "status", "code", "field"),
    [
        ({"text": "短", "outcome": "supported"}, 422, "reply_too_short", "text"),
        ({"text": REPLY, "outcome": "adopted"}, 422, "wrong_outcome", "outcome"),
        ({"text": REPLY, "outcome": "nonsense"}, 422, "invalid_body", "outcome"),
        ({"text": REPLY}, 422, "invalid_body", ""),
        ({"text": REPLY, "outcome": "supported", "version": 1}, 409, "case_changed", None),
    ],
)
def test_a_bad_reply_has_a_code_and_a_field(
    bench: Any, client: FlaskClient, body: Any, status: int, code: str, field: str | None
) -> None:
    number, token = lamp(bench), bearer(client, "officer")
    client.post(f"/api/cases/{number}/accept", headers=token)
    answer = client.post(f"/api/cases/{number}/reply", headers=token, json=body)
    problem: Any = answer.json
    assert (answer.status_code, problem["code"], problem.get("field") or None) == (status, code, field or None)


def test_the_api_writes_for_tokens_only(bench: Any, client: FlaskClient) -> None:
    number = lamp(bench)
    sign_in(client, "officer")
    assert client.get("/api/cases").status_code == 200
    assert client.post(f"/api/cases/{number}/accept").status_code == 401


def test_the_directory_is_searched_by_everyday_words(client: FlaskClient) -> None:
    sign_in(client, "dispatcher")
    page = client.get("/directory?q=路燈").text
    assert "Urban Management Bureau" in page and "Veterans Affairs Bureau" not in page
    assert "No unit fits" in client.get("/directory?q=zzzz").text


@pytest.mark.parametrize("language", ["zh-Hans", "zh-Hant", "en"])
def test_every_page_speaks_each_language(bench: Any, client: FlaskClient, language: str) -> None:
    number = lamp(bench)
    client.set_cookie("wz_lang", language)
    sign_in(client, "dispatcher")
    words = {"zh-Hans": "待我办理", "zh-Hant": "待我辦理", "en": "My queue"}
    assert words[language] in client.get("/desk").text
    for path in ("/desk", f"/desk/{number}", "/directory"):
        page = client.get(path)
        assert page.status_code == 200 and f'<html lang="{language}">' in page.text


def alike(bench: Any) -> tuple[str, str]:
    """Two petitions about one lamp."""
    text = "锦梭路小学门口，三盏路灯不亮，孩子放学看不见路。"
    first, second = (bench.petition(t, text, adcode="990101003") for t in ("锦梭路路灯不亮", "锦梭路路灯又不亮了"))
    bench.deliver(first)
    bench.deliver(second)
    return first.number, second.number


def test_the_page_shows_how_alike_and_by_what_and_one_press_joins_and_another_parts(
    bench: Any, client: FlaskClient
) -> None:
    first, second = alike(bench)
    sign_in(client, "dispatcher")
    page = client.get(f"/desk/{second}").text
    assert "alike" in page and "Both say:" in page and "锦梭路小学门口" in page
    assert f'name="into" value="{first}"' in page
    done = post(client, f"/desk/{second}/merge", f"/desk/{second}", into=first)
    assert done.status_code == 303
    joined = client.get(f"/desk/{second}").text
    assert "Handled together with another case" in joined and f"/desk/{first}" in joined
    assert f'action="/desk/{second}/dispatch"' not in joined
    assert second in client.get(f"/desk/{first}").text
    assert "1 case follows" in client.get("/desk?queue=all").text
    short = post(client, f"/desk/{second}/unmerge", f"/desk/{second}", reason="不同")
    assert short.status_code == 422 and "at least 10" in short.text
    assert (
        post(client, f"/desk/{second}/unmerge", f"/desk/{second}", reason="不是同一路段的路灯，分开办理。").status_code
        == 303
    )
    assert "Handled together with another case" not in client.get(f"/desk/{second}").text


def test_a_join_that_cannot_be_is_said_on_the_page_with_what_was_typed(bench: Any, client: FlaskClient) -> None:
    _, second = alike(bench)
    sign_in(client, "dispatcher")
    answer = post(client, f"/desk/{second}/merge", f"/desk/{second}", into=second)
    assert answer.status_code == 409 and "A case cannot join itself" in answer.text
    answer = post(client, f"/desk/{second}/merge", f"/desk/{second}", into="WZ-nowhere")
    assert answer.status_code == 422 and 'value="WZ-nowhere"' in answer.text


def test_an_officer_sees_look_alikes_and_no_way_to_join_them(bench: Any, client: FlaskClient) -> None:
    first, second = alike(bench)
    sign_in(client, "officer")
    page = client.get(f"/desk/{second}").text
    assert first in page and "/merge" not in page


def test_a_script_joins_and_parts_cases_by_token(bench: Any, client: FlaskClient) -> None:
    first, second = alike(bench)
    token = bearer(client, "dispatcher")
    read: Any = client.get(f"/api/cases/{second}", headers=token).json
    assert read["steps"] == ["dispatch", "merge"]
    body = {"into": first, "version": read["version"]}
    joined: Any = client.post(f"/api/cases/{second}/merge", headers=token, json=body).json
    assert (joined["case"]["lead"]["number"], joined["steps"]) == (first, ["unmerge"])
    again: Any = client.post(f"/api/cases/{first}/merge", headers=token, json={"into": second}).json
    assert (again["code"], again["field"], again["status"]) == ("circle", "into", 409)
    lead: Any = client.get(f"/api/cases/{first}", headers=token).json
    assert [one["number"] for one in lead["case"]["joined"]] == [second]
    wrong = client.post(f"/api/cases/{second}/merge", headers=bearer(client, "officer"), json={"into": first})
    assert (wrong.status_code, wrong.json["code"]) == (403, "not_allowed")  # type: ignore[index]
    reason = {"reason": "不是同一路段的路灯，分开办理。"}
    apart: Any = client.post(f"/api/cases/{second}/unmerge", headers=token, json=reason).json
    assert (apart["case"]["lead"], apart["steps"]) == (None, ["dispatch", "merge"])
    assert [entry["step"] for entry in apart["history"]][-2:] == ["joined", "taken_out"]
