"""How a person can be reached, as values that are already known to be well-formed.

Only the `Normalizer` port makes them from text, so a value of these types needs no second check.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class EmailAddress:
    """An e-mail address as the person typed it, and the key that decides whose address it is.

    Two spellings of one address have equal keys: Unicode in normalization form C, the local part
    case-folded, the domain in lower-case ASCII (IDNA 2008, RFC 5891). Tags after a plus sign count.
    """

    address: str
    key: str

    def __str__(self) -> str:
        return self.address


@dataclass(frozen=True, slots=True)
class PhoneNumber:
    """A telephone number in E.164 form (`+49123456789`), its extension kept apart."""

    e164: str
    extension: str | None = None

    def __str__(self) -> str:
        """Return the number; with an extension, in the notation of RFC 3966."""
        return f"{self.e164};ext={self.extension}" if self.extension else self.e164
