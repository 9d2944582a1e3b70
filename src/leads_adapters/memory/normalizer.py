"""Normalize simple e-mail addresses and phone numbers, for tests."""

import re

from leads_domain.contact import EmailAddress, PhoneNumber
from leads_domain.errors import ValidationFailed

EMAIL_MAX = 254
_ATOM = r"[a-z0-9_+-]+"
_LABEL = r"[a-z0-9]+(?:-[a-z0-9]+)*"
_EMAIL = re.compile(rf"{_ATOM}(?:\.{_ATOM})*@(?:{_LABEL}\.)+[a-z]+", re.ASCII | re.IGNORECASE)
_PHONE = re.compile(r"(?P<number>\+[1-9][0-9 ()./-]{6,30}?)(?: ?(?:;ext=|ext\. ?|x)(?P<extension>[0-9]{1,20}))?")


class SimpleNormalizer:
    """A `Normalizer` for tests, for ASCII addresses and without knowledge of countries.

    It refuses some valid addresses, such as international ones. It accepts all numbers that begin with + and have 7 to
    15 digits, even if no country has them.
    """

    def email(self, text: str) -> EmailAddress:
        """See `Normalizer.email`."""
        address = text.strip()
        if len(address) > EMAIL_MAX or not _EMAIL.fullmatch(address):
            raise ValidationFailed.because("This is not an e-mail address. Write it like name@example.com.")
        return EmailAddress(address, address.lower())

    def phone(self, text: str) -> PhoneNumber:
        """See `Normalizer.phone`. The number must begin with a country calling code."""
        match = _PHONE.fullmatch(text.strip())
        digits = re.sub("[^0-9]", "", match["number"]) if match else ""
        if match is None or not 7 <= len(digits) <= 15:  # noqa: PLR2004 - bounds of ITU-T E.164
            raise ValidationFailed.because('This is not a phone number. Write it like "+49 30 123456".')
        return PhoneNumber(f"+{digits}", match["extension"])
