"""Test the search for phone numbers of every country, in national and international form."""

import phonenumbers
import pytest
from phonenumbers import PhoneNumberFormat, PhoneNumberType

from leads_domain.phone_words import phone_query_words, phone_words

KINDS = [PhoneNumberType.FIXED_LINE, PhoneNumberType.MOBILE]
NUMBERS = [
    number
    for region in sorted(phonenumbers.SUPPORTED_REGIONS)
    for kind in KINDS
    if (number := phonenumbers.example_number_for_type(region, kind)) is not None
]


def is_found(typed: str, e164: str) -> bool:
    """Return True if the search text finds the number."""
    return any(word.startswith(start) for word in phone_words(e164) for start in phone_query_words(typed))


def written(number: phonenumbers.PhoneNumber, form: int) -> str:
    """Return the number in this format."""
    return phonenumbers.format_number(number, form)


@pytest.mark.parametrize("form", [PhoneNumberFormat.E164, PhoneNumberFormat.INTERNATIONAL, PhoneNumberFormat.NATIONAL])
def test_a_number_of_any_country_is_found_in_every_form(form: int) -> None:
    missed = [
        written(number, form)
        for number in NUMBERS
        if not is_found(written(number, form), written(number, PhoneNumberFormat.E164))
    ]
    # Argentina: the national form replaces the leading 9 by a 15. The last digits and the international form are found.
    assert [text for text in missed if " 15-" not in text] == []


def test_every_calling_code_is_known() -> None:
    for code in phonenumbers.COUNTRY_CODE_TO_REGION_CODE:
        assert phone_words(f"+{code}5550123")[1].endswith("5550123")
        assert len(phone_words(f"+{code}5550123")[1]) <= len("805550123")


@pytest.mark.parametrize(
    ("typed", "e164"),
    [
        ("123456", "+4930123456"),
        ("3456", "+4930123456"),
        ("56", "+5612345678"),
        ("0012", "+4930120012"),
        ("+39 (0)6 1234", "+39061234567"),
        ("+39 06 1234", "+39061234567"),
        ("06 1234", "+39061234567"),
        ("8 495", "+74951234567"),
        ("06 1 234", "+3612345678"),
        ("+44 020 7946", "+442079460958"),
    ],
)
def test_is_found(typed: str, e164: str) -> None:
    assert is_found(typed, e164)


@pytest.mark.parametrize("typed", ["56", "+123456", "30 12 5", "0049 123456", "234", "00000", "+49 0 1"])
def test_is_not_found(typed: str) -> None:
    assert not is_found(typed, "+4930123456")


def test_the_zeros_of_a_short_number_are_kept() -> None:
    assert phone_query_words("06123") == ("06123", "6123", "\u00ac32160")
    assert phone_query_words("0612") == ("0612", "\u00ac2160")


def test_last_digits_are_three_to_fifteen() -> None:
    for digits in ("12", "1" * 16):
        assert phone_query_words(digits) == (digits,)
    for digits in ("123", "123456789012345"):
        assert phone_query_words(digits) == (digits, "\u00ac" + digits[::-1])


def test_the_words_of_a_number_are_international_national_and_reversed() -> None:
    assert phone_words("+4930123456") == ("4930123456", "30123456", "\u00ac6543210394")
    assert phone_words("+74951234567") == ("74951234567", "84951234567", "\u00ac76543215947")
    assert phone_query_words("+49 (0)30 12") == ("4903012", "493012")
    assert phone_query_words("0049 030 12") == ("004903012", "4903012", "493012", "\u00ac210309400")


def test_a_number_that_is_shorter_than_a_calling_code_is_searched_as_it_is() -> None:
    assert phone_query_words("+2") == ("2",)
    assert phone_query_words("+35") == ("35",)
    assert phone_query_words("+") == ()
