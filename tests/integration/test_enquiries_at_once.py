"""Test concurrent enquiries of the same person, from two processes that share a database."""

import asyncio
from collections import Counter
from typing import Any, cast

import pytest

from application import ACTOR, Application
from leads_domain.enquiry import EnquiryInput
from leads_domain.lead import Lead
from leads_domain.paging import LIMIT_MAX, LeadQuery
from leads_domain.use_cases.add_enquiry import EnquiryOutcome, EnquiryResult

PHONE = "+12025550123"
ROUNDS = 10
WRITERS = 6
CREATED, ADDED = EnquiryOutcome


def enquire_at_once(apps: list[Application], *enquiries: dict[str, Any]) -> list[EnquiryResult]:
    async def all_of_them() -> list[EnquiryResult]:
        writes = (
            apps[number % 2].database.database.write(
                apps[number % 2].add_enquiry, cast(EnquiryInput, enquiry), actor=ACTOR
            )
            for number, enquiry in enumerate(enquiries)
        )
        return await asyncio.gather(*writes)

    return apps[0].database.run(all_of_them())


def all_leads(app: Application) -> list[Lead]:
    return [*app.database.read(lambda work: work.leads.page(LeadQuery(limit=LIMIT_MAX))).items]


@pytest.mark.parametrize("contact", ["email", "phone"])
def test_a_new_person_becomes_one_lead_with_all_enquiries(apps: list[Application], contact: str) -> None:
    for number in range(ROUNDS):
        value = f"{number}@example.com" if contact == "email" else f"+1202555{number:04}"
        results = enquire_at_once(apps, *[{contact: value, "message": f"{each}"} for each in range(WRITERS)])

        assert Counter(result.outcome for result in results) == {CREATED: 1, ADDED: WRITERS - 1}
        assert len({result.lead.id for result in results}) == 1
        types = Counter(apps[0].event_types(results[0].lead))
        assert types == {"lead.created": 1, "lead.enquired": WRITERS}
        assert len({result.enquiry.id for result in results}) == WRITERS
    assert len(all_leads(apps[0])) == ROUNDS


def test_the_phone_number_of_a_caller_joins_no_email_addresses(apps: list[Application]) -> None:
    caller = apps[0].enquire(phone=PHONE).lead
    results = enquire_at_once(apps, *[{"email": f"{each}@example.com", "phone": PHONE} for each in range(WRITERS)])

    assert Counter(result.outcome for result in results) == {CREATED: WRITERS}
    assert apps[0].lead(caller) == caller
    emails = {str(lead.email) for lead in all_leads(apps[0]) if lead.email}
    assert emails == {f"{each}@example.com" for each in range(WRITERS)}


def test_a_caller_who_writes_is_one_more_lead_with_all_enquiries(apps: list[Application]) -> None:
    for number in range(ROUNDS):
        phone = f"+1202555{number:04}"
        caller = apps[0].enquire(phone=phone).lead
        enquiry = {"email": f"{number}@example.com", "phone": phone}
        results = enquire_at_once(apps, *[enquiry, {"email": enquiry["email"]}] * 2)
        assert apps[0].lead(caller) == caller
        assert len({result.lead.id for result in results}) == 1
        assert Counter(str(lead.email) for lead in all_leads(apps[0]))[f"{number}@example.com"] == 1
