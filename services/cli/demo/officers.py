"""Scripted staff: sign in, look at a case, dispatch what is unsure, accept, answer – over HTTP, as people would."""

from __future__ import annotations

import threading
from typing import Any

import requests

from services.cli.demo.doors import TIMEOUT_S, fields_of
from services.cli.demo.rows import Row
from services.cli.demo.running import Running

#: Outcome of a scripted answer by kind of petition.
OUTCOMES = {"complaint": "supported", "report": "supported", "inquiry": "answered", "suggestion": "adopted"}
ANSWER = (
    "您好，来件已收悉。我单位已派员到现场核实，所反映的情况属实，已安排处理，预计十个工作日内完成；"
    "完成后将再次告知。如对办理结果有异议，可凭受理编号和查询码补充材料或评价。"
)


class Officers:
    """The staff of the demonstration.

    Args:
        house: the running house.
    """

    def __init__(self, house: Running) -> None:
        self._house = house
        self._accounts = house.accounts()
        self._tokens: dict[str, str] = {}
        self._lock = threading.Lock()
        self._local = threading.local()

    def clerk(self) -> requests.Session:
        """A browser-like session signed in as dispatcher."""
        account = self._of("dispatcher")
        session = requests.Session()
        page = session.get(f"{self._house.address}/sign-in", timeout=TIMEOUT_S)
        session.post(
            f"{self._house.address}/sign-in",
            data={**fields_of(page.text), "account": account["id"], "password": account["password"]},
            timeout=TIMEOUT_S,
        ).raise_for_status()
        return session

    def case(self, number: str, sealed: bool) -> dict[str, Any] | None:
        """What routing knows of a petition; None when it has no case yet."""
        answer = self._get(f"/api/cases/{number}", self._watcher(sealed))
        if answer.status_code == 404:
            return None
        answer.raise_for_status()
        found: dict[str, Any] = answer.json()
        return {**found, **found["case"]}

    def dispatch(self, number: str, unit: str, sealed: bool) -> None:
        """The dispatcher sends a petition from the queue to a unit."""
        role = "sealed_officer" if sealed else "dispatcher"
        self._post(
            f"/api/cases/{number}/dispatch", self._of(role), {"unit": unit, "reason": "人工研判：按职责分工交办"}
        )

    def answer(self, number: str, unit: str, row: Row, sealed: bool) -> None:
        """The unit's officer accepts the petition and answers it."""
        officer = self._of("sealed_officer") if sealed else self._officer(unit)
        self._post(f"/api/cases/{number}/accept", officer, {})
        reply = {"text": row.reply or ANSWER, "outcome": OUTCOMES[row.kind], "basis": ""}
        self._post(f"/api/cases/{number}/reply", officer, reply)

    def messages(self, number: str, sealed: bool) -> list[dict[str, Any]]:
        """The messages that were sent about a petition."""
        answer = self._get("/notices/messages.json", self._watcher(sealed), number=number)
        answer.raise_for_status()
        found: list[dict[str, Any]] = answer.json()["messages"]
        return found

    def search(self, sealed: bool = False, **query: Any) -> dict[str, Any]:
        """One search as a supervisor, or as sealed-case officer."""
        answer = self._get("/api/search", self._watcher(sealed), **query)
        answer.raise_for_status()
        found: dict[str, Any] = answer.json()
        return found

    def _watcher(self, sealed: bool) -> dict[str, Any]:
        return self._of("sealed_officer" if sealed else "supervisor")

    def _of(self, role: str) -> dict[str, Any]:
        return next(account for account in self._accounts if role in account["roles"])

    def _officer(self, unit: str) -> dict[str, Any]:
        return next(
            account for account in self._accounts if account.get("unit") == unit and "officer" in account["roles"]
        )

    def _token(self, account: dict[str, Any], renew: bool = False) -> str:
        with self._lock:
            known = self._tokens.get(account["id"])
            if known is None or renew:
                answer = requests.post(
                    f"{self._house.address}/sign-in/token",
                    json={"id": account["id"], "password": account["password"]},
                    timeout=TIMEOUT_S,
                )
                answer.raise_for_status()
                known = self._tokens[account["id"]] = answer.json()["token"]
            return known

    def _session(self) -> requests.Session:
        if not hasattr(self._local, "session"):
            self._local.session = requests.Session()
        session: requests.Session = self._local.session
        return session

    def _get(self, path: str, account: dict[str, Any], **query: Any) -> requests.Response:
        return self._ask("GET", path, account, params=query)

    def _post(self, path: str, account: dict[str, Any], body: dict[str, Any]) -> None:
        answer = self._ask("POST", path, account, json=body)
        if not answer.ok:
            raise RuntimeError(f"{path} answered {answer.status_code}: {answer.text[:200]}")

    def _ask(self, method: str, path: str, account: dict[str, Any], **more: Any) -> requests.Response:
        for renew in (False, True):
            answer = self._session().request(
                method,
                self._house.address + path,
                headers={"Authorization": f"Bearer {self._token(account, renew)}"},
                timeout=TIMEOUT_S,
                **more,
            )
            if answer.status_code != 401:
                break
        return answer
