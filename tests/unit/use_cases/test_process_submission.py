"""Test how submissions are processed, accepted and discarded."""

from dataclasses import replace
from typing import Any

import pytest

from application import ACTOR, Application
from builders import an_id
from leads_domain.errors import IllegalSubmissionState, NotFound, ValidationFailed
from leads_domain.events import EventType
from leads_domain.intake import IntakePolicy
from leads_domain.paging import LeadQuery
from leads_domain.submission import SubmissionId, SubmissionState
from leads_domain.use_cases.add_enquiry import EnquiryOutcome
from leads_domain.use_cases.process_submission import FAILED, set_failed_aside

ADA = {"your-name": "Ada", "your-mail": "ada@example.com", "message": "Hello!"}
WITHOUT_CONTACT = {"your-name": "Ada", "your-mail": "nonsense"}


def enquiries(app: Application) -> int:
    """Return the number of enquiries of all leads."""
    leads = app.database.read(lambda work: work.leads.page(LeadQuery())).items
    return sum(app.event_types(lead).count("lead.enquired") for lead in leads)


def test_a_submission_becomes_an_enquiry_once(app: Application) -> None:
    app.policies["form:contact"] = IntakePolicy(source="website", owner="sales@example.com")
    submission = app.receive(content=ADA)
    accepted = app.process(submission)
    assert (accepted.state, accepted.reason, accepted.content) == (SubmissionState.ACCEPTED, None, ADA)
    assert app.process(submission) == accepted == app.submission(submission)
    [lead] = app.database.read(lambda work: work.leads.page(LeadQuery())).items
    assert (lead.id, lead.name, lead.source, str(lead.owner)) == (
        accepted.lead_id,
        "Ada",
        "website",
        "sales@example.com",
    )
    [entry] = [entry for entry in app.timeline(lead) if entry.type is EventType.LEAD_ENQUIRED]
    assert (entry.actor, entry.data["message"]) == ("form:contact", "Hello!")


def test_a_submission_of_a_known_person_becomes_an_enquiry_of_the_lead(app: Application) -> None:
    lead = app.register(email="ada@example.com", name="Ada Muster").lead
    assert app.process(app.receive(content=ADA)).lead_id == lead.id
    assert app.lead(lead).name == "Ada Muster"
    assert enquiries(app) == 1


def test_spam_is_quarantined_with_its_reason(app: Application) -> None:
    app.policies["form:contact"] = IntakePolicy(honeypot="website")
    spam = app.process(app.receive(content={**ADA, "website": "x"}))
    assert (spam.state, spam.reason, spam.lead_id) == (
        SubmissionState.SPAM,
        "The field website, which people do not see, was filled in.",
        None,
    )
    assert app.process(spam) == spam
    assert enquiries(app) == 0


def test_a_submission_without_contact_waits_for_a_person(app: Application) -> None:
    waiting = app.process(app.receive(content=WITHOUT_CONTACT))
    assert waiting.state is SubmissionState.NEEDS_REVIEW
    assert (waiting.reason or "").startswith("your-mail: ")
    assert app.process(app.receive(content={})).reason == "Give an e-mail address or a phone number."
    assert enquiries(app) == 0


@pytest.mark.parametrize("state", [SubmissionState.TEST, SubmissionState.IGNORED])
def test_tests_and_automatic_mail_are_not_processed(app: Application, state: SubmissionState) -> None:
    submission = app.receive(content=ADA, state=state, reason="Why.")
    assert app.process(submission) == submission
    assert enquiries(app) == 0


def test_an_unknown_submission_is_not_processed(app: Application) -> None:
    with pytest.raises(NotFound):
        app.database.write(app.process_submission, SubmissionId(an_id(9)))


def test_a_submission_waits_for_a_person_after_an_unexpected_error(app: Application) -> None:
    submission = app.receive(content=ADA)
    app.database.write(set_failed_aside, submission.id)
    assert (app.submission(submission).state, app.submission(submission).reason) == ("needs_review", FAILED)
    accepted = app.process(app.receive(content={"email": "jane@example.com"}))
    app.database.write(set_failed_aside, accepted.id)
    assert app.submission(accepted) == accepted


@pytest.mark.parametrize("state", [state for state in SubmissionState if state is not SubmissionState.ACCEPTED])
def test_a_person_accepts_a_submission_once_in_any_other_state(app: Application, state: SubmissionState) -> None:
    submission = app.receive(content={**ADA, "website": "x"}, state=state, reason="Why.")
    result = app.accept(submission)
    assert (result.outcome, result.enquiry.actor) == (EnquiryOutcome.LEAD_CREATED, ACTOR)
    accepted = app.submission(submission)
    assert (accepted.state, accepted.reason, accepted.lead_id) == ("accepted", None, result.lead.id)
    for again in (app.accept, app.discard):
        with pytest.raises(IllegalSubmissionState):
            again(submission)
    assert enquiries(app) == 1


