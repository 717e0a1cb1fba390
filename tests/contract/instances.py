"""One event of every class, as the house would write it: the examples that are stored beside the schemas."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

from services.contracts import alerts, compare, intake, notify, portals, routing, shared, snapshots
from services.contracts.envelope import Event, Text

NUMBER = "WZ-260302-48173-92657"
PETITION = "0195562e-5c00-7000-8000-000000000001"
ROADS = shared.UnitRef(id="u-roads", name=Text(zh="澄湖县公路事务中心", en="Chenghu County Roads Centre"))


def at(day: int, hour: int, minute: int = 0) -> datetime:
    return datetime(2026, 3, day, hour, minute, tzinfo=UTC)


_ABOUT: dict[str, Any] = {
    "petition_id": PETITION,
    "number": NUMBER,
    "origin": shared.Origin(channel="portal", portal="demo", reference="P-2026-0001"),
}
_STATE: dict[str, Any] = {
    "kind": "complaint",
    "title": "白鹭路路灯不亮",
    "body": "白鹭路从桥头到小学的路灯坏了两个多星期，孩子放学看不见路，请尽快修理。",
    "submitted_at": at(2, 1),
    "place": shared.Place(text="白鹭路", adcode="990101", lat=30.5, lon=117.25, crs="GCJ02"),
    "language": "zh-Hans",
    "petitioner_key": "5f0c6d0d9a1e4b7c",
    "publish": True,
}
_ASSESSMENT = routing.Assessment(
    suggested_kind="complaint",
    subject="street_lights",
    confidence=0.82,
    reasons=[
        routing.Reason(code="word", detail="路灯", weight=0.6),
        routing.Reason(code="place", detail="白鹭路", weight=0.22),
    ],
    risks=["child_safety"],
    look_alikes=[
        routing.LookAlike(
            petition_id="0195562e-5c00-7000-8000-000000000000",
            number="WZ-260226-10442-31807",
            score=0.71,
            reasons=["text", "place"],
        )
    ],
    risk_findings=[
        routing.RiskFinding(code="child_safety", level="watch", word="路灯", clause="小学门口的路灯整晚不亮")
    ],
)
_RISK: dict[str, Any] = {
    **_ABOUT,
    "audience": "units",
    "level": "urgent",
    "codes": ["gas"],
    "names": [Text(zh="燃气泄漏", en="Gas leak")],
    "raised_at": at(2, 1, 5),
    "step": 2,
    "asked": ["u-duty", "u-roads"],
}
_CASE: dict[str, Any] = {
    "state": "dispatched",
    "audience": "units",
    "kind": "complaint",
    "assessment": _ASSESSMENT,
    "unit": ROADS,
    "unit_line": ["u-transport", "u-county"],
    "dispatched_at": at(2, 1, 5),
    "due_at": at(31, 15, 59),
    "hops": 1,
}
_OTHER = routing.CaseLink(
    petition_id="0195562e-5c00-7000-8000-000000000000", number="WZ-260226-10442-31807", since=at(2, 3)
)
_REPLY = routing.Reply(
    text="白鹭路路灯已于3月5日全部修复。",
    outcome="supported",
    unit=ROADS,
    issued_at=at(6, 2),
    basis="《信访工作条例》第三十二条",
)


def _petition(**more: Any) -> dict[str, Any]:
    return {**_ABOUT, "petition": intake.PetitionState(**{**_STATE, **more})}


def _case(**more: Any) -> dict[str, Any]:
    return {**_ABOUT, "case": routing.CaseState(**{**_CASE, **more})}


def _notice() -> dict[str, Any]:
    about = "0195562e-5c00-7000-8000-0000000000e1"
    return {
        **_ABOUT,
        "notice_id": "n-1",
        "recipient": "citizen",
        "channel": "mail",
        "occasion": "received",
        "about": about,
        "at": at(2, 1, 1),
    }


_ANSWERED: dict[str, Any] = {"state": "replied", "accepted_at": at(3, 0), "reply": _REPLY}

_RUN: dict[str, Any] = {"run_id": "0195562e-5c00-7000-8000-0000000000f1", "owner": "intake", "asker": "search"}

INSTANCES: tuple[Event, ...] = (
    intake.PetitionSubmitted(**_petition()),
    intake.ReportSubmitted(**{**_petition(kind="report", publish=False), "sealed": True}),
    intake.PetitionSupplemented(**_petition(supplements=[intake.Supplement(text="小学门口那盏也坏了。", at=at(2, 9))])),
    intake.PetitionWithdrawn(**_petition(withdrawn_at=at(3, 1), withdrawal_reason="已经修好")),
    intake.PetitionRated(**_petition(rating=intake.Rating(solved=True, satisfaction=5, comment="谢谢。", at=at(8, 3)))),
    intake.ContactSupplied(
        **_ABOUT,
        language="zh-Hans",
        title="白鹭路路灯不亮",
        name="沈某",
        phone="+8613800000000",
        mail="reader@example.org",
        query_code="7K3M-9QXT",
    ),
    routing.PetitionAssessed(
        **_case(state="under_review", unit=None, unit_line=[], dispatched_at=None, due_at=None, hops=0)
    ),
    routing.PetitionDispatched(**_case(), by="rule"),
    routing.PetitionAccepted(**_case(state="accepted", accepted_at=at(3, 0)), by="s-roads-1"),
    routing.AssignmentObjected(
        **_case(state="objected", unit=None, unit_line=[]), by="s-roads-1", unit=ROADS, reason="该路段由城管局管理"
    ),
    routing.PetitionMerged(**_case(lead=_OTHER), by="s-office-1", other=_OTHER),
    routing.PetitionUnmerged(**_case(), by="s-office-1", other=_OTHER),
    routing.ReplyIssued(**_case(**_ANSWERED), by="s-roads-1"),
    routing.PetitionClosed(**_case(**{**_ANSWERED, "state": "closed", "closed_at": at(8, 3)}), reason="rated"),
    alerts.RiskRaised(
        **_RISK,
        evidence=[routing.RiskFinding(code="gas", level="urgent", word="煤气味", clause="楼道里有很浓的煤气味")],
        unit=ROADS,
        due_at=at(2, 1, 20),
        again=1,
    ),
    alerts.RiskAcknowledged(**_RISK, by="s-roads-1", acknowledged_at=at(2, 1, 12)),
    alerts.TopicEmerging(
        topic_id="t-1",
        name="白鹭路路灯不亮",
        place="白鹭路",
        size=9,
        people=8,
        recent=6,
        usual=0.5,
        since=at(2, 1, 5),
        heat=14.2,
        burst=2.1,
        numbers=[NUMBER],
    ),
    routing.UnitChanged(
        unit_id="u-roads",
        name=ROADS.name,
        parent="u-transport",
        valid_from=date(2020, 1, 1),
        valid_to=date(2030, 12, 31),
        mail="roads@chenghu.example",
        phone="0990-5550110",
    ),
    routing.StaffChanged(
        staff_id="s-roads-1", display_name="公路 经办", unit_id="u-roads", roles=["officer"], active=True
    ),
    notify.NoticeDelivered(**_notice()),
    notify.NoticeFailed(**_notice(), code="no_address"),
    compare.SnapshotRequested(
        **_RUN, fields=["number", "petition.title", "petition.petitioner_key?"], after="", limit=300, count=True
    ),
    compare.SnapshotListed(
        **_RUN,
        after="",
        lines=[compare.Line(id=PETITION, sequence=2, digest="5f0c6d0d9a1e4b7c")],
        more=False,
        total=1,
    ),
    snapshots.PetitionSnapshot(
        **_RUN,
        sequence=2,
        petition_id=PETITION,
        number=NUMBER,
        origin=_ABOUT["origin"],
        petition=intake.PetitionState(**_STATE),
    ),
    portals.PortalPetitionFiled(
        reference="P-2026-0001",
        kind="complaint",
        title="白鹭路路灯不亮",
        body=str(_STATE["body"]),
        place=_STATE["place"],
        contact=portals.PortalContact(name="沈某", phone="13800000000", mail="reader@example.org"),
        publish=True,
    ),
    portals.PortalPetitionRegistered(
        portal="demo",
        reference="P-2026-0001",
        petition_id=PETITION,
        number=NUMBER,
        query_code="7K3M-9QXT",
        status_url=f"https://wenzheng.example/petitions/status?number={NUMBER}",
    ),
    portals.PortalPetitionRefused(
        portal="demo",
        reference="P-2026-0002",
        code="unknown_kind",
        field="kind",
        detail="The kind must be complaint, report, inquiry or suggestion.",
    ),
    portals.PortalPetitionUpdated(
        portal="demo",
        reference="P-2026-0001",
        number=NUMBER,
        occasion="replied",
        state="replied",
        at=at(6, 2),
        unit=ROADS.name,
        due_at=at(31, 15, 59),
        reply=_REPLY.text,
    ),
)
