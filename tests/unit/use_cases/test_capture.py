"""Test what a public client sends: stored at once, and processed later."""

from typing import cast

import pytest

from application import Application
from builders import NOON, an_id
from leads_domain.captured import CapturedAs
from leads_domain.enquiry import EnquiryInput
from leads_domain.errors import ValidationFailed
from leads_domain.lead import Lead
from leads_domain.paging import LeadQuery, SubmissionQuery
from leads_domain.submission import Submission, SubmissionState
from leads_domain.use_cases.capture import Capture

JOHN: EnquiryInput = {"name": "John Doe", "email": "john@example.com"}
KEY = "web form: new"


def capture(app: Application, values: EnquiryInput, kind: CapturedAs = CapturedAs.LEAD) -> Submission:
    check = app.register_lead.check if kind is CapturedAs.LEAD else app.add_enquiry.check
    return app.database.write(Capture(app.clock, app.ids, kind, check), values, key_name=KEY)


def leads(app: Application) -> list[Lead]:
    return [*app.database.read(lambda work: work.leads.page(LeadQuery())).items]


def test_nothing_is_decided_before_it_is_processed(app: Application) -> None:
    captured = capture(app, JOHN)
    assert (captured.state, captured.origin) == (SubmissionState.RECEIVED, f"lead:{KEY}")
    assert (captured.id, captured.received_at) == (an_id(1001), NOON)
    assert app.submission(captured) == captured
    assert leads(app) == []


def test_a_new_person_becomes_a_lead_without_an_enquiry(app: Application) -> None:
    processed = app.process(capture(app, JOHN))
    [lead] = leads(app)
    assert (processed.state, processed.lead_id) == (SubmissionState.ACCEPTED, lead.id)
    assert app.event_types(lead) == ["lead.created"]
    assert {entry.actor for entry in app.timeline(lead)} == {KEY}


def test_a_new_person_who_enquires_becomes_a_lead_with_an_enquiry(app: Application) -> None:
    app.process(capture(app, {"email": "john@example.com"}, CapturedAs.ENQUIRY))
    [lead] = leads(app)
    assert app.event_types(lead) == ["lead.created", "lead.enquired"]
    assert {entry.actor for entry in app.timeline(lead)} == {KEY}


@pytest.mark.parametrize("kind", CapturedAs)
def test_a_known_person_gets_an_enquiry(app: Application, kind: CapturedAs) -> None:
    lead = app.register(email="john@example.com").lead
    processed = app.process(capture(app, {**JOHN, "name": "Johnny"}, kind))
    assert processed.lead_id == lead.id
    assert app.event_types(lead) == ["lead.created", "lead.enquired"]
    assert app.timeline(lead)[0].data["differs"] == {"name": "Johnny"}
    assert app.lead(lead) == lead


def test_an_invalid_lead_is_refused_for_a_known_person_too(app: Application) -> None:
    app.register(email="john@example.com")
    with pytest.raises(ValidationFailed):
        capture(app, {"email": "john@example.com"})
    assert app.database.read(lambda work: work.submissions.count(SubmissionQuery())) == 0


def test_all_values_keep_their_types_and_none_is_read_as_spam_or_as_another_field(app: Application) -> None:
    attributes = {"budget": 5e-324, "newsletter": True, "phone 2": "030 1", "links": "http://a.example " * 9}
    values = cast(EnquiryInput, {**JOHN, "phone": None, "source": "website", "attributes": attributes})
    app.process(capture(app, values))
    [lead] = leads(app)
    assert (lead.source, lead.phone, lead.attributes) == ("website", None, attributes)


def test_the_same_values_twice_are_two_enquiries(app: Application) -> None:
    for _ in range(2):
        app.process(capture(app, {**JOHN, "message": "Hello?"}, CapturedAs.ENQUIRY))
    [lead] = leads(app)
    assert app.event_types(lead) == ["lead.created", "lead.enquired", "lead.enquired"]


def test_a_person_can_accept_what_could_not_be_processed(app: Application) -> None:
    captured = capture(app, {**JOHN, "attributes": {"seats": 3}})
    app.discard(captured)
    lead = app.accept(captured, name="John B. Doe").lead
    assert (lead.name, lead.attributes) == ("John B. Doe", {"seats": 3})
