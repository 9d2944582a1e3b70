"""Test leads that a public client sends."""

import pytest

from application import ACTOR, Application
from leads_domain.details import DetailsInput
from leads_domain.errors import ValidationFailed
from leads_domain.paging import LeadQuery
from leads_domain.use_cases.capture_lead import CaptureLead

JOHN: DetailsInput = {"name": "John Doe", "email": "john@example.com"}


def capture(app: Application, values: DetailsInput) -> None:
    app.database.write(CaptureLead(app.register_lead, app.add_enquiry), values, actor=ACTOR)


def test_a_new_person_becomes_a_lead_without_an_enquiry(app: Application) -> None:
    capture(app, JOHN)
    [lead] = app.database.read(lambda work: work.leads.page(LeadQuery())).items
    assert app.event_types(lead) == ["lead.created"]


def test_a_known_person_gets_an_enquiry(app: Application) -> None:
    lead = app.register(email="john@example.com").lead
    capture(app, {**JOHN, "name": "Johnny"})
    assert app.event_types(lead) == ["lead.created", "lead.enquired"]
    assert app.timeline(lead)[0].data["differs"] == {"name": "Johnny"}
    assert app.lead(lead) == lead


def test_an_invalid_lead_is_refused_for_a_known_person_too(app: Application) -> None:
    app.register(email="john@example.com")
    with pytest.raises(ValidationFailed):
        capture(app, {"email": "john@example.com"})
