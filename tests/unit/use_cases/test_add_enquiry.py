"""Test enquiries of new and known people."""

from datetime import timedelta

import pytest

from application import ACTOR, Application
from builders import NOON, a_lead, a_rule, an_enquiry_rule
from leads_domain.errors import FieldError, ValidationFailed
from leads_domain.events import EventType
from leads_domain.follow_up import Recipient
from leads_domain.lead import Lead
from leads_domain.paging import LeadQuery
from leads_domain.rules import FollowUpRule
from leads_domain.use_cases.add_enquiry import EnquiryOutcome

PHONE = "+12025550123"


def all_leads(app: Application) -> list[Lead]:
    return [*app.database.read(lambda work: work.leads.page(LeadQuery())).items]


def rules_on(app: Application, *rules: FollowUpRule) -> Application:
    return Application(app.database, rules)


def test_an_enquiry_of_a_new_person_creates_a_lead(app: Application) -> None:
    result = app.enquire(name="John Doe", email="john@example.com", message="Hello", source="website")

    assert result.outcome is EnquiryOutcome.LEAD_CREATED
    assert result.lead == a_lead(id=result.lead.id, source="website")
    assert app.lead(result.lead) == result.lead
    newest, oldest = app.timeline(result.lead)
    assert oldest.type is EventType.LEAD_CREATED
    assert newest == result.enquiry
    assert (newest.type, newest.at, newest.actor) == (EventType.LEAD_ENQUIRED, NOON, ACTOR)
    assert newest.data == {"message": "Hello", "source": "website", "attributes": {}, "differs": {}}


def test_a_known_person_gets_another_enquiry_and_no_second_lead(app: Application) -> None:
    lead = app.enquire(name="John Doe", email="john@example.com").lead
    app.clock.advance(timedelta(hours=1))
    result = app.enquire(name="Johnny", email=" JOHN@example.com", message="Again")

    assert result.outcome is EnquiryOutcome.ENQUIRY_ADDED
    assert all_leads(app) == [lead] == [result.lead]
    assert app.timeline(lead)[0] == result.enquiry
    assert result.enquiry.data["differs"] == {"name": "Johnny"}


def test_missing_values_are_filled_in_a_new_version(app: Application) -> None:
    lead = app.enquire(email="john@example.com").lead
    app.clock.advance(timedelta(hours=1))
    filled = app.enquire(name="John Doe", email="john@example.com", phone=PHONE).lead

    assert (filled.name, str(filled.phone), filled.version) == ("John Doe", PHONE, 2)
    assert filled.updated_at == NOON + timedelta(hours=1)
    assert app.lead(lead) == filled
    assert app.event_types(lead) == ["lead.created", "lead.enquired", "lead.enquired", "lead.updated"]


def test_a_phone_number_identifies_a_person_without_an_email_address(app: Application) -> None:
    lead = app.enquire(phone=PHONE).lead
    assert (lead.name, lead.email) == (PHONE, None)
    assert app.enquire(phone=PHONE, name="John").lead.id == lead.id


def test_an_email_address_is_another_identity_than_the_phone_number_of_a_caller(app: Application) -> None:
    caller = app.enquire(phone=PHONE).lead
    result = app.enquire(phone=PHONE, email="john@example.com", name="John Doe")

    assert result.outcome is EnquiryOutcome.LEAD_CREATED
    assert (str(result.lead.email), result.lead.name, str(result.lead.phone)) == ("john@example.com", "John Doe", PHONE)
    assert app.lead(caller) == caller
    assert app.enquire(phone=PHONE).lead.id == caller.id


def test_a_phone_number_joins_no_two_email_addresses(app: Application) -> None:
    one = app.enquire(email="one@example.com", phone=PHONE).lead
    two = app.enquire(email="two@example.com", phone=PHONE)
    assert two.outcome is EnquiryOutcome.LEAD_CREATED
    caller = app.enquire(phone=PHONE)
    assert caller.outcome is EnquiryOutcome.LEAD_CREATED
    assert len({one.id, two.lead.id, caller.lead.id}) == 3


def test_the_email_address_decides_if_another_lead_has_the_phone_number(app: Application) -> None:
    caller = app.enquire(phone=PHONE).lead
    writer = app.enquire(email="john@example.com").lead
    result = app.enquire(email="john@example.com", phone=PHONE)
    assert (result.lead.id, str(result.lead.phone)) == (writer.id, PHONE)
    assert app.lead(caller) == caller


def test_the_identity_of_a_merged_lead_leads_to_the_lead_that_replaced_it(app: Application) -> None:
    lead, duplicate, older = (app.enquire(email=f"{name}@example.com").lead for name in "abc")
    app.merge(duplicate, older)
    app.merge(lead, duplicate)
    for address in ("b@example.com", "C@example.com"):
        result = app.enquire(email=address)
        assert (result.outcome, result.lead.id) == (EnquiryOutcome.ENQUIRY_ADDED, lead.id)
        assert result.enquiry.data["differs"] == {"email": address}
    assert len(all_leads(app)) == 1


