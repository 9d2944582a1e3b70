"""E-mail addresses and phone numbers in canonical form.

Only the `Normalizer` port creates them from text, so values of these types are always valid.
"""

from dataclasses import dataclass


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
