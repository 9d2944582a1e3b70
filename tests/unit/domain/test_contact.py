"""Test the text form of e-mail addresses and phone numbers."""

import pytest

from builders import an_email
from leads_domain.contact import PhoneNumber


def test_an_email_address_is_shown_as_it_was_typed() -> None:
    assert str(an_email("John.Doe@Example.com")) == "John.Doe@Example.com"


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (PhoneNumber("+12025550123"), "+12025550123"),
        (PhoneNumber("+12025550123", "0"), "+12025550123;ext=0"),
    ],
)
def test_a_phone_number_is_shown_with_its_extension_in_the_form_of_rfc_3966(number: PhoneNumber, text: str) -> None:
    assert str(number) == text
