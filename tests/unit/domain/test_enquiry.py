"""Test the validation of enquiries, and how they fill the values that a lead lacks."""

from typing import Any, cast

import pytest
from hypothesis import given

from builders import a_lead, a_phone, an_email
from leads_adapters.memory.normalizer import SimpleNormalizer
from leads_domain.contact import EmailAddress
from leads_domain.details import ATTRIBUTES_MAX
from leads_domain.enquiry import MESSAGE_MAX, Enquiry, EnquiryInput, check_enquiry
from leads_domain.errors import ValidationFailed
from leads_domain.events import EventType
from leads_domain.lead import Lead
from strategies import leads

MARY = an_email("mary@example.com")


def checked(**fields: Any) -> Enquiry:
    return check_enquiry(cast(EnquiryInput, fields), SimpleNormalizer())


def an_enquiry(**details: Any) -> Enquiry:
    return Enquiry(cast(Any, details), "Do you deliver?")


def differences(lead: Lead, **details: Any) -> Any:
    return an_enquiry(**details).add_to(lead)[1][0].data["differs"]


@pytest.mark.parametrize("empty", [{}, {"email": None, "phone": " "}, {"email": "n/a", "phone": "-"}])
def test_an_enquiry_needs_an_email_address_or_a_phone_number(empty: dict[str, str | None]) -> None:
    with pytest.raises(ValidationFailed, match=r"^Give an e-mail address or a phone number\.$"):
        checked(message="Hello", **empty)


def test_all_errors_are_reported_together() -> None:
    with pytest.raises(ValidationFailed) as caught:
        checked(name="n" * 201, email="mary", message="m" * (MESSAGE_MAX + 1), attributes={"": 1})
    assert [error.pointer for error in caught.value.errors] == ["/name", "/email", "/message", "/attributes/"]


def test_a_blank_name_or_message_is_absent() -> None:
    enquiry = checked(name=" ", email="mary@example.com", message="\n")
    assert (enquiry.details_of_new_lead["name"], enquiry.message) == ("mary@example.com", None)
    assert checked(email="mary@example.com", message=" Hello \n").message == "Hello"


def test_the_default_name_is_the_email_address_or_the_phone_number() -> None:
    assert checked(phone="+1 202 555 0123;ext=7").details_of_new_lead["name"] == "+12025550123;ext=7"
    assert checked(phone="+1 202 555 0123", email="Mary@example.com").details_of_new_lead["name"] == "Mary@example.com"
    long = an_enquiry(email=EmailAddress("m" * 254, "m"))
    assert long.details_of_new_lead["name"] == "m" * 200


def test_missing_values_of_the_lead_are_filled() -> None:
    given = {
        "name": "Mary Major",
        "email": MARY,
        "phone": a_phone(),
        "source": "website",
        "owner": an_email("ann@example.com"),
        "attributes": {"b": 2},
    }
    lead = a_lead(name="+12025550123", email=None, phone=a_phone(), attributes={"a": 1})
    filled, (enquired, updated) = an_enquiry(**given).add_to(lead)

    assert filled == a_lead(**{**given, "attributes": {"a": 1, "b": 2}})
    assert enquired.type is EventType.LEAD_ENQUIRED
    assert enquired.data == {
        "message": "Do you deliver?",
        "source": "website",
        "attributes": {"b": 2},
        "differs": {},
    }
    assert updated.type is EventType.LEAD_UPDATED


@pytest.mark.parametrize("default", ["mary@example.com", "+12025550123"])
def test_a_default_name_is_replaced_by_a_given_name_only(default: str) -> None:
    lead = a_lead(name=default, email=MARY, phone=a_phone())
    assert an_enquiry(name="Mary", email=MARY).add_to(lead)[0].name == "Mary"
    assert an_enquiry(email=MARY).add_to(lead)[0].name == default


def test_other_values_stay_and_the_event_lists_those_that_differ() -> None:
    lead = a_lead(
        phone=a_phone(),
        source="fair",
        owner=an_email("ann@example.com"),
        attributes={"size": 1, "old": True, "city": "X"},
    )
    unchanged, (enquired,) = an_enquiry(
        name="Johnny",
        email=MARY,
        phone=a_phone("+12025550124", "7"),
        source="website",
        owner=an_email("bob@example.com"),
        attributes={"size": 2, "old": 1, "city": "X"},
    ).add_to(lead)

    assert unchanged is lead
    assert enquired.data["differs"] == {
        "name": "Johnny",
        "email": "mary@example.com",
        "phone": "+12025550124;ext=7",
        "source": "website",
        "owner": "bob@example.com",
        "attributes": {"size": 2, "old": 1},
    }


def test_other_spellings_of_an_address_and_absent_values_do_not_differ() -> None:
    lead = a_lead(phone=a_phone(), source="fair")
    assert differences(lead, email=an_email("JOHN@Example.com"), phone=None, source=None, owner=None) == {}


def test_attributes_beyond_the_limit_stay_in_the_event() -> None:
    lead = a_lead(attributes={f"{number}": number for number in range(ATTRIBUTES_MAX - 1)})
    filled, (enquired, _) = an_enquiry(attributes={"a": 1, "b": 2}).add_to(lead)
    assert filled.attributes == {**lead.attributes, "a": 1}
    assert enquired.data["differs"] == {"attributes": {"b": 2}}


@given(leads(), leads())
def test_no_value_of_the_lead_changes_and_every_given_value_is_in_the_lead_or_in_the_event(
    lead: Lead, other: Lead
) -> None:
    fields = ("name", "email", "phone", "source", "owner")
    given = {field: getattr(other, field) for field in fields}
    filled, events = an_enquiry(**given, attributes=other.attributes).add_to(lead)
    before, after, sent = lead.to_dict(), filled.to_dict(), other.to_dict()
    differs = cast(dict[str, Any], events[0].data["differs"])

    for field in fields:
        assert after[field] == before[field] or before[field] in (None, before["email"], before["phone"])
        assert sent[field] in (None, after[field], differs.get(field)) or field in ("email", "owner")
    assert {name: after["attributes"][name] for name in before["attributes"]} == before["attributes"]
    assert other.attributes.keys() <= after["attributes"].keys() | differs.get("attributes", {}).keys()
