"""E-mail addresses and phone numbers in canonical form.

Only the `Normalizer` port creates them from text, so values of these types are always valid.
"""

from dataclasses import dataclass

from leads_domain.errors import FieldError, ValidationFailed

NO_CONTACT = FieldError("", "Give an e-mail address or a phone number.")
"""The error of a lead that has neither."""


@dataclass(frozen=True, slots=True)
class EmailAddress:
    """An e-mail address as typed, and its canonical form, the `key`.

    Different spellings of one address have the same key: Unicode in normalization form C, the local part case-folded,
    the domain in lower-case ASCII (IDNA 2008, RFC 5891). Addresses with different tags (`+tag`) have different keys.
    """

    address: str
    key: str

    def __str__(self) -> str:
        return self.address


@dataclass(frozen=True, slots=True)
class PhoneNumber:
    """A phone number in E.164 form (`+49123456789`), with a separate extension."""

    e164: str
    extension: str | None = None

    def __str__(self) -> str:
        """Return the number, with its extension as in RFC 3966."""
        return f"{self.e164};ext={self.extension}" if self.extension else self.e164


def identity_of(email: EmailAddress | None, phone: PhoneNumber | None) -> str:
    """Return the identity of a lead: the e-mail key, else the phone number; raises `ValidationFailed` without both.

    The two never collide: an e-mail key contains an @, and a phone number does not.
    """
    if email:
        return email.key
    if phone:
        return str(phone)
    raise ValidationFailed([NO_CONTACT])