def test_members_of_the_caller_replace_those_of_the_submission(app: Application) -> None:
    content = {**WITHOUT_CONTACT, "phone": "call me", "company": "ACME", "color": "red"}
    submission = app.process(app.receive(content=content))
    members: dict[str, Any] = {
        "name": "Ada Muster",
        "email": "ada@example.com",
        "message": "She called.",
        "attributes": {"color": "blue", "size": 3},
    }
    lead = app.accept(submission, **members).lead
    assert (lead.name, str(lead.email), lead.phone) == ("Ada Muster", "ada@example.com", None)
    assert lead.attributes == {"phone_as_given": "call me", "company": "ACME", "color": "blue", "size": 3}


def test_attributes_of_the_caller_come_first(app: Application) -> None:
    content = {**ADA, **{f"field {number}": "x" for number in range(50)}}
    lead = app.accept(app.receive(content=content), attributes={"own": 1, "field 49": "y"}).lead
    assert (len(lead.attributes), lead.attributes["own"], lead.attributes["field 49"]) == (50, 1, "y")


def test_a_submission_without_contact_cannot_be_accepted_as_it_is(app: Application) -> None:
    submission = app.process(app.receive(content=WITHOUT_CONTACT))
    for members in ({}, {"email": "also nonsense"}, {"email": None, "phone": None}):
        with pytest.raises(ValidationFailed):
            app.accept(submission, **members)
    assert app.submission(submission) == submission


def test_the_submissions_of_a_merged_lead_move_to_the_target(app: Application) -> None:
    john = app.register().lead
    submission = app.process(app.receive(content=ADA))
    ada = app.database.read(lambda work: work.leads.get(submission.lead_id or john.id))
    app.merge(john, ada)
    assert app.submission(submission).lead_id == john.id
    assert [each.id for each in app.personal_data(john).submissions] == [submission.id]
    assert app.process(app.receive(content={**ADA, "message": "Again."})).lead_id == john.id
    app.erase(john)
    with pytest.raises(NotFound):
        app.submission(submission)


def test_a_discarded_submission_stays_with_its_content(app: Application) -> None:
    submission = app.process(app.receive(content=WITHOUT_CONTACT))
    discarded = app.discard(submission)
    assert discarded == replace(submission, state=SubmissionState.DISCARDED)
    assert app.submission(submission) == discarded
    assert app.discard(submission) == discarded


def test_an_accepted_submission_can_be_neither_accepted_nor_discarded(app: Application) -> None:
    submission = app.process(app.receive(content=ADA))
    with pytest.raises(IllegalSubmissionState, match=r"A submission that is accepted cannot be accepted\."):
        app.accept(submission)
    with pytest.raises(IllegalSubmissionState, match=r"A submission that is accepted cannot be discarded\."):
        app.discard(submission)


def test_a_review_names_each_field_and_what_is_wrong(app: Application) -> None:
    waiting = app.process(app.receive(content={"my/~/e-mail": "nonsense", "phone": "call me"}))
    parts = (waiting.reason or "").split(". ")
    assert [part.split(": ")[0] for part in parts if ": " in part] == ["my/~/e-mail", "phone"]


def test_what_the_service_refuses_waits_for_a_person(app: Application) -> None:
    app.policies["form:contact"] = IntakePolicy(source="x" * 200)
    submission = app.receive(content=ADA)
    waiting = app.process(submission)
    assert (waiting.state, waiting.reason) == ("needs_review", "source: Must have 1 to 100 characters, but has 200.")
    assert app.submission(submission) == waiting


def test_the_fields_of_the_caller_are_checked_without_a_submission(app: Application) -> None:
    app.accept_submission.check({})
    app.accept_submission.check({"name": "Ada"})
    with pytest.raises(ValidationFailed) as refused:
        app.accept_submission.check({"email": "nonsense", "message": "x" * 10_001})
    assert [error.pointer for error in refused.value.errors] == ["/email", "/message"]


def test_the_attributes_of_the_caller_can_be_as_many_as_a_lead_can_have(app: Application) -> None:
    own = {f"own {number}": 1 for number in range(50)}
    assert app.accept(app.receive(content={**ADA, "color": "red"}), attributes=own).lead.attributes == own
    more = {**own, "own 50": 1}
    with pytest.raises(ValidationFailed, match="Must have at most 50 attributes, but has 51"):
        app.accept(app.receive(content={**ADA, "color": "blue"}), attributes=more)
