"""The contract of the `Normalizer` port."""

from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from leads_domain.contact import EmailAddress
from leads_domain.errors import ValidationFailed
from leads_domain.sources import Normalizer

DETAIL_MAX = 250
NOT_EMAILS = [
    "",
    " ",
    "@",
    "ada",
    "ada@",
    "@example.com",
    "ada@example",
    "ada@@example.com",
    "ada@example..com",
    "a..da@example.com",
    ".ada@example.com",
    "ada.@example.com",
    "ada@-example.com",
    "ada@example-.com",
    "ada@exam ple.com",
    "a da@example.com",
    "ada@example.com,bob@example.com",
    "Ada <ada@example.com>",
    '"ada"@example.com',
    "ada@[192.0.2.1]",
    "ada@192.0.2.1",
    "ada\0@example.com",
    "ada@example.com\0",
    "ada\n@example.com",
    "ada@example.com\nBcc: bob@example.com",
    "\ud800@example.com",
    "a" * 243 + "@example.com",
    "a" * 1_000_000 + "@example.com",
]
NOT_PHONES = [
    "",
    " ",
    "+",
    "+49",
    "030 123456",
    "call me",
    "call +49 30 123456",
    "+49 30 123456 call me",
    "+1 800 FLOWERS",
    "+49 30 123456 ext.",
    "+49 30 123456\0",
    "+49\x0030123456",
    "+0 30 123456",
    "+49 30 123456 / +49 30 654321",
    "+49" + "1" * 30,
    "+49 30 123456" + " " * 100 + "7",
    "1" * 1_000_000,
]
SPELLINGS = [
    ("ada@example.com", "ADA@EXAMPLE.COM"),
    ("ada@example.com", " Ada@Example.com\n"),
    ("ada+tag@example.com", "Ada+Tag@example.com"),
    ("ada@m\u00fcller.example.com", "ada@xn--mller-kva.example.com"),
    ("ada@m\u00fcller.example.com", "ada@mu\u0308ller.example.com"),
    ("\u00e4da@example.com", "\u00c4da@example.com"),
    ("\u00e4da@example.com", "a\u0308da@example.com"),
]

LOCAL_PARTS = st.text(st.characters(categories=["L", "M", "N", "P", "S"]), min_size=1, max_size=20)
DOMAINS = st.sampled_from(["example.com", "EXAMPLE.Com"]) | st.builds(
    "{}.com".format, st.text(st.characters(categories=["L"]), min_size=1, max_size=4)
)
# Each subclass intentionally runs the same property.
FOR_ALL_ADAPTERS = settings(deadline=None, suppress_health_check=[HealthCheck.differing_executors])


def shorten(text: str) -> str:
    """Return an id of a test case for this text."""
    return ascii(text)[:40]


def key_of(normalizer: Normalizer, text: str) -> str | None:
    """Return the key of the address; None if the address is refused."""
    try:
        return normalizer.email(text).key
    except ValidationFailed:
        return None


def assert_refused(read: Callable[[str], object], text: str) -> None:
    """Check that `text` is refused with one error of short, complete sentences."""
    with pytest.raises(ValidationFailed) as caught:
        read(text)
    (error,) = caught.value.errors
    assert error.pointer == ""
    assert error.detail.endswith(".")
    assert error.detail.isprintable()
    assert len(error.detail) <= DETAIL_MAX


class NormalizerContract:
    """Inherit from it, name the class `Test...`, and implement `make`."""

    def make(self) -> Normalizer:
        """Return the adapter, without a default region."""
        raise NotImplementedError

    def test_stores_an_email_address_as_it_was_typed(self) -> None:
        address = self.make().email("  Ada.Lovelace+Leads@Example.COM\n")

        assert address == EmailAddress("Ada.Lovelace+Leads@Example.COM", "ada.lovelace+leads@example.com")

    @pytest.mark.parametrize(("one", "other"), SPELLINGS)
    def test_returns_the_same_key_for_two_spellings_or_refuses_both(self, one: str, other: str) -> None:
        normalizer = self.make()

        assert key_of(normalizer, one) == key_of(normalizer, other)

    @pytest.mark.parametrize("other", ["ada+tag@example.com", "a.da@example.com", "ada@mail.example.com"])
    def test_returns_different_keys_for_addresses_of_possibly_different_mailboxes(self, other: str) -> None:
        normalizer = self.make()

        assert normalizer.email("ada@example.com").key != normalizer.email(other).key

    @settings(FOR_ALL_ADAPTERS)
    @given(st.builds("{}@{}".format, LOCAL_PARTS, DOMAINS))
    @example("\u0345\u0390@example.com")
    @example("a\u0345\u0301@example.com")
    def test_accepts_every_key_as_an_address_with_that_key(self, text: str) -> None:
        normalizer = self.make()
        key = key_of(normalizer, text)

        assert key is None or normalizer.email(key) == EmailAddress(key, key)

    @pytest.mark.parametrize("text", NOT_EMAILS, ids=shorten)
    def test_refuses_an_invalid_email_address(self, text: str) -> None:
        assert_refused(self.make().email, text)

    @pytest.mark.parametrize(
        "text", ["+49123456789", "+49 123 456789", "+49 (123) 456-789", "+49/123/456789", " +49.123.456789 "]
    )
    def test_returns_a_phone_number_in_e164(self, text: str) -> None:
        assert str(self.make().phone(text)) == "+49123456789"

    @pytest.mark.parametrize("text", ["+49 30 123456 ext. 012", "+49 30 123456 x012", "+4930123456;ext=012"])
    def test_separates_the_extension(self, text: str) -> None:
        number = self.make().phone(text)

        assert (number.e164, number.extension, str(number)) == ("+4930123456", "012", "+4930123456;ext=012")

    @settings(FOR_ALL_ADAPTERS)
    @given(st.from_regex(r"\+[1-9][0-9 ]{4,14}(;ext=[0-9]{1,9})?", fullmatch=True))
    def test_parses_its_own_output_as_the_same_phone_number(self, text: str) -> None:
        normalizer = self.make()
        try:
            number = normalizer.phone(text)
        except ValidationFailed:
            return

        assert normalizer.phone(str(number)) == number

    @pytest.mark.parametrize("text", NOT_PHONES, ids=shorten)
    def test_refuses_an_invalid_phone_number(self, text: str) -> None:
        assert_refused(self.make().phone, text)