def test_the_phone_number_of_a_merged_lead_joins_no_two_email_addresses(app: Application) -> None:
    lead, caller = app.enquire(email="a@example.com").lead, app.enquire(phone=PHONE).lead
    app.merge(lead, caller)
    assert app.enquire(phone=PHONE).lead.id == lead.id
    assert app.enquire(email="b@example.com", phone=PHONE).outcome is EnquiryOutcome.LEAD_CREATED


def test_an_existing_lead_comes_before_a_merged_one_with_the_same_identity(app: Application) -> None:
    lead, duplicate = (app.enquire(email=f"{name}@example.com").lead for name in "ab")
    app.merge(lead, duplicate)
    again = app.register(email="b@example.com").lead
    assert app.enquire(email="b@example.com").lead.id == again.id
    other = app.enquire(email="d@example.com").lead
    app.merge(other, again)
    assert app.enquire(email="b@example.com").lead.id == other.id


def test_the_identity_of_a_merged_lead_is_erased_with_its_lead(app: Application) -> None:
    lead, duplicate = (app.enquire(email=f"{name}@example.com").lead for name in "ab")
    app.erase(app.merge(lead, duplicate))
    assert app.enquire(email="b@example.com").outcome is EnquiryOutcome.LEAD_CREATED


def test_enquiries_move_with_a_merged_lead_and_are_erased_with_it(app: Application) -> None:
    lead, duplicate = (app.enquire(email=f"{name}@example.com", message=name).lead for name in "ab")
    app.merge(lead, duplicate)
    messages = [entry.data["message"] for entry in app.timeline(lead) if entry.type is EventType.LEAD_ENQUIRED]
    assert messages == ["b", "a"]
    app.erase(lead)
    assert app.event_types(lead) == ["lead.erased"]


def test_an_invalid_enquiry_stores_nothing(app: Application) -> None:
    with pytest.raises(ValidationFailed):
        app.enquire(email="john@example.com", message="\0")
    assert all_leads(app) == []


def test_rules_start_on_each_enquiry_of_new_and_known_people(app: Application) -> None:
    app = rules_on(app, an_enquiry_rule(recipient=Recipient.OWNER), a_rule("new"))
    result = app.enquire(name="John", email="john@example.com", message="One\n\nmore")
    assert result.lead == app.lead(result.lead)
    assert (result.lead.version, result.lead.next_follow_up_at) == (1, NOON + timedelta(hours=1))
    lead = app.change(result.lead, "contacted")
    app.clock.advance(timedelta(minutes=30))
    again = app.enquire(email="john@example.com", message="Two").lead

    assert again == app.lead(lead)
    messages = [each.message for each in app.follow_ups(lead) if each.recipient == Recipient.OWNER]
    assert messages == ["John has written: One\n\nmore", "John has written: Two"]
    assert again == lead  # the earlier follow-up is still the next one


def test_a_rule_starts_on_an_enquiry_of_a_closed_lead(app: Application) -> None:
    app = rules_on(app, an_enquiry_rule())
    lead = app.change(app.register().lead, "lost", status_reason="Too expensive")
    reminded = app.enquire(email="john@example.com").lead
    assert (reminded.status, reminded.version) == ("lost", lead.version + 1)
    assert reminded.next_follow_up_at == NOON + timedelta(hours=1)
    assert app.event_types(lead)[-2:] == ["lead.enquired", "follow_up.scheduled"]


def test_a_follow_up_of_an_enquiry_stays_until_the_lead_is_closed(app: Application) -> None:
    app = rules_on(app, an_enquiry_rule())
    lead = app.enquire(email="john@example.com").lead
    app.change(lead, "contacted")
    assert [each.state for each in app.follow_ups(lead)] == ["scheduled"]
    app.change(lead, "lost", status_reason="Too expensive")
    assert [each.state for each in app.follow_ups(lead)] == ["cancelled"]


def test_registering_a_lead_starts_no_rule_of_enquiries(app: Application) -> None:
    app = rules_on(app, an_enquiry_rule())
    assert app.follow_ups(app.register().lead) == []


def test_the_actor_of_an_enquiry_has_created_the_lead(app: Application) -> None:
    lead = app.enquire(email="ada@example.com").lead
    assert {entry.type.value: entry.actor for entry in app.timeline(lead)} == {
        "lead.created": ACTOR,
        "lead.enquired": ACTOR,
    }


def test_the_actor_of_another_enquiry_is_its_own(app: Application) -> None:
    app.enquire(email="ada@example.com")
    again = app.enquire(email="ada@example.com", phone="+12025550123")
    newest = app.timeline(again.lead)[:2]
    assert [(entry.type.value, entry.actor) for entry in reversed(newest)] == [
        ("lead.enquired", ACTOR),
        ("lead.updated", ACTOR),
    ]
    assert again.enquiry.actor == ACTOR


def test_errors_that_the_caller_has_found_are_reported_with_those_of_the_enquiry(app: Application) -> None:
    with pytest.raises(ValidationFailed) as caught:
        app.add_enquiry.check({"email": "nonsense"}, FieldError("/other", "Wrong."))
    assert [error.pointer for error in caught.value.errors] == ["/other", "/email"]
