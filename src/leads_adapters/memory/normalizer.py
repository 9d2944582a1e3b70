"""Addresses and numbers of the simplest kind, for tests."""

import re

from leads_domain.contact import EmailAddress, PhoneNumber
from leads_domain.errors import ValidationFailed

EMAIL_MAX = 254
_ATOM = r"[a-z0-9_+-]+"
_LABEL = r"[a-z0-9]+(?:-[a-z0-9]+)*"
_EMAIL = re.compile(rf"{_ATOM}(?:\.{_ATOM})*@(?:{_LABEL}\.)+[a-z]+", re.ASCII | re.IGNORECASE)
_PHONE = re.compile(r"(?P<number>\+[1-9][0-9 ()./-]{6,30}?)(?: ?(?:;ext=|ext\. ?|x)(?P<extension>[0-9]{1,20}))?")


class SimpleNormalizer:
    """The `Normalizer` port for tests: ASCII only, and nothing known of any country.

    It refuses some addresses that exist (international ones among them) and accepts numbers that no
    country has, as long as they begin with + and have 7 to 15 digits.
    """

    def email(self, text: str) -> EmailAddress:
        """As the port says, for ASCII."""
        address = text.strip()
        if len(address) > EMAIL_MAX or not _EMAIL.fullmatch(address):
            raise ValidationFailed.because("This is not an e-mail address. Write it like name@example.com.")
        return EmailAddress(address, address.lower())

    def phone(self, text: str) -> PhoneNumber:
        """As the port says, for numbers that begin with the country calling code."""
        match = _PHONE.fullmatch(text.strip())
        digits = re.sub("[^0-9]", "", match["number"]) if match else ""
        if match is None or not 7 <= len(digits) <= 15:  # noqa: PLR2004 - bounds of ITU-T E.164
            raise ValidationFailed.because('This is not a telephone number. Write it like "+49 30 123456".')
        return PhoneNumber(f"+{digits}", match["extension"])
