"""Test how submissions are understood."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders import a_submission
from leads_adapters.memory.normalizer import SimpleNormalizer
from leads_domain.contact import NO_CONTACT
from leads_domain.details import ATTRIBUTE_NAME_MAX, ATTRIBUTE_TEXT_MAX, ATTRIBUTES_MAX, NAME_MAX, SOURCE_MAX
from leads_domain.enquiry import MESSAGE_MAX, check_enquiry
from leads_domain.intake import Intake, IntakePolicy, Understood
from leads_domain.spam import ELAPSED_FIELD

JOHN = {"email": "john@example.com"}


def understand(content: dict[str, str], **policy: Any) -> Understood:
    """Return what this content means under this policy."""
    intake = Intake(SimpleNormalizer(), {"form:contact": IntakePolicy(**policy)})
    return intake.understand(a_submission(content=content))


def enquiry(content: dict[str, str], **policy: Any) -> dict[str, Any]:
    """Return the enquiry that this content means, which must be valid."""
    understood = understand(content, **policy)
    assert understood.errors == ()
    check_enquiry(understood.enquiry, SimpleNormalizer())
    return dict(understood.enquiry)


def test_fields_are_recognised_by_their_names() -> None:
    content = {
        "Vorname": "Ada",
        "Nachname": " Muster ",
        "your-email": "ada@example.com",
        "Tel.": "+49 30 123456",
        "Nachricht": "Do you deliver?\n\nBye!",
        "data.company": "ACME",
        "empty": " ",
    }
    assert enquiry(content) == {
        "name": "Ada Muster",
        "email": "ada@example.com",
        "phone": "+49 30 123456",
        "message": "Do you deliver?\n\nBye!",
        "attributes": {"data.company": "ACME"},
    }


def test_control_characters_are_removed_and_refuse_nothing() -> None:
    content = {
        "your\x1b-name": "Ada\r\nMuster\x07\u202e",
        "email": "\u202aada@example.com\u202c",
        "message": "One\x9b\n\nTwo",
        "source": "web\tsite",
        "Your\nsize": "\x1b[2J7",
    }
    assert enquiry(content) == {
        "name": "Ada Muster",
        "email": "ada@example.com",
        "source": "web site",
        "message": "One\n\nTwo",
        "attributes": {"Your size": "[2J7"},
    }


def test_the_policy_chooses_fields_and_adds_source_and_owner() -> None:
    content = {"a": "Ada", "b": "ada@example.com", "email": "other@example.com", "c": "x"}
    policy = {"fields": {"a": "name", "b": "email"}, "source": "website", "owner": "sales@example.com"}
    assert enquiry(content, **policy) == {
        "name": "Ada",
        "email": "ada@example.com",
        "source": "website",
        "owner": "sales@example.com",
        "attributes": {"email": "other@example.com", "c": "x"},
    }


def test_a_visitor_cannot_choose_owner_and_status() -> None:
    content = {**JOHN, "owner": "victim@example.com", "status": "won", "source": "fair"}
    assert enquiry(content, owner="sales@example.com", source="website") == {
        **JOHN,
        "source": "fair",
        "owner": "sales@example.com",
        "attributes": {"owner": "victim@example.com", "status": "won"},
    }


def test_the_first_valid_value_counts_and_others_become_attributes() -> None:
    content = {"E-Mail 1": "nonsense", "E-Mail 2": "ada@example.com", "Phone": "n/a", "Mobile": "p:+49301234"}
    assert enquiry(content) == {
        "email": "ada@example.com",
        "phone": "+49301234",
        "attributes": {"E-Mail 1": "nonsense"},
    }


def test_the_other_values_of_a_field_become_an_attribute() -> None:
    content = {"E-Mail": "john@example.com ::: jd@example.com ::: j@example.com", "Phone": "+12025550123"}
    assert enquiry(content) == {
        **JOHN,
        "phone": "+12025550123",
        "attributes": {"E-Mail": "jd@example.com ::: j@example.com"},
    }


def test_only_the_first_of_several_wrong_values_or_names_is_used() -> None:
    content = {**JOHN, "Phone": "first", "Mobile": "second", "Name": "John", "Full name": "John Doe", "Source": "fair"}
    assert enquiry({**content, "Lead Source": "web"}) == {
        **JOHN,
        "name": "John",
        "source": "fair",
        "attributes": {"phone_as_given": "first", "Mobile": "second", "Full name": "John Doe", "Lead Source": "web"},
    }
    parts = {"Vorname": "Ada", "First name": "Eva", "Nachname": "Muster", "Last name": "Roe"}
    assert enquiry({**JOHN, **parts}) == {
        **JOHN,
        "name": "Ada Muster",
        "attributes": {"First name": "Eva", "Last name": "Roe"},
    }


def test_the_longest_name_and_source_are_used_and_longer_ones_become_attributes() -> None:
    longest = {"name": "n" * NAME_MAX, "source": "s" * SOURCE_MAX}
    assert enquiry({**JOHN, **longest}) == {**JOHN, **longest}
    longer = {field: f"{text}x" for field, text in longest.items()}
    assert enquiry({**JOHN, **longer}) == {
        **JOHN,
        "attributes": {"name_as_given": longer["name"], "source_as_given": longer["source"]},
    }


def test_nul_is_removed_and_a_field_without_a_name_is_kept() -> None:
    assert enquiry({"e\0mail": " john\0@example.com ", "na\0me": "\0John Doe", "": "x"}) == {
        **JOHN,
        "name": "John Doe",
        "attributes": {"_": "x"},
    }


def test_a_wrong_optional_value_is_kept_as_given() -> None:
    assert enquiry({**JOHN, "phone": "call me", "name": "x" * 300, "source": "y" * 200}) == {
        **JOHN,
        "attributes": {"phone_as_given": "call me", "name_as_given": "x" * 300, "source_as_given": "y" * 200},
    }
    assert enquiry({"phone": "+49301234", "email": "nonsense"}) == {
        "phone": "+49301234",
        "attributes": {"email_as_given": "nonsense"},
    }


def test_errors_name_the_fields_if_there_is_neither_email_nor_phone() -> None:
    understood = understand({"your-mail": "nonsense", "Tel.": "call me"})
    assert [error.pointer for error in understood.errors] == ["/your-mail", "/Tel."]
    assert understand({"name": "Ada", "email": "-"}).errors == [NO_CONTACT]
    assert understand({}).errors == [NO_CONTACT]


def test_a_line_break_in_an_address_or_name_has_no_effect() -> None:
    understood = understand({"name": "Ada\r\nBcc: x@example.com", "email": "ada@example.com\r\nBcc: x@example.com"})
    assert understood.enquiry["name"] == "Ada Bcc: x@example.com"
    assert "email" not in understood.enquiry
    assert [error.pointer for error in understood.errors] == ["/email"]


def test_what_attributes_cannot_hold_goes_to_the_message() -> None:
    long_name, long_text = "n" * (ATTRIBUTE_NAME_MAX + 1), "t" * (ATTRIBUTE_TEXT_MAX + 1)
    found = enquiry({**JOHN, "message": "Hello!", "story": long_text, long_name: "1", long_name + "2": "2"})
    assert found["attributes"] == {"story": long_text[:-1], long_name[:-1]: "1"}
    assert found["message"] == f"Hello!\n\nstory: ...t\n\n{long_name}2: 2"


def test_the_first_fifty_attributes_are_kept_and_others_go_to_the_message() -> None:
    found = enquiry({**JOHN, **{f"field {number}": str(number) for number in range(ATTRIBUTES_MAX + 2)}})
    assert list(found["attributes"]) == [f"field {number}" for number in range(ATTRIBUTES_MAX)]
    assert found["message"] == "field 50: 50\n\nfield 51: 51"


def test_a_long_message_is_cut() -> None:
    assert enquiry({**JOHN, "message": "x" * (MESSAGE_MAX + 1)})["message"] == "x" * MESSAGE_MAX


def test_several_messages_are_joined() -> None:
    assert enquiry({**JOHN, "message": "One.", "comments": "Two."})["message"] == "One.\n\nTwo."


@pytest.mark.parametrize(
    ("content", "policy", "reason"),
    [
        ({**JOHN, "website": "x"}, {"honeypot": "website"}, "The field website"),
        ({**JOHN, ELAPSED_FIELD: "1"}, {"minimum_seconds": 3}, "The form was filled in within"),
        ({**JOHN, "message": "http://a.example " * 6}, {}, "The message has 6 links"),
        ({**JOHN, "website": "x", ELAPSED_FIELD: "1", "message": "http://a.example"}, {}, None),
        ({**JOHN, "website": "", ELAPSED_FIELD: ""}, {"honeypot": "website", "minimum_seconds": 3}, None),
    ],
)
def test_spam_is_recognised_by_the_policy(content: dict[str, str], policy: dict[str, Any], reason: str | None) -> None:
    spam_reason = understand(content, **policy).spam_reason
    assert spam_reason is None if reason is None else (spam_reason or "").startswith(reason)


def test_hidden_fields_are_no_attributes() -> None:
    assert enquiry({**JOHN, "website": "", ELAPSED_FIELD: "5"}, honeypot="website", minimum_seconds=3) == JOHN
    assert enquiry({**JOHN, "website": "x", ELAPSED_FIELD: "5"}, honeypot="website") == JOHN


def test_an_unknown_origin_has_the_default_policy() -> None:
    intake = Intake(SimpleNormalizer(), {})
    assert intake.understand(a_submission(content=JOHN)) == Understood({"email": "john@example.com"}, (), None)


NAMES = st.sampled_from(["name", "first name", "nachname", "email", "phone", "message", "source", "owner"]) | st.text()
VALUES = st.sampled_from(["a@b.example", "+49301234", "n/a", "x" * 1500, "\0", " "]) | st.text()


@given(st.dictionaries(NAMES, VALUES, max_size=80))
def test_any_content_is_a_valid_enquiry_or_has_errors(content: dict[str, str]) -> None:
    content = {
        name.encode(errors="replace").decode(): value.encode(errors="replace").decode()
        for name, value in content.items()
    }
    understood = understand(content)
    if not understood.errors:
        check_enquiry(understood.enquiry, SimpleNormalizer())


def test_what_a_key_has_captured_has_no_error_and_is_no_spam() -> None:
    intake = Intake(SimpleNormalizer(), {"enquiry:form": IntakePolicy(honeypot="name")})
    submission = a_submission(origin="enquiry:form", content={**JOHN, "name": "John"})
    assert intake.understand(submission) == Understood({"email": "john@example.com", "name": "John"}, (), None)
