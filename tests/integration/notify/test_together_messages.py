"""Who is told that petitions are handled together, in which language, and that nobody learns of anybody else."""

from __future__ import annotations

from tests.integration.notify.street import Case, Street, unit_changed


def occasions(street: Street, name: str) -> list[tuple[str, str]]:
    return sorted((m.occasion, m.recipient) for m in street.messages(petition_id=name) if m.occasion != "received")


def test_every_filer_is_told_in_their_own_language(street: Street) -> None:
    lead, case = Case("p1"), Case("p2", portal="river")
    street.tell(unit_changed())
    street.tell(lead.submitted(), lead.contact(language="en", mail="lead@example.org"))
    street.tell(case.submitted(), case.contact(language="zh-Hant", mail="case@example.org"))
    street.tell(case.merged(lead), lead.merged(case, leads=True))
    assert occasions(street, "p1") == [("merged", "citizen")]
    assert occasions(street, "p2") == [("merged", "citizen"), ("merged", "portal"), ("merged", "unit")]
    said = {m.address: m.subject + m.body for m in street.messages(occasion="merged", recipient="citizen")}
    assert "Another submission about the same matter is now handled together with your" in said["lead@example.org"]
    assert "現併案辦理" in said["case@example.org"] or "現並案辦理" in said["case@example.org"]
    # Neither reads the other's number, title or name.
    assert "p2" not in said["lead@example.org"] and "WZ-26-p1" not in said["case@example.org"]


def test_of_many_that_join_the_one_that_leads_is_told_once(street: Street) -> None:
    lead = Case("p1")
    street.tell(lead.submitted(), lead.contact())
    for before in range(3):
        street.tell(lead.merged(Case(f"q{before}"), leads=True, before=before))
    assert occasions(street, "p1") == [("merged", "citizen")]


def test_a_new_lead_after_a_withdrawal_is_no_news(street: Street) -> None:
    case, heir = Case("p2"), Case("p3")
    street.tell(case.submitted(), case.contact())
    street.tell(case.merged(heir, by="rule"))
    assert occasions(street, "p2") == []


def test_taken_out_the_filer_and_the_unit_are_told_and_the_other_is_not(street: Street) -> None:
    lead, case = Case("p1"), Case("p2")
    street.tell(unit_changed())
    for one in (lead, case):
        street.tell(one.submitted(), one.contact())
    street.tell(case.unmerged(lead), lead.unmerged(case, leads=True))
    assert occasions(street, "p1") == []
    assert occasions(street, "p2") == [("unmerged", "citizen"), ("unmerged", "unit")]


def test_the_reply_says_that_it_was_given_to_several(street: Street) -> None:
    lead, case = Case("p1"), Case("p2")
    for one in (lead, case):
        street.tell(one.submitted(), one.contact())
    street.tell(case.replied(lead=lead.link()), lead.replied())
    said = {m.petition_id: m.body for m in street.messages(occasion="replied", recipient="citizen")}
    assert "并案办理" in said["p2"] and "并案办理" not in said["p1"]


def test_news_that_waits_for_a_contact_is_told_with_it(street: Street) -> None:
    lead, case = Case("p1"), Case("p2")
    street.tell(case.submitted())
    street.tell(case.merged(lead))
    assert occasions(street, "p2") == [("merged", "unit")]
    street.tell(case.contact())
    assert ("merged", "citizen") in occasions(street, "p2")
